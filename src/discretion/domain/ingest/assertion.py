"""What a message asserts about its identifiers, limited to what its source may assert."""

from __future__ import annotations

from collections.abc import Mapping

from discretion.catalogue.assurance import ASSURANCE_BY_LABEL, Assurance
from discretion.catalogue.model import Catalogue, Source
from discretion.domain.ingest.message import ExternalIdentifier
from discretion.domain.ingest.rejection import LeftOut
from discretion.seal.redacted import Redacted

LimitedIdentifier = tuple[ExternalIdentifier, LeftOut | None]
"""An identifier with its assurance, and what was left out of the assertion about it."""


def build_own_identifier(
    source: Source, identifier_type: str, normalised: str, asserted: Assurance
) -> ExternalIdentifier:
    """Return an identifier with an assurance that the message's member implies, such as of ``userId``."""
    assurance = source.limit_assurance(identifier_type, asserted)
    return ExternalIdentifier(identifier_type, Redacted(normalised), assurance)


def read_external_assurance(
    source: Source, identifier: ExternalIdentifier, label: object, place: str
) -> LimitedIdentifier:
    """Return an external id with the assurance of its member ``assurance``; without it, it is a claim."""
    if label is None:
        return identifier, None
    asserted = ASSURANCE_BY_LABEL.get(label) if isinstance(label, str) else None
    if asserted is None:
        return identifier, LeftOut(
            place,
            "ASSURANCE_LOWERED",
            "It is none of proven, presented and claimed; the id counts as claimed.",
        )
    return _limit_assertion(source, identifier, asserted, place)


def read_verified_assurance(
    catalogue: Catalogue, source: Source, identifier: ExternalIdentifier, flat_traits: Mapping[str, object]
) -> LimitedIdentifier:
    """Return the value of an attribute as an identifier: proven if the source states that it verified it."""
    verified_by = catalogue.identifiers[identifier.type].verified_by
    if verified_by is None or flat_traits.get(verified_by) is not True:
        return identifier, None
    return _limit_assertion(source, identifier, Assurance.PROVEN, f"traits.{verified_by}")


def _limit_assertion(
    source: Source, identifier: ExternalIdentifier, asserted: Assurance, place: str
) -> LimitedIdentifier:
    assurance = source.limit_assurance(identifier.type, asserted)
    limited = ExternalIdentifier(identifier.type, identifier.value, assurance, identifier.is_stated)
    if assurance is asserted:
        return limited, None
    return limited, LeftOut(
        place,
        "ASSURANCE_LOWERED",
        f"The catalogue does not let this source assert that; the {identifier.type} counts as"
        f" {assurance.label}.",
    )
