"""Reads all data of all customers except random ids, so that two platforms can be compared."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from discretion.catalogue.load import load_catalogue
from discretion.store.schema.collections import COLLECTIONS
from tests.fixtures.money import format_leaf
from tests.fixtures.platform import PlatformUnderTest
from tests.properties.message_streams import SentMessage

CATALOGUE = load_catalogue(None)
KEPT_COLLECTIONS = ("clients",)
PAGE_SIZE = 50
ALL_ROOTS = ("essential", "functional", "personalize", "marketing", "analytics")


def build_selection() -> str:
    """Return a GraphQL selection set with every attribute."""
    tree: dict[str, Any] = {}
    for path, attribute in sorted(CATALOGUE.attributes.items()):
        branch = tree
        for step in format_leaf(path, attribute).split("."):
            branch = branch.setdefault(step, {})
    return _format_selection(tree)


def _format_selection(tree: Mapping[str, Any]) -> str:
    return " ".join(
        name + (f" {{ {_format_selection(inner)} }}" if inner else "") for name, inner in tree.items()
    )


IDENTIFIERS_FIELD = "identifiers { type value sources assurance provenBy since }"
EVENTS_FIELD = "events(first: 20) { nodes { name occurredAt channel properties } }"


def build_everything_query(identifiers_field: str = IDENTIFIERS_FIELD) -> str:
    """Return a query for all attributes, events and identifiers of all customers."""
    fields = f"{build_selection()} {EVENTS_FIELD} {identifiers_field}"
    return f"{{ customers(first: {PAGE_SIZE}) {{ nodes {{ {fields} }} }} }}"


async def read_people(platform: PlatformUnderTest, identifiers_field: str = IDENTIFIERS_FIELD) -> list[str]:
    """Return each customer as JSON: as seen with the essential purposes, and with all purposes."""
    people = []
    for roots in (("essential",), ALL_ROOTS):
        purposes = [purpose for purpose in CATALOGUE.purposes if purpose.split(".")[0] in roots]
        answer = await platform.query(
            build_everything_query(identifiers_field),
            platform.issue_token(purposes=purposes, scopes=["steward"]),
        )
        assert "errors" not in answer, answer
        people += sorted(json.dumps(node, sort_keys=True) for node in answer["data"]["customers"]["nodes"])
    return people


async def delete_everything(platform: PlatformUnderTest) -> None:
    """Delete all documents except those of clients."""
    for collection in COLLECTIONS:
        if collection.name not in KEPT_COLLECTIONS:
            await platform.internals.database.delete_many(collection.name, {})


async def send_one_by_one(platform: PlatformUnderTest, sent: Sequence[SentMessage]) -> list[str]:
    """Send messages one after the other, each in its own batch; return the status of each."""
    statuses = []
    for source, message in sent:
        outcome = await platform.send_messages(source, message)
        statuses += [result["status"] for result in outcome["results"]]
    return statuses
