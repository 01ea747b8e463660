"""Erasures that were carried out and that the erasure ledger lacks, because it is lost or an older copy."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from discretion.domain.erasure.erasure_ledger import ErasureEntry
from discretion.errors import Misconfigured

ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class LostErasures:
    """What shows that the ledger lacks erasures.

    Attributes:
        people: Customers whose key is destroyed, as only an erasure does.
        recorded: Ids of erasures that a database or a dump records as written to the ledger.
        is_ledger_missing: Whether there is no ledger at all, although keys were destroyed.
    """

    people: frozenset[bytes] = field(repr=False)
    recorded: frozenset[bytes]
    is_ledger_missing: bool

    def require_none(self, path: object) -> None:
        """Refuse to restore without the erasures.

        Raises:
            Misconfigured: ``ERASURE_LEDGER_LOST``.
        """
        if not (self.people or self.recorded or self.is_ledger_missing):
            return
        state = "is missing, and so are" if self.is_ledger_missing else "lacks"
        raise Misconfigured(
            "ERASURE_LEDGER_LOST",
            f"The erasure ledger {path} {state} erasures that were carried out: {len(self.recorded)} that "
            f"the database or the dump records, and those of {len(self.people)} customers whose key is "
            "destroyed.",
            "Put its latest copy there, or set its path with DISCRETION_ERASURE_LEDGER. Only if it is lost "
            "for good: discretion restore SOURCE --accept-lost-ledger",
        )


def find_lost_erasures(
    entries: Iterable[ErasureEntry],
    unreadable: Collection[bytes],
    recorded: Collection[bytes],
    *,
    is_ledger_missing: bool = False,
) -> LostErasures:
    """Compare the ledger with what else shows that people were erased.

    Args:
        entries: All entries of the ledger.
        unreadable: Customers that no key opens.
        recorded: Ids of erasures that are recorded as written to the ledger.
        is_ledger_missing: Whether there is no ledger at all, although keys were destroyed.
    """
    written, erased = set[bytes](), set[bytes]()
    for entry in entries:
        written.add(entry.id)
        erased.update(entry.customers)
    return LostErasures(frozenset(unreadable) - erased, frozenset(recorded) - written, is_ledger_missing)


def derive_erasure_id(customers: Iterable[bytes]) -> bytes:
    """Return the id of an erasure that is found again by its destroyed keys; the same for the same people."""
    return hashlib.sha256(b"".join(sorted(customers))).digest()[:ID_BYTES]
