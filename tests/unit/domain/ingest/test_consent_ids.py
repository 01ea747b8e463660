"""RudderStack's consent ids: a denial always counts, a grant by the catalogue's mapping, others are named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from discretion.catalogue.load import load_catalogue
from discretion.catalogue.source_consent import SourceConsent
from discretion.domain.ingest.consent_ids import MAX_CONSENT_IDS, read_consent_ids
from discretion.domain.ingest.message import Fact
from tests.fixtures.validator import build_validator

EMAIL = "marketing.communications.email"
STATISTICS = "analytics.reporting"
SHIPPED = load_catalogue(None)
MAPPED = replace(
    SHIPPED.sources["web-shop"],
    consent=SourceConsent(ids={"C0002": (STATISTICS,), "C0004": ("marketing", STATISTICS)}),
)
CATALOGUE = replace(SHIPPED, sources={**SHIPPED.sources, "web-shop": MAPPED})
PLACE = "context.consentManagement"


def read(**management: Any) -> tuple[dict[str, bool], list[tuple[str, str]]]:
    """Return the choices, and the places and codes of what was left out."""
    context = {"consentManagement": {"provider": "oneTrust", "resolutionStrategy": "and", **management}}
    choices, left_out = read_consent_ids(CATALOGUE, MAPPED, context)
    return choices, [(item.place, item.code) for item in left_out]


def test_ids_mean_what_the_catalogue_says() -> None:
    assert read(allowedConsentIds=["C0002"], deniedConsentIds=[]) == ({STATISTICS: True}, [])
    assert read(deniedConsentIds=["C0004"]) == ({"marketing": False, STATISTICS: False}, [])


@pytest.mark.parametrize("denied", [EMAIL, "marketing", "marketing.communications"])
def test_a_denied_purpose_needs_no_mapping(denied: str) -> None:
    assert read(deniedConsentIds=[denied]) == ({denied: False}, [])


@pytest.mark.parametrize(
    "message",
    [
        {"type": "track", "event": "Signed In"},
        {"type": "identify", "traits": {"email": "at home"}},
        {"type": "page", "name": "Home"},
        {"type": "group", "groupId": "g1"},
    ],
    ids=lambda message: message["type"],
)
def test_a_denial_in_any_message_counts(message: dict[str, Any]) -> None:
    management = {"deniedConsentIds": [EMAIL], "allowedConsentIds": [], "provider": "custom"}
    raw = {**message, "userId": "u", "context": {"consentManagement": management}}
    fact = build_validator(SHIPPED).validate(SHIPPED.sources["web-shop"], raw, 1_800_000_000_000)
    assert isinstance(fact, Fact)
    assert fact.ambient_choices == {EMAIL: False}


def test_an_allowed_purpose_is_no_grant_without_a_mapping() -> None:
    assert read(allowedConsentIds=[EMAIL]) == (
        {},
        [(f"{PLACE}.allowedConsentIds.{EMAIL}", "CONSENT_ID_UNKNOWN")],
    )


def test_of_an_allowed_and_a_denied_id_the_denial_wins() -> None:
    choices, _ = read(allowedConsentIds=["C0002", "C0004"], deniedConsentIds=["C0002"])
    assert choices == {"marketing": True, STATISTICS: False}


def test_unknown_ids_are_named_and_unreadable_ones_counted() -> None:
    """An id is case-sensitive; one that might be somebody's address is named by its position only."""
    choices, left_out = read(
        allowedConsentIds=["c0002", "ann@shop.example", 4], deniedConsentIds=["necessary", None]
    )
    assert choices == {}
    assert left_out == [
        (f"{PLACE}.allowedConsentIds.2", "TYPE_WRONG"),
        (f"{PLACE}.allowedConsentIds.c0002", "CONSENT_ID_UNKNOWN"),
        (f"{PLACE}.allowedConsentIds.1", "CONSENT_ID_UNKNOWN"),
        (f"{PLACE}.deniedConsentIds.1", "TYPE_WRONG"),
        (f"{PLACE}.deniedConsentIds.necessary", "CONSENT_ID_UNKNOWN"),
    ]


@pytest.mark.parametrize("management", ["none", [], 7, True])
def test_another_shape_is_left_out_and_named(management: object) -> None:
    choices, left_out = read_consent_ids(CATALOGUE, MAPPED, {"consentManagement": management})
    assert choices == {}
    assert [(item.place, item.code) for item in left_out] == [(PLACE, "TYPE_WRONG")]


@pytest.mark.parametrize("ids", ["C0002", {"C0002": True}, 2])
def test_a_list_of_another_type_is_left_out(ids: object) -> None:
    assert read(deniedConsentIds=ids) == ({}, [(f"{PLACE}.deniedConsentIds", "TYPE_WRONG")])


def test_more_ids_than_are_read_are_named() -> None:
    _, left_out = read(deniedConsentIds=["C0002"] * (MAX_CONSENT_IDS + 1))
    assert left_out == [(f"{PLACE}.deniedConsentIds", "CONSENT_IDS_COUNT")]


def test_absent_lists_state_nothing() -> None:
    assert read() == ({}, [])
    assert read(allowedConsentIds=None, deniedConsentIds="") == ({}, [])
    assert read_consent_ids(CATALOGUE, MAPPED, {}) == ({}, [])


def test_a_denial_wins_over_a_preference_of_the_same_message() -> None:
    """And a preference's refusal over an allowed id."""
    context = {
        "consent": {"categoryPreferences": {STATISTICS: True, "marketing": False}},
        "consentManagement": {"allowedConsentIds": ["C0004"], "deniedConsentIds": ["C0002"]},
    }
    fact = build_validator(CATALOGUE).validate(
        MAPPED, {"type": "page", "userId": "u", "context": context}, 1_800_000_000_000
    )
    assert isinstance(fact, Fact)
    assert fact.ambient_choices == {STATISTICS: False, "marketing": False}
