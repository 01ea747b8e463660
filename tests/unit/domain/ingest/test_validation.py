"""Validation of messages: refused with a place and a code, or accepted without undeclared members."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.load import load_catalogue
from discretion.domain.ingest.message import Fact, RefusedMessage
from discretion.domain.ingest.validation import MESSAGE_TYPES
from tests.fixtures.validator import build_validator
from tests.unit.domain.ingest.invalid_messages import (
    LEFT_OUT,
    REFUSED,
    build_consent,
    build_external_ids,
    build_identify,
    build_message,
    build_preferences,
    build_track,
)

CATALOGUE = load_catalogue(None)
WEB, TILLS = CATALOGUE.sources["web-shop"], CATALOGUE.sources["tills"]
VALIDATOR = build_validator(CATALOGUE)
NOW = 1_790_000_000_000
SECRET = "Wolfeschlegelsteinhausen"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize(("case", "raw", "code", "place"), REFUSED, ids=[row[0] for row in REFUSED])
def test_an_invalid_message_is_refused(case: str, raw: Any, code: str, place: str) -> None:
    """With a stable code and the place of the problem."""
    result = VALIDATOR.validate(WEB, raw, NOW)
    assert isinstance(result, RefusedMessage), case
    assert (result.code, result.place) == (code, place)


@pytest.mark.parametrize(("case", "raw", "code", "place"), LEFT_OUT, ids=[row[0] for row in LEFT_OUT])
def test_a_bad_part_costs_only_itself(case: str, raw: Any, code: str, place: str) -> None:
    """It is left out and named, and what is good beside it counts."""
    result = VALIDATOR.validate(WEB, raw, NOW)
    assert isinstance(result, Fact), case
    assert [(part.code, part.place) for part in result.left_out] == [(code, place)]
    if raw["type"] == "identify" and isinstance(raw["traits"], dict):
        with_name = VALIDATOR.validate(WEB, {**raw, "traits": {**raw["traits"], "lastName": "Lee"}}, NOW)
        assert isinstance(with_name, Fact)
        assert "identity.familyName" in {attribute.path for attribute, _ in with_name.values}


@pytest.mark.parametrize("member", ["userId", "anonymousId", "timestamp", "sentAt", "context", "traits"])
def test_an_empty_text_is_absent(member: str) -> None:
    """A form that was not filled in says nothing."""
    names = {"userId": {"anonymousId": "ck-1"}, "anonymousId": {"userId": "u1"}}.get(member, {})
    empty = VALIDATOR.validate(WEB, build_message(**{**names, member: ""}), NOW)
    absent = VALIDATOR.validate(
        WEB, {key: value for key, value in build_message(**names).items() if key != member}, NOW
    )
    assert isinstance(empty, Fact)
    assert isinstance(absent, Fact)
    assert replace(empty, identifiers=()) == replace(absent, identifiers=())
    assert [identifier.type for identifier in empty.identifiers] == [
        identifier.type for identifier in absent.identifiers
    ]


@pytest.mark.parametrize("trait", ["email", "phone", "birthday", "lastName", "gender", "country", "language"])
def test_an_empty_trait_is_no_value(trait: str) -> None:
    """Neither stored nor a reason to leave anything out, and no statement that the value is gone.

    Also of an object without members, and among the traits that an SDK repeats with each event.
    """
    repeated = build_message(type="page", context={"traits": {trait: ""}})
    for raw in (build_identify(**{trait: ""}), build_identify(**{trait: {}}), repeated):
        result = VALIDATOR.validate(WEB, raw, NOW)
        assert isinstance(result, Fact)
        assert (result.values, result.left_out, result.dropped) == ((), (), 0)
        assert result.removed_types == frozenset()


@pytest.mark.parametrize(
    ("traits", "removed"),
    [
        ({"firstName": None}, {"identity.givenName"}),
        ({"email": None}, {"contact.email"}),
        ({"birthday": None}, {"demographics.birthDate"}),
        ({"birthDate": None, "birthday": None}, {"demographics.birthDate"}),
        ({"address": {"street": None}}, {"contact.address.street"}),
        ({"hatSize": None}, set()),
    ],
)
def test_a_null_says_that_the_source_has_no_value_any_more(traits: dict[str, Any], removed: set[str]) -> None:
    result = VALIDATOR.validate(WEB, build_identify(**traits), NOW)
    assert isinstance(result, Fact)
    assert {attribute.path: value.value for attribute, value in result.values} == dict.fromkeys(removed)


def test_an_object_that_is_null_has_no_member_any_more() -> None:
    result = VALIDATOR.validate(WEB, build_identify(address=None), NOW)
    assert isinstance(result, Fact)
    removed = {attribute.path for attribute, value in result.values if value.value is None}
    assert removed == {
        f"contact.address.{name}" for name in ("street", "city", "postalCode", "region", "country")
    }


def test_a_null_beside_a_value_of_the_same_attribute_removes_nothing() -> None:
    result = VALIDATOR.validate(WEB, build_identify(birthday=None, birthDate="1990-05-04"), NOW)
    assert isinstance(result, Fact)
    assert [value.value for _, value in result.values] == ["1990-05-04"]


@pytest.mark.parametrize(
    "value", [None, "\N{LATIN SMALL LETTER U WITH DIAERESIS}nal@shop.example", "guest@shop.example"]
)
def test_an_address_is_replaced_by_null_and_by_one_that_links_nobody(value: str | None) -> None:
    """The former address does not link the record any more."""
    result = VALIDATOR.validate(WEB, build_identify(email=value), NOW)
    assert isinstance(result, Fact)
    assert result.removed_types == {"email"}
    linking = VALIDATOR.validate(WEB, build_identify(email="ann@shop.example"), NOW)
    assert isinstance(linking, Fact)
    assert linking.removed_types == frozenset()


@given(st.sampled_from([*MESSAGE_TYPES, "x"]), JSON, JSON, JSON)
def test_any_message_gives_a_fact_or_a_refusal(
    message_type: str, value: Any, properties: Any, context: Any
) -> None:
    """Nothing is raised, so that one bad message does not fail its batch."""
    raw = build_message(
        type=message_type, traits=value, properties=properties, context=context, event="Order Completed"
    )
    raw |= {"groupId": "g1", "sentAt": properties}
    raw |= {
        "purposes": value,
        "notice": properties,
        "guardian": context,
        "method": value,
        "validUntil": context,
    }
    assert isinstance(VALIDATOR.validate(WEB, raw, NOW), Fact | RefusedMessage)
    assert isinstance(VALIDATOR.validate(WEB, value, NOW), Fact | RefusedMessage)


@pytest.mark.parametrize(
    "raw",
    [
        build_identify(birthday=SECRET),
        build_identify(email=SECRET),
        build_identify(phone=SECRET),
        build_message(timestamp=SECRET),
        build_message(sentAt=SECRET),
        build_message(type="group", groupId=SECRET * 30),
        build_external_ids([{"type": "phone", "id": SECRET}]),
        build_message(type=SECRET),
        build_track(SECRET),
        build_consent(purposes={SECRET: True}),
        build_consent(purposes={"marketing": SECRET}),
        build_consent(notice={"version": f"{SECRET} 1"}),
        build_consent(guardian={"reference": f"{SECRET}, Ann"}),
        build_consent(method=SECRET),
        build_consent(validUntil=SECRET),
    ],
    ids=[
        *("birthday", "email", "phone", "timestamp", "sent", "group", "external", "type", "event"),
        *("purpose", "word", "notice", "guardian", "method", "until"),
    ],
)
def test_a_refusal_or_a_left_out_part_does_not_contain_the_sent_value(raw: dict[str, Any]) -> None:
    """It is written to logs and dashboards."""
    result = VALIDATOR.validate(WEB, raw, NOW)
    assert isinstance(result, RefusedMessage) or result.left_out
    assert SECRET not in repr(result)


def test_undeclared_members_are_dropped_and_counted() -> None:
    """At any depth; a null counts as absent."""
    raw = build_identify(firstName="Greta", hatSize=39, address={"city": "Berlin", "floor": 4}, x=None)
    result = VALIDATOR.validate(WEB, raw, NOW)
    assert isinstance(result, Fact)
    assert result.dropped == 2
    assert {attribute.path for attribute, _ in result.values} == {
        "identity.givenName",
        "contact.address.city",
    }


def test_a_channel_supplies_only_what_the_catalogue_allows() -> None:
    """The same trait is kept from one channel and dropped from another."""
    web_excluded = next(
        attribute
        for attribute in CATALOGUE.attributes.values()
        if attribute.traits and WEB.channel not in attribute.channels
    )
    value: Any = {"String": "x", "Boolean": True, "Int": 1, "DateTime": "2026-01-01"}[web_excluded.type.value]
    name, *rest = reversed(web_excluded.traits[0].split("."))
    nested: Any = {name: [value] if web_excluded.many else value}
    for parent in rest:
        nested = {parent: nested}
    result = VALIDATOR.validate(WEB, build_identify(**nested), NOW)
    assert isinstance(result, Fact)
    assert (result.values, result.dropped) == ((), 1)


def test_a_timestamp_in_the_future_becomes_the_time_of_receipt() -> None:
    """The server's time is the latest time that any event can have."""
    result = VALIDATOR.validate(WEB, build_message(timestamp="2126-01-01T00:00:00Z"), NOW)
    assert isinstance(result, Fact)
    assert result.at == NOW


