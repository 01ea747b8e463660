"""A privacy notice: facts, one law, one language, one edition -> what people read. Pure.

What it has to say is listed in GDPR Art. 13 and 14; other laws ask for less or for the same in other
words. It is data, sections of paragraphs and items; the Markdown is one way to show it, and what the
digest is taken of.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from discretion.catalogue.model import Basis, Family, Form
from discretion.catalogue.recipient import Recipient
from discretion.domain.notices.editions import Edition
from discretion.domain.notices.facts import Facts, Kept, Pursued, Seen, by_duration
from discretion.domain.notices.privacy_office import Office
from discretion.domain.notices.wording import ENGLISH, Wording
from discretion.law.jurisdiction import Jurisdiction, Right
from discretion.law.local_days import local_day
from discretion.law.model import Model, Needs, Rules


@dataclass(frozen=True, slots=True)
class Line:
    """One thing said of an item."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Item:
    """Something a section lists; ``key`` is its name in the catalogue or the law."""

    key: str
    title: str
    text: str = ""
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a notice."""

    key: str
    title: str
    paragraphs: tuple[str, ...] = ()
    items: tuple[Item, ...] = ()


@dataclass(frozen=True)
class Notice:
    """A privacy notice. ``since`` is the first day of its edition, as YYYY-MM-DD."""

    version: str
    since: str
    jurisdiction: str
    language: str
    title: str
    sections: tuple[Section, ...]

    @cached_property
    def text(self) -> str:
        """As Markdown, ending in a newline."""
        return "\n\n".join([f"# {self.title}", *(_markdown(one) for one in self.sections)]) + "\n"

    @cached_property
    def sha256(self) -> str:
        """Of the text in UTF-8, in hexadecimal: what a receipt of a consent names it by."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def notice(
    facts: Facts, office: Office, law: Jurisdiction, wording: Wording, edition: Edition, now_ms: int
) -> Notice:
    """What people of a jurisdiction are told, in a language, under the rules of a moment."""
    rules, rights = law.timeline.at(now_ms), rights_on(law, local_day(now_ms, law.zone))
    made = _Making(facts, office, law, wording, edition, rules, rights)
    return Notice(
        edition.version,
        edition.since.isoformat(),
        law.key,
        wording.language,
        wording.say("title", controller=facts.controller),
        tuple(made.sections()),
    )


def rights_on(law: Jurisdiction, day: date) -> Mapping[Right, str]:
    """The rights that a law gives on a day, each with where it stands."""
    found = {right: law.right(right, day) for right in Right}
    return {right: one.cited.source for right, one in found.items() if one is not None}


def ages_of(rules: Rules) -> Mapping[tuple[int, Needs], frozenset[Family]]:
    """What is needed below which age, the lowest first, for purposes of which families."""
    found: dict[tuple[int, Needs], frozenset[Family]] = {}
    for age in sorted(rules.ages, key=lambda one: (one.below, one.needs)):
        key = (age.below, age.needs)
        found[key] = found.get(key, frozenset()) | age.families
    return found


