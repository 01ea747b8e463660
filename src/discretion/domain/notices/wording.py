"""The written part of a notice: sentences in a language, and what the catalogue's words are called there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Literal

from pydantic import Field

from discretion.catalogue.duration import parts
from discretion.catalogue.entry import Entry, Text
from discretion.catalogue.model import Basis, Channel, Form
from discretion.catalogue.nearest_name import nearest
from discretion.catalogue.problem import Problem
from discretion.catalogue.recipient import Role
from discretion.catalogue.yaml_file import File
from discretion.domain.notices.yaml_file import shape
from discretion.law.jurisdiction import Right
from discretion.law.model import Model, Needs

ENGLISH = "en"

SENTENCES: Mapping[str, frozenset[str]] = {
    key: frozenset(places.split())
    for key, places in {
        "title": "controller",
        "edition": "version date",
        "protected": "law jurisdiction",
        "news": "summary",
        "who": "",
        "who_says": "controller address email",
        "officer": "officer",
        "uses": "",
        "uses_say": "",
        "allowed": "",
        "data": "",
        "kept": "",
        "kept_for": "duration data",
        "in_form": "data form",
        "consent_lasts": "",
        "received": "",
        "nobody": "",
        "held": "",
        "held_says": "",
        "comes_from": "",
        "derived": "",
        "protected_kind": "",
        "senders": "",
        "senders_say": "",
        "recipients": "",
        "used_for": "",
        "abroad": "",
        "abroad_to": "country safeguard",
        "choices": "",
        "choices_say": "",
        "signals": "",
        "age": "age needs purposes",
        "sensitive": "kinds allowed",
        "rights": "",
        "rights_say": "email",
        "source": "",
        "complain": "",
        "complain_to": "authority url",
        "untranslated": "",
        "untranslated_says": "words",
    }.items()
}
"""Every sentence that a language has, and what is filled into it."""

Unit = Literal["year", "month", "week", "day", "hour", "minute", "second"]
UNITS: tuple[Unit, ...] = ("year", "month", "week", "day", "hour", "minute", "second")


class RecipientWords(Entry):
    """A recipient, translated."""

    of: Text = Field(description="fingerprint of the text it translates; `discretion notice diff` tells it")
    label: Text = Field(description="a few words, for lists")
    description: Text = Field(description="what they do with the data")

    def texts(self) -> tuple[str, ...]:
        """What is said, in the order of the catalogue."""
        return self.label, self.description


class PurposeWords(RecipientWords):
    """A purpose, translated."""

    meaning: Text = Field(description="what it means to the customer, addressed politely")

    def texts(self) -> tuple[str, ...]:
        """What is said, in the order of the catalogue."""
        return self.label, self.description, self.meaning


class LanguageFile(Entry):
    """``<language>.yaml``. What is missing from the second half is shown in English."""

    name: Text = Field(description="the language, in itself")
    separator: str = Field(description="what stands between the parts of a list")
    sentences: dict[str, Text] = Field(description="the sentences of a notice")
    bases: dict[Basis, Text] = Field(description="legal bases")
    models: dict[Model, Text] = Field(description="what a law lets a purpose depend on")
    needs: dict[Needs, Text] = Field(description="what it takes of the young")
    forms: dict[Form, Text] = Field(description="how a value is shown")
    channels: dict[Channel, Text] = Field(description="where a person is met")
    roles: dict[Role, Text] = Field(description="as what somebody receives data")
    units: dict[Unit, tuple[Text, Text]] = Field(description="units of time: for one of it, and for more")

    rights: dict[Right, Text] = Field(default={}, description="rights")
    kinds: dict[str, Text] = Field(default={}, description="kinds of sensitive data")
    categories: dict[str, Text] = Field(default={}, description="data categories")
    sources: dict[str, Text] = Field(default={}, description="sources, by their key in the catalogue")
    recipients: dict[str, RecipientWords] = Field(default={}, description="recipients, by their key")
    purposes: dict[str, PurposeWords] = Field(default={}, description="purposes, by their key")


@dataclass(frozen=True, slots=True)
class Wording:
    """One language. ``language`` is its tag (BCP 47)."""

    language: str
    words: LanguageFile
    english: LanguageFile

    def say(self, key: str, **filled: str) -> str:
        """A sentence, filled."""
        return self.words.sentences[key].format(**filled)

    def duration(self, text: str) -> str:
        """An ISO 8601 duration in words, such as ``P13M``: 13 months."""
        counts = zip(UNITS, parts(text), strict=True)
        return " ".join(f"{count} {self.words.units[unit][count > 1]}" for unit, count in counts if count)

    def list(self, parts: Iterator[str] | list[str] | tuple[str, ...]) -> str:
        """Several, one after the other."""
        return self.words.separator.join(parts)

    def has(self, section: str, key: str) -> bool:
        """Whether a word is translated."""
        return key in getattr(self.words, section)

    def word(self, section: str, key: str, otherwise: str = "") -> str:
        """A word of a section, else in English, else as the catalogue says it."""
        for one in (self.words, self.english):
            if key in (held := getattr(one, section)):
                return str(held[key])
        return otherwise or key

    def renews(self, section: str, key: str, texts: tuple[str, ...]) -> bool:
        """Whether a purpose or a recipient has no translation, or one of a text that has changed since."""
        entry = getattr(self.words, section).get(key)
        return entry is None or entry.of != fingerprint(texts)

    def of(self, section: str, key: str, texts: tuple[str, ...]) -> tuple[str, ...]:
        """What is said of a purpose or a recipient; the catalogue's own, where that is not translated."""
        if self.renews(section, key, texts):
            return texts
        said: tuple[str, ...] = getattr(self.words, section)[key].texts()
        return said


