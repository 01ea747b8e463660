"""The sentences of a notice in one language, and the translations of the catalogue's texts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Literal

from pydantic import Field

from discretion.catalogue.duration import split_duration
from discretion.catalogue.entry_base import Entry, Text
from discretion.catalogue.model import Basis, Channel, Form
from discretion.catalogue.nearest_name import suggest_name
from discretion.catalogue.problem import ConfigurationProblem
from discretion.catalogue.recipient import RecipientRole
from discretion.catalogue.yaml_file import YamlFile
from discretion.domain.notices.yaml_file import parse_yaml_file
from discretion.law.jurisdiction import Right
from discretion.law.model import AgeRequirement, ConsentModel

ENGLISH = "en"

SENTENCE_PLACES: Mapping[str, frozenset[str]] = {
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
"""The sentences that every language has, each with the values filled into it."""

DurationUnit = Literal["year", "month", "week", "day", "hour", "minute", "second"]
DURATION_UNITS: tuple[DurationUnit, ...] = ("year", "month", "week", "day", "hour", "minute", "second")


class RecipientWords(Entry):
    """The translation of a recipient."""

    of: Text = Field(description="fingerprint of the translated text, as shown by `discretion notice diff`")
    label: Text = Field(description="a few words, for lists")
    description: Text = Field(description="what they do with the data")

    def texts(self) -> tuple[str, ...]:
        """Return the translated texts in the catalogue's order."""
        return self.label, self.description


class PurposeWords(RecipientWords):
    """The translation of a purpose."""

    meaning: Text = Field(description="what it means to the customer, addressed politely")

    def texts(self) -> tuple[str, ...]:
        """Return the translated texts in the catalogue's order."""
        return self.label, self.description, self.meaning


class LanguageFile(Entry):
    """``<language>.yaml``. Missing entries from ``rights`` on are shown in English."""

    name: Text = Field(description="the name of the language in the language itself")
    separator: str = Field(description="separator between the parts of a list")
    sentences: dict[str, Text] = Field(description="the sentences of a notice")
    bases: dict[Basis, Text] = Field(description="legal bases")
    models: dict[ConsentModel, Text] = Field(description="consent models of laws")
    needs: dict[AgeRequirement, Text] = Field(description="requirements below an age")
    forms: dict[Form, Text] = Field(description="forms in which a value is revealed")
    channels: dict[Channel, Text] = Field(description="channels")
    roles: dict[RecipientRole, Text] = Field(description="roles of recipients")
    units: dict[DurationUnit, tuple[Text, Text]] = Field(description="units of time: singular and plural")

    rights: dict[Right, Text] = Field(default={}, description="rights")
    kinds: dict[str, Text] = Field(default={}, description="kinds of sensitive data")
    categories: dict[str, Text] = Field(default={}, description="data categories")
    sources: dict[str, Text] = Field(default={}, description="sources, by their key in the catalogue")
    recipients: dict[str, RecipientWords] = Field(default={}, description="recipients, by their key")
    purposes: dict[str, PurposeWords] = Field(default={}, description="purposes, by their key")


