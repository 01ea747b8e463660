"""Parsing of identifiers: the person's ids at the source, ids of other systems, and ids of the device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.model import Catalogue, Source
from discretion.domain.ingest.assertion import build_own_identifier, read_external_assurance
from discretion.domain.ingest.json_path import find_first_value
from discretion.domain.ingest.message import ExternalIdentifier
from discretion.domain.ingest.rejection import LeftOut, MessageRejected
from discretion.seal.normalisation import NORMALISATION_RULES
from discretion.seal.redacted import Redacted

MAX_ID_LENGTH = 254
MAX_EXTERNAL_IDS = 100
_EXTERNAL_PLACE = "context.externalIds"
_BLOCKED_REASON = "The catalogue blocks this id: it identifies no single person."


def parse_person_identifiers(
    catalogue: Catalogue, source: Source, raw: Mapping[str, object]
) -> tuple[list[ExternalIdentifier], list[LeftOut]]:
    """Parse ``userId`` and ``anonymousId`` as the identifier types that the source declares for them.

    A ``userId`` counts as proven and an ``anonymousId`` as presented, as far as the source may assert that.

    Returns:
        At least one identifier, and what was left out.

    Raises:
        MessageRejected: ``NO_USER_ANON_ID``; ``ID_INVALID``, ``IDENTIFIER_INVALID``, ``IDENTIFIER_BLOCKED``
            if no id of the message can be used.
    """
    identifiers: list[ExternalIdentifier] = []
    rejections: list[MessageRejected] = []
    for member, identifier_type, asserted in (
        ("userId", source.user_id, Assurance.PROVEN),
        ("anonymousId", source.anonymous_id, Assurance.PRESENTED),
    ):
        raw_value = raw.get(member)
        if raw_value is None or raw_value == "":
            continue
        try:
            normalised = _parse_unblocked_id(catalogue, identifier_type, raw_value, member)
        except MessageRejected as rejection:
            rejections.append(rejection)
            continue
        identifiers.append(build_own_identifier(source, identifier_type, normalised, asserted))
    if not identifiers:
        raise (
            rejections[0]
            if rejections
            else MessageRejected(
                "NO_USER_ANON_ID", "A message names a person by userId, anonymousId or both.", "userId"
            )
        )
    return identifiers, [rejection.leave_out() for rejection in rejections]


def _parse_unblocked_id(
    catalogue: Catalogue, identifier_type: str, raw_value: object, place: str, region: str | None = None
) -> str:
    """Normalise an id by the rule of its type; ``region`` is the country of national phone numbers.

    Raises:
        MessageRejected: ``ID_INVALID``, ``IDENTIFIER_INVALID``, ``IDENTIFIER_BLOCKED``.
    """
    text = _parse_id_text(raw_value, place)
    declared = catalogue.identifiers[identifier_type]
    normalised = NORMALISATION_RULES[declared.normalise](text, region)
    if normalised is None:
        raise MessageRejected("IDENTIFIER_INVALID", f"It is not a valid {identifier_type}.", place)
    if declared.blocks(normalised):
        raise MessageRejected("IDENTIFIER_BLOCKED", _BLOCKED_REASON, place)
    return normalised


def parse_previous_identifiers(
    catalogue: Catalogue, source: Source, raw: Mapping[str, object]
) -> Iterator[ExternalIdentifier]:
    """Parse ``previousId`` of an alias message: an earlier id of the person at this source.

    The message does not say whether it was a user id or an anonymous id, so it is returned as both types: a
    user id is only claimed, and an anonymous id presented, as in ``anonymousId``.

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
        normalised = _parse_unblocked_id(catalogue, identifier_type, raw_value, "previousId")
        yield build_own_identifier(source, identifier_type, normalised, asserted)


def is_blocked(catalogue: Catalogue, identifier: ExternalIdentifier) -> bool:
    """Return whether the catalogue blocks this value because many people share it, such as a test account."""
    return catalogue.identifiers[identifier.type].blocks(identifier.value.value)


