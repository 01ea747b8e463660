"""Validation of messages: refused with a place and a code, or accepted without undeclared members."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.load import load_catalogue
from discretion.domain.ingest.message import Fact, RefusedMessage
from discretion.domain.ingest.validation import MESSAGE_TYPES
from tests.fixtures.validator import build_validator

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


def build_message(**changes: Any) -> dict[str, Any]:
    """Build a valid identify with changed members."""
    return {"type": "identify", "userId": "u1", "messageId": "m1", "traits": {}, **changes}


def build_identify(**traits: Any) -> dict[str, Any]:
    """Build a valid identify with these traits."""
    return build_message(traits=traits)


def build_track(event: Any, **properties: Any) -> dict[str, Any]:
    """Build a track call."""
    return build_message(type="track", event=event, properties=properties)


def build_group(**traits: Any) -> dict[str, Any]:
    """Build a group call with these traits."""
    return build_message(type="group", groupId="g1", traits=traits)


def build_external_ids(ids: Any) -> dict[str, Any]:
    """Build an identify with ids of other systems."""
    return build_message(context={"externalIds": ids})


def build_preferences(preferences: Any) -> dict[str, Any]:
    """Build an identify with Segment's consent object."""
    return build_message(context={"consent": {"categoryPreferences": preferences}})


def build_consent(**members: Any) -> dict[str, Any]:
    """Build a consent message of ``u1``."""
    return build_message(**{"type": "consent", "purposes": {"marketing": True}, **members})


