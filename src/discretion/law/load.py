"""Load ``schema/jurisdictions/*.yaml`` into a ``Lawbook``, or report all problems of the files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from discretion.catalogue.load import VERSION_LENGTH
from discretion.catalogue.model import Catalogue
from discretion.catalogue.problem import ConfigurationProblem
from discretion.catalogue.yaml_file import read_yaml_folder
from discretion.errors import Misconfigured
from discretion.law.build_jurisdiction import build_jurisdiction
from discretion.law.check import check_jurisdictions, check_unknown_is_strictest
from discretion.law.jurisdiction import Lawbook
from discretion.law.model import ConsentLaw, ConsentRules, ConsentTimeline, MaterialChange
from discretion.law.parse_file import ParsedJurisdictionFile, parse_jurisdiction_file
from discretion.law.place_index import PlaceIndex, Territory, build_place_index

SHIPPED_SENSITIVE_KINDS = (
    *("belief", "biometric", "children", "communications", "criminal", "ethnicity", "financial_account"),
    *("genetic", "government_id", "health", "immigration", "precise_location", "sexuality"),
)
"""Sensitive kinds that the shipped jurisdictions name; a test compares them with the shipped catalogue."""


def load_lawbook(
    folder: Path | None, catalogue: Catalogue, material_changes: tuple[MaterialChange, ...] = ()
) -> Lawbook:
    """Load the jurisdictions in ``folder``, or the shipped ones.

    The shipped jurisdictions may name sensitive kinds that a user's own catalogue does not declare.

    Args:
        folder: The folder with the YAML files; None for the shipped one.
        catalogue: The catalogue whose sensitive kinds the rules may name.
        material_changes: The material changes of the privacy notice.

    Raises:
        Misconfigured: ``JURISDICTIONS_INVALID``; the message has one line for each problem, in the form
            ``file:line: fault. Advice``.
    """
    sensitive_kinds = {*catalogue.sensitive, *(SHIPPED_SENSITIVE_KINDS if folder is None else ())}
    files, problems = read_yaml_folder(find_shipped_jurisdictions() if folder is None else folder)
    all_readable = not problems
    unreadable_paths = {problem.path for problem in problems}
    parsed_files: list[ParsedJurisdictionFile] = []
    for file in files:
        if file.path in unreadable_paths and not file.data:  # Else every required section would be reported.
            continue
        parsed_file, shape_problems = parse_jurisdiction_file(file)
        parsed_files += [parsed_file] if parsed_file else []
        problems += shape_problems
    if all_readable:
        problems += check_jurisdictions(parsed_files, sensitive_kinds, all_readable=not problems)
    if problems:
        raise _build_jurisdictions_error(problems)
    jurisdictions = {parsed_file.key: build_jurisdiction(parsed_file) for parsed_file in parsed_files}
    # Checked last, because it compares built jurisdictions: a laxer `unknown` would grant what a law refuses.
    if strictness_problems := list(check_unknown_is_strictest(parsed_files, jurisdictions)):
        raise _build_jurisdictions_error(strictness_problems)
    timelines = MappingProxyType({key: jurisdiction.timeline for key, jurisdiction in jurisdictions.items()})
    place_index = build_place_index(map(_build_territory, parsed_files))
    consent_law = ConsentLaw(
        _compute_version(timelines, material_changes),
        timelines,
        material_changes,
        _compute_places_digest(place_index),
    )
    return Lawbook(MappingProxyType(jurisdictions), consent_law, place_index)


def find_shipped_jurisdictions() -> Path:
    """Return the folder of the shipped jurisdictions: in the installed package, else in the checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_schema" / "jurisdictions"
    return installed if installed.is_dir() else package.parents[1] / "schema" / "jurisdictions"


def _build_territory(parsed_file: ParsedJurisdictionFile) -> Territory:
    place_names = {code: tuple(names) for code, names in parsed_file.head.called.items()}
    return Territory(
        parsed_file.key, tuple(parsed_file.head.places), tuple(parsed_file.head.without), place_names
    )


def _build_jurisdictions_error(problems: Sequence[ConfigurationProblem]) -> Misconfigured:
    lines = [str(problem) for problem in sorted(set(problems))]
    return Misconfigured("JURISDICTIONS_INVALID", "\n".join(["The jurisdictions are not valid:", *lines]))


def _compute_version(
    timelines: Mapping[str, ConsentTimeline], material_changes: Sequence[MaterialChange]
) -> str:
    """Return a digest of the rules that decide permissions; labels and sources do not change it."""
    # A new version makes every customer's permissions be recomputed, so it depends on nothing else.
    meaning: list[object] = [
        {
            key: [entry.zone, [[period.start, _list_meaning(period.rules)] for period in entry.periods]]
            for key, entry in timelines.items()
        },
        [[entry.start, sorted(entry.purposes)] for entry in material_changes],
    ]
    return _compute_digest(meaning)


def _compute_places_digest(place_index: PlaceIndex) -> str:
    regions = sorted([*place, code] for place, code in place_index.code_by_region_name.items())
    return _compute_digest(
        [dict(place_index.jurisdiction_by_code), dict(place_index.code_by_country_name), regions]
    )


def _compute_digest(meaning: object) -> str:
    canonical = json.dumps(meaning, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:VERSION_LENGTH]


def _list_meaning(rules: ConsentRules) -> list[object]:
    ages = sorted([age_rule.below, age_rule.needs, sorted(age_rule.families)] for age_rule in rules.ages)
    return [dict(rules.models), dict(rules.sensitive), ages, rules.signals, rules.renewal]
