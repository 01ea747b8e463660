"""Statements are read first, and are in force whatever their message is refused for."""

from __future__ import annotations

from typing import Any

import pytest

from discretion.domain.ingest.message import Fact, RefusedMessage
from tests.fixtures.validator import build_validator
from tests.unit.domain.ingest.invalid_messages import REFUSED, build_consent, build_message, build_track
from tests.unit.domain.ingest.messages import CATALOGUE, NOW

WEB = CATALOGUE.sources["web-shop"]
VALIDATOR = build_validator(CATALOGUE)
NO_TC_STRING = "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA"
NO_TO_MARKETING = {"consent": {"categoryPreferences": {"marketing": False}}}


@pytest.mark.parametrize(("case", "raw", "code", "place"), REFUSED, ids=[row[0] for row in REFUSED])
def test_statements_of_a_refused_message_stand(case: str, raw: Any, code: str, place: str) -> None:
    """Whatever it is refused for, if it names a person who can be read."""
    if not isinstance(raw, dict):
        return
    context = {**NO_TO_MARKETING, "gpc": True}
    result = VALIDATOR.validate(WEB, {**raw, "context": context}, NOW)
    assert isinstance(result, RefusedMessage)
    assert (result.code, result.place) == (code, place), case
    if place == "userId":
        assert result.statements is None
        return
    assert result.statements is not None
    assert result.statements.signals == {"gpc"}
    assert [identifier.value.value for identifier in result.statements.identifiers] == ["u1"]
    assert (result.statements.values, result.statements.event) == ((), None)
    if raw["type"] != "consent":
        assert dict(result.statements.ambient_choices) == {"marketing": False}


@pytest.mark.parametrize("sent", ["header", "gpc", "gppString", "tcString", "preferences"])
@pytest.mark.parametrize(
    "raw",
    [
        build_track("Button Clicked"),
        build_track("Order Completed", order_id="1", total="1,299.00"),
        build_message(type="poke"),
        build_message(messageId=7),
        build_message(timestamp="noon"),
        build_message(type="group"),
    ],
    ids=["event", "property", "type", "message id", "time", "group"],
)
def test_every_kind_of_refusal_is_read_first(raw: dict[str, Any], sent: str) -> None:
    contexts: dict[str, dict[str, Any]] = {
        "header": {},
        "gpc": {"gpc": True},
        "gppString": {"gppString": "DBABzw~1YNN"},
        "tcString": {"tcString": NO_TC_STRING},
        "preferences": NO_TO_MARKETING,
    }
    result = VALIDATOR.validate(WEB, {**raw, "context": contexts[sent]}, NOW, gpc=sent == "header")
    assert isinstance(result, RefusedMessage)
    assert result.statements is not None
    assert result.statements.signals or not any(result.statements.ambient_choices.values())


@pytest.mark.parametrize(
    "traits",
    [
        {"phone": ""},
        {"birthday": "31.12.1990"},
        {"phone": "12345"},
        {"birthday": "2090-01-01"},
        {"email": "ann@shop.example,eve@shop.example"},
        {"address": {"country": "Narnia"}},
        ["not", "an", "object"],
    ],
    ids=str,
)
def test_a_refusal_beside_a_bad_value_counts(traits: object) -> None:
    """As does the signal of the request; the bad value costs only itself."""
    raw = build_message(traits=traits, context=NO_TO_MARKETING)
    result = VALIDATOR.validate(WEB, raw, NOW, gpc=True)
    assert isinstance(result, Fact)
    assert dict(result.ambient_choices) == {"marketing": False}
    assert result.signals == {"gpc"}


def test_a_yes_of_unknown_time_does_not_count_and_a_no_does() -> None:
    """The yes could be older than a later refusal."""
    preferences = {"marketing": False, "analytics": True}
    raw = build_message(timestamp="noon", context={"consent": {"categoryPreferences": preferences}})
    result = VALIDATOR.validate(WEB, raw, NOW)
    assert isinstance(result, RefusedMessage)
    assert result.statements is not None
    assert (dict(result.statements.ambient_choices), result.statements.at) == ({"marketing": False}, NOW)


@pytest.mark.parametrize(
    "fault",
    [
        {"method": "telepathy"},
        {"notice": {"version": "Ann Lee"}},
        {"guardian": {"reference": "Eve Lee"}},
        {"validUntil": "moon"},
        {"purposes": {"marketing": False, "espionage": True}},
        {"purposes": {"marketing": False, "analytics": "yes"}},
    ],
)
def test_a_refusal_needs_no_proof(fault: dict[str, Any]) -> None:
    """A statement whose proof is faulty is refused, and its refusals are in force."""
    purposes = {"marketing": False, "analytics": True}
    result = VALIDATOR.validate(WEB, build_consent(**{"purposes": purposes, **fault}), NOW)
    assert isinstance(result, RefusedMessage)
    assert result.statements is not None
    assert result.statements.explicit_choices["marketing"].permits is False
    assert not any(choice.permits for choice in result.statements.explicit_choices.values())


def test_a_refused_message_that_states_nothing_has_no_statements() -> None:
    result = VALIDATOR.validate(WEB, build_track("Button Clicked"), NOW)
    assert isinstance(result, RefusedMessage)
    assert result.statements is None
