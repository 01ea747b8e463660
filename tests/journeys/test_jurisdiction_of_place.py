"""What is revealed of people of twelve places, as the laws read once more have it, from their address on."""

from __future__ import annotations

from typing import Any

import pytest

from discretion.catalogue.load import load
from discretion.catalogue.model import Form
from tests.fixtures.platform import House
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
ASKED = (
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


def _messages(place: str, said: str, signal: str) -> list[dict[str, Any]]:
    name = _name(place, said, signal)
    found = []
    for number, heard in enumerate(CONTEXTS[said, signal]):
        context: dict[str, Any] = {"gpc": True} if "gpc" in heard else {}
        if "consent" in heard:
            given = {purpose: heard["consent"] for purpose, _ in ASKED}
            context["consent"] = {"categoryPreferences": given}
        traits = {"email": f"{name}@post.example", "birthday": BIRTHDAY, "address": PLACES[place]}
        found.append(
            {
                "type": "identify",
                "messageId": f"{name}-{number}",
                "userId": name,
                "timestamp": f"2026-06-0{number + 1}T10:00:00Z",
                "traits": traits,
                "context": context,
            }
        )
    return found


def _name(place: str, said: str, signal: str) -> str:
    return f"{place}-{list(CONTEXTS).index((said, signal))}"


@pytest.fixture
def people() -> list[tuple[str, str, str]]:
    """Somebody in each place for each thing that was said."""
    return [(place, said, signal) for place in PLACES for said, signal in CONTEXTS]


async def test_each_cell_over_http(house: House, people: list[tuple[str, str, str]]) -> None:
    """72 people, 5 purposes: a value is revealed, in the catalogue's form, just where the law lets it be."""
    catalogue = load(None)
    for who in people:
        await house.tell("web-shop", *_messages(*who))
    steward = house.token("steward", client=CLIENT)
    ids = {}
    for who in people:
        found = await house.ask(FIND, steward, {"v": f"{_name(*who)}@post.example"})
        ids[who] = found["data"]["customer"]["id"]
    wrong = []
    for key, path in ASKED:
        purpose = catalogue.purposes[key]
        form = next(use.form for use in catalogue.attributes[path].uses if use.purpose.key == key)
        answer = await house.ask(QUERY, house.token(client=CLIENT, purposes=[key]))
        nodes = {node["id"]: node for node in answer["data"]["customers"]["nodes"]}
        for who in people:
            place, said, signal = who
            holds = oracle.permitted(
                place, basis=purpose.basis, family=purpose.family, said=said, signal=signal, age=46
            )
            group, field = path.split(".")
            shown = (nodes[ids[who]][group] or {}).get(field) if ids[who] in nodes else None
            wanted = _as(form, f"{_name(*who)}@post.example") if holds else None
            if shown != wanted:
                wrong.append(f"{place}, {said!r}, signal {signal}, {key}: expected {wanted}, got {shown}")
    assert not wrong, "\n".join(["", *wrong])


def _as(form: Form, email: str) -> str:
    return {Form.CLEAR: email, Form.MASKED: f"{email[0]}***@p***", Form.COARSE: BAND}[form]
