"""Whom a message is about: its own ids, those of other systems, and those that a device brings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from discretion.catalogue.model import Catalogue, Source
from discretion.domain.ingest.json_path import pluck
from discretion.domain.ingest.message import Identifier
from discretion.domain.ingest.rejection import No
from discretion.seal.normalisation import RULES
from discretion.seal.redacted import Shut

MAX_ID = 254
MAX_EXTERNAL = 100
_EXTERNAL = "context.externalIds"


def identifier(catalogue: Catalogue, kind: str, text: Any, region: str | None, place: str) -> Identifier:
    """An id in the one spelling of its type; ``region`` reads national phone numbers.

    Raises:
        No: ``IDENTIFIER_INVALID``.
    """
    rule = catalogue.identifiers[kind].normalise
    spelled = RULES[rule](text, region) if isinstance(text, str) else None
    if spelled is None:
        raise No("IDENTIFIER_INVALID", f"It is not a valid {kind}.", place)
    return Identifier(kind, Shut(spelled))


def person(catalogue: Catalogue, source: Source, raw: Mapping[str, Any]) -> Iterator[Identifier]:
    """``userId`` and ``anonymousId``, as the types they are when this source sends them.

    Raises:
        No: ``NO_USER_ANON_ID``, ``ID_INVALID``, ``IDENTIFIER_INVALID``; ``IDENTIFIER_BLOCKED`` if all
            it has is nobody's.
    """
    found = blocked = False
    for member, kind in (("userId", source.user_id), ("anonymousId", source.anonymous_id)):
        given = raw.get(member)
        if given is None or given == "":
            continue
        one = identifier(catalogue, kind, _text(given, member), None, member)
        if nobodys(catalogue, one):
            blocked = True
            continue
        found = True
        yield one
    if blocked and not found:
        raise No("IDENTIFIER_BLOCKED", "The catalogue blocks this id: it is nobody's.", "userId")
    if not found:
        raise No("NO_USER_ANON_ID", "A message names a person by userId, anonymousId or both.", "userId")


def former(catalogue: Catalogue, source: Source, raw: Mapping[str, Any]) -> Iterator[Identifier]:
    """An alias's ``previousId``: what this source called the person before, as either of its ids.

    Raises:
        No: ``PREVIOUS_ID_INVALID``, ``ID_INVALID``, ``IDENTIFIER_BLOCKED``.
    """
    given = raw.get("previousId")
    if given is None or given == "":
        raise No("PREVIOUS_ID_INVALID", "An alias names the person's id before.", "previousId")
    for kind in dict.fromkeys((source.user_id, source.anonymous_id)):
        one = identifier(catalogue, kind, _text(given, "previousId"), None, "previousId")
        if nobodys(catalogue, one):
            raise No("IDENTIFIER_BLOCKED", "The catalogue blocks this id: it is nobody's.", "previousId")
        yield one


def nobodys(catalogue: Catalogue, one: Identifier) -> bool:
    """Whether the catalogue blocks this value: it stands for nobody in particular."""
    return catalogue.identifiers[one.type].never.fullmatch(one.value.value) is not None


def external(
    catalogue: Catalogue, source: Source, context: Mapping[str, Any], region: str | None
) -> tuple[list[Identifier], int]:
    """``context.externalIds``: ``[{id, type, collection, encoding}]``, and how many are none of ours.

    Those of a type or collection that nobody declared, and those that are encoded, are dropped.

    Raises:
        No: ``TYPE_WRONG``, ``ID_INVALID``, ``IDENTIFIER_INVALID``.
    """
    given = context.get("externalIds")
    if given is None:
        return [], 0
    if not isinstance(given, list) or len(given) > MAX_EXTERNAL:
        raise No("TYPE_WRONG", f"It takes a list of at most {MAX_EXTERNAL} ids.", _EXTERNAL)
    found: list[Identifier] = []
    for index, one in enumerate(given):
        place = f"{_EXTERNAL}.{index}"
        if not isinstance(one, dict):
            raise No("TYPE_WRONG", "It takes a JSON object.", place)
        kind = one.get("type")
        if isinstance(kind, str) and of_a_user(one) and supplies(catalogue, source, kind):
            text = _text(one.get("id"), f"{place}.id")
            found.append(identifier(catalogue, kind, text, region, f"{place}.id"))
    return found, len(given) - len(found)


def brought(catalogue: Catalogue, source: Source, context: Mapping[str, Any]) -> tuple[list[Identifier], int]:
    """Ids in the places of the context that identifier types name, and how many do not fit.

    What an SDK fills in by itself refuses no message.
    """
    found: list[Identifier] = []
    misfits = 0
    for kind, declared in catalogue.identifiers.items():
        given = pluck(context, declared.context)
        if given is None or not supplies(catalogue, source, kind):
            continue
        try:
            found.append(identifier(catalogue, kind, given[1], None, f"context.{given[0]}"))
        except No:
            misfits += 1
    return found, misfits


def supplies(catalogue: Catalogue, source: Source, kind: str) -> bool:
    """Whether a source may send ids of a type: its own, and those whose attribute its channel supplies."""
    if kind not in catalogue.identifiers or kind in (source.user_id, source.anonymous_id):
        return kind in catalogue.identifiers
    kept = [one for one in catalogue.attributes.values() if one.identifier == kind]
    return not kept or any(source.channel in one.channels for one in kept)


def of_a_user(one: Mapping[str, Any]) -> bool:
    """Whether an external id is a person's, spelled as it is."""
    return one.get("collection") in (None, "users") and one.get("encoding") in (None, "none")


def _text(given: Any, place: str) -> str:
    text = str(given) if isinstance(given, int) and not isinstance(given, bool) else given
    if not isinstance(text, str) or len(text) > MAX_ID:
        raise No("ID_INVALID", f"It takes text of at most {MAX_ID} characters.", place)
    return text
