"""Proposed changes, checked against the catalogue in the same way as values from sources. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from discretion.catalogue.correction_authority import Correctable
from discretion.catalogue.model import Attribute, Catalogue
from discretion.catalogue.nearest_name import suggest_name
from discretion.domain.ingest.attributes import parse_attribute_value
from discretion.domain.ingest.rejection import MessageRejected
from discretion.errors import BadRequest
from discretion.seal.redacted import Redacted

MAX_CHANGES = 100
"""Most attributes in one request."""

MAX_NAME_CHARS = 100
"""Most characters of an unknown path that are compared with known ones, for a suggestion in the error."""


@dataclass(frozen=True, slots=True)
class ProposedChange:
    """One attribute and its correct value in stored form; None if it should have no value."""

    attribute: Attribute
    value: Redacted[object] | None


def check_changes(
    catalogue: Catalogue, changes: Mapping[str, object], now_ms: int, region: str | None = None
) -> list[ProposedChange]:
    """Check proposed changes and return them in the order of the catalogue.

    Args:
        catalogue: Defines what may be corrected, and the values that are allowed.
        changes: Values by attribute path; None removes a value.
        now_ms: The current time (ms since 1970).
        region: The country (ISO 3166-1 alpha-2) for phone numbers in national notation.

    Raises:
        BadRequest: ``CORRECTION_EMPTY``, ``CORRECTION_TOO_MANY``, ``ATTRIBUTE_UNKNOWN``,
            ``CORRECTION_NEVER``; or, as for a message, ``TYPE_WRONG``, ``VALUE_UNDECLARED``,
            ``VALUE_INVALID``, ``IDENTIFIER_INVALID``. No error repeats a value.
    """
    if not changes:
        raise BadRequest(
            "CORRECTION_EMPTY", "The request contains no change.", "Name each attribute by its path."
        )
    if len(changes) > MAX_CHANGES:
        raise BadRequest(
            "CORRECTION_TOO_MANY", f"There are more than {MAX_CHANGES} changes.", "Send several requests."
        )
    for path in changes:
        if path not in catalogue.attributes:
            # The path is cut: the cost of the comparison grows with its length, and the caller chooses it.
            advice = suggest_name(path[:MAX_NAME_CHARS], catalogue.attributes)
            raise BadRequest("ATTRIBUTE_UNKNOWN", "There is no such attribute.", advice)
    attributes = [attribute for path, attribute in catalogue.attributes.items() if path in changes]
    return [
        _check_change(catalogue, attribute, changes[attribute.path], now_ms, region)
        for attribute in attributes
    ]


def needs_evidence(changes: Sequence[ProposedChange]) -> bool:
    """Return whether a steward must examine evidence before these changes are applied."""
    return any(change.attribute.correctable is Correctable.EVIDENCE for change in changes)


def _check_change(
    catalogue: Catalogue, attribute: Attribute, proposed_value: object, now_ms: int, region: str | None
) -> ProposedChange:
    if attribute.correctable is Correctable.NEVER:
        raise BadRequest(
            "CORRECTION_NEVER",
            f"{attribute.path} cannot be corrected: it is computed from events, or identifies a device.",
            "If the events are wrong, object to their use or request erasure.",
        )
    if proposed_value is None:
        return ProposedChange(attribute, None)
    try:
        parsed_value = parse_attribute_value(
            catalogue, attribute, proposed_value, attribute.path, region, now_ms
        )
    except MessageRejected as rejection:
        raise BadRequest(
            rejection.code, f"{attribute.path} cannot have this value.", rejection.reason
        ) from None
    return ProposedChange(attribute, parsed_value.value)
