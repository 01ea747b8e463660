"""All that can be said of everybody, but for what is drawn by lot: houses that agree in it know the same."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from discretion.catalogue.load import load
from discretion.store.schema.collections import COLLECTIONS
from tests.fixtures.platform import House
from tests.properties.message_streams import Sent

CATALOGUE = load(None)
KEPT = ("clients",)
PAGE = 50
EACH = ("essential", "functional", "personalize", "marketing", "analytics")


def selection() -> str:
    """Every attribute there is, as a selection set."""
    tree: dict[str, Any] = {}
    for path in sorted(CATALOGUE.attributes):
        at = tree
        for step in path.split("."):
            at = at.setdefault(step, {})
    return _selected(tree)


def _selected(tree: Mapping[str, Any]) -> str:
    return " ".join(name + (f" {{ {_selected(inner)} }}" if inner else "") for name, inner in tree.items())


NAMES = "identifiers { type value sources firstNamedAt }"
EVENTS = "events(first: 20) { nodes { name occurredAt channel properties } }"


def everything(names: str = NAMES) -> str:
    """A query for all of it."""
    return f"{{ customers(first: {PAGE}) {{ nodes {{ {selection()} {EVENTS} {names} }} }} }}"


async def people(house: House, names: str = NAMES) -> list[str]:
    """Each person as JSON: as those see them who may see what is essential, and those who may see all."""
    told = []
    for roots in (("essential",), EACH):
        purposes = [one for one in CATALOGUE.purposes if one.split(".")[0] in roots]
        answer = await house.ask(everything(names), house.token(purposes=purposes, scopes=["steward"]))
        assert "errors" not in answer, answer
        told += sorted(json.dumps(one, sort_keys=True) for one in answer["data"]["customers"]["nodes"])
    return told


async def empty(house: House) -> None:
    """Nobody and nothing."""
    for one in COLLECTIONS:
        if one.name not in KEPT:
            await house.platform.database.delete_many(one.name, {})


async def send(house: House, sent: Sequence[Sent]) -> list[str]:
    """One after the other, each in a batch of its own; what became of each."""
    statuses = []
    for source, message in sent:
        told = await house.tell(source, message)
        statuses += [one["status"] for one in told["results"]]
    return statuses
