"""A letter carries a mark of everybody it names, so that an erasure finds it without opening it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import event, given, settings

from discretion.catalogue.model import Source
from discretion.domain.ingest.dead_letters.redaction import Declared, prune
from discretion.domain.ingest.dead_letters.subject_index import marks
from discretion.domain.ingest.message import Fact
from discretion.domain.ingest.message_index import marks_of
from discretion.seal.blind_index import BlindIndex
from tests.fixtures.validator import validator
from tests.unit.domain.ingest.dead_letters.test_redaction import MESSAGES, SOURCES, identify
from tests.unit.domain.ingest.messages import CATALOGUE, NOW

BLIND = BlindIndex(bytes(range(32)))
DECLARED = Declared.of(CATALOGUE)
ANN = ("email", "ann@shop.example")


def marked(raw: dict[str, Any], source: str = "web-shop") -> list[bytes]:
    """The marks of a message."""
    return marks(CATALOGUE, CATALOGUE.sources[source], prune(DECLARED, raw, "m").message.value, BLIND)


@settings(max_examples=300)
@given(SOURCES, MESSAGES)
def test_whom_a_message_would_be_told_of_it_is_marked_with(source: Source, raw: dict[str, Any]) -> None:
    """Had it been accepted, every identifier it is kept under would be one of its marks."""
    fact = validator(CATALOGUE).fact(source, {**raw, "messageId": "m"}, NOW)
    found = marks(CATALOGUE, source, prune(DECLARED, raw, "m").message.value, BLIND)
    if isinstance(fact, Fact):
        event("accepted")
        assert {one.entry for one in marks_of(fact, BLIND).mentions} <= set(found)
    assert found == sorted(set(found))


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        ({"type": "track", "event": "Moon Landed", "userId": "u1"}, ("user_id", "u1")),
        ({"type": "track", "event": "Moon Landed", "userId": 17}, ("user_id", "17")),
        ({"type": "track", "event": "Moon Landed", "anonymousId": "ck-1"}, ("cookie", "ck-1")),
        ({"type": "alias", "userId": {}, "previousId": "u0"}, ("user_id", "u0")),
        (identify(traits={"email": " Ann@Shop.example", "birthday": "soon"}), ANN),
        (identify(context={"traits": {"email": "ann@shop.example"}}, timestamp="noon"), ANN),
        ({"type": "track", "userId": 1, "context": {"traits": {"email": "ann@shop.example"}}}, ANN),
        (identify(context={"externalIds": [{"type": "email", "id": "ann@shop.example"}, 7]}), ANN),
        (identify(traits={"phone": "030 901820", "address": {"country": "DE"}}), ("phone", "+4930901820")),
        (identify(context={"device": {"id": "d-1"}}, sentAt="noon"), ("device_id", "d-1")),
        # Of no spelling that the catalogue knows: as it stands, for the catalogue that will know it.
        (identify(traits={"email": "ann at home"}), ("email", "ann at home")),
        # Blocked: it may become somebody's.
        (identify(userId="guest"), ("user_id", "guest")),
    ],
)
def test_whoever_can_be_read_from_a_refused_message_is_marked(
    raw: dict[str, Any], named: tuple[str, str]
) -> None:
    """In the spelling under which the person is kept."""
    assert BLIND.of(*named) in marked(raw)


def test_an_id_that_an_sdk_fills_into_the_context_is_marked() -> None:
    """Where an attribute that is an identifier may be told, even if a trait tells it otherwise."""
    email = replace(CATALOGUE.attributes["contact.email"], context=("user.email",))
    filled = replace(CATALOGUE, attributes={**CATALOGUE.attributes, "contact.email": email})
    raw = identify(traits={"email": "bob@shop.example"}, context={"user": {"email": "ann@shop.example"}})
    message = prune(Declared.of(filled), raw, "m").message.value
    found = marks(filled, filled.sources["web-shop"], message, BLIND)
    assert {BLIND.of(*ANN), BLIND.of("email", "bob@shop.example")} <= set(found)


@pytest.mark.parametrize("who", [{}, {"userId": {"x": 1}}, {"userId": "  "}, {"userId": True}])
def test_who_cannot_be_read_is_not_marked(who: dict[str, Any]) -> None:
    """Such a message is not kept."""
    assert marked({"type": "track", "event": "Moon Landed", **who}) == []
