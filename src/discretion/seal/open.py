"""Opening a seal. Only ``reveal`` may import this module; an import contract says so."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.errors import Broken
from discretion.seal.bucket_keys import Buckets
from discretion.seal.cell import BODY_AT, HEAD_BYTES, pseudonym
from discretion.seal.dead_letter import BODY_AT as LETTER_AT
from discretion.seal.dead_letter import FORMAT

Opener = Callable[[bytes, bytes], Any]
"""``(cell, attribute key) -> value`` for one customer."""


def opener(customer: bytes, data_key: bytes) -> Opener:
    """A function that opens this customer's cells, and nobody else's."""
    decrypt = AESGCM(data_key).decrypt
    loads = orjson.loads

    def open_cell(cell: bytes, key: bytes) -> Any:
        try:
            return loads(
                decrypt(cell[HEAD_BYTES:BODY_AT], cell[BODY_AT:], customer + cell[:HEAD_BYTES] + key)
            )
        except (InvalidTag, ValueError):
            raise Broken("SEAL_BROKEN", "A sealed value does not open: it was moved or altered.") from None

    return open_cell


def open_letter(key: bytes, bound_to: bytes, letter: bytes) -> Any:
    """The message in a sealed letter.

    Raises:
        Broken: ``SEAL_BROKEN``.
    """
    try:
        if not letter.startswith(FORMAT):
            raise InvalidTag
        return orjson.loads(
            AESGCM(key).decrypt(letter[len(FORMAT) : LETTER_AT], letter[LETTER_AT:], FORMAT + bound_to)
        )
    except (InvalidTag, ValueError):
        raise Broken("SEAL_BROKEN", "A letter does not open: it was moved or altered.") from None


class Keyed:
    """What a customer's data key gives.

    ``open`` opens their cells; ``decrypt`` is the cipher alone, for code that takes cells apart itself;
    ``pseudonym`` is their name in the ledger; ``names`` are the ids by which clients know them, as far
    as they were asked for.
    """

    __slots__ = ("decrypt", "names", "open", "pseudonym")

    def __init__(self, customer: bytes, data_key: bytes) -> None:
        self.open = opener(customer, data_key)
        self.decrypt = AESGCM(data_key).decrypt
        self.pseudonym = pseudonym(data_key)
        self.names: dict[str, bytes] = {}

    def __repr__(self) -> str:
        """Without what it opens."""
        return "Keyed(****)"


class Openers:
    """Data keys of customers met lately, unwrapped.

    They lie in memory beside the bucket keys that unwrap them, and give nothing away that those do
    not; when those change they are forgotten, so that both die together. No opened value is kept.
    """

    def __init__(self, buckets: Buckets, capacity: int = 10_000) -> None:
        self._buckets = buckets
        self.of = lru_cache(capacity)(self._of)
        """``(customer, wrapped data key)`` -> ``Keyed``; raises what ``Buckets.unwrap`` raises."""
        self.forget = self.of.cache_clear
        buckets.listen(self.forget)

    def _of(self, customer: bytes, wrapped: bytes) -> Keyed:
        return Keyed(customer, self._buckets.unwrap(customer, wrapped))
