"""``schema/signals/*.yaml`` -> ``Signals``, or everything that is wrong with them at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from discretion.catalogue.load import shipped as shipped_catalogue
from discretion.catalogue.model import Catalogue, Family
from discretion.catalogue.nearest_name import nearest
from discretion.catalogue.problem import Problem
from discretion.catalogue.taxonomy import taxonomy
from discretion.catalogue.yaml_file import File, Place, read, shown
from discretion.errors import Misconfigured
from discretion.law.signals.model import LAST_TCF_PURPOSE, OPT_OUTS, Signals

_SECTIONS = ("opt_outs", "purposes")
_ENTRY = ("needs", "note")
_NUMBERS = {str(number): number for number in range(1, LAST_TCF_PURPOSE + 1)}
_NUMBERED = f"TCF's purposes are 1 to {LAST_TCF_PURPOSE}."
_FAMILIES = {family.value: family for family in Family}


def load(catalogue: Catalogue, folder: Path | None = None) -> Signals:
    """What signals mean for a catalogue, out of ``folder`` or as it is shipped.

    What is shipped also speaks of purposes that a catalogue of the user's may lack; those are left out.

    Raises:
        Misconfigured: ``SIGNALS_INVALID``; the message has one line for each problem, as
            ``file:line: what is wrong. What would be right``.
    """
    known = taxonomy().uses if folder is None else catalogue.purposes
    folder = folder or shipped()
    files, problems = read(folder)
    problems += [problem for file in files for problem in _check(file, known)]
    if not problems:
        problems += _missing(folder, files)
    if problems:
        lines = [str(problem) for problem in sorted(set(problems))]
        raise Misconfigured("SIGNALS_INVALID", "\n".join(["The signals do not hold:", *lines]))
    opt_outs = {name: [_FAMILIES[one] for one in held] for name, held in _each(files, "opt_outs")}
    needs = {key: [_NUMBERS[one] for one in entry["needs"]] for key, entry in _each(files, "purposes")}
    return Signals(
        MappingProxyType({name: frozenset(families) for name, families in opt_outs.items()}),
        MappingProxyType({key: frozenset(held) for key, held in needs.items() if key in catalogue.purposes}),
    )


def shipped() -> Path:
    """The signals of this version, beside its catalogue."""
    return shipped_catalogue().parent / "signals"


def _each(files: Collection[File], section: str) -> Iterator[tuple[str, Any]]:
    for file in files:
        yield from file.data.get(section, {}).items()


def _check(file: File, purposes: Collection[str]) -> Iterator[Problem]:
    yield from _known(file, (), file.data, _SECTIONS)
    for section in _SECTIONS:
        held = file.data.get(section, {})
        if not isinstance(held, dict):
            yield file.problem((section,), f"{section} is not a mapping", "It takes a mapping.")
            continue
        if section == "opt_outs":
            yield from _known(file, (section,), held, OPT_OUTS)
            for name, families in held.items():
                yield from _listed(file, (section, name), families, _FAMILIES)
            continue
        yield from _known(file, (section,), held, purposes)
        for key, entry in held.items():
            yield from _entry(file, (section, key), entry)


def _entry(file: File, place: Place, entry: Any) -> Iterator[Problem]:
    if not isinstance(entry, dict):
        yield file.problem(place, f"{shown(place)} is not a mapping", "It takes 'needs' and 'note'.")
        return
    yield from _known(file, place, entry, _ENTRY)
    yield from _listed(file, (*place, "needs"), entry.get("needs"), _NUMBERS)
    if not isinstance(entry.get("note"), str) or not entry["note"].strip():
        yield file.problem(place, f"{shown(place)} has no 'note'", "Say why these are what it needs.")


def _known(file: File, place: Place, held: Mapping[str, Any], names: Collection[str]) -> Iterator[Problem]:
    for name in held:
        if name not in names:
            yield file.problem(
                (*place, name), f"{shown(place)} has an unknown key {name!r}", nearest(name, names)
            )


def _listed(file: File, place: Place, given: Any, choices: Mapping[str, Any]) -> Iterator[Problem]:
    """A list of some of the choices, which is not empty: an entry that says nothing is a mistake."""
    if not isinstance(given, list) or not given:
        example = "[sharing]" if choices is _FAMILIES else "[1, 3, 4]"
        yield file.problem(
            place, f"{shown(place)} is not a list of some", f"It takes one, such as {example}."
        )
        return
    for index, one in enumerate(given):
        if not isinstance(one, str) or one not in choices:
            right = nearest(str(one), _FAMILIES) if choices is _FAMILIES else _NUMBERED
            yield file.problem((*place, index), f"{shown(place)} has {one!r}", right)


def _missing(folder: Path, files: Collection[File]) -> Iterator[Problem]:
    """A signal that speaks for nothing would be heard by nobody; and two words for one thing contradict."""
    for section in _SECTIONS:
        names = [name for name, _ in _each(files, section)]
        for name in {name for name in names if names.count(name) > 1}:
            yield Problem(folder, 1, f"{section} > {name} stands in two files", "Keep one of them.")
        if section == "opt_outs":
            for name in set(OPT_OUTS) - set(names):
                right = "Name the families of purposes it refuses, such as [sharing]."
                yield Problem(folder, 1, f"opt_outs has no {name!r}", right)
