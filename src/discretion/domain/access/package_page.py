"""Pages of a package: some rows of one section, shut under the person's own key.

Each is bound to its request, the attempt that wrote it and its place, so that none can be put in another's
place or left out unseen: how many there are stands with the request. The database alone opens none of them,
since what unwraps a person's key never enters it; and with that key they die (``seal/keyring.py``). So a
package has no key of its own: it would lie where the person's does, and open to the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.domain.kit.workflow.lease import Hold
from discretion.reveal.forms import iso
from discretion.reveal.revealer import Reading, Row
from discretion.seal.cell import shut
from discretion.seal.key_files import NONCE_BYTES
from discretion.store.packages import Packages

ROWS = 200
"""Rows of a page; a row is at most as large as a message."""

HOLD_EVERY = 16
"""Pages after which the request is held on."""

TOGETHER = 4
"""Pages that are read at a time."""

Rows = Sequence[Mapping[str, Any]]
Pages = AsyncIterator[tuple[str, Rows]]
"""Sections and rows of them, in the order of the package; a section may come several times in a row."""


@dataclass(frozen=True, slots=True)
class Made:
    """A package as it stands with its request, which alone names it.

    ``fence`` is the attempt that wrote it, ``customer`` whose key it is shut under, ``pages`` the number of
    pages of each section in their order, ``rows`` that of rows. Times in ms since 1970.
    """

    request: bytes
    customer: bytes = field(repr=False)
    fence: int
    sections: Mapping[str, int]
    rows: Mapping[str, int]
    made: int
    until: int

    def document(self) -> dict[str, Any]:
        """As it is kept with the request."""
        return {
            "customer": self.customer,
            "fence": self.fence,
            "sections": dict(self.sections),
            "rows": dict(self.rows),
            "made": self.made,
            "until": self.until,
        }

    def told(self) -> dict[str, Any]:
        """What anybody who may see the request is told of it."""
        return {"madeAt": iso(self.made), "availableUntil": iso(self.until), "rows": dict(self.rows)}


def made(request: bytes, document: Mapping[str, Any]) -> Made:
    """What ``Made.document`` gave."""
    return Made(request=request, **document)


def bound(request: bytes, fence: int, place: int) -> str:
    """What a page is bound to, in place of an attribute's key."""
    return f"package/{request.hex()}/{fence}/{place}"


class Writing:
    """Writes the pages of one attempt; ``until`` is when they go (ms since 1970)."""

    def __init__(
        self,
        packages: Packages,
        hold: Hold,
        request: tuple[bytes, int],
        customer: tuple[bytes, bytes],
        until: int,
        entropy: Callable[[int], bytes],
    ) -> None:
        self._packages = packages
        self._hold = hold
        self._request, self._fence = request
        self._customer, key = customer
        self._cipher = AESGCM(key)
        self._until = until
        self._entropy = entropy
        self._place = 0
        self.sections: dict[str, int] = {}
        self.rows: dict[str, int] = {}

    async def add(self, section: str, rows: Rows) -> None:
        """One more page.

        Raises:
            Conflict: ``LEASE_LOST``; another process makes the package.
        """
        key = bound(self._request, self._fence, self._place).encode()
        nonce = self._entropy(NONCE_BYTES)
        sealed = shut(self._cipher, self._customer, key, 0, nonce, {"section": section, "rows": rows})
        await self._packages.add(self._request, self._fence, self._place, self._customer, sealed, self._until)
        self._place += 1
        self.sections[section] = self.sections.get(section, 0) + 1
        self.rows[section] = self.rows.get(section, 0) + len(rows)
        if self._place % HOLD_EVERY == 0:
            await self._hold.save({})
        self._hold.at("page")


async def read(
    packages: Packages, reading: Reading, row: Row, package: Made, only: str | None = None
) -> Pages:
    """The pages of a package in their order, or those of one section; few are in memory at a time.

    Raises:
        Broken: ``PACKAGE_BROKEN``, a page is missing; ``SEAL_BROKEN``, one was altered.
    """
    place = 0
    for section, pages in package.sections.items():
        if only is None or section == only:
            for start in range(place, place + pages, TOGETHER):
                many = min(TOGETHER, place + pages - start)
                for at, sealed in enumerate(
                    await packages.some(package.request, package.fence, start, many), start
                ):
                    opened = reading.reveal_cell(
                        row, sealed, bound(package.request, package.fence, at), "package"
                    )
                    yield opened["section"], opened["rows"]
        place += pages
