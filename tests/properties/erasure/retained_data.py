"""Whether what is held of the erased is only what law orders kept, opened as whoever may read it would.

Written from the description of the formats, not with the code that holds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.law.jurisdiction import Keeping, Lawbook

HEAD, NONCE = 9, 12
MEMBERS = frozenset({"_id", "law", "why", "request", "key", "items", "until"})
OF_AN_ITEM = frozenset({"id", "kind", "type", "source", "at", "props"})


def astray(document: Mapping[str, Any], data_key: bytes, book: Lawbook, now: int) -> Iterator[str]:
    """What of a held document no law orders kept, where nobody put a hold on anything; names, no values.

    Args:
        document: One of the collection ``held``.
        data_key: Its data key, unwrapped.
        book: The laws.
        now: The present (ms).
    """
    yield from (f"the member {one}" for one in document.keys() - MEMBERS)
    if document.get("until", 0) <= now:
        yield "a day that is over"
    rules = [one for one in book.of(document["law"]).keeping if one.cited.source == document["why"]]
    for item in document["items"]:
        ordering = [one for one in rules if item["type"] in one.events]
        if item["kind"] != "event" or not ordering:
            yield f"the {item['kind']} {item['type']}"
            continue
        yield from (f"the member {one} of {item['type']}" for one in item.keys() - OF_AN_ITEM)
        yield from _properties(item, AESGCM(data_key), document["_id"], ordering)


def _properties(
    item: Mapping[str, Any], cipher: AESGCM, holder: bytes, rules: list[Keeping]
) -> Iterator[str]:
    if "props" not in item or any(one.properties is None for one in rules):
        return
    ordered = frozenset[str]().union(*(one.properties or () for one in rules))
    cell: bytes = item["props"]
    under = f"event/{item['id'].hex()}".encode()
    nonce, sealed = cell[HEAD : HEAD + NONCE], cell[HEAD + NONCE :]
    opened = orjson.loads(cipher.decrypt(nonce, sealed, holder + cell[:HEAD] + under))
    yield from (f"the property {one} of {item['type']}" for one in opened.keys() - ordered)
