"""Build a privacy notice from facts, one law, one language and one edition. Pure.

GDPR Art. 13 and 14 list what a notice must state; other laws require less, or the same in other words. A
notice is data: sections with paragraphs and items. The Markdown text is one representation of it, and the one
that the digest is computed from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from discretion.catalogue.model import Basis, Family, Form
from discretion.catalogue.recipient import Recipient
from discretion.domain.notices.editions import NoticeEdition
from discretion.domain.notices.facts import DataFacts, NoticeFacts, PurposeFacts, UsedData, group_by_duration
from discretion.domain.notices.privacy_office import PrivacyOffice
from discretion.domain.notices.wording import ENGLISH, NoticeWording
from discretion.law.jurisdiction import Jurisdiction, Right
from discretion.law.local_days import find_local_day
from discretion.law.model import AgeRequirement, ConsentModel, ConsentRules


@dataclass(frozen=True, slots=True)
class RenderedLine:
    """One named statement about an item."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class RenderedItem:
    """One item that a section lists; ``key`` is its name in the catalogue or the law."""

    key: str
    title: str
    text: str = ""
    lines: tuple[RenderedLine, ...] = ()


@dataclass(frozen=True, slots=True)
class RenderedSection:
    """One section of a notice."""

    key: str
    title: str
    paragraphs: tuple[str, ...] = ()
    items: tuple[RenderedItem, ...] = ()


