"""What a person wants changed, checked against the catalogue as a source's word is. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from discretion.catalogue.correction_authority import Correctable
from discretion.catalogue.model import Attribute, Catalogue
from discretion.catalogue.nearest_name import nearest
from discretion.domain.ingest.attributes import value_of
from discretion.domain.ingest.rejection import No
from discretion.errors import BadRequest
from discretion.seal.redacted import Shut

MAX_CHANGES = 100
MAX_NAME = 100


@dataclass(frozen=True, slots=True)
class Change:
    """One attribute and its right value, in stored form; None where there should be none."""

    attribute: Attribute
    value: Shut[Any] | None


def check(catalogue: Catalogue, changes: Mapping[str, Any], region: str | None = None) -> list[Change]:
    """What is asked for, in the order of the catalogue.

    Args:
        catalogue: What may be corrected, and what it takes.
        changes: Values by the paths of attributes; None removes one.
        region: The country (ISO 3166-1 alpha-2) in whose notation phone numbers are written.

    Raises:
        BadRequest: ``CORRECTION_EMPTY``, ``CORRECTION_TOO_MANY``, ``ATTRIBUTE_UNKNOWN``,
            ``CORRECTION_NEVER``, or ``TYPE_WRONG``, ``VALUE_UNDECLARED``, ``IDENTIFIER_INVALID`` as of a
            message; none repeats a value.
    """
    if not changes:
        raise BadRequest("CORRECTION_EMPTY", "Nothing is to be changed.", "Name what is wrong by its path.")
    if len(changes) > MAX_CHANGES:
        raise BadRequest(
            "CORRECTION_TOO_MANY", f"There are more than {MAX_CHANGES} changes.", "Ask several times."
        )
    for path in changes:
        if path not in catalogue.attributes:
            advice = nearest(path[:MAX_NAME], catalogue.attributes)
            raise BadRequest("ATTRIBUTE_UNKNOWN", "There is no such attribute.", advice)
    known = [one for path, one in catalogue.attributes.items() if path in changes]
    return [_change(catalogue, one, changes[one.path], region) for one in known]


def needs_evidence(changes: Sequence[Change]) -> bool:
    """Whether a steward is to look at it first."""
    return any(one.attribute.correctable is Correctable.EVIDENCE for one in changes)


def _change(catalogue: Catalogue, attribute: Attribute, given: Any, region: str | None) -> Change:
    if attribute.correctable is Correctable.NEVER:
        raise BadRequest(
            "CORRECTION_NEVER",
            f"{attribute.path} is not corrected: it follows from what happened, or tells devices apart.",
            "If what it follows from is wrong, object to it or have it erased.",
        )
    if given is None:
        return Change(attribute, None)
    try:
        told = value_of(catalogue, attribute, given, region, attribute.path)
    except No as no:
        raise BadRequest(no.code, f"{attribute.path} cannot be that.", no.reason) from None
    return Change(attribute, told.value)
