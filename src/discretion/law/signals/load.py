"""Load ``schema/signals/*.yaml`` into ``SignalMeanings``, or report all problems of the files."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from discretion.catalogue.load import find_shipped_catalogue
from discretion.catalogue.model import Catalogue, Family
from discretion.catalogue.nearest_name import suggest_name
from discretion.catalogue.problem import ConfigurationProblem
from discretion.catalogue.taxonomy import load_taxonomy
from discretion.catalogue.yaml_file import Place, YamlFile, format_place, read_yaml_folder
from discretion.errors import Misconfigured
from discretion.law.signals.model import LAST_TCF_PURPOSE, OPT_OUT_KINDS, SignalMeanings

_SIGNAL_SECTIONS = ("opt_outs", "purposes")
_ENTRY_KEYS = ("needs", "note")
_TCF_PURPOSES = {str(number): number for number in range(1, LAST_TCF_PURPOSE + 1)}
_TCF_PURPOSE_ADVICE = f"TCF's purposes are 1 to {LAST_TCF_PURPOSE}."
_FAMILIES = {family.value: family for family in Family}


def load_signals(catalogue: Catalogue, folder: Path | None = None) -> SignalMeanings:
    """Load the meaning of signals for a catalogue from ``folder``, or the shipped one.

    The shipped files also name purposes that a user's own catalogue may lack; those are left out.

    Raises:
        Misconfigured: ``SIGNALS_INVALID``; the message has one line for each problem, in the form
            ``file:line: fault. Advice``.
    """
    known_purposes = load_taxonomy().uses if folder is None else catalogue.purposes
    folder = folder or find_shipped_signals()
    files, problems = read_yaml_folder(folder)
    problems += [problem for file in files for problem in _check_file(file, known_purposes)]
    # Completeness is checked only if all files are valid: a name in an unreadable file would seem to be
    # missing.
    if not problems:
        problems += _check_complete(folder, files)
    if problems:
        lines = [str(problem) for problem in sorted(set(problems))]
        raise Misconfigured("SIGNALS_INVALID", "\n".join(["The signals are not valid:", *lines]))
    opt_outs = {
        name: frozenset(_FAMILIES[family_name] for family_name in family_names)
        for name, family_names in _iterate_section(files, "opt_outs")
    }
    needs = {
        key: frozenset(_TCF_PURPOSES[number_text] for number_text in entry["needs"])
        for key, entry in _iterate_section(files, "purposes")
        if key in catalogue.purposes
    }
    return SignalMeanings(MappingProxyType(opt_outs), MappingProxyType(needs))


def find_shipped_signals() -> Path:
    """Return the folder of the shipped signals, beside the shipped catalogue."""
    return find_shipped_catalogue().parent / "signals"


def _iterate_section(files: Collection[YamlFile], section: str) -> Iterator[tuple[str, Any]]:
    for file in files:
        yield from file.data.get(section, {}).items()


def _check_file(file: YamlFile, purposes: Collection[str]) -> Iterator[ConfigurationProblem]:
    yield from _check_keys(file, (), file.data, _SIGNAL_SECTIONS)
    for section in _SIGNAL_SECTIONS:
        section_data = file.data.get(section, {})
        if not isinstance(section_data, dict):
            yield file.build_problem((section,), f"{section} is not a mapping", "It takes a mapping.")
            continue
        if section == "opt_outs":
            yield from _check_keys(file, (section,), section_data, OPT_OUT_KINDS)
            for name, families in section_data.items():
                yield from _check_list(file, (section, name), families, _FAMILIES)
            continue
        yield from _check_keys(file, (section,), section_data, purposes)
        for key, entry in section_data.items():
            yield from _check_entry(file, (section, key), entry)


def _check_entry(file: YamlFile, place: Place, entry: Any) -> Iterator[ConfigurationProblem]:
    if not isinstance(entry, dict):
        yield file.build_problem(
            place, f"{format_place(place)} is not a mapping", "It takes 'needs' and 'note'."
        )
        return
    yield from _check_keys(file, place, entry, _ENTRY_KEYS)
    yield from _check_list(file, (*place, "needs"), entry.get("needs"), _TCF_PURPOSES)
    if not isinstance(entry.get("note"), str) or not entry["note"].strip():
        yield file.build_problem(
            place, f"{format_place(place)} has no 'note'", "Say why these are what it needs."
        )


def _check_keys(
    file: YamlFile, place: Place, mapping: Mapping[str, Any], names: Collection[str]
) -> Iterator[ConfigurationProblem]:
    for name in mapping:
        if name not in names:
            yield file.build_problem(
                (*place, name),
                f"{format_place(place)} has an unknown key {name!r}",
                suggest_name(name, names),
            )


def _check_list(
    file: YamlFile, place: Place, value: Any, choices: Mapping[str, Any]
) -> Iterator[ConfigurationProblem]:
    """Report a value that is not a non-empty list of the choices; an empty list would have no effect."""
    if not isinstance(value, list) or not value:
        example = "[sharing]" if choices is _FAMILIES else "[1, 3, 4]"
        yield file.build_problem(
            place, f"{format_place(place)} is not a list of choices", f"It takes one, such as {example}."
        )
        return
    for index, item in enumerate(value):
        if not isinstance(item, str) or item not in choices:
            advice = suggest_name(str(item), _FAMILIES) if choices is _FAMILIES else _TCF_PURPOSE_ADVICE
            yield file.build_problem((*place, index), f"{format_place(place)} has {item!r}", advice)


def _check_complete(folder: Path, files: Collection[YamlFile]) -> Iterator[ConfigurationProblem]:
    """Report missing opt-outs, whose signals would have no effect, and names declared in two files."""
    for section in _SIGNAL_SECTIONS:
        names = [name for name, _ in _iterate_section(files, section)]
        for name in {name for name in names if names.count(name) > 1}:
            yield ConfigurationProblem(
                folder, 1, f"{section} > {name} is declared in two files", "Keep one of them."
            )
        if section == "opt_outs":
            for name in set(OPT_OUT_KINDS) - set(names):
                advice = "Name the families of purposes it refuses, such as [sharing]."
                yield ConfigurationProblem(folder, 1, f"opt_outs has no {name!r}", advice)