def fingerprint(texts: tuple[str, ...]) -> str:
    """Tells a text from what it was before: eight hexadecimal digits."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:8]


def wordings(files: Mapping[str, File]) -> tuple[Mapping[str, Wording], list[Problem]]:
    """Languages by their tag, and what is wrong with their files."""
    problems: list[Problem] = []
    read: dict[str, LanguageFile] = {}
    for language, file in files.items():
        found, misshapen = shape(file, LanguageFile)
        problems += misshapen
        if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", language):
            problems.append(file.problem((), f"{language!r} is no language", "Name the file as de.yaml."))
        if found is not None:
            problems += [one for check in _CHECKS for one in check(file, found)]
            read[language] = found
    english = read.get(ENGLISH)
    if english is None:
        return {}, problems
    return {language: Wording(language, words, english) for language, words in read.items()}, problems


def _sentences(file: File, words: LanguageFile) -> Iterator[Problem]:
    for key, places in SENTENCES.items():
        at = ("sentences", key)
        if key not in words.sentences:
            yield file.problem(("sentences",), f"there is no sentence {key!r}", "Add it.")
            continue
        try:
            found = {name for _, name, _, _ in Formatter().parse(words.sentences[key]) if name is not None}
        except ValueError as error:
            yield file.problem(at, f"sentence {key!r} cannot be filled: {error}", "Write a brace twice.")
            continue
        if found != places:
            wrong = f"sentence {key!r} has the places {', '.join(sorted(found)) or 'none'}"
            yield file.problem(at, wrong, f"It takes {', '.join(sorted(places)) or 'none'}.")
    for key in words.sentences.keys() - SENTENCES.keys():
        yield file.problem(("sentences", key), f"nobody says {key!r}", nearest(key, SENTENCES))


def _complete(file: File, words: LanguageFile) -> Iterator[Problem]:
    needed: Mapping[str, tuple[str, ...]] = {
        "bases": tuple(Basis),
        "models": tuple(Model),
        "needs": tuple(Needs),
        "forms": tuple(Form),
        "channels": tuple(Channel),
        "roles": tuple(Role),
        "units": UNITS,
    }
    for section, keys in needed.items():
        for key in keys:
            if key not in getattr(words, section):
                yield file.problem((section,), f"{section} has no {str(key)!r}", "Add it.")


_CHECKS: tuple[Callable[[File, LanguageFile], Iterator[Problem]], ...] = (_sentences, _complete)
