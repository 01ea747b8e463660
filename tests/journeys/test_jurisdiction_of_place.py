"""What is revealed about customers of twelve places, compared with an independent oracle of the laws."""

from __future__ import annotations

from typing import Any

import pytest

from discretion.catalogue.load import load_catalogue
from discretion.catalogue.model import Form
from tests.fixtures.clock import RunningClock
from tests.fixtures.platform import PlatformUnderTest
from tests.properties.permission_matrix import oracle

PLACES = {
    "eu": {"country": "DE"},
    "gb": {"country": "GB"},
    "ch": {"country": "CH"},
    "br": {"country": "BR"},
    "jp": {"country": "JP"},
    "za": {"country": "ZA"},
    "ca-qc": {"country": "CA", "region": "QC"},
    "ca": {"country": "CA", "region": "ON"},
    "us-ca": {"country": "US", "region": "CA"},
    "us-tx": {"country": "US", "region": "TX"},
    "us-va": {"country": "US", "region": "VA"},
    "nowhere": {"country": "XK"},
}
CONTEXTS: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("nothing", "none"): [{}],
    ("stamp yes", "none"): [{"consent": True}],
    ("stamp no", "none"): [{"consent": False}],
    ("stamp yes, then stamp no", "none"): [{"consent": True}, {"consent": False}],
    ("stamp no, then stamp yes", "none"): [{"consent": False}, {"consent": True}],
    ("stamp yes", "after"): [{"consent": True}, {"gpc": True}],
}
CHECKED_USES = (
    ("marketing.communications.email", "contact.email"),
    ("marketing.advertising.third_party.targeted", "demographics.birthDate"),
    ("analytics.reporting", "demographics.birthDate"),
    ("functional.service", "contact.email"),
    ("essential.service.operations.support", "contact.email"),
)
CLIENT = "desk"
BIRTHDAY = "1980-02-29"
BAND = "45-54"
QUERY = "{ customers(first: 200) { nodes { id contact { email } demographics { birthDate } } } }"
FIND = 'query($v: String!) { customer(identifier: {type: "email", value: $v}) { id } }'


@pytest.fixture
def clock() -> RunningClock:
    """Return a clock that starts soon after the dates of the messages."""
    return RunningClock("2026-11-24T10:00:00")


def _build_messages(place: str, statement: str, signal: str) -> list[dict[str, Any]]:
    name = _build_name(place, statement, signal)
    messages = []
    for number, stated in enumerate(CONTEXTS[statement, signal]):
        context: dict[str, Any] = {"gpc": True} if "gpc" in stated else {}
        if "consent" in stated:
            preferences = {purpose: stated["consent"] for purpose, _ in CHECKED_USES}
            context["consent"] = {"categoryPreferences": preferences}
        traits = {"email": f"{name}@post.example", "birthday": BIRTHDAY, "address": PLACES[place]}
        messages.append(
            {
                "type": "identify",
                "messageId": f"{name}-{number}",
                "userId": name,
                "timestamp": f"2026-06-0{number + 1}T10:00:00Z",
                "traits": traits,
                "context": context,
            }
        )
    return messages


def _build_name(place: str, statement: str, signal: str) -> str:
    return f"{place}-{list(CONTEXTS).index((statement, signal))}"


@pytest.fixture
def cases() -> list[tuple[str, str, str]]:
    """Return one customer for each place, statement and signal."""
    return [(place, statement, signal) for place in PLACES for statement, signal in CONTEXTS]


async def test_each_place_statement_and_purpose_reveals_what_the_law_permits(
    platform: PlatformUnderTest, cases: list[tuple[str, str, str]]
) -> None:
    """72 customers, 5 purposes: a value is revealed in the catalogue's form where the law permits it."""
    catalogue = load_catalogue(None)
    for case in cases:
        await platform.send_messages("web-shop", *_build_messages(*case))
    steward = platform.issue_token("steward", client=CLIENT)
    ids = {}
    for case in cases:
        lookup = await platform.query(FIND, steward, {"v": f"{_build_name(*case)}@post.example"})
        ids[case] = lookup["data"]["customer"]["id"]
    mismatches = []
    for key, path in CHECKED_USES:
        purpose = catalogue.purposes[key]
        form = next(use.form for use in catalogue.attributes[path].uses if use.purpose.key == key)
        answer = await platform.query(QUERY, platform.issue_token(client=CLIENT, purposes=[key]))
        nodes = {node["id"]: node for node in answer["data"]["customers"]["nodes"]}
        for case in cases:
            place, statement, signal = case
            is_permitted = oracle.is_permitted(
                place, basis=purpose.basis, family=purpose.family, statement=statement, signal=signal, age=46
            )
            group, field = path.split(".")
            shown = (nodes[ids[case]][group] or {}).get(field) if ids[case] in nodes else None
            expected = _expect_value(form, f"{_build_name(*case)}@post.example") if is_permitted else None
            if shown != expected:
                mismatches.append(
                    f"{place}, {statement!r}, signal {signal}, {key}: expected {expected}, got {shown}"
                )
    assert not mismatches, "\n".join(["", *mismatches])


def _expect_value(form: Form, email: str) -> str:
    return {Form.CLEAR: email, Form.MASKED: f"{email[0]}***@p***", Form.COARSE: BAND}[form]
