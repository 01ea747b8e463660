"""Load ``schema/notices/*.yaml``: the editions, the languages and the privacy office."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from discretion.catalogue.entry_base import Entry
from discretion.catalogue.load import find_shipped_catalogue
from discretion.catalogue.model import Catalogue
from discretion.catalogue.problem import ConfigurationProblem
from discretion.catalogue.yaml_file import YamlFile, read_yaml_folder
from discretion.domain.notices.editions import EditionsFile, NoticeEdition, parse_editions
from discretion.domain.notices.privacy_office import OfficeFile, PrivacyOffice, parse_office
from discretion.domain.notices.wording import ENGLISH, LanguageFile, NoticeWording, parse_wordings
from discretion.errors import Misconfigured

EDITIONS_STEM, CONTROLLER_STEM = "editions", "controller"
"""Files that are not a language."""


@dataclass(frozen=True, slots=True)
class NoticeTemplates:
    """The hand-written parts of a notice; ``editions`` are in chronological order and not empty."""

    editions: tuple[NoticeEdition, ...]
    wordings: Mapping[str, NoticeWording]
    office: PrivacyOffice


def load_notice_templates(catalogue: Catalogue, folder: Path | None = None) -> NoticeTemplates:
    """Load the notice files in ``folder``, or the shipped ones.

    Raises:
        Misconfigured: ``NOTICES_INVALID``; the message has one line for each problem, in the form
            ``file:line: fault. Advice``.
    """
    notices_folder = find_shipped_notices() if folder is None else folder
    files, problems = read_yaml_folder(notices_folder)
    by_stem = {file.path.stem: file for file in files}
    for stem in (EDITIONS_STEM, CONTROLLER_STEM, ENGLISH):
        if stem not in by_stem and files:
            problems.append(
                ConfigurationProblem(notices_folder / f"{stem}.yaml", 1, "the file is missing", "Create it.")
            )
    # Raised before parsing: the missing files are needed by everything below.
    if problems:
        raise _build_notices_error(problems)
    languages, wording_problems = parse_wordings(
        {stem: file for stem, file in by_stem.items() if stem not in _NON_LANGUAGE_STEMS}
    )
    templates, template_problems = _build_templates(by_stem, catalogue, languages)
    if problems := [*wording_problems, *template_problems]:
        raise _build_notices_error(problems)
    assert templates is not None
    return templates


def find_shipped_notices() -> Path:
    """Return the folder of the shipped notices, beside the shipped catalogue."""
    return find_shipped_catalogue().parent / "notices"


def build_json_schemas() -> dict[str, str]:
    """Return the format of each kind of file as JSON Schema (2020-12), for editors, by the kind's name."""
    model_by_name: dict[str, type[Entry]] = {
        EDITIONS_STEM: EditionsFile,
        CONTROLLER_STEM: OfficeFile,
        "language": LanguageFile,
    }
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {
        name: json.dumps({"$schema": dialect, **model.model_json_schema()}, indent=2, sort_keys=True) + "\n"
        for name, model in model_by_name.items()
    }


def _build_templates(
    files: Mapping[str, YamlFile], catalogue: Catalogue, languages: Mapping[str, NoticeWording]
) -> tuple[NoticeTemplates | None, list[ConfigurationProblem]]:
    parsed_editions, edition_problems = parse_editions(
        files[EDITIONS_STEM], catalogue.purposes, [stem for stem in files if stem not in _NON_LANGUAGE_STEMS]
    )
    parsed_office, office_problems = parse_office(files[CONTROLLER_STEM])
    if parsed_office is None or not parsed_editions:
        return None, [*edition_problems, *office_problems]
    return NoticeTemplates(parsed_editions, languages, parsed_office), [*edition_problems, *office_problems]


_NON_LANGUAGE_STEMS = frozenset({EDITIONS_STEM, CONTROLLER_STEM})


def _build_notices_error(problems: list[ConfigurationProblem]) -> Misconfigured:
    lines = [str(problem) for problem in sorted(set(problems))]
    return Misconfigured("NOTICES_INVALID", "\n".join(["The notices are not valid:", *lines]))
