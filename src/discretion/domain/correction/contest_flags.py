"""What a person says is wrong is not used while somebody finds out (GDPR Art. 18(1)(a)).

The value stays where it is and out of reach: it is read by the person, and for what the law itself demands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from discretion.catalogue.model import Catalogue
from discretion.domain.correction.correction_record import Edit, Owned, owned, write
from discretion.domain.identity.unit_of_work import Workshop
from discretion.store.driver.database import Database, Session

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Contest:
    """Flags values as contested while a request about them is open; doing so twice is doing so once."""

    database: Database
    workshop: Callable[[], Workshop]

    async def __call__(self, request: Mapping[str, Any], *, contested: bool = True) -> bool:
        """Flag what a request for correction is about, or no longer; whether the person is there.

        Args:
            request: Its document.
            contested: False once it was refused or taken back; applying it lifts the flag by itself.
        """

        async def work(session: Session) -> bool:
            shop = self.workshop()
            one = await owned(self.database, session, shop, request["customer"])
            if one is None:
                return False
            edits = lifting(one, request["_id"])
            if contested:
                flag = flagging(request["_id"], keys_of(shop.catalogue, request))
                edits = {} if edits else {one.record: flag}
            if edits:
                await write(self.database, session, shop, one, edits)
            return True

        return await self.database.transaction(work)


def flagging(request: bytes, keys: Sequence[str]) -> Edit:
    """The record in which a request contests these attributes and no others."""

    def edit(record: Document) -> Document:
        held = {key: [one for one in by if one != request] for key, by in record.get("contested", {}).items()}
        for key in keys:
            held[key] = sorted({*held.get(key, ()), request})
        return {**record, "contested": {key: by for key, by in sorted(held.items()) if by}}

    return edit


def lifting(one: Owned, request: bytes) -> dict[bytes, Edit]:
    """The edits after which a request contests nothing."""
    return {name: flagging(request, []) for name in _flagged(one, request)}


def keys_of(catalogue: Catalogue, request: Mapping[str, Any]) -> list[str]:
    """Keys of the attributes that a request is about, as far as the catalogue has them."""
    known = (catalogue.attributes.get(path) for path in request["scope"]["attributes"])
    return [one.key for one in known if one is not None]


def _flagged(one: Owned, request: bytes) -> list[bytes]:
    """Records in which a request contests something: more than one only after a merge."""
    return [
        name
        for name, record in one.known.records.items()
        if any(request in by for by in record.get("contested", {}).values())
    ]
