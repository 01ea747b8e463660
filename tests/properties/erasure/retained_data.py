"""Checks that data retained after an erasure is only what a law requires.

It decrypts the data as an authorised reader would.

Written from the description of the formats, without the code that retains the data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.law.jurisdiction import Lawbook, LegalRetentionRule

HEADER_BYTES, NONCE_BYTES = 9, 12
MEMBERS = frozenset({"_id", "law", "why", "request", "key", "items", "until"})
ITEM_MEMBERS = frozenset({"id", "kind", "type", "source", "at", "props"})


def list_unjustified(
    document: Mapping[str, Any], data_key: bytes, lawbook: Lawbook, now: int
) -> Iterator[str]:
    """Yield the names (no values) of what a retained document contains that no law requires.

    There must be no legal holds.

    Args:
        document: A document of the collection ``held``.
        data_key: Its data key, unwrapped.
        lawbook: The laws.
        now: The present (ms).
    """
    yield from (f"the member {name}" for name in document.keys() - MEMBERS)
    if document.get("until", 0) <= now:
        yield "a retention end in the past"
    rules = [
        rule
        for rule in lawbook.find_jurisdiction(document["law"]).retention_rules
        if rule.citation.source == document["why"]
    ]
    for item in document["items"]:
        matching_rules = [rule for rule in rules if item["type"] in rule.events]
        if item["kind"] != "event" or not matching_rules:
            yield f"the {item['kind']} {item['type']}"
            continue
        yield from (f"the member {name} of {item['type']}" for name in item.keys() - ITEM_MEMBERS)
        yield from _list_unjustified_properties(item, AESGCM(data_key), document["_id"], matching_rules)


def _list_unjustified_properties(
    item: Mapping[str, Any], cipher: AESGCM, holder: bytes, rules: list[LegalRetentionRule]
) -> Iterator[str]:
    if "props" not in item or any(rule.properties is None for rule in rules):
        return
    ordered_names = frozenset[str]().union(*(rule.properties or () for rule in rules))
    cell: bytes = item["props"]
    cell_name = f"event/{item['id'].hex()}".encode()
    nonce, ciphertext = cell[HEADER_BYTES : HEADER_BYTES + NONCE_BYTES], cell[HEADER_BYTES + NONCE_BYTES :]
    opened = orjson.loads(cipher.decrypt(nonce, ciphertext, holder + cell[:HEADER_BYTES] + cell_name))
    yield from (f"the property {name} of {item['type']}" for name in opened.keys() - ordered_names)
