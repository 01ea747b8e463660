"""The editions of the privacy notice: the first day of each, and the purposes it changed.

The last edition is the one that is shown; if its first day is in the future, it announces itself. Which
consent must be given again after a material change is decided by ``law``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import MappingProxyType

from pydantic import Field

from discretion.catalogue.entry_base import Entry, Text
from discretion.catalogue.nearest_name import suggest_name
from discretion.catalogue.problem import ConfigurationProblem
from discretion.catalogue.yaml_file import Place, YamlFile
from discretion.domain.notices.yaml_file import parse_yaml_file
from discretion.law.model import MaterialChange

_VERSION_PATTERN = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,19}")


@dataclass(frozen=True, slots=True)
class NoticeEdition:
    """One edition of the notice.

    ``purposes`` are those it changed materially; ``summary`` describes the change by language.
    """

    version: str
    since: date
    purposes: frozenset[str]
    summary: Mapping[str, str]

    @property
    def is_material(self) -> bool:
        """Whether a person who consented before would want to know about the change."""
        return bool(self.purposes)

    @property
    def start_ms(self) -> int:
        """Midnight (UTC) of the first day, in ms since 1970."""
        day = datetime(self.since.year, self.since.month, self.since.day, tzinfo=UTC)
        return int(day.timestamp()) * 1000


class EditionEntry(Entry):
    """An edition in ``editions.yaml``."""

    since: date = Field(alias="from", description="its first day, such as 2026-01-31")
    material: bool = Field(description="whether a person who consented before would want to know")
    purposes: list[Text] = Field(default=[], description="purposes that it changes materially")
    summary: dict[str, Text] = Field(description="by language, one sentence on what is new")


class EditionsFile(Entry):
    """``editions.yaml``: all editions, from the first to the last."""

    editions: dict[Text, EditionEntry] = Field(min_length=1, description="by version, in chronological order")


def parse_editions(
    file: YamlFile, purposes: Collection[str], languages: Collection[str]
) -> tuple[tuple[NoticeEdition, ...], list[ConfigurationProblem]]:
    """Parse the editions; also return the problems of the file.

    Args:
        file: ``editions.yaml``.
        purposes: The purposes of the catalogue.
        languages: The languages that a summary may have.

    Returns:
        The editions in chronological order, empty if the file has the wrong shape, and all problems.
    """
    editions_file, problems = parse_yaml_file(file, EditionsFile)
    if editions_file is None:
        return (), problems
    problems += _find_faults(file, editions_file.editions, purposes, languages)
    return tuple(
        NoticeEdition(version, entry.since, frozenset(entry.purposes), MappingProxyType(entry.summary))
        for version, entry in editions_file.editions.items()
    ), problems


def list_material_changes(editions: Iterable[NoticeEdition]) -> tuple[MaterialChange, ...]:
    """Return the editions after which a law may require new consent (GDPR Art. 7; EDPB 05/2020, 110)."""
    return tuple(
        MaterialChange(edition.start_ms, edition.purposes) for edition in editions if edition.is_material
    )


def _find_faults(
    file: YamlFile,
    entries_by_version: Mapping[str, EditionEntry],
    purposes: Collection[str],
    languages: Collection[str],
) -> Iterator[ConfigurationProblem]:
    entries = list(entries_by_version.items())
    for index, (version, entry) in enumerate(entries):
        place = ("editions", version)
        if not _VERSION_PATTERN.fullmatch(version):
            advice = "It takes up to 20 letters, digits, '.' and '-'."
            yield file.build_problem(place, f"{version!r} is not a version", advice)
        if index and entry.since <= entries[index - 1][1].since:
            fault = f"edition {version} does not begin after {entries[index - 1][0]}"
            yield file.build_problem((*place, "from"), fault, "Write the editions in chronological order.")
        if entry.material != bool(entry.purposes):
            is_material = "material, but names no" if entry.material else "not material, but names"
            fault = f"edition {version} is {is_material} purposes"
            advice = "Name the 'purposes' it changes materially; one that is not material has none."
            yield file.build_problem((*place, "material"), fault, advice)
        # An older edition may name purposes that the catalogue no longer has.
        is_last = index == len(entries) - 1
        yield from _check_names(
            file, (*place, "purposes"), entry.purposes if is_last else (), purposes, "purpose"
        )
        yield from _check_names(file, (*place, "summary"), list(entry.summary), languages, "language")
        if "en" not in entry.summary:
            yield file.build_problem(
                (*place, "summary"), f"edition {version} has no English summary", "Add 'en:'."
            )


def _check_names(
    file: YamlFile, parent_place: Place, names: Sequence[str], known_names: Collection[str], kind: str
) -> Iterator[ConfigurationProblem]:
    """Report unknown names.

    Callers check the purposes of the last edition only: those of an older edition may have been removed from
    the catalogue since.
    """
    for index, name in enumerate(names):
        if name not in known_names:
            place: Place = (*parent_place, name if kind == "language" else index)
            yield file.build_problem(place, f"{name!r} is not a {kind}", suggest_name(name, known_names))
