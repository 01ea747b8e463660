"""Parsing of identifiers: the person's ids at the source, ids of other systems, and ids of the device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.identifier_type import is_sendable
from discretion.catalogue.model import Catalogue, Source
from discretion.domain.ingest.assertion import limit_own_assurance, read_external_assurance
from discretion.domain.ingest.json_path import find_first_value
from discretion.domain.ingest.message import ExternalIdentifier, LeftOut
from discretion.domain.ingest.rejection import MessageRejected
from discretion.seal.normalisation import NORMALISATION_RULES
from discretion.seal.redacted import Redacted

MAX_ID_LENGTH = 254
MAX_EXTERNAL_IDS = 100
_EXTERNAL_PLACE = "context.externalIds"
_BLOCKED_REASON = "The catalogue blocks this id: it identifies no single person."


def parse_identifier(
    catalogue: Catalogue, identifier_type: str, text: object, region: str | None, place: str
) -> ExternalIdentifier:
    """Normalise an id by the rule of its type; ``region`` is the country of national phone numbers.

    Raises:
        MessageRejected: ``IDENTIFIER_INVALID``.
    """
    normalisation = catalogue.identifiers[identifier_type].normalise
    normalised = NORMALISATION_RULES[normalisation](text, region) if isinstance(text, str) else None
    if normalised is None:
        raise MessageRejected("IDENTIFIER_INVALID", f"It is not a valid {identifier_type}.", place)
    return ExternalIdentifier(identifier_type, Redacted(normalised))


def parse_person_identifiers(
    catalogue: Catalogue, source: Source, raw: Mapping[str, object]
) -> Iterator[ExternalIdentifier]:
    """Parse ``userId`` and ``anonymousId`` as the identifier types that the source declares for them.

    A ``userId`` counts as proven and an ``anonymousId`` as presented, as far as the source may assert that.

    Raises:
        MessageRejected: ``NO_USER_ANON_ID``, ``ID_INVALID``, ``IDENTIFIER_INVALID``; ``IDENTIFIER_BLOCKED``
            if the catalogue blocks every id of the message.
    """
    has_identifier = has_blocked = False
    for member, identifier_type, asserted in (
        ("userId", source.user_id, Assurance.PROVEN),
        ("anonymousId", source.anonymous_id, Assurance.PRESENTED),
    ):
        raw_value = raw.get(member)
        if raw_value is None or raw_value == "":
            continue
        parsed_identifier = parse_identifier(
            catalogue, identifier_type, _parse_id_text(raw_value, member), None, member
        )
        if is_blocked(catalogue, parsed_identifier):
            has_blocked = True
            continue
        has_identifier = True
        yield limit_own_assurance(source, parsed_identifier, asserted)
    if has_blocked and not has_identifier:
        raise MessageRejected("IDENTIFIER_BLOCKED", _BLOCKED_REASON, "userId")
    if not has_identifier:
        raise MessageRejected(
            "NO_USER_ANON_ID", "A message names a person by userId, anonymousId or both.", "userId"
        )


def parse_previous_identifiers(
    catalogue: Catalogue, source: Source, raw: Mapping[str, object]
) -> Iterator[ExternalIdentifier]:
    """Parse ``previousId`` of an alias message: an earlier id of the person at this source.

    The message does not say whether it was a user id or an anonymous id, so it is returned as both types: a
    user id is only claimed, and an anonymous id presented.

    Raises:
        MessageRejected: ``PREVIOUS_ID_INVALID``, ``ID_INVALID``, ``IDENTIFIER_INVALID``,
            ``IDENTIFIER_BLOCKED``.
    """
    raw_value = raw.get("previousId")
    if raw_value is None or raw_value == "":
        raise MessageRejected(
            "PREVIOUS_ID_INVALID", "An alias message names the person's earlier id.", "previousId"
        )
    types = {source.anonymous_id: Assurance.PRESENTED, source.user_id: Assurance.CLAIMED}
    for identifier_type, asserted in types.items():
        parsed_identifier = parse_identifier(
            catalogue, identifier_type, _parse_id_text(raw_value, "previousId"), None, "previousId"
        )
        if is_blocked(catalogue, parsed_identifier):
            raise MessageRejected("IDENTIFIER_BLOCKED", _BLOCKED_REASON, "previousId")
        yield limit_own_assurance(source, parsed_identifier, asserted)


def is_blocked(catalogue: Catalogue, identifier: ExternalIdentifier) -> bool:
    """Return whether the catalogue blocks this value because many people share it, such as a test account."""
    return (
        catalogue.identifiers[identifier.type].blocked_pattern.fullmatch(identifier.value.value) is not None
    )


def parse_external_ids(
    catalogue: Catalogue, source: Source, context: Mapping[str, object], region: str | None
) -> tuple[list[ExternalIdentifier], list[LeftOut], int]:
    """Parse ``context.externalIds``, a list of ``{id, type, collection, encoding, assurance}``.

    Ids of an undeclared type or collection, and encoded ids, are dropped.

    Returns:
        The identifiers, what was left out of the assertions about them, and the number of ids that were
        dropped.

    Raises:
        MessageRejected: ``TYPE_WRONG``, ``ID_INVALID``, ``IDENTIFIER_INVALID``.
    """
    external_ids = context.get("externalIds")
    if external_ids is None:
        return [], [], 0
    if not isinstance(external_ids, list) or len(external_ids) > MAX_EXTERNAL_IDS:
        raise MessageRejected(
            "TYPE_WRONG", f"It takes a list of at most {MAX_EXTERNAL_IDS} ids.", _EXTERNAL_PLACE
        )
    identifiers: list[ExternalIdentifier] = []
    left_out: list[LeftOut] = []
    for index, external_id in enumerate(external_ids):
        place = f"{_EXTERNAL_PLACE}.{index}"
        if not isinstance(external_id, dict):
            raise MessageRejected("TYPE_WRONG", "It takes a JSON object.", place)
        identifier_type = external_id.get("type")
        if (
            isinstance(identifier_type, str)
            and is_plain_user_id(external_id)
            and may_supply(catalogue, source, identifier_type)
        ):
            text = _parse_id_text(external_id.get("id"), f"{place}.id")
            identifier, lowered = read_external_assurance(
                source,
                parse_identifier(catalogue, identifier_type, text, region, f"{place}.id"),
                external_id.get("assurance"),
                f"{place}.assurance",
            )
            identifiers.append(identifier)
            left_out += [] if lowered is None else [lowered]
    return identifiers, left_out, len(external_ids) - len(identifiers)


def parse_context_identifiers(
    catalogue: Catalogue, source: Source, context: Mapping[str, object]
) -> tuple[list[ExternalIdentifier], int]:
    """Parse the ids at the context places that the catalogue's identifier types name.

    They count as presented, as far as the source may assert that. An id that does not fit is dropped and does
    not refuse the message, because an SDK filled it in.

    Returns:
        The identifiers, and the number of ids that were dropped.
    """
    identifiers: list[ExternalIdentifier] = []
    misfits = 0
    for identifier_type, declared in catalogue.identifiers.items():
        place_and_value = find_first_value(context, declared.context)
        if place_and_value is None or not may_supply(catalogue, source, identifier_type):
            continue
        place, raw_value = place_and_value
        try:
            identifier = parse_identifier(catalogue, identifier_type, raw_value, None, f"context.{place}")
        except MessageRejected:
            misfits += 1
            continue
        identifiers.append(limit_own_assurance(source, identifier, Assurance.PRESENTED))
    return identifiers, misfits


def may_supply(catalogue: Catalogue, source: Source, identifier_type: str) -> bool:
    """Return whether a source may send ids of a type: its own two types, or one its channel supplies."""
    supplying = (
        attribute.channels
        for attribute in catalogue.attributes.values()
        if attribute.identifier == identifier_type
    )
    return identifier_type in catalogue.identifiers and is_sendable(
        identifier_type, (source.user_id, source.anonymous_id), source.channel, supplying
    )


def is_plain_user_id(external_id: Mapping[str, object]) -> bool:
    """Return whether an external id identifies a person and is not encoded."""
    return external_id.get("collection") in (None, "users") and external_id.get("encoding") in (None, "none")


def _parse_id_text(raw_value: object, place: str) -> str:
    # A bool is an int in Python: as an id, `true` would become the text "True".
    text = str(raw_value) if isinstance(raw_value, int) and not isinstance(raw_value, bool) else raw_value
    if not isinstance(text, str) or len(text) > MAX_ID_LENGTH:
        raise MessageRejected("ID_INVALID", f"It takes text of at most {MAX_ID_LENGTH} characters.", place)
    return text
