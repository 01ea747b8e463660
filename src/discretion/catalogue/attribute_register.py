"""The register of attribute numbers: which attribute each number names, for ever.

Stored documents and the ledger know attributes by number only. So a number never changes its attribute, its
type or whether it is sealed, also after the attribute was retired: old ciphertexts and ledger entries would
otherwise be read as something else. The register, ``numbers.yaml`` beside the catalogue, remembers what every
number was given to. ``discretion schema print --write`` adds lines and marks retired
ones. No line is removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

REGISTER_NAME = "numbers.yaml"
"""The register's file, in the folder of the catalogue."""

_HEADER = """\
# yaml-language-server: $schema=../jsonschema/catalogue.schema.json
# The attribute that each number was given to. `discretion schema print --write` adds a line for a new
# attribute and marks the line of a removed one as `retired`. Never remove a line, and change none by hand:
# stored values and the ledger know attributes by these numbers.
"""


@dataclass(frozen=True, slots=True)
class RegisteredAttribute:
    """What a number was given to.

    Attributes:
        type: The type as in GraphQL; a list is in brackets, such as ``[String]``.
        retired: Whether the attribute was removed from the catalogue. Its number stays taken.
    """

    number: int
    path: str
    type: str
    sealed: bool
    retired: bool = False


Register = Mapping[int, RegisteredAttribute]
"""Registered attributes by their number."""


@dataclass(frozen=True, slots=True)
class RegisterConflict:
    """A number that changed its meaning: the ``fault``, and the ``advice`` that corrects it."""

    number: int
    fault: str
    advice: str


def render_type(name: str, *, many: bool, currency: str = "") -> str:
    """Return a type as the register writes it: its name in GraphQL, and the currency of stored amounts."""
    return f"[{name}]" if many else f"{name} {currency}".strip()


def find_next_number(*registers: Register) -> int:
    """Return the lowest number above all that were ever given."""
    return max((number for register in registers for number in register), default=0) + 1


def find_conflict(
    before: RegisteredAttribute, after: RegisteredAttribute, next_number: int
) -> RegisterConflict | None:
    """Return how a number changed its meaning between two registers, or None if it did not.

    Args:
        before: What the number was given to.
        after: What it is given to now.
        next_number: A number that was never given, for the advice.
    """
    take_next = f"Take the next free one, {next_number}."
    number = before.number
    if before.path != after.path:
        status = ", which is retired" if before.retired else ""
        fault = f"number {number} of {after.path!r} belongs to {before.path!r}{status}"
        return RegisterConflict(number, fault, f"{take_next} Also a renamed attribute is a new one.")
    if before.retired and not after.retired:
        return RegisterConflict(number, f"number {number} of {after.path!r} is retired", take_next)
    if before.type != after.type:
        fault = f"{after.path!r} was {before.type} under number {number} and is {after.type} now"
        return RegisterConflict(
            number, fault, f"Make it {before.type} again, or give it number {next_number}."
        )
    if before.sealed != after.sealed:
        seal_before, seal_after = _describe_seal(before), _describe_seal(after)
        fault = f"{after.path!r} was {seal_before} under number {number} and is {seal_after} now"
        advice = f"Make it 'sealed: {_format_flag(before.sealed)}' again, or give it number {next_number}."
        return RegisterConflict(number, fault, advice)
    return None


def find_register_conflicts(before: Register, after: Register) -> list[RegisterConflict]:
    """Return every number that ``after`` lacks or gives another meaning than ``before``, by number.

    Added and newly retired numbers are no conflict.
    """
    next_number = find_next_number(before, after)
    conflicts = []
    for number, attribute in sorted(before.items()):
        if number not in after:
            fault = f"number {number} of {attribute.path!r} is missing"
            advice = f"Restore its line in {REGISTER_NAME}; a retired attribute keeps it."
            conflicts.append(RegisterConflict(number, fault, advice))
        elif conflict := find_conflict(attribute, after[number], next_number):
            conflicts.append(conflict)
    return conflicts


def extend_register(
    register: Register, declared: Iterable[RegisteredAttribute]
) -> dict[int, RegisteredAttribute]:
    """Return the register with the attributes of a catalogue added, and those it lacks marked as retired."""
    declared_by_number = {attribute.number: attribute for attribute in declared}
    kept = {
        number: attribute if number in declared_by_number else replace(attribute, retired=True)
        for number, attribute in register.items()
    }
    return dict(sorted({**declared_by_number, **kept}.items()))


def render_register(register: Register) -> str:
    """Return the text of the register's file."""
    lines = [f"{_HEADER}numbers_given: {find_next_number(register) - 1}", "numbers:"]
    lines += [f"  {number}: {_render_attribute(attribute)}" for number, attribute in sorted(register.items())]
    return "\n".join(lines) + "\n"


def _render_attribute(attribute: RegisteredAttribute) -> str:
    type_text = f"'{attribute.type}'" if attribute.type.startswith("[") else attribute.type
    retired = ", retired: true" if attribute.retired else ""
    return f"{{path: {attribute.path}, type: {type_text}, sealed: {_format_flag(attribute.sealed)}{retired}}}"


def _describe_seal(attribute: RegisteredAttribute) -> str:
    return "sealed" if attribute.sealed else "open"


def _format_flag(flag: bool) -> str:
    return "true" if flag else "false"
