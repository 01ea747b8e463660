"""A proposal: every value shut under the person's own key, as the cell it will become."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.domain.correction.proposed_change import Change, needs_evidence
from discretion.domain.identity.unit_of_work import Workshop
from discretion.errors import NotFound
from discretion.seal.cell import shut
from discretion.seal.key_files import NONCE_BYTES
from discretion.store.driver.database import Database

WHY = "why"
"""Under which name the person's reason is sealed, beside attributes by their keys."""

OLD = "old:"
"""Before the key of an attribute, in the name under which its value before is sealed."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a request for correction holds.

    ``scope`` names ``attributes`` by path, and those of them to ``remove``. With ``decides`` a steward looks
    first.
    """

    scope: Mapping[str, Any]
    sealed: Mapping[str, bytes] = field(repr=False)
    decides: bool


@dataclass(frozen=True, slots=True)
class Propose:
    """Makes proposals."""

    database: Database
    workshop: Callable[[], Workshop]

    async def __call__(self, customer: bytes, changes: Sequence[Change], why: str | None = None) -> Proposal:
        """Shut what is proposed.

        Args:
            customer: Whom it is about, an older id as it may be.
            changes: What ``check`` gave.
            why: The person's reason in their own words.

        Raises:
            NotFound: ``CUSTOMER_NOT_FOUND``.
        """
        wanted = {"$or": [{"_id": customer}, {"merged.id": customer}]}
        found = await self.database.find_one("customers", wanted, {"key": 1})
        if found is None:
            raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
        shop = self.workshop()
        key = shop.buckets.unwrap(found["_id"], found["key"])
        cipher = AESGCM(key)

        def sealed(name: str, value: Any) -> bytes:
            return shut(cipher, found["_id"], name.encode(), shop.now, shop.entropy(NONCE_BYTES), value)

        cells = {
            one.attribute.key: sealed(one.attribute.key, one.value.value)
            for one in changes
            if one.value is not None
        }
        reason = {WHY: sealed(WHY, why)} if why else {}
        return Proposal(scope_of(changes), {**cells, **reason}, needs_evidence(changes))


def scope_of(changes: Sequence[Change]) -> dict[str, list[str]]:
    """What of changes is nobody's secret: which attributes, and which of them are to have no value."""
    return {
        "attributes": [one.attribute.path for one in changes],
        "remove": [one.attribute.path for one in changes if one.value is None],
    }