@dataclass(frozen=True, slots=True)
class NoticeWording:
    """The sentences and translations of one language; ``language`` is its tag (BCP 47)."""

    language: str
    words: LanguageFile
    english: LanguageFile

    def format_sentence(self, key: str, **values: str) -> str:
        """Return a sentence with its values filled in."""
        return self.words.sentences[key].format(**values)

    def format_duration(self, text: str) -> str:
        """Return an ISO 8601 duration as text, such as ``P13M`` as "13 months"."""
        counts = zip(DURATION_UNITS, split_duration(text), strict=True)
        return " ".join(f"{count} {self.words.units[unit][count > 1]}" for unit, count in counts if count)

    def join_texts(self, texts: Iterator[str] | list[str] | tuple[str, ...]) -> str:
        """Join texts with the language's list separator."""
        return self.words.separator.join(texts)

    def is_translated(self, section: str, key: str) -> bool:
        """Return whether a section of the language file has a key."""
        return key in getattr(self.words, section)

    def find_word(self, section: str, key: str, fallback: str = "") -> str:
        """Return the text for a key: translated, else in English, else the fallback or the key."""
        for language_file in (self.words, self.english):
            if key in (section_words := getattr(language_file, section)):
                return str(section_words[key])
        return fallback or key

    def needs_translation(self, section: str, key: str, texts: tuple[str, ...]) -> bool:
        """Return whether the translation of a purpose or a recipient is missing or out of date."""
        entry = getattr(self.words, section).get(key)
        return entry is None or entry.of != compute_fingerprint(texts)

    def translate_texts(self, section: str, key: str, texts: tuple[str, ...]) -> tuple[str, ...]:
        """Return the translated texts of a purpose or a recipient; else the catalogue's own."""
        if self.needs_translation(section, key, texts):
            return texts
        translated_texts: tuple[str, ...] = getattr(self.words, section)[key].texts()
        return translated_texts


def compute_fingerprint(texts: tuple[str, ...]) -> str:
    """Return eight hexadecimal digits that change when the texts change."""
    # 32 bits detect an accidental change of one text; nothing here defends against forgery.
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:8]


def parse_wordings(
    files: Mapping[str, YamlFile],
) -> tuple[Mapping[str, NoticeWording], list[ConfigurationProblem]]:
    """Parse all language files; return the wordings by language tag, and the problems of the files."""
    problems: list[ConfigurationProblem] = []
    language_files: dict[str, LanguageFile] = {}
    for language, file in files.items():
        parsed_file, shape_problems = parse_yaml_file(file, LanguageFile)
        problems += shape_problems
        if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", language):
            problems.append(
                file.build_problem((), f"{language!r} is not a language tag", "Name the file as de.yaml.")
            )
        if parsed_file is not None:
            problems += [problem for check in _CHECKS for problem in check(file, parsed_file)]
            language_files[language] = parsed_file
    english = language_files.get(ENGLISH)
    if english is None:
        return {}, problems
    return {
        language: NoticeWording(language, language_file, english)
        for language, language_file in language_files.items()
    }, problems


def _check_sentences(file: YamlFile, language_file: LanguageFile) -> Iterator[ConfigurationProblem]:
    for key, places in SENTENCE_PLACES.items():
        place = ("sentences", key)
        if key not in language_file.sentences:
            yield file.build_problem(("sentences",), f"there is no sentence {key!r}", "Add it.")
            continue
        try:
            found_places = {
                name for _, name, _, _ in Formatter().parse(language_file.sentences[key]) if name is not None
            }
        except ValueError as error:
            yield file.build_problem(
                place, f"sentence {key!r} is not a valid template: {error}", "Write literal braces twice."
            )
            continue
        if found_places != places:
            fault = f"sentence {key!r} has the places {', '.join(sorted(found_places)) or 'none'}"
            yield file.build_problem(place, fault, f"It takes {', '.join(sorted(places)) or 'none'}.")
    for key in language_file.sentences.keys() - SENTENCE_PLACES.keys():
        yield file.build_problem(
            ("sentences", key), f"there is no such sentence: {key!r}", suggest_name(key, SENTENCE_PLACES)
        )


def _check_complete(file: YamlFile, language_file: LanguageFile) -> Iterator[ConfigurationProblem]:
    required_keys: Mapping[str, tuple[str, ...]] = {
        "bases": tuple(Basis),
        "models": tuple(ConsentModel),
        "needs": tuple(AgeRequirement),
        "forms": tuple(Form),
        "channels": tuple(Channel),
        "roles": tuple(RecipientRole),
        "units": DURATION_UNITS,
    }
    for section, keys in required_keys.items():
        for key in keys:
            if key not in getattr(language_file, section):
                yield file.build_problem((section,), f"{section} has no {str(key)!r}", "Add it.")


_CHECKS: tuple[Callable[[YamlFile, LanguageFile], Iterator[ConfigurationProblem]], ...] = (
    _check_sentences,
    _check_complete,
)