REFUSED: list[tuple[str, Any, str, str]] = [
    ("no object", [], "MESSAGE_INVALID", ""),
    ("a type nobody knows", build_message(type="poke"), "TYPE_UNSUPPORTED", "type"),
    ("an alias without the former id", build_message(type="alias"), "PREVIOUS_ID_INVALID", "previousId"),
    ("no type", build_message(type=None), "TYPE_UNSUPPORTED", "type"),
    ("a type that is a list", build_message(type=["track"]), "TYPE_UNSUPPORTED", "type"),
    ("consent to nothing", build_consent(purposes={}), "PURPOSES_MISSING", "purposes"),
    ("consent without purposes", build_consent(purposes=None), "PURPOSES_MISSING", "purposes"),
    ("consent in a list", build_consent(purposes=["marketing"]), "TYPE_WRONG", "purposes"),
    ("consent by a word", build_consent(purposes={"marketing": "yes"}), "TYPE_WRONG", "purposes"),
    (
        "consent to what nobody knows",
        build_consent(purposes={"espionage": True}),
        "PURPOSE_UNKNOWN",
        "purposes",
    ),
    ("a purpose of no name", build_consent(purposes={"": False}), "PURPOSE_UNKNOWN", "purposes"),
    (
        "too many purposes",
        build_consent(purposes=dict.fromkeys(map(str, range(101)), True)),
        "PURPOSES_MISSING",
        "purposes",
    ),
    ("consent until the moon", build_consent(validUntil="moon"), "VALID_UNTIL_INVALID", "validUntil"),
    ("consent by telepathy", build_consent(method="telepathy"), "METHOD_UNKNOWN", "method"),
    ("a method that is a list", build_consent(method=["gpc"]), "METHOD_UNKNOWN", "method"),
    (
        "a notice without a digest",
        build_consent(notice={"version": "1", "language": "de"}),
        "NOTICE_INVALID",
        "notice.sha256",
    ),
    ("a notice of a name", build_consent(notice={"version": "Ann Lee"}), "NOTICE_INVALID", "notice.version"),
    (
        "a guardian by name",
        build_consent(guardian={"reference": "Eve Lee"}),
        "GUARDIAN_INVALID",
        "guardian.reference",
    ),
    ("a guardian of no name", build_consent(guardian={"x": 1}), "GUARDIAN_INVALID", "guardian.reference"),
    ("nobody", build_message(userId=None), "NO_USER_ANON_ID", "userId"),
    ("an empty name for somebody", build_message(userId="", anonymousId=""), "NO_USER_ANON_ID", "userId"),
    ("a person that is an object", build_message(userId={"$ne": 1}), "ID_INVALID", "userId"),
    ("a person that is true", build_message(userId=True), "ID_INVALID", "userId"),
    ("a name too long", build_message(userId="u" * 255), "ID_INVALID", "userId"),
    ("a message id that is a number", build_message(messageId=1), "MESSAGE_ID_INVALID", "messageId"),
    ("a message id too long", build_message(messageId="m" * 101), "MESSAGE_ID_INVALID", "messageId"),
    ("a message id of two lines", build_message(messageId="a\nb"), "MESSAGE_ID_INVALID", "messageId"),
    ("a time that is none", build_message(timestamp="noon"), "TIMESTAMP_INVALID", "timestamp"),
    ("a time it was sent that is none", build_message(sentAt="noon"), "SENT_AT_INVALID", "sentAt"),
    ("a group without a number", build_message(type="group"), "GROUP_ID_INVALID", "groupId"),
    ("a group with an empty number", build_message(type="group", groupId=""), "GROUP_ID_INVALID", "groupId"),
    (
        "a group that is an object",
        build_message(type="group", groupId={"$gt": ""}),
        "GROUP_ID_INVALID",
        "groupId",
    ),
    (
        "a group's number too long",
        build_message(type="group", groupId="g" * 501),
        "GROUP_ID_INVALID",
        "groupId",
    ),
    ("a group's trait of another type", build_group(role=7), "TYPE_WRONG", "traits.role"),
    ("external ids that are an object", build_external_ids({}), "TYPE_WRONG", "context.externalIds"),
    (
        "more external ids than anybody has",
        build_external_ids([{}] * 101),
        "TYPE_WRONG",
        "context.externalIds",
    ),
    ("an external id that is text", build_external_ids(["u1"]), "TYPE_WRONG", "context.externalIds.0"),
    (
        "an external id without an id",
        build_external_ids([{"type": "user_id"}]),
        "ID_INVALID",
        "context.externalIds.0.id",
    ),
    (
        "an external id that is not of its type",
        build_external_ids([{"type": "email", "id": "at home"}]),
        "IDENTIFIER_INVALID",
        "context.externalIds.0.id",
    ),
    ("traits that are a list", build_message(traits=[]), "TYPE_WRONG", "traits"),
    ("a context that is text", build_message(context="x"), "TYPE_WRONG", "context"),
    ("a name that is a number", build_identify(firstName=7), "TYPE_WRONG", "traits.firstName"),
    ("a birthday that is none", build_identify(birthday="the 3rd"), "TYPE_WRONG", "traits.birthday"),
    ("an e-mail that is none", build_identify(email="at home"), "IDENTIFIER_INVALID", "traits.email"),
    ("an event nobody declared", build_track("Espionage"), "EVENT_UNDECLARED", "event"),
    ("an event that is an object", build_track({"$gt": ""}), "EVENT_UNDECLARED", "event"),
    (
        "consent that is text",
        build_preferences({"marketing": "yes"}),
        "TYPE_WRONG",
        "context.consent.categoryPreferences",
    ),
    ("consent that is a list", build_preferences(["marketing"]), "TYPE_WRONG", "categoryPreferences"),
]


@pytest.mark.parametrize(("case", "raw", "code", "place"), REFUSED, ids=[row[0] for row in REFUSED])
def test_an_invalid_message_is_refused(case: str, raw: Any, code: str, place: str) -> None:
    """With a stable code and the place of the problem."""
    result = VALIDATOR.validate(WEB, raw, NOW)
    assert isinstance(result, RefusedMessage), case
    assert (result.code, result.place) == (code, place)


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
def test_a_refusal_does_not_contain_the_sent_value(raw: dict[str, Any]) -> None:
    """It is written to logs and dashboards."""
    result = VALIDATOR.validate(WEB, raw, NOW)
    assert isinstance(result, RefusedMessage)
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