def test_identifiers_are_normalised_before_they_are_compared() -> None:
    """An address in capitals and a national phone number match their other spellings."""
    web_fact = VALIDATOR.validate(
        WEB, build_identify(email="Greta@Post.Example", phone="030 901820", address={"country": "DE"}), NOW
    )
    till_fact = VALIDATOR.validate(
        TILLS, build_identify(email="greta@post.example", phone="+49 30 901820"), NOW
    )
    assert isinstance(web_fact, Fact)
    assert isinstance(till_fact, Fact)

    def list_linking_identifiers(fact: Fact) -> set[tuple[str, str]]:
        return {(identifier.type, identifier.value.value) for identifier in fact.identifiers[1:]}

    assert list_linking_identifiers(web_fact) == list_linking_identifiers(till_fact)
    assert len(list_linking_identifiers(web_fact)) == 2


def test_consent_to_an_unknown_purpose_is_ignored() -> None:
    """It is dropped and counted; choices for known purposes are kept."""
    result = VALIDATOR.validate(
        WEB, build_preferences({"marketing": False, "Marketing": True, "espionage": True}), NOW
    )
    assert isinstance(result, Fact)
    assert (dict(result.ambient_choices), result.dropped) == ({"marketing": False}, 2)


@pytest.mark.parametrize("value", ["0", "000", "null", "Anonymous", "-1"])
def test_a_blocked_identifier_is_ignored(value: str) -> None:
    """Alone it refuses the message; beside another identifier it is left out."""
    alone = VALIDATOR.validate(WEB, {**build_message(), "userId": value, "anonymousId": None}, NOW)
    assert isinstance(alone, RefusedMessage)
    assert alone.code == "IDENTIFIER_BLOCKED"
    with_cookie = VALIDATOR.validate(WEB, {**build_message(), "userId": value, "anonymousId": "ck-1"}, NOW)
    assert isinstance(with_cookie, Fact)
    assert [identifier.type for identifier in with_cookie.identifiers] == ["cookie"]


def test_a_blocked_email_is_kept_and_links_nobody() -> None:
    """It is a value that the till recorded; it does not identify the customer."""
    result = VALIDATOR.validate(WEB, build_identify(email="guest@shop.example"), NOW)
    assert isinstance(result, Fact)
    assert [identifier.type for identifier in result.identifiers] == ["user_id"]
    assert [attribute.path for attribute, _ in result.values] == ["contact.email"]
