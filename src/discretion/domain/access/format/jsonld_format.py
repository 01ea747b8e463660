"""A package as JSON-LD in the vocabulary of schema.org, for software that knows no other format.

The customer is a ``Person`` in several nodes with one ``@id``, which JSON-LD readers merge. Attributes that
schema.org has a property for use that property, all others are a ``PropertyValue``. Events are an ``Action``.
Information about the processing (purposes, laws, disclosures) is not in this file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from discretion.domain.access.package_page import PackageRows
from discretion.domain.access.package_sections import PackageSection

PERSON_ID = "urn:discretion:person"
"""The customer's ``@id``; it has a meaning only within this document."""

SCHEMA_ORG_NAMES: Mapping[str, str] = {
    "identity.givenName": "givenName",
    "identity.familyName": "familyName",
    "identity.birthDate": "birthDate",
    "contact.email": "email",
    "contact.phone": "telephone",
    "demographics.gender": "gender",
}
"""Attributes that schema.org has a text property for."""


class JsonLdWriter:
    """Writes the graph, one node per line."""

    def __init__(self) -> None:
        self._node_count = 0

    def begin(self) -> bytes:
        """Return the vocabulary and the beginning of the graph."""
        return b'{"@context":{"@vocab":"https://schema.org/"},"@graph":['

    def open_section(self, _section: PackageSection) -> bytes:
        """Return nothing: the graph is not divided into sections."""
        return b""

    def write_rows(self, section: PackageSection, rows: PackageRows) -> bytes:
        """Return one node for each row; nothing for sections that the graph leaves out."""
        build_node = _NODE_BUILDERS.get(section.key)
        if build_node is None:
            return b""
        nodes = b"".join(
            (b",\n" if self._node_count or index else b"\n") + orjson.dumps(build_node(row))
            for index, row in enumerate(rows)
        )
        self._node_count += len(rows)
        return nodes

    def close_section(self, _section: PackageSection) -> bytes:
        """Return no bytes: a section has no closing text in this format."""
        return b""

    def end(self) -> bytes:
        """Return the end of the graph."""
        return b"]}\n"


def _build_value_node(row: Mapping[str, Any]) -> dict[str, object]:
    schema_org_name = SCHEMA_ORG_NAMES.get(row["attribute"])
    if schema_org_name is not None and row["value"] is not None:
        return _build_person_node({schema_org_name: row["value"]})
    return _build_person_node(
        {"additionalProperty": _build_property_value(row["attribute"], row["value"], row["observed_at"])}
    )


def _build_identifier_node(row: Mapping[str, Any]) -> dict[str, object]:
    return _build_person_node(
        {"identifier": _build_property_value(row["type"], row["value"], row["named_at"])}
    )


def _build_event_node(row: Mapping[str, Any]) -> dict[str, object]:
    properties = row["properties"] or {}
    return {
        "@type": "Action",
        "agent": {"@id": PERSON_ID},
        "name": row["name"],
        "startTime": row["occurred_at"],
        "instrument": row["channel"],
        "additionalProperty": [
            _build_property_value(name, value, None) for name, value in properties.items()
        ],
    }


def _build_consent_node(row: Mapping[str, Any]) -> dict[str, object]:
    return {
        "@type": "AuthorizeAction" if row["state"] in ("given", "renewed") else "RejectAction",
        "@id": f"urn:uuid:{row['id']}",
        "agent": {"@id": PERSON_ID},
        "startTime": row["at"],
        "object": row["purpose"],
    }


def _build_person_node(members: Mapping[str, object]) -> dict[str, object]:
    return {"@id": PERSON_ID, "@type": "Person", **members}


def _build_property_value(name: str, value: object, observed: str | None) -> dict[str, object]:
    json_value = value if isinstance(value, str | int | float | None) else orjson.dumps(value).decode()
    node: dict[str, object] = {"@type": "PropertyValue", "name": name, "value": json_value}
    return node if observed is None else {**node, "observationDate": observed}


_NODE_BUILDERS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, object]]] = {
    "values": _build_value_node,
    "identifiers": _build_identifier_node,
    "events": _build_event_node,
    "consents": _build_consent_node,
}
