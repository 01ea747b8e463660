"""Handing a package out: a link that works once and soon leads nowhere, and the bytes behind it.

The link carries 32 random bytes, of which the database holds a digest: whoever reads the database finds no
link in it, and guessing one takes as long as guessing a key. What is handed out is on the ledger before its
first byte leaves.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from discretion.catalogue.model import Catalogue
from discretion.disclose import Conductor
from discretion.domain.access import package_page as page
from discretion.domain.access.package_page import Made, made
from discretion.domain.access.package_steps import own, whole
from discretion.domain.access.zip_archive import Opened, zipped
from discretion.errors import Conflict, NotFound
from discretion.reveal.revealer import Reading, Row
from discretion.store.packages import Packages
from discretion.store.requests import Requests
from discretion.store.subject_reads import Kept

LINK_LASTS_MS = 15 * 60_000
TOKEN_BYTES = 32

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Link:
    """Where a package can be fetched once, until then (ms since 1970)."""

    url: str
    until: int


@dataclass(frozen=True, slots=True)
class Handed:
    """A package on its way; ``name`` is the file's."""

    name: str
    content: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class HandOut:
    """Makes links and follows them. ``house`` is the address of this installation on the web."""

    catalogue: Catalogue
    conductor: Conductor
    requests: Requests
    packages: Packages
    kept: Kept
    house: str

    async def link(self, document: Document) -> Link:
        """A link to a request's package, for whoever asked and has shown that they did.

        Raises:
            Conflict: ``PACKAGE_NOT_READY``, ``PACKAGE_STALE``; NotFound: ``PACKAGE_GONE``.
        """
        package = await self._package(document)
        now = self.conductor.now_ms()
        token = self.conductor.entropy(TOKEN_BYTES)
        until = min(now + LINK_LASTS_MS, package.until)
        await self.packages.link(hashlib.sha256(token).digest(), package.request, package.customer, until)
        text = base64.urlsafe_b64encode(token).rstrip(b"=").decode()
        return Link(f"{self.house.rstrip('/')}/v1/packages/{text}", until)

    async def follow(self, text: str) -> Handed | None:
        """The package behind a link's last part; None alike for one that was used, is over or never was.

        Raises:
            Unavailable: ``LEDGER_UNAVAILABLE``; nothing is handed out.
        """
        token = _token(text)
        if token is None:
            return None
        link = await self.packages.redeem(hashlib.sha256(token).digest(), self.conductor.now_ms())
        document = None if link is None else await self.requests.get(link["request"])
        if document is None:
            return None
        try:
            package = await self._package(document)
        except (Conflict, NotFound):
            return None
        return await self._handed(document, package)

    async def sending(self, document: Document, cell: bytes, bound: str) -> tuple[Opened, str]:
        """A package to be sent to where the person said, which is shut in ``cell``.

        Raises:
            Conflict, NotFound: as ``link``; Unavailable: ``LEDGER_UNAVAILABLE``.
        """
        package = await self._package(document)
        opened, reading, found = await self._opened(document, package, "package_sent")
        row = reading.rows([_keyed(found, document["customer"])])[0]
        return opened, reading.reveal_cell(row, cell, bound, "package_sent")

    async def _handed(self, document: Document, package: Made) -> Handed | None:
        try:
            opened, _, _ = await self._opened(document, package, "package")
        except NotFound:
            return None
        return Handed(f"{document['right']}.zip", zipped(opened))

    async def _opened(self, document: Document, package: Made, what: str) -> tuple[Opened, Reading, Document]:
        """A package on the ledger and ready to be read, under the key it was shut with."""
        found = await self.kept.customer(package.customer)
        if found is None:
            raise _gone()
        keyed = _keyed(found, package.customer)

        async def execute(reading: Reading) -> tuple[Reading, Row]:
            reading.note(what)
            return reading, reading.rows([keyed])[0]

        grant = own(document["client"], document["subject"])
        plan = whole(self.catalogue, grant)
        reading, row = (await self.conductor.disclose(plan, grant, what, execute)).answer
        opened = Opened(package, lambda only=None: page.read(self.packages, reading, row, package, only))
        return opened, reading, found

    async def _package(self, document: Document) -> Made:
        told = document.get("package")
        gathered = any(one["name"] == "gather" and one["state"] == "done" for one in document["steps"])
        if told is None or not gathered:
            raise Conflict(
                "PACKAGE_NOT_READY",
                "There is no package for this request yet.",
                "Ask again when its state is FULFILLED.",
            )
        package = made(document["_id"], told)
        if package.until <= self.conductor.now_ms():
            raise _gone()
        if await self.kept.parted(package.customer, package.made):
            raise Conflict(
                "PACKAGE_STALE",
                "Since the package was made, some of what is in it turned out to be somebody else's.",
                "Make the request again.",
            )
        return package


def _gone() -> NotFound:
    return NotFound("PACKAGE_GONE", "The package is no longer kept.", "Make the request again.")


def _keyed(found: Document, customer: bytes) -> dict[str, Any]:
    """An id that a customer has or had, with its wrapped key.

    Raises:
        NotFound: ``PACKAGE_GONE``; they have it no more.
    """
    keys = {found["_id"]: found["key"], **{one["id"]: one["key"] for one in found["merged"]}}
    if customer not in keys:
        raise _gone()
    return {"_id": customer, "key": keys[customer]}


def _token(text: str) -> bytes | None:
    if not text.isascii() or len(text) != -(-TOKEN_BYTES * 4 // 3):
        return None
    try:
        return base64.b64decode(text + "=", altchars=b"-_", validate=True)
    except ValueError:
        return None
