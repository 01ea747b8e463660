"""What SDKs tell by themselves: kept where the catalogue declares a place for it, and never in the way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from discretion.catalogue.model import Channel
from tests.unit.domain.ingest.messages import CATALOGUE, heard, ids, values

APP: dict[str, Any] = {
    "app": {"version": "7.1", "build": "900"},
    "device": {"id": "d-1", "type": "ios", "token": "push-1", "model": "iPhone18,1"},
    "locale": "sv-SE",
    "library": {"name": "analytics-swift"},
    "ip": "192.0.2.1",
}
DEVICE = ("device_id", "d-1")


def test_declared_places_of_the_context_become_attributes() -> None:
    """The rest is what the SDK says of itself: it is not kept, and not counted as dropped."""
    fact = heard("ios-app", context=APP)
    assert values(fact) == {
        "preferences.language": "sv-SE",
        "app.version": "7.1",
        "app.platform": "ios",
        "app.pushToken": "push-1",
    }
    assert fact.dropped == 0


def test_every_call_brings_its_context() -> None:
    """An event says which version of the app it happened in."""
    fact = heard("ios-app", type="screen", context=APP)
    assert values(fact)["app.version"] == "7.1"


def test_traits_win_over_the_context() -> None:
    """What a person chose goes before what a phone was sold with; a null chose nothing."""
    assert values(heard("ios-app", traits={"language": "fi"}, context=APP))["preferences.language"] == "fi"
    assert values(heard("ios-app", traits={"language": None}, context=APP))["preferences.language"] == "sv-SE"


def test_a_channel_supplies_only_its_own_from_the_context_too() -> None:
    """A web shop's campaign is not an app's, nor an app's phone a web shop's."""
    context = {**APP, "campaign": {"name": "spring"}}
    web = heard("web-shop", context=context)
    assert values(web) == {"preferences.language": "sv-SE", "web.campaign": "spring"}
    assert DEVICE not in ids(web)
    assert "web.campaign" not in values(heard("ios-app", context=context))


@pytest.mark.parametrize(
    "context", [{"device": {"type": "tvos"}}, {"app": {"version": 7}}, {"locale": ["sv"]}]
)
def test_a_context_that_does_not_fit_refuses_no_message(context: dict[str, Any]) -> None:
    """The sender did not write it: it is dropped and counted, and what they did write is kept."""
    fact = heard("ios-app", traits={"firstName": "Greta"}, context=context)
    assert values(fact) == {"identity.givenName": "Greta"}
    assert fact.dropped == 1


@pytest.mark.parametrize("empty", ["", None, {}, "00000000-0000-0000-0000-000000000000"])
def test_a_phone_that_gives_no_id_is_nobodys(empty: Any) -> None:
    """The zeros of phones that do not want to be followed would make one person of all of them."""
    fact = heard("android-app", context={"device": {"id": empty}})
    assert ids(fact) == [("user_id", "u1")]


def test_a_phones_id_is_an_identifier() -> None:
    """Beside whatever the call itself names."""
    assert ids(heard("android-app", context=APP)) == [("user_id", "u1"), DEVICE]


def test_an_advertising_id_is_one_where_the_catalogue_declares_it() -> None:
    """No type of the shipped catalogue does."""
    context = {"device": {"advertisingId": "ad-1"}}
    assert ids(heard("ios-app", context=context)) == [("user_id", "u1")]
    device = replace(CATALOGUE.identifiers["device_id"], context=("device.id", "device.advertisingId"))
    catalogue = replace(CATALOGUE, identifiers={**CATALOGUE.identifiers, "device_id": device})
    assert ids(heard("ios-app", catalogue, context=context)) == [("user_id", "u1"), ("device_id", "ad-1")]


def external(*entries: Any) -> dict[str, Any]:
    """A context with ids of other systems."""
    return {"externalIds": list(entries)}


def test_external_ids_of_the_catalogues_types_are_identifiers() -> None:
    """Spelled as their type spells them."""
    one = {"id": "Greta@Post.Example", "type": "email", "collection": "users", "encoding": "none"}
    two = {"id": 4711, "type": "loyalty_id"}
    fact = heard("web-shop", context=external(one, two))
    assert ids(fact)[1:] == [("email", "greta@post.example"), ("loyalty_id", "4711")]
    assert (values(fact), fact.dropped) == ({}, 0)


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
def test_external_ids_that_are_none_of_ours_are_dropped_and_counted(entry: dict[str, Any]) -> None:
    """They say nothing that the catalogue understands, or not from this channel."""
    fact = heard("web-shop", context=external(entry))
    assert (ids(fact), fact.dropped) == ([("user_id", "u1")], 1)


def test_a_source_may_send_ids_of_its_own_types_whatever_the_channel() -> None:
    """A till's card token is the store's."""
    fact = heard("tills", userId="L-1", context=external({"id": "t-1", "type": "card_token"}))
    assert ids(fact)[1:] == [("card_token", "t-1")]
    assert CATALOGUE.attributes["store.cardToken"].channels == {Channel.STORE}
