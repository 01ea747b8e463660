"""One disclosure, and the bytes it is recorded as.

The canonical form is JSON with sorted keys, no insignificant space, integers and strings only:
the subset on which RFC 8785 and every careful JSON writer agree. It is a promise: a later
release reads, hashes and proves entries written by an earlier one. Members may be added; none
changes its meaning or goes away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

VERSION = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """Who saw what of whom, for what, and when.

    ``subjects`` maps a person's ledger pseudonym (16 bytes) to the bits of ``attributes`` that
    were revealed of them. ``attributes`` are ``(path, form)`` pairs. ``actor`` is the ``sub``
    of the token, or ``self`` when a customer read about themselves: no personal value is in an
    entry, and nothing that names a person once their key is gone.
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

    def canonical(self) -> bytes:
        """The bytes on record."""
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
                "subjects": [(name.hex(), f"{bits:x}") for name, bits in sorted(self.subjects.items())],
                "v": VERSION,
            },
            option=orjson.OPT_SORT_KEYS,
        )


def parse(body: bytes) -> Entry:
    """The entry behind canonical bytes."""
    raw: dict[str, Any] = orjson.loads(body)
    return Entry(
        receipt=raw["receipt"],
        at=raw["at"],
        client=raw["client"],
        actor=raw["actor"],
        operation=raw["operation"],
        purposes=tuple(raw["purposes"]),
        attributes=tuple((path, form) for path, form in raw["attributes"]),
        extra=tuple(raw["extra"]),
        subjects={bytes.fromhex(name): int(bits, 16) for name, bits in raw["subjects"]},
    )
