"""Messages at the door: refused with a place and a reason, or kept without what nobody declared."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.load import load
from discretion.domain.ingest.message import Fact, Refused
from discretion.domain.ingest.validation import KINDS
from tests.fixtures.validator import validator

CATALOGUE = load(None)
WEB, TILLS = CATALOGUE.sources["web-shop"], CATALOGUE.sources["tills"]
VALIDATOR = validator(CATALOGUE)
NOW = 1_790_000_000_000
SECRET = "Wolfeschlegelsteinhausen"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def message(**changes: Any) -> dict[str, Any]:
    """A good identify, changed."""
    return {"type": "identify", "userId": "u1", "messageId": "m1", "traits": {}, **changes}


def traits(**given_: Any) -> dict[str, Any]:
    """A good identify with these traits."""
    return message(traits=given_)


def track(event: Any, **properties: Any) -> dict[str, Any]:
    """A track call."""
    return message(type="track", event=event, properties=properties)


def group(**given_: Any) -> dict[str, Any]:
    """A group call with these traits."""
    return message(type="group", groupId="g1", traits=given_)


def external(ids: Any) -> dict[str, Any]:
    """An identify with ids of other systems."""
    return message(context={"externalIds": ids})


def consent(preferences: Any) -> dict[str, Any]:
    """An identify with Segment's consent object."""
    return message(context={"consent": {"categoryPreferences": preferences}})


def said(**members: Any) -> dict[str, Any]:
    """A consent message of ``u1``."""
    return message(**{"type": "consent", "purposes": {"marketing": True}, **members})


REFUSED: list[tuple[str, Any, str, str]] = [
    ("no object", [], "MESSAGE_INVALID", ""),
    ("a type nobody knows", message(type="poke"), "TYPE_UNSUPPORTED", "type"),
    ("an alias without the former id", message(type="alias"), "PREVIOUS_ID_INVALID", "previousId"),
    ("no type", message(type=None), "TYPE_UNSUPPORTED", "type"),
    ("a type that is a list", message(type=["track"]), "TYPE_UNSUPPORTED", "type"),
    ("consent to nothing", said(purposes={}), "PURPOSES_MISSING", "purposes"),
    ("consent without purposes", said(purposes=None), "PURPOSES_MISSING", "purposes"),
    ("consent in a list", said(purposes=["marketing"]), "TYPE_WRONG", "purposes"),
    ("consent by a word", said(purposes={"marketing": "yes"}), "TYPE_WRONG", "purposes"),
    ("consent to what nobody knows", said(purposes={"espionage": True}), "PURPOSE_UNKNOWN", "purposes"),
    ("a purpose of no name", said(purposes={"": False}), "PURPOSE_UNKNOWN", "purposes"),
    (
        "too many purposes",
        said(purposes=dict.fromkeys(map(str, range(101)), True)),
        "PURPOSES_MISSING",
        "purposes",
    ),
    ("consent until the moon", said(validUntil="moon"), "VALID_UNTIL_INVALID", "validUntil"),
    ("consent by telepathy", said(method="telepathy"), "METHOD_UNKNOWN", "method"),
    ("a method that is a list", said(method=["gpc"]), "METHOD_UNKNOWN", "method"),
    (
        "a notice without a digest",
        said(notice={"version": "1", "language": "de"}),
        "NOTICE_INVALID",
        "notice.sha256",
    ),
    ("a notice of a name", said(notice={"version": "Ann Lee"}), "NOTICE_INVALID", "notice.version"),
    ("a guardian by name", said(guardian={"reference": "Eve Lee"}), "GUARDIAN_INVALID", "guardian.reference"),
    ("a guardian of no name", said(guardian={"x": 1}), "GUARDIAN_INVALID", "guardian.reference"),
    ("nobody", message(userId=None), "NO_USER_ANON_ID", "userId"),
    ("an empty name for somebody", message(userId="", anonymousId=""), "NO_USER_ANON_ID", "userId"),
    ("a person that is an object", message(userId={"$ne": 1}), "ID_INVALID", "userId"),
    ("a person that is true", message(userId=True), "ID_INVALID", "userId"),
    ("a name too long", message(userId="u" * 255), "ID_INVALID", "userId"),
    ("a message id that is a number", message(messageId=1), "MESSAGE_ID_INVALID", "messageId"),
    ("a message id too long", message(messageId="m" * 101), "MESSAGE_ID_INVALID", "messageId"),
    ("a message id of two lines", message(messageId="a\nb"), "MESSAGE_ID_INVALID", "messageId"),
    ("a time that is none", message(timestamp="noon"), "TIMESTAMP_INVALID", "timestamp"),
    ("a time it was sent that is none", message(sentAt="noon"), "SENT_AT_INVALID", "sentAt"),
    ("a group without a number", message(type="group"), "GROUP_ID_INVALID", "groupId"),
    ("a group with an empty number", message(type="group", groupId=""), "GROUP_ID_INVALID", "groupId"),
    ("a group that is an object", message(type="group", groupId={"$gt": ""}), "GROUP_ID_INVALID", "groupId"),
    ("a group's number too long", message(type="group", groupId="g" * 501), "GROUP_ID_INVALID", "groupId"),
    ("a group's trait of another type", group(role=7), "TYPE_WRONG", "traits.role"),
    ("external ids that are an object", external({}), "TYPE_WRONG", "context.externalIds"),
    ("more external ids than anybody has", external([{}] * 101), "TYPE_WRONG", "context.externalIds"),
    ("an external id that is text", external(["u1"]), "TYPE_WRONG", "context.externalIds.0"),
    (
        "an external id without an id",
        external([{"type": "user_id"}]),
        "ID_INVALID",
        "context.externalIds.0.id",
    ),
    (
        "an external id that is not of its type",
        external([{"type": "email", "id": "at home"}]),
        "IDENTIFIER_INVALID",
        "context.externalIds.0.id",
    ),
    ("traits that are a list", message(traits=[]), "TYPE_WRONG", "traits"),
    ("a context that is text", message(context="x"), "TYPE_WRONG", "context"),
    ("a name that is a number", traits(firstName=7), "TYPE_WRONG", "traits.firstName"),
    ("a birthday that is none", traits(birthday="the 3rd"), "TYPE_WRONG", "traits.birthday"),
    ("an e-mail that is none", traits(email="at home"), "IDENTIFIER_INVALID", "contact.email"),
    ("an event nobody declared", track("Espionage"), "EVENT_UNDECLARED", "event"),
    ("an event that is an object", track({"$gt": ""}), "EVENT_UNDECLARED", "event"),
    (
        "consent that is text",
        consent({"marketing": "yes"}),
        "TYPE_WRONG",
        "context.consent.categoryPreferences",
    ),
    ("consent that is a list", consent(["marketing"]), "TYPE_WRONG", "categoryPreferences"),
]


