"""Cross checks of the attributes' numbers, against each other and against the register of numbers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from discretion.catalogue.attribute_register import (
    REGISTER_NAME,
    Register,
    RegisteredAttribute,
    find_conflict,
    find_next_number,
    render_type,
)
from discretion.catalogue.entry import AttributeEntry
from discretion.catalogue.parsed_file import ParsedCatalogue
from discretion.catalogue.problem import ConfigurationProblem

_MAX_MISSING = 10
"""Most missing lines of the register that one run reports."""


def check_numbers(parsed_catalogue: ParsedCatalogue) -> Iterator[ConfigurationProblem]:
    """Report attributes without a number, shared numbers, and numbers whose meaning changed."""
    register = read_register(parsed_catalogue)
    yield from _check_register(parsed_catalogue, register)
    numbers = [entry.number for _, _, entry in parsed_catalogue.iterate_entries("attributes")]
    next_number = max(find_next_number(register) - 1, *(number or 0 for number in numbers), 0) + 1
    yield from _check_presence(parsed_catalogue, register, next_number)
    first_free = find_next_number(register)
    path_by_number: dict[int, str] = {}
    for parsed_file, path, entry in parsed_catalogue.iterate_completed("attributes"):
        if entry.number is None:
            continue
        place = ("attributes", path, "number")
        if (other_path := path_by_number.setdefault(entry.number, path)) != path:
            fault = f"number {entry.number} of {path!r} is the number of {other_path!r}"
            yield parsed_file.file.build_problem(place, fault, f"The next free one is {next_number}.")
        elif (registered := register.get(entry.number)) is not None:
            declared = describe_declared(path, entry.number, entry)
            if conflict := find_conflict(registered, declared, next_number):
                yield parsed_file.file.build_problem(place, conflict.fault, conflict.advice)
    # A gap would hide that a line of the register is missing.
    unregistered = sorted(number for number in path_by_number if number not in register)
    for expected, number in enumerate(unregistered, first_free):
        if number != expected:
            yield from _report_gap(parsed_catalogue, number, expected)
            break


def read_register(parsed_catalogue: ParsedCatalogue) -> Register:
    """Return the register of numbers as its file has it."""
    return {
        number: RegisteredAttribute(number, **entry.model_dump())
        for _, number, entry in parsed_catalogue.iterate_entries("numbers")
    }


def describe_declared(path: str, number: int, entry: AttributeEntry) -> RegisteredAttribute:
    """Return what the register says about an attribute, from its completed entry."""
    type_text = render_type(entry.type.value, many=entry.many, currency=entry.currency or "")
    return RegisteredAttribute(number, path, type_text, entry.sealed is not False)


def _check_register(parsed_catalogue: ParsedCatalogue, register: Register) -> Iterator[ConfigurationProblem]:
    files = [part for part in parsed_catalogue.parts if "numbers" in part.file.data]
    for parsed_file in files[1:]:
        advice = f"They are also in {files[0].file.path.name}; keep all lines in {REGISTER_NAME}."
        yield parsed_file.file.build_problem(("numbers",), "'numbers' is declared twice", advice)
    for parsed_file in files[:1]:
        lines = parsed_file.file.data["numbers"]
        highest = max(find_next_number(register) - 1, parsed_file.entries.numbers_given or 0)
        # A line that is there and has the wrong shape was reported before.
        missing = (number for number in range(1, highest + 1) if str(number) not in lines)
        for number in itertools.islice(missing, _MAX_MISSING):
            place, fault = ("numbers", str(number + 1)), f"the register has no line for number {number}"
            yield parsed_file.file.build_problem(
                place, fault, "Restore it; also a retired attribute keeps its line."
            )


def _check_presence(
    parsed_catalogue: ParsedCatalogue, register: Register, next_number: int
) -> Iterator[ConfigurationProblem]:
    number_by_path: Mapping[str, int] = {
        attribute.path: number for number, attribute in register.items() if not attribute.retired
    }
    for parsed_file, path, entry in parsed_catalogue.iterate_entries("attributes"):
        if entry.number is not None:
            continue
        if (number := number_by_path.get(path)) is not None:
            advice = f"Add 'number: {number}', which the register has for it."
        else:
            advice, next_number = f"Add 'number: {next_number}', the next free one.", next_number + 1
        yield parsed_file.file.build_problem(("attributes", path), f"{path} has no number", advice)


def _report_gap(
    parsed_catalogue: ParsedCatalogue, number: int, expected: int
) -> Iterator[ConfigurationProblem]:
    parsed_file, path = next(
        (parsed_file, path)
        for parsed_file, path, entry in parsed_catalogue.iterate_entries("attributes")
        if entry.number == number
    )
    fault = f"number {number} of {path!r} leaves out {expected}"
    advice = f"Take {expected}, the next free one."
    yield parsed_file.file.build_problem(("attributes", path, "number"), fault, advice)