@dataclass(frozen=True)
class RenderedNotice:
    """A privacy notice; ``since`` is the first day of its edition, as YYYY-MM-DD."""

    version: str
    since: str
    jurisdiction: str
    language: str
    title: str
    sections: tuple[RenderedSection, ...]

    @cached_property
    def text(self) -> str:
        """The notice as Markdown, ending in a newline."""
        # Consent receipts refer to the digest of this text: another layout would change it for every notice.
        return (
            "\n\n".join([f"# {self.title}", *(_format_section(section) for section in self.sections)]) + "\n"
        )

    @cached_property
    def sha256(self) -> str:
        """Hexadecimal SHA-256 of the text in UTF-8; a consent receipt refers to the notice by it."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def build_notice(
    facts: NoticeFacts,
    office: PrivacyOffice,
    law: Jurisdiction,
    wording: NoticeWording,
    edition: NoticeEdition,
    now_ms: int,
) -> RenderedNotice:
    """Build the notice for people of a jurisdiction in one language, under the rules at ``now_ms``."""
    rules, rights = law.timeline.find_rules(now_ms), find_rights_on(law, find_local_day(now_ms, law.zone))
    builder = _NoticeBuilder(facts, office, law, wording, edition, rules, rights)
    return RenderedNotice(
        edition.version,
        edition.since.isoformat(),
        law.key,
        wording.language,
        wording.format_sentence("title", controller=facts.controller),
        tuple(builder.build_sections()),
    )


def find_rights_on(law: Jurisdiction, day: date) -> Mapping[Right, str]:
    """Return the rights that a law gives on a day, each with its source."""
    entitlements = {right: law.find_right(right, day) for right in Right}
    return {
        right: entitlement.citation.source
        for right, entitlement in entitlements.items()
        if entitlement is not None
    }


def group_ages(rules: ConsentRules) -> Mapping[tuple[int, AgeRequirement], frozenset[Family]]:
    """Return the families of purposes by age and requirement, the lowest age first."""
    families_by_age: dict[tuple[int, AgeRequirement], frozenset[Family]] = {}
    for age in sorted(rules.ages, key=lambda age_rule: (age_rule.below, age_rule.needs)):
        key = (age.below, age.needs)
        families_by_age[key] = families_by_age.get(key, frozenset()) | age.families
    return families_by_age


@dataclass(frozen=True, slots=True)
class _NoticeBuilder:
    """Builds the sections of one notice."""

    facts: NoticeFacts
    office: PrivacyOffice
    law: Jurisdiction
    wording: NoticeWording
    edition: NoticeEdition
    rules: ConsentRules
    rights: Mapping[Right, str]

    def build_sections(self) -> Iterator[RenderedSection]:
        yield self._build_opening()
        sentence, office = self.wording.format_sentence, self.office
        controller_text = sentence(
            "who_says", controller=self.facts.controller, address=office.address, email=office.email
        )
        yield RenderedSection(
            "controller", sentence("who"), (controller_text, sentence("officer", officer=office.officer))
        )
        purpose_items = tuple(self._build_purpose(purpose) for purpose in self.facts.purposes)
        yield RenderedSection("purposes", sentence("uses"), (sentence("uses_say"),), purpose_items)
        yield RenderedSection(
            "data", sentence("held"), (sentence("held_says"),), tuple(map(self._build_data, self.facts.data))
        )
        yield RenderedSection(
            "sources", sentence("senders"), (sentence("senders_say"),), tuple(self._iterate_sources())
        )
        if self.facts.recipients:
            yield RenderedSection(
                "recipients", sentence("recipients"), items=tuple(self._iterate_recipients())
            )
        yield RenderedSection(
            "choices", sentence("choices"), (sentence("choices_say"), *self._iterate_choices())
        )
        right_items = tuple(
            RenderedItem(
                right,
                self.wording.find_word("rights", right),
                lines=(RenderedLine(sentence("source"), source),),
            )
            for right, source in self.rights.items()
        )
        yield RenderedSection(
            "rights", sentence("rights"), (sentence("rights_say", email=office.email),), right_items
        )
        authority = self.law.authority
        complaint = sentence("complain_to", authority=authority.name, url=authority.url)
        yield RenderedSection("complaint", sentence("complain"), (complaint,))
        if untranslated := tuple(self._iterate_untranslated()):
            listed_texts = self.wording.join_texts(untranslated)
            yield RenderedSection(
                "untranslated", sentence("untranslated"), (sentence("untranslated_says", words=listed_texts),)
            )

    def _build_opening(self) -> RenderedSection:
        sentence, edition = self.wording.format_sentence, self.edition
        summary = edition.summary.get(self.wording.language, edition.summary[ENGLISH])
        return RenderedSection(
            "edition",
            sentence("edition", version=edition.version, date=edition.since.isoformat()),
            (
                sentence("protected", law=self.law.law, jurisdiction=self.law.label),
                sentence("news", summary=summary),
            ),
        )

    def _build_purpose(self, purpose: PurposeFacts) -> RenderedItem:
        sentence, wording = self.wording.format_sentence, self.wording
        lines = [RenderedLine(sentence("allowed"), self._describe_permission(purpose))]
        if purpose.lasts:
            lines.append(RenderedLine(sentence("consent_lasts"), wording.format_duration(purpose.lasts)))
        lines += [
            RenderedLine(
                sentence("data"),
                wording.join_texts([self._describe_used_data(used_data) for used_data in purpose.data]),
            )
        ]
        retention_texts = [
            sentence(
                "kept_for",
                duration=wording.format_duration(duration),
                data=wording.join_texts(self._list_category_names(data)),
            )
            for duration, data in group_by_duration(purpose.data).items()
        ]
        lines += [RenderedLine(sentence("kept"), retention_text) for retention_text in retention_texts]
        recipient_texts = {recipient.key: list_texts(recipient) for recipient in self.facts.recipients}
        recipient_labels = [
            wording.translate_texts("recipients", key, recipient_texts[key])[0] for key in purpose.recipients
        ]
        lines.append(
            RenderedLine(
                sentence("received"),
                wording.join_texts(recipient_labels) if recipient_labels else sentence("nobody"),
            )
        )
        label, description, meaning = wording.translate_texts("purposes", purpose.key, list_texts(purpose))
        return RenderedItem(purpose.key, label, f"{description} {meaning}", tuple(lines))

    def _describe_permission(self, purpose: PurposeFacts) -> str:
        """Describe what allows a purpose here: the catalogue's legal basis, the law's consent model, or both.

        A law with legal bases may require consent in addition, as Directive 2002/58/EC does for messages.
        """
        model = self.rules.models[purpose.family]
        basis_text, model_text = self.wording.words.bases[purpose.basis], self.wording.words.models[model]
        if ConsentModel.BASIS not in self.rules.models.values():
            return model_text
        # Consent as basis and opt-in as the law's model mean the same, so one text is written.
        is_plain_consent = purpose.basis is Basis.CONSENT and model is ConsentModel.OPT_IN
        return basis_text if is_plain_consent or model is ConsentModel.BASIS else f"{basis_text} {model_text}"

    def _describe_used_data(self, used_data: UsedData) -> str:
        category = self.wording.find_word("categories", used_data.category)
        if used_data.forms == (Form.CLEAR,):
            return category
        forms = ", ".join(self.wording.words.forms[form] for form in used_data.forms)
        return self.wording.format_sentence("in_form", data=category, form=forms)

    def _list_category_names(self, data: tuple[UsedData, ...]) -> list[str]:
        return [self.wording.find_word("categories", used_data.category) for used_data in data]

    def _build_data(self, data: DataFacts) -> RenderedItem:
        sentence, words = self.wording.format_sentence, self.wording.words
        origins = [words.channels[channel] for channel in data.channels]
        origins += [sentence("derived")] if data.derived else []
        duration_texts = [self.wording.format_duration(duration) for duration in data.kept]
        lines = [
            RenderedLine(sentence("kept"), self.wording.join_texts(duration_texts)),
            RenderedLine(sentence("comes_from"), self.wording.join_texts(origins)),
        ]
        if data.kinds:
            lines.append(
                RenderedLine(
                    sentence("protected_kind"), self.wording.join_texts(self._list_kind_names(data.kinds))
                )
            )
        return RenderedItem(
            data.category, self.wording.find_word("categories", data.category), lines=tuple(lines)
        )

    def _list_kind_names(self, kinds: tuple[str, ...]) -> list[str]:
        return [self.wording.find_word("kinds", kind) for kind in kinds]

    def _iterate_sources(self) -> Iterator[RenderedItem]:
        for source in self.facts.senders:
            label = self.wording.words.sources.get(source.key, source.label)
            yield RenderedItem(source.key, label, self.wording.words.channels[source.channel])

    def _iterate_recipients(self) -> Iterator[RenderedItem]:
        sentence, wording = self.wording.format_sentence, self.wording
        for recipient in self.facts.recipients:
            lines = [
                RenderedLine(
                    sentence("used_for"),
                    wording.join_texts([self._translate_purpose_label(key) for key in recipient.purposes]),
                )
            ]
            lines += [
                RenderedLine(sentence("abroad"), sentence("abroad_to", country=country, safeguard=safeguard))
                for country, safeguard in recipient.transfers.items()
            ]
            label, description = wording.translate_texts("recipients", recipient.key, list_texts(recipient))
            yield RenderedItem(
                recipient.key, f"{label} ({wording.words.roles[recipient.role]})", description, tuple(lines)
            )

    def _translate_purpose_label(self, key: str) -> str:
        purpose_texts = {purpose.key: list_texts(purpose) for purpose in self.facts.purposes}
        return self.wording.translate_texts("purposes", key, purpose_texts[key])[0]

    def _iterate_choices(self) -> Iterator[str]:
        if self.rules.signals:
            yield self.wording.format_sentence("signals")
        for (below, requirement), families in group_ages(self.rules).items():
            purposes = [
                self._translate_purpose_label(purpose.key)
                for purpose in self.facts.purposes
                if purpose.family in families
            ]
            if purposes:
                requirement_text = self.wording.words.needs[requirement]
                listed_text = self.wording.join_texts(purposes)
                yield self.wording.format_sentence(
                    "age", age=str(below), needs=requirement_text, purposes=listed_text
                )
        # A law's rule about data that the platform does not store would only confuse the reader.
        stored_kinds = {kind for data in self.facts.data for kind in data.kinds}
        for model in ConsentModel:
            kinds_of_model = tuple(
                kind
                for kind, required_model in sorted(self.rules.sensitive.items())
                if required_model is model
            )
            if stored_kinds_of_model := tuple(kind for kind in kinds_of_model if kind in stored_kinds):
                model_text = self.wording.words.models[model]
                listed_text = self.wording.join_texts(self._list_kind_names(stored_kinds_of_model))
                yield self.wording.format_sentence("sensitive", kinds=listed_text, allowed=model_text)

    def _iterate_untranslated(self) -> Iterator[str]:
        """Yield the texts that are shown in English because this language has no translation."""
        if self.wording.language == ENGLISH:
            return
        if self.wording.language not in self.edition.summary:
            yield self.edition.summary[ENGLISH]
        english, facts = self.wording.english, self.facts
        categories = {entry.category for entry in facts.data}
        kinds = {kind for entry in facts.data for kind in entry.kinds}
        yield from (entry.label for _, entry in iterate_untranslated_entries(self.wording, facts))
        english_by_section: dict[str, dict[str, str]] = {
            "sources": {entry.key: entry.label for entry in facts.senders},
            "categories": {key: english.categories.get(key, key) for key in sorted(categories)},
            "kinds": {key: english.kinds.get(key, key) for key in sorted(kinds)},
            "rights": {right: english.rights.get(right, right) for right in self.rights},
        }
        for section, english_texts in english_by_section.items():
            yield from (
                english_text
                for key, english_text in english_texts.items()
                if not self.wording.is_translated(section, key)
            )


def list_texts(entry: PurposeFacts | Recipient) -> tuple[str, ...]:
    """Return the catalogue's texts about a purpose or a recipient."""
    texts = (entry.label, entry.description)
    return (*texts, entry.meaning) if isinstance(entry, PurposeFacts) else texts


def iterate_untranslated_entries(
    wording: NoticeWording, facts: NoticeFacts
) -> Iterator[tuple[str, PurposeFacts | Recipient]]:
    """Yield the purposes and recipients whose translation is missing or out of date, with their section."""
    entries_by_section: tuple[tuple[str, tuple[PurposeFacts | Recipient, ...]], ...] = (
        ("purposes", facts.purposes),
        ("recipients", facts.recipients),
    )
    for section, entries in entries_by_section:
        for entry in entries:
            if wording.needs_translation(section, entry.key, list_texts(entry)):
                yield section, entry


def _format_section(section: RenderedSection) -> str:
    return "\n\n".join([f"## {section.title}", *section.paragraphs, *map(_format_item, section.items)])


def _format_item(item: RenderedItem) -> str:
    title = f"### {item.title}" if item.lines else f"**{item.title}**"
    lines = "\n".join(f"* {line.name}: {line.text}" for line in item.lines)
    return "\n\n".join(part for part in (title, item.text, lines) if part)