@pytest.mark.parametrize(("law", "raw", "code", "place"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_message_that_is_wrong_is_refused(law: str, raw: Any, code: str, place: str) -> None:
    """With a stable code and the place to look at."""
    met = VALIDATOR.fact(WEB, raw, NOW)
    assert isinstance(met, Refused), law
    assert (met.code, met.place) == (code, place)


@given(st.sampled_from([*KINDS, "x"]), JSON, JSON, JSON)
def test_whatever_is_sent_is_a_fact_or_a_refusal(
    kind: str, given_: Any, properties: Any, context: Any
) -> None:
    """Nothing is raised, so one bad message spoils no batch."""
    raw = message(type=kind, traits=given_, properties=properties, context=context, event="Order Completed")
    raw |= {"groupId": "g1", "sentAt": properties}
    raw |= {
        "purposes": given_,
        "notice": properties,
        "guardian": context,
        "method": given_,
        "validUntil": context,
    }
    assert isinstance(VALIDATOR.fact(WEB, raw, NOW), Fact | Refused)
    assert isinstance(VALIDATOR.fact(WEB, given_, NOW), Fact | Refused)


@pytest.mark.parametrize(
    "raw",
    [
        traits(birthday=SECRET),
        traits(email=SECRET),
        traits(phone=SECRET),
        message(timestamp=SECRET),
        message(sentAt=SECRET),
        message(type="group", groupId=SECRET * 30),
        external([{"type": "phone", "id": SECRET}]),
        message(type=SECRET),
        track(SECRET),
        said(purposes={SECRET: True}),
        said(purposes={"marketing": SECRET}),
        said(notice={"version": f"{SECRET} 1"}),
        said(guardian={"reference": f"{SECRET}, Ann"}),
        said(method=SECRET),
        said(validUntil=SECRET),
    ],
    ids=[
        *("birthday", "email", "phone", "timestamp", "sent", "group", "external", "type", "event"),
        *("purpose", "word", "notice", "guardian", "method", "until"),
    ],
)
def test_a_refusal_does_not_quote_what_was_sent(raw: dict[str, Any]) -> None:
    """It goes into logs and dashboards."""
    met = VALIDATOR.fact(WEB, raw, NOW)
    assert isinstance(met, Refused)
    assert SECRET not in repr(met)


def test_what_nobody_declared_is_dropped_and_counted() -> None:
    """At any depth; what is null was not said."""
    raw = traits(firstName="Greta", hatSize=39, address={"city": "Berlin", "floor": 4}, x=None)
    met = VALIDATOR.fact(WEB, raw, NOW)
    assert isinstance(met, Fact)
    assert met.dropped == 2
    assert {one.path for one, _ in met.values} == {"identity.givenName", "contact.address.city"}


def test_a_channel_supplies_only_what_the_catalogue_lets_it() -> None:
    """The same trait is kept from one channel and dropped from another."""
    closed = next(
        one for one in CATALOGUE.attributes.values() if one.traits and WEB.channel not in one.channels
    )
    value: Any = {"String": "x", "Boolean": True, "Int": 1, "DateTime": "2026-01-01"}[closed.type.value]
    name, *rest = reversed(closed.traits[0].split("."))
    nested: Any = {name: [value] if closed.many else value}
    for outer in rest:
        nested = {outer: nested}
    met = VALIDATOR.fact(WEB, traits(**nested), NOW)
    assert isinstance(met, Fact)
    assert (met.values, met.dropped) == ((), 1)


def test_a_clock_that_runs_ahead_does_not_make_the_future() -> None:
    """The server's time is the latest anything can have happened."""
    met = VALIDATOR.fact(WEB, message(timestamp="2126-01-01T00:00:00Z"), NOW)
    assert isinstance(met, Fact)
    assert met.at == NOW


def test_an_identifier_links_however_it_is_spelled() -> None:
    """An address in capitals and a national number are found again."""
    one = VALIDATOR.fact(
        WEB, traits(email="Greta@Post.Example", phone="030 901820", address={"country": "DE"}), NOW
    )
    two = VALIDATOR.fact(TILLS, traits(email="greta@post.example", phone="+49 30 901820"), NOW)
    assert isinstance(one, Fact)
    assert isinstance(two, Fact)

    def linking(fact: Fact) -> set[tuple[str, str]]:
        return {(one.type, one.value.value) for one in fact.identifiers[1:]}

    assert linking(one) == linking(two)
    assert len(linking(one)) == 2


def test_consent_to_an_unknown_purpose_is_nobodys_yes() -> None:
    """It is dropped and counted; the known ones are heard."""
    met = VALIDATOR.fact(WEB, consent({"marketing": False, "Marketing": True, "espionage": True}), NOW)
    assert isinstance(met, Fact)
    assert (dict(met.choices), met.dropped) == ({"marketing": False}, 2)


@pytest.mark.parametrize("value", ["0", "000", "null", "Anonymous", "-1"])
def test_a_blocked_id_names_nobody(value: str) -> None:
    """Alone it refuses the message; beside another id it is as if it were not there."""
    alone = VALIDATOR.fact(WEB, {**message(), "userId": value, "anonymousId": None}, NOW)
    assert isinstance(alone, Refused)
    assert alone.code == "IDENTIFIER_BLOCKED"
    beside = VALIDATOR.fact(WEB, {**message(), "userId": value, "anonymousId": "ck-1"}, NOW)
    assert isinstance(beside, Fact)
    assert [one.type for one in beside.identifiers] == ["cookie"]


def test_a_blocked_address_is_kept_and_links_nobody() -> None:
    """It is what the till was told; it is not who stood there."""
    met = VALIDATOR.fact(WEB, traits(email="guest@shop.example"), NOW)
    assert isinstance(met, Fact)
    assert [one.type for one in met.identifiers] == ["user_id"]
    assert [attribute.path for attribute, _ in met.values] == ["contact.email"]
