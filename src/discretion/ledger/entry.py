"""One ledger entry, and the bytes by which it is proven.

The canonical form is JSON with sorted keys, without insignificant white space, and with integers and strings
only. That is the subset on which RFC 8785 and other careful JSON writers agree. It is a stable format: later
releases read, hash and prove entries of earlier ones. Members may be added; no member changes its meaning or
is removed. Entries are stored in a shorter form (``packed_entry``), which has the same content.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

ENTRY_VERSION = 1
"""Version of the canonical form, its member ``v``."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One disclosure: who saw which attributes of whom, for which purposes, and when.

    Attributes:
        receipt: The id of the entry.
        at: When the data were revealed (ms since 1970).
        client: The client that received the data.
        actor: The ``sub`` claim of the token, or ``self`` when a customer read their own data. No entry holds
            a personal value, and nothing in it identifies a person after their key is destroyed.
        operation: The name of the operation.
        purposes: The purposes for which the data were revealed.
        attributes: ``(path, form)`` of each attribute in the plan; the position is the bit in ``subjects``.
        extra: What was revealed besides attributes, such as event types.
        subjects: For each person's ledger pseudonym (16 bytes), the bits of the ``attributes`` that were
            revealed.
    """

    receipt: str
    at: int
    client: str
    actor: str
    operation: str
    purposes: tuple[str, ...]
    attributes: tuple[tuple[str, str], ...]
    extra: tuple[str, ...]
    subjects: Mapping[bytes, int] = field(repr=False)

    def canonical_bytes(self) -> bytes:
        """Return the canonical form; subjects are pairs of a pseudonym and bits, both hexadecimal."""
        return orjson.dumps(
            {
                "actor": self.actor,
                "at": self.at,
                "attributes": self.attributes,
                "client": self.client,
                "extra": self.extra,
                "operation": self.operation,
                "purposes": self.purposes,
                "receipt": self.receipt,
                # Sorted, so that equal disclosures have equal bytes. Bits are text, because JSON readers
                # disagree about integers beyond 2^53 (RFC 8259, section 6).
                "subjects": [(subject.hex(), f"{bits:x}") for subject, bits in sorted(self.subjects.items())],
                "v": ENTRY_VERSION,
            },
            option=orjson.OPT_SORT_KEYS,
        )


def parse_entry(body: bytes) -> LedgerEntry:
    """Return the entry of a canonical form."""
    raw: dict[str, Any] = orjson.loads(body)
    return LedgerEntry(
        receipt=raw["receipt"],
        at=raw["at"],
        client=raw["client"],
        actor=raw["actor"],
        operation=raw["operation"],
        purposes=tuple(raw["purposes"]),
        attributes=tuple((path, form) for path, form in raw["attributes"]),
        extra=tuple(raw["extra"]),
        subjects={bytes.fromhex(subject): int(bits, 16) for subject, bits in raw["subjects"]},
    )
