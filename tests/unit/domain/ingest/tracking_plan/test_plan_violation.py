"""The violations of one message: which event and which place, and never a value."""

from __future__ import annotations

from typing import Any

from discretion.domain.ingest.tracking_plan.plan_violation import (
    MAX_NAMES_OF_MESSAGE,
    PlanViolation,
    find_violations,
)
from tests.fixtures.validator import build_validator
from tests.unit.domain.ingest.messages import CATALOGUE, NOW

SECRET = "Wolfeschlegelsteinhausen"


def list_violations(raw: object, source: str = "web-shop") -> list[PlanViolation]:
    """Validate a message and return its violations."""
    sender = CATALOGUE.sources[source]
    result = build_validator(CATALOGUE).validate(sender, raw, NOW)
    violations = list(find_violations(CATALOGUE, sender, raw, result))
    assert SECRET not in repr(violations)
    return violations


def build_track(event: object = "Product Viewed", **properties: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "userId": "u",
        "messageId": "m",
        "event": event,
        "properties": {"product_id": "p", **properties},
    }


def test_a_message_in_order_has_none() -> None:
    assert list_violations(build_track()) == []


def test_an_undeclared_property_is_named_with_its_event() -> None:
    assert list_violations(build_track(hatSize=SECRET, nothing=None)) == [
        PlanViolation(
            "UNDECLARED",
            "Product Viewed",
            "properties.hatSize",
            "text of 11 to 50 characters",
            is_declared=False,
        )
    ]


def test_an_undeclared_event_is_named() -> None:
    [violation] = list_violations(build_track("Moon Landed"))
    assert violation == PlanViolation("EVENT_UNDECLARED", "Moon Landed", "event", "", is_declared=False)


def test_an_event_of_another_channel_is_undeclared_for_this_one() -> None:
    [violation] = list_violations(build_track(), "tills")
    assert (violation.reason, violation.event, violation.is_declared) == (
        "EVENT_UNDECLARED",
        "Product Viewed",
        False,
    )


def test_a_property_that_is_missing_is_named_with_its_event() -> None:
    message = build_track()
    del message["properties"]["product_id"]
    [violation] = list_violations(message)
    assert violation == PlanViolation("PROPERTY_MISSING", "Product Viewed", "properties.product_id")


def test_an_undeclared_trait_is_named_by_its_path() -> None:
    raw = {"type": "identify", "userId": "u", "traits": {"address": {"planet": SECRET}, "firstName": "Ann"}}
    [violation] = list_violations(raw)
    assert (violation.reason, violation.place) == ("UNDECLARED", "traits.address.planet")


def test_names_that_may_not_be_shown_are_counted_without_a_name() -> None:
    violations = list_violations(build_track(**{"ann@mail.example": 1, "\x1b[2J": 1}))
    assert [(violation.event, violation.place) for violation in violations] == [("Product Viewed", "")] * 2
    [undeclared] = list_violations(build_track("Hello ann@mail.example"))
    assert undeclared.event == ""


def test_one_message_names_a_limited_number_of_places() -> None:
    many = {f"name{chr(97 + number // 26)}{chr(97 + number % 26)}": 1 for number in range(500)}
    assert len(list_violations(build_track(**many))) == MAX_NAMES_OF_MESSAGE


def test_a_message_that_is_no_object_has_a_code_only() -> None:
    assert list_violations([SECRET]) == [PlanViolation("MESSAGE_INVALID")]
