"""``schema/notices/*.yaml`` -> editions, languages and the office, or everything that is wrong at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from discretion.catalogue.entry import Entry
from discretion.catalogue.load import shipped as shipped_catalogue
from discretion.catalogue.model import Catalogue
from discretion.catalogue.problem import Problem
from discretion.catalogue.yaml_file import File, read
from discretion.domain.notices.editions import Edition, EditionsFile, editions
from discretion.domain.notices.privacy_office import Office, OfficeFile, office
from discretion.domain.notices.wording import ENGLISH, LanguageFile, Wording, wordings
from discretion.errors import Misconfigured

EDITIONS, CONTROLLER = "editions", "controller"
"""Files that are no language."""


@dataclass(frozen=True, slots=True)
class Stationery:
    """What is written of a notice; ``editions`` are in the order of time and at least one."""

    editions: tuple[Edition, ...]
    wordings: Mapping[str, Wording]
    office: Office


def load(catalogue: Catalogue, folder: Path | None = None) -> Stationery:
    """What is written in ``folder``, or in the one that is shipped.

    Raises:
        Misconfigured: ``NOTICES_INVALID``; the message has one line for each problem, as
            ``file:line: what is wrong. What would be right``.
    """
    where = shipped() if folder is None else folder
    files, problems = read(where)
    by_stem = {file.path.stem: file for file in files}
    for stem in (EDITIONS, CONTROLLER, ENGLISH):
        if stem not in by_stem and files:
            problems.append(Problem(where / f"{stem}.yaml", 1, "the file is missing", "Write it."))
    if problems:
        raise _invalid(problems)
    languages, misshapen = wordings({stem: file for stem, file in by_stem.items() if stem not in _NOT})
    found, wrong = _pages(by_stem, catalogue, languages)
    if problems := [*misshapen, *wrong]:
        raise _invalid(problems)
    assert found is not None
    return found


def shipped() -> Path:
    """The notices of this version: beside its catalogue."""
    return shipped_catalogue().parent / "notices"


def json_schemas() -> dict[str, str]:
    """The shape of each kind of file as JSON Schema (2020-12), for editors, by the kind's name."""
    kinds: dict[str, type[Entry]] = {
        EDITIONS: EditionsFile,
        CONTROLLER: OfficeFile,
        "language": LanguageFile,
    }
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {
        name: json.dumps({"$schema": dialect, **kind.model_json_schema()}, indent=2, sort_keys=True) + "\n"
        for name, kind in kinds.items()
    }


def _pages(
    files: Mapping[str, File], catalogue: Catalogue, languages: Mapping[str, Wording]
) -> tuple[Stationery | None, list[Problem]]:
    known, wrong = editions(files[EDITIONS], catalogue.purposes, [one for one in files if one not in _NOT])
    kept, misshapen = office(files[CONTROLLER])
    if kept is None or not known:
        return None, [*wrong, *misshapen]
    return Stationery(known, languages, kept), [*wrong, *misshapen]


_NOT = frozenset({EDITIONS, CONTROLLER})


def _invalid(problems: list[Problem]) -> Misconfigured:
    lines = [str(problem) for problem in sorted(set(problems))]
    return Misconfigured("NOTICES_INVALID", "\n".join(["The notices do not hold:", *lines]))