def parse_external_ids(
    catalogue: Catalogue, source: Source, context: Mapping[str, object], region: str | None
) -> tuple[list[ExternalIdentifier], list[LeftOut], int]:
    """Parse ``context.externalIds``, a list of ``{id, type, collection, encoding, assurance}``.

    Ids of an undeclared type or collection, and encoded ids, are dropped.

    Returns:
        The identifiers, what was left out of them and of the assertions about them, and the number of ids
        that were dropped.
    """
    external_ids = context.get("externalIds")
    if external_ids is None or external_ids == "":
        return [], [], 0
    if not isinstance(external_ids, list) or len(external_ids) > MAX_EXTERNAL_IDS:
        reason = f"It takes a list of at most {MAX_EXTERNAL_IDS} ids."
        return [], [LeftOut(_EXTERNAL_PLACE, "TYPE_WRONG", reason)], 0
    identifiers: list[ExternalIdentifier] = []
    left_out: list[LeftOut] = []
    dropped = 0
    for index, external_id in enumerate(external_ids):
        place = f"{_EXTERNAL_PLACE}.{index}"
        if not isinstance(external_id, dict):
            left_out.append(LeftOut(place, "TYPE_WRONG", "It takes a JSON object."))
            continue
        identifier_type = external_id.get("type")
        if (
            not isinstance(identifier_type, str)
            or not is_plain_user_id(external_id)
            or not may_supply(catalogue, source, identifier_type)
        ):
            dropped += 1
            continue
        if external_id.get("id") in (None, ""):
            continue
        try:
            normalised = _parse_unblocked_id(
                catalogue, identifier_type, external_id.get("id"), f"{place}.id", region
            )
        except MessageRejected as rejection:
            left_out.append(rejection.leave_out())
            continue
        claim = ExternalIdentifier(identifier_type, Redacted(normalised))
        identifier, lowered = read_external_assurance(
            source, claim, external_id.get("assurance"), f"{place}.assurance"
        )
        identifiers.append(identifier)
        left_out += [] if lowered is None else [lowered]
    return identifiers, left_out, dropped


def parse_context_identifiers(
    catalogue: Catalogue, source: Source, context: Mapping[str, object]
) -> tuple[list[ExternalIdentifier], list[LeftOut]]:
    """Parse the ids at the context places that the catalogue's identifier types name.

    They count as presented, as far as the source may assert that.

    Returns:
        The identifiers, and what was left out.
    """
    identifiers: list[ExternalIdentifier] = []
    left_out: list[LeftOut] = []
    if not context:
        return identifiers, left_out
    for declared in catalogue.identifiers.values():
        place_and_value = find_first_value(context, declared.context) if declared.context else None
        if place_and_value is None or not may_supply(catalogue, source, declared.key):
            continue
        place, raw_value = place_and_value
        try:
            normalised = _parse_unblocked_id(catalogue, declared.key, raw_value, f"context.{place}")
        except MessageRejected as rejection:
            left_out.append(rejection.leave_out())
            continue
        identifiers.append(build_own_identifier(source, declared.key, normalised, Assurance.PRESENTED))
    return identifiers, left_out


def may_supply(catalogue: Catalogue, source: Source, identifier_type: str) -> bool:
    """Return whether a source may send ids of a type: its own two types, or one its channel supplies."""
    if identifier_type in (source.user_id, source.anonymous_id):
        return identifier_type in catalogue.identifiers
    return identifier_type in catalogue.supply_by_channel[source.channel].identifiers


def is_plain_user_id(external_id: Mapping[str, object]) -> bool:
    """Return whether an external id identifies a person and is not encoded."""
    return external_id.get("collection") in (None, "users") and external_id.get("encoding") in (None, "none")


def _parse_id_text(raw_value: object, place: str) -> str:
    # A bool is an int in Python: as an id, `true` would become the text "True".
    text = str(raw_value) if isinstance(raw_value, int) and not isinstance(raw_value, bool) else raw_value
    if not isinstance(text, str) or len(text) > MAX_ID_LENGTH:
        raise MessageRejected("ID_INVALID", f"It takes text of at most {MAX_ID_LENGTH} characters.", place)
    return text
