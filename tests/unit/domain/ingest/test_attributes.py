"""The context that SDKs send: read at declared paths, and never a reason to refuse a message."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from discretion.catalogue.model import Channel
from tests.unit.domain.ingest.messages import CATALOGUE, build_fact, get_values, list_identifiers

APP_CONTEXT: dict[str, Any] = {
    "app": {"version": "7.1", "build": "900"},
    "device": {"id": "d-1", "type": "ios", "token": "push-1", "model": "iPhone18,1"},
    "locale": "sv-SE",
    "library": {"name": "analytics-swift"},
    "ip": "192.0.2.1",
}
DEVICE = ("device_id", "d-1")


def test_declared_context_paths_become_attributes() -> None:
    """The rest describes the SDK: it is neither kept nor counted as dropped."""
    fact = build_fact("ios-app", context=APP_CONTEXT)
    assert get_values(fact) == {
        "preferences.language": "sv-SE",
        "app.version": "7.1",
        "app.platform": "ios",
        "app.pushToken": "push-1",
    }
    assert fact.dropped == 0


def test_the_context_of_every_call_is_read() -> None:
    """An event has the version of the app it happened in."""
    fact = build_fact("ios-app", type="screen", context=APP_CONTEXT)
    assert get_values(fact)["app.version"] == "7.1"


def test_traits_win_over_the_context() -> None:
    """A person's choice precedes a device's default; a null is no choice."""
    assert (
        get_values(build_fact("ios-app", traits={"language": "fi"}, context=APP_CONTEXT))[
            "preferences.language"
        ]
        == "fi"
    )
    assert (
        get_values(build_fact("ios-app", traits={"language": None}, context=APP_CONTEXT))[
            "preferences.language"
        ]
        == "sv-SE"
    )


def test_a_channel_supplies_only_its_own_context_values() -> None:
    """A campaign is the web shop's and not an app's; a device is an app's and not the web shop's."""
    context = {**APP_CONTEXT, "campaign": {"name": "spring"}}
    web = build_fact("web-shop", context=context)
    assert get_values(web) == {"preferences.language": "sv-SE", "web.campaign": "spring"}
    assert DEVICE not in list_identifiers(web)
    assert "web.campaign" not in get_values(build_fact("ios-app", context=context))


@pytest.mark.parametrize(
    ("context", "code", "place"),
    [
        ({"device": {"type": "tvos"}}, "VALUE_UNDECLARED", "context.device.type"),
        ({"app": {"version": 7.1}}, "TYPE_WRONG", "context.app.version"),
        ({"locale": ["sv"]}, "TYPE_WRONG", "context.locale"),
        ({"device": {"id": ["d-1"]}}, "ID_INVALID", "context.device.id"),
        ({"device": {"id": "9774d56d682e549c"}}, "IDENTIFIER_BLOCKED", "context.device.id"),
        ({"device": {"id": "{{device}}"}}, "IDENTIFIER_BLOCKED", "context.device.id"),
    ],
)
def test_an_invalid_context_value_refuses_no_message(context: dict[str, Any], code: str, place: str) -> None:
    """The sender did not write it: it is left out and named, and the traits are kept."""
    fact = build_fact("ios-app", traits={"firstName": "Greta"}, context=context)
    assert get_values(fact) == {"identity.givenName": "Greta"}
    assert [(part.code, part.place) for part in fact.left_out] == [(code, place)]
    assert fact.dropped == 0


@pytest.mark.parametrize(
    ("spelling", "platform"),
    [
        *((spelling, "ios") for spelling in ("ios", "iOS", "IOS", " iOS ")),
        *((spelling, "android") for spelling in ("android", "Android", "ANDROID")),
    ],
)
def test_a_declared_value_is_stored_as_the_catalogue_spells_it(spelling: str, platform: str) -> None:
    """RudderStack's SDK sends iOS and Android, Segment's ios and android."""
    fact = build_fact(f"{platform}-app", context={"device": {"type": spelling}})
    assert get_values(fact) == {"app.platform": platform}


@pytest.mark.parametrize(
    ("phone", "stored"),
    [
        ("+14155558120 ext. 5", "+14155558120;ext=5"),
        ("+14155558120 ext. 7", "+14155558120;ext=7"),
        ("+1 555 867 5309", "+15558675309"),
        ("110", "+49110"),
        ("+49 30 23125001 x12", "+493023125001;ext=12"),
        ("+44 7700 900123", "+447700900123"),
        ("0800 3301000", "+498003301000"),
    ],
)
def test_a_number_of_many_people_is_stored_and_links_nobody(phone: str, stored: str) -> None:
    """The former number of the same person does not link them any more, as if it had been removed."""
    fact = build_fact("web-shop", traits={"phone": phone, "address": {"country": "DE"}})
    assert get_values(fact)["contact.phone"] == stored
    assert list_identifiers(fact) == [("user_id", "u1")]
    assert fact.removed_types == {"phone"}


@pytest.mark.parametrize(
    ("traits", "expected"),
    [
        ({"country": "Germany"}, {"contact.address.country": "DE"}),
        ({"address": {"country": "UK"}}, {"contact.address.country": "GB"}),
        ({"address": {"postalCode": 10115}}, {"contact.address.postalCode": "10115"}),
        ({"residence": "us-tx"}, {"contact.residence": "US-TX"}),
        ({"residence": "Deutschland"}, {"contact.residence": "DE"}),
        ({"locale": "de_DE"}, {"preferences.language": "de-DE"}),
        ({"contactChannel": "Email"}, {"preferences.contactChannel": "email"}),
    ],
)
def test_a_value_is_stored_as_its_code(traits: dict[str, Any], expected: dict[str, str]) -> None:
    assert get_values(build_fact("web-shop", traits=traits)) == expected


@pytest.mark.parametrize(
    "traits",
    [
        {"address": {"country": "DE"}},
        {"address": {"country": "Germany"}},
        {"country": "deu"},
        {"address": {"city": "Berlin"}, "country": "Deutschland"},
    ],
)
def test_a_country_in_any_spelling_says_how_a_phone_number_is_read(traits: dict[str, Any]) -> None:
    fact = build_fact("web-shop", traits={**traits, "phone": "030 23125001"})
    assert ("phone", "+493023125001") in list_identifiers(fact)


@pytest.mark.parametrize("empty", ["", None, {}, "00000000-0000-0000-0000-000000000000"])
def test_an_empty_device_id_is_ignored(empty: Any) -> None:
    """Devices that limit tracking send zeros, which would join all their owners into one person."""
    fact = build_fact("android-app", context={"device": {"id": empty}})
    assert list_identifiers(fact) == [("user_id", "u1")]


def test_a_device_id_is_an_identifier() -> None:
    """In addition to the identifiers of the call itself."""
    assert list_identifiers(build_fact("android-app", context=APP_CONTEXT)) == [("user_id", "u1"), DEVICE]


def test_an_advertising_id_is_an_identifier_if_declared() -> None:
    """No identifier type of the shipped catalogue declares it."""
    context = {"device": {"advertisingId": "ad-1"}}
    assert list_identifiers(build_fact("ios-app", context=context)) == [("user_id", "u1")]
    device = replace(CATALOGUE.identifiers["device_id"], context=("device.id", "device.advertisingId"))
    catalogue = replace(CATALOGUE, identifiers={**CATALOGUE.identifiers, "device_id": device})
    assert list_identifiers(build_fact("ios-app", catalogue, context=context)) == [
        ("user_id", "u1"),
        ("device_id", "ad-1"),
    ]


def build_external_ids(*entries: Any) -> dict[str, Any]:
    """Build a context with ids of other systems."""
    return {"externalIds": list(entries)}


def test_external_ids_of_declared_types_are_identifiers() -> None:
    """They are normalised by the rule of their type."""
    email = {"id": "Greta@Post.Example", "type": "email", "collection": "users", "encoding": "none"}
    loyalty_id = {"id": 4711, "type": "loyalty_id"}
    fact = build_fact("web-shop", context=build_external_ids(email, loyalty_id))
    assert list_identifiers(fact)[1:] == [("email", "greta@post.example"), ("loyalty_id", "4711")]
    assert (get_values(fact), fact.dropped) == ({}, 0)


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "x", "type": "braze_id"},
        {"id": "x", "type": ["email"]},
        {"id": "x"},
        {"id": "x", "type": "loyalty_id", "collection": "accounts"},
        {"id": "x", "type": "loyalty_id", "encoding": "base64"},
        {"id": "x", "type": "card_token"},
    ],
    ids=["type", "no text", "no type", "collection", "encoding", "another channel's"],
)
def test_undeclared_external_ids_are_dropped_and_counted(entry: dict[str, Any]) -> None:
    """The catalogue does not declare them, or not for this channel."""
    fact = build_fact("web-shop", context=build_external_ids(entry))
    assert (list_identifiers(fact), fact.dropped) == ([("user_id", "u1")], 1)


def test_a_source_may_send_ids_of_its_own_types_whatever_the_channel() -> None:
    """The card token of a till belongs to the store channel."""
    fact = build_fact("tills", userId="L-1", context=build_external_ids({"id": "t-1", "type": "card_token"}))
    assert list_identifiers(fact)[1:] == [("card_token", "t-1")]
    assert CATALOGUE.attributes["store.cardToken"].channels == {Channel.STORE}
