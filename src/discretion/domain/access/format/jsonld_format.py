"""A package as linked data: JSON-LD in the words of schema.org, for software that knows no other.

The person is a ``Person`` in parts that share one ``@id``, which JSON-LD readers flow together; what
schema.org has a word for is told in it, all else as ``PropertyValue``. What happened is an ``Action``. What
the platform says of itself (purposes, laws, looks) is not the person's data, and is left to the other files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from discretion.domain.access.package_page import Rows
from discretion.domain.access.package_sections import Section

PERSON = "urn:discretion:person"
"""Good within this document, and nowhere else."""

KNOWN: Mapping[str, str] = {
    "identity.givenName": "givenName",
    "identity.familyName": "familyName",
    "identity.birthDate": "birthDate",
    "contact.email": "email",
    "contact.phone": "telephone",
    "demographics.gender": "gender",
}
"""Attributes that schema.org has a word for, where its type is a text."""


class Graph:
    """Writes the graph; a node on a line."""

    def __init__(self) -> None:
        self._nodes = 0

    def begin(self) -> bytes:
        """The vocabulary, and the graph begins."""
        return b'{"@context":{"@vocab":"https://schema.org/"},"@graph":['

    def open(self, _section: Section) -> bytes:
        """Nothing."""
        return b""

    def rows(self, section: Section, rows: Rows) -> bytes:
        """Nodes."""
        node = _NODES.get(section.key)
        if node is None:
            return b""
        made = b"".join(
            (b",\n" if self._nodes or at else b"\n") + orjson.dumps(node(row)) for at, row in enumerate(rows)
        )
        self._nodes += len(rows)
        return made

    def close(self, _section: Section) -> bytes:
        """Nothing."""
        return b""

    def end(self) -> bytes:
        """The graph ends."""
        return b"]}\n"


def _value(row: Mapping[str, Any]) -> dict[str, Any]:
    word = KNOWN.get(row["attribute"])
    if word is not None and row["value"] is not None:
        return _person({word: row["value"]})
    return _person({"additionalProperty": _property(row["attribute"], row["value"], row["observed_at"])})


def _identifier(row: Mapping[str, Any]) -> dict[str, Any]:
    return _person({"identifier": _property(row["type"], row["value"], row["named_at"])})


def _event(row: Mapping[str, Any]) -> dict[str, Any]:
    properties = row["properties"] or {}
    return {
        "@type": "Action",
        "agent": {"@id": PERSON},
        "name": row["name"],
        "startTime": row["occurred_at"],
        "instrument": row["channel"],
        "additionalProperty": [_property(name, value, None) for name, value in properties.items()],
    }


def _consent(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "@type": "AuthorizeAction" if row["state"] in ("given", "renewed") else "RejectAction",
        "@id": f"urn:uuid:{row['id']}",
        "agent": {"@id": PERSON},
        "startTime": row["at"],
        "object": row["purpose"],
    }


def _person(told: Mapping[str, Any]) -> dict[str, Any]:
    return {"@id": PERSON, "@type": "Person", **told}


def _property(name: str, value: Any, observed: str | None) -> dict[str, Any]:
    told = value if isinstance(value, str | int | float | None) else orjson.dumps(value).decode()
    made = {"@type": "PropertyValue", "name": name, "value": told}
    return made if observed is None else {**made, "observationDate": observed}


_NODES: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "values": _value,
    "identifiers": _identifier,
    "events": _event,
    "consents": _consent,
}
