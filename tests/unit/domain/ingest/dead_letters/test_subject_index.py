"""A dead letter carries an index of each person it names, so that an erasure finds it unopened."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import event, given, settings

from discretion.catalogue.model import Source
from discretion.domain.ingest.dead_letters.redaction import DeclaredNames, prune_message
from discretion.domain.ingest.dead_letters.subject_index import index_subjects
from discretion.domain.ingest.message import Fact
from discretion.domain.ingest.message_index import index_message
from discretion.seal.blind_index import BlindIndex
from tests.fixtures.examples import scale_examples
from tests.fixtures.validator import build_validator
from tests.unit.domain.ingest.dead_letters.test_redaction import MESSAGES, SOURCES, build_identify
from tests.unit.domain.ingest.messages import CATALOGUE, NOW

BLIND_INDEX = BlindIndex(bytes(range(32)))
DECLARED = DeclaredNames.from_catalogue(CATALOGUE)
ANN = ("email", "ann@shop.example")


def index_raw_message(raw: dict[str, Any], source: str = "web-shop") -> list[bytes]:
    """Return the subject index of a message."""
    return index_subjects(
        CATALOGUE, CATALOGUE.sources[source], prune_message(DECLARED, raw, "m").message.value, BLIND_INDEX
    )


@settings(max_examples=scale_examples(300))
@given(SOURCES, MESSAGES)
def test_each_identifier_of_an_accepted_message_is_indexed(source: Source, raw: dict[str, Any]) -> None:
    """Had the message been accepted, each of its identifiers would be an entry of the subject index."""
    fact = build_validator(CATALOGUE).validate(source, {**raw, "messageId": "m"}, NOW)
    subjects = index_subjects(CATALOGUE, source, prune_message(DECLARED, raw, "m").message.value, BLIND_INDEX)
    if isinstance(fact, Fact):
        event("accepted")
        assert {mention.entry for mention in index_message(fact, BLIND_INDEX).mentions} <= set(subjects)
    assert subjects == sorted(set(subjects))


@pytest.mark.parametrize(
    ("raw", "identifier"),
    [
        ({"type": "track", "event": "Moon Landed", "userId": "u1"}, ("user_id", "u1")),
        ({"type": "track", "event": "Moon Landed", "userId": 17}, ("user_id", "17")),
        ({"type": "track", "event": "Moon Landed", "anonymousId": "ck-1"}, ("cookie", "ck-1")),
        ({"type": "alias", "userId": {}, "previousId": "u0"}, ("user_id", "u0")),
        (build_identify(traits={"email": " Ann@Shop.example", "birthday": "soon"}), ANN),
        (build_identify(context={"traits": {"email": "ann@shop.example"}}, timestamp="noon"), ANN),
        ({"type": "track", "userId": 1, "context": {"traits": {"email": "ann@shop.example"}}}, ANN),
        (build_identify(context={"externalIds": [{"type": "email", "id": "ann@shop.example"}, 7]}), ANN),
        (
            build_identify(traits={"phone": "030 901820", "address": {"country": "DE"}}),
            ("phone", "+4930901820"),
        ),
        (build_identify(context={"device": {"id": "d-1"}}, sentAt="noon"), ("device_id", "d-1")),
        # Not a valid spelling: indexed unchanged, for a later catalogue that accepts it.
        (build_identify(traits={"email": "ann at home"}), ("email", "ann at home")),
        # Blocked: a later catalogue may accept it as a person's identifier.
        (build_identify(userId="guest"), ("user_id", "guest")),
    ],
)
def test_each_readable_identifier_of_a_refused_message_is_indexed(
    raw: dict[str, Any], identifier: tuple[str, str]
) -> None:
    """In the spelling under which the person is stored."""
    assert BLIND_INDEX.index(*identifier) in index_raw_message(raw)


def test_an_identifier_in_the_context_is_indexed() -> None:
    """At each context path of an identifying attribute, even if a trait has another value."""
    email = replace(CATALOGUE.attributes["contact.email"], context=("user.email",))
    catalogue = replace(CATALOGUE, attributes={**CATALOGUE.attributes, "contact.email": email})
    raw = build_identify(
        traits={"email": "bob@shop.example"}, context={"user": {"email": "ann@shop.example"}}
    )
    message = prune_message(DeclaredNames.from_catalogue(catalogue), raw, "m").message.value
    subjects = index_subjects(catalogue, catalogue.sources["web-shop"], message, BLIND_INDEX)
    assert {BLIND_INDEX.index(*ANN), BLIND_INDEX.index("email", "bob@shop.example")} <= set(subjects)


@pytest.mark.parametrize("identifiers", [{}, {"userId": {"x": 1}}, {"userId": "  "}, {"userId": True}])
def test_a_message_without_a_readable_identifier_has_no_index(identifiers: dict[str, Any]) -> None:
    """Such a message is not stored."""
    assert index_raw_message({"type": "track", "event": "Moon Landed", **identifiers}) == []