@dataclass(frozen=True, slots=True)
class _Making:
    """A notice in the making."""

    facts: Facts
    office: Office
    law: Jurisdiction
    wording: Wording
    edition: Edition
    rules: Rules
    rights: Mapping[Right, str]

    def sections(self) -> Iterator[Section]:
        yield self._opening()
        say, office = self.wording.say, self.office
        who = say("who_says", controller=self.facts.controller, address=office.address, email=office.email)
        yield Section("controller", say("who"), (who, say("officer", officer=office.officer)))
        uses = tuple(self._purpose(one) for one in self.facts.purposes)
        yield Section("purposes", say("uses"), (say("uses_say"),), uses)
        yield Section("data", say("held"), (say("held_says"),), tuple(map(self._kept, self.facts.data)))
        yield Section("sources", say("senders"), (say("senders_say"),), tuple(self._senders()))
        if self.facts.recipients:
            yield Section("recipients", say("recipients"), items=tuple(self._recipients()))
        yield Section("choices", say("choices"), (say("choices_say"), *self._choices()))
        rights = tuple(
            Item(right, self.wording.word("rights", right), lines=(Line(say("source"), source),))
            for right, source in self.rights.items()
        )
        yield Section("rights", say("rights"), (say("rights_say", email=office.email),), rights)
        authority = self.law.authority
        complaint = say("complain_to", authority=authority.name, url=authority.url)
        yield Section("complaint", say("complain"), (complaint,))
        if untranslated := tuple(self._untranslated()):
            words = self.wording.list(untranslated)
            yield Section("untranslated", say("untranslated"), (say("untranslated_says", words=words),))

    def _opening(self) -> Section:
        say, edition = self.wording.say, self.edition
        summary = edition.summary.get(self.wording.language, edition.summary[ENGLISH])
        return Section(
            "edition",
            say("edition", version=edition.version, date=edition.since.isoformat()),
            (
                say("protected", law=self.law.law, jurisdiction=self.law.label),
                say("news", summary=summary),
            ),
        )

    def _purpose(self, one: Pursued) -> Item:
        say, wording = self.wording.say, self.wording
        lines = [Line(say("allowed"), self._allowed(one))]
        if one.lasts:
            lines.append(Line(say("consent_lasts"), wording.duration(one.lasts)))
        lines += [Line(say("data"), wording.list([self._seen(seen) for seen in one.data]))]
        kept = [
            say("kept_for", duration=wording.duration(time), data=wording.list(self._categories(data)))
            for time, data in by_duration(one.data).items()
        ]
        lines += [Line(say("kept"), part) for part in kept]
        known = {recipient.key: texts_of(recipient) for recipient in self.facts.recipients}
        received = [wording.of("recipients", key, known[key])[0] for key in one.recipients]
        lines.append(Line(say("received"), wording.list(received) if received else say("nobody")))
        label, description, meaning = wording.of("purposes", one.key, texts_of(one))
        return Item(one.key, label, f"{description} {meaning}", tuple(lines))

    def _allowed(self, one: Pursued) -> str:
        """What lets it be done here: the catalogue's basis where the law asks for one, else the law's way.

        A law with bases may ask for a yes beside them, as Directive 2002/58/EC does of messages.
        """
        model = self.rules.models[one.family]
        basis, way = self.wording.words.bases[one.basis], self.wording.words.models[model]
        if Model.BASIS not in self.rules.models.values():
            return way
        agreed = one.basis is Basis.CONSENT and model is Model.OPT_IN
        return basis if agreed or model is Model.BASIS else f"{basis} {way}"

    def _seen(self, one: Seen) -> str:
        category = self.wording.word("categories", one.category)
        if one.forms == (Form.CLEAR,):
            return category
        forms = ", ".join(self.wording.words.forms[form] for form in one.forms)
        return self.wording.say("in_form", data=category, form=forms)

    def _categories(self, data: tuple[Seen, ...]) -> list[str]:
        return [self.wording.word("categories", one.category) for one in data]

    def _kept(self, one: Kept) -> Item:
        say, words = self.wording.say, self.wording.words
        origins = [words.channels[channel] for channel in one.channels]
        origins += [say("derived")] if one.derived else []
        times = [self.wording.duration(time) for time in one.kept]
        lines = [
            Line(say("kept"), self.wording.list(times)),
            Line(say("comes_from"), self.wording.list(origins)),
        ]
        if one.kinds:
            lines.append(Line(say("protected_kind"), self.wording.list(self._kinds(one.kinds))))
        return Item(one.category, self.wording.word("categories", one.category), lines=tuple(lines))

    def _kinds(self, kinds: tuple[str, ...]) -> list[str]:
        return [self.wording.word("kinds", kind) for kind in kinds]

    def _senders(self) -> Iterator[Item]:
        for one in self.facts.senders:
            label = self.wording.words.sources.get(one.key, one.label)
            yield Item(one.key, label, self.wording.words.channels[one.channel])

    def _recipients(self) -> Iterator[Item]:
        say, wording = self.wording.say, self.wording
        for one in self.facts.recipients:
            lines = [Line(say("used_for"), wording.list([self._label(key) for key in one.purposes]))]
            lines += [
                Line(say("abroad"), say("abroad_to", country=country, safeguard=safeguard))
                for country, safeguard in one.transfers.items()
            ]
            label, told = wording.of("recipients", one.key, texts_of(one))
            yield Item(one.key, f"{label} ({wording.words.roles[one.role]})", told, tuple(lines))

    def _label(self, key: str) -> str:
        known = {one.key: texts_of(one) for one in self.facts.purposes}
        return self.wording.of("purposes", key, known[key])[0]

    def _choices(self) -> Iterator[str]:
        if self.rules.signals:
            yield self.wording.say("signals")
        for (below, needed), families in ages_of(self.rules).items():
            purposes = [self._label(one.key) for one in self.facts.purposes if one.family in families]
            if purposes:
                needs = self.wording.words.needs[needed]
                listed = self.wording.list(purposes)
                yield self.wording.say("age", age=str(below), needs=needs, purposes=listed)
        kept = {kind for one in self.facts.data for kind in one.kinds}
        for model in Model:
            kinds = tuple(kind for kind, how in sorted(self.rules.sensitive.items()) if how is model)
            if found := tuple(kind for kind in kinds if kind in kept):
                allowed = self.wording.words.models[model]
                listed = self.wording.list(self._kinds(found))
                yield self.wording.say("sensitive", kinds=listed, allowed=allowed)

    def _untranslated(self) -> Iterator[str]:
        """What is shown in English because this language has no word for it."""
        if self.wording.language == ENGLISH:
            return
        if self.wording.language not in self.edition.summary:
            yield self.edition.summary[ENGLISH]
        english, facts = self.wording.english, self.facts
        categories = {one.category for one in facts.data}
        kinds = {kind for one in facts.data for kind in one.kinds}
        yield from (one.label for _, one in to_translate(self.wording, facts))
        shown: dict[str, dict[str, str]] = {
            "sources": {one.key: one.label for one in facts.senders},
            "categories": {key: english.categories.get(key, key) for key in sorted(categories)},
            "kinds": {key: english.kinds.get(key, key) for key in sorted(kinds)},
            "rights": {right: english.rights.get(right, right) for right in self.rights},
        }
        for section, words in shown.items():
            yield from (word for key, word in words.items() if not self.wording.has(section, key))


def texts_of(one: Pursued | Recipient) -> tuple[str, ...]:
    """What the catalogue says of a purpose or a recipient."""
    said = (one.label, one.description)
    return (*said, one.meaning) if isinstance(one, Pursued) else said


def to_translate(wording: Wording, facts: Facts) -> Iterator[tuple[str, Pursued | Recipient]]:
    """Purposes and recipients that a language has no words for, or words for another text."""
    listed: tuple[tuple[str, tuple[Pursued | Recipient, ...]], ...] = (
        ("purposes", facts.purposes),
        ("recipients", facts.recipients),
    )
    for section, entries in listed:
        for one in entries:
            if wording.renews(section, one.key, texts_of(one)):
                yield section, one


def _markdown(section: Section) -> str:
    return "\n\n".join([f"## {section.title}", *section.paragraphs, *map(_listed, section.items)])


def _listed(item: Item) -> str:
    title = f"### {item.title}" if item.lines else f"**{item.title}**"
    lines = "\n".join(f"* {line.name}: {line.text}" for line in item.lines)
    return "\n\n".join(part for part in (title, item.text, lines) if part)
