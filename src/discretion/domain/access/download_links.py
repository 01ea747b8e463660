"""Delivery of a package: a link that works once and expires after 15 minutes, and the ZIP file behind it.

The link contains 32 random bytes. The database stores only their SHA-256 digest, so a reader of the database
finds no usable link, and guessing a link is as hard as guessing a key. The disclosure is written to the
ledger before the first byte of the package is sent.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from discretion.catalogue.model import Catalogue
from discretion.disclose import Discloser
from discretion.domain.access.package_page import read_pages
from discretion.domain.access.package_steps import build_full_plan, build_self_grant
from discretion.domain.access.zip_archive import PackageReader, write_archive
from discretion.domain.kit.workflow.step_name import StepName
from discretion.errors import Conflict, NotFound
from discretion.reveal.revealer import CustomerRow, Reading
from discretion.store.customer_codec import CustomerDocument
from discretion.store.packages import PackageStore
from discretion.store.person_stores import PersonStores
from discretion.store.requests import RequestStore
from discretion.store.subject_request import StoredPackage, SubjectRequest

LINK_LIFETIME_MS = 15 * 60_000
TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class DownloadLink:
    """A URL that returns a package once. ``valid_until`` is in ms since 1970."""

    url: str
    valid_until: int


@dataclass(frozen=True, slots=True)
class PackageDownload:
    """A package that is being sent: the name of the file and its bytes."""

    name: str
    content: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class DownloadLinks:
    """Issues links to packages and resolves them.

    Attributes:
        base_url: The public address of this installation.
    """

    catalogue: Catalogue
    discloser: Discloser
    requests: RequestStore
    packages: PackageStore
    stores: PersonStores
    base_url: str

    async def is_same_person(self, caller: bytes | None, customer: bytes | None) -> bool:
        """Return whether two customer ids belong to one customer now, merged ids included."""
        if caller is None or customer is None:
            return False
        current = await self.stores.people.current(caller)
        return current is not None and customer in current.ids

    async def issue_link(self, request: SubjectRequest) -> DownloadLink:
        """Return a link to the package of a request. The caller has checked that the client may have it.

        Raises:
            Conflict: ``PACKAGE_NOT_READY`` or ``PACKAGE_STALE``.
            NotFound: ``PACKAGE_GONE``.
        """
        package = await self._load_package(request)
        now = self.discloser.now_ms()
        token = self.discloser.entropy(TOKEN_BYTES)
        valid_until = min(now + LINK_LIFETIME_MS, package.available_until)
        # The database keeps only the digest: a stolen copy of it contains no usable link.
        await self.packages.add_link(
            hashlib.sha256(token).digest(), package.request, package.customer, valid_until
        )
        encoded_token = base64.urlsafe_b64encode(token).rstrip(b"=").decode()
        return DownloadLink(f"{self.base_url.rstrip('/')}/v1/packages/{encoded_token}", valid_until)

    async def follow_link(self, encoded_token: str) -> PackageDownload | None:
        """Return the package behind the last path segment of a link.

        Returns:
            The download, or None if the link was used, has expired or never existed. The caller cannot
            distinguish these cases.

        Raises:
            Unavailable: ``LEDGER_UNAVAILABLE``; nothing is handed out.
        """
        token = _decode_token(encoded_token)
        if token is None:
            return None
        # This deletes the link, so of two requests with the same link only one gets the package.
        linked = await self.packages.redeem_link(hashlib.sha256(token).digest(), self.discloser.now_ms())
        request = None if linked is None else await self.requests.find(linked)
        if request is None:
            return None
        try:
            package = await self._load_package(request)
        except (Conflict, NotFound):
            return None
        return await self._build_download(request, package)

    async def open_for_transfer(
        self, request: SubjectRequest, cell: bytes, binding: str
    ) -> tuple[PackageReader, str]:
        """Open a package to send it to another controller, and decrypt the URL to send it to.

        Args:
            request: The rights request.
            cell: The sealed URL.
            binding: What the cell is bound to.

        Returns:
            The reader of the package, and the URL.

        Raises:
            Conflict, NotFound: as ``issue_link``.
            Unavailable: ``LEDGER_UNAVAILABLE``.
        """
        if request.customer is None:
            raise _build_package_gone()
        package = await self._load_package(request)
        reader, reading, current = await self._open_package(request, package, "package_sent")
        row = reading.open_key(request.customer, _find_key(current, request.customer))
        return reader, reading.reveal_cell(row, cell, binding, "package_sent")

    async def _build_download(
        self, request: SubjectRequest, package: StoredPackage
    ) -> PackageDownload | None:
        try:
            reader, _, _ = await self._open_package(request, package, "package")
        except NotFound:
            return None
        return PackageDownload(f"{request.right.value}.zip", write_archive(reader))

    async def _open_package(
        self, request: SubjectRequest, package: StoredPackage, operation: str
    ) -> tuple[PackageReader, Reading, CustomerDocument]:
        """Record the disclosure in the ledger and return a reader that decrypts the pages."""
        current = await self.stores.people.find_whole(package.customer)
        if current is None:
            raise _build_package_gone()
        wrapped_key = _find_key(current, package.customer)

        async def read_customer_row(reading: Reading) -> tuple[Reading, CustomerRow]:
            reading.record_extra(operation)
            return reading, reading.open_key(package.customer, wrapped_key)

        grant = build_self_grant(request.client, request.subject)
        plan = build_full_plan(self.catalogue, grant)
        reading, row = (await self.discloser.disclose(plan, grant, operation, read_customer_row)).answer
        reader = PackageReader(
            package,
            lambda only_section=None: read_pages(self.packages, reading, row, package, only_section),
        )
        return reader, reading, current

    async def _load_package(self, request: SubjectRequest) -> StoredPackage:
        package = request.package
        # The package is stored before its step is done. Until then another attempt may replace it.
        is_gathered = any(step.name == StepName.GATHER_PACKAGE and step.is_done for step in request.steps)
        if package is None or not is_gathered:
            raise Conflict(
                "PACKAGE_NOT_READY",
                "There is no package for this request yet.",
                "Ask again when its state is FULFILLED.",
            )
        if package.available_until <= self.discloser.now_ms():
            raise _build_package_gone()
        # After a split a record in the package may belong to another customer: the package is withheld.
        if await self.stores.identity_events.was_split_since(package.customer, package.made_at):
            raise Conflict(
                "PACKAGE_STALE",
                "Since the package was made, some of its data proved to belong to another customer.",
                "Make the request again.",
            )
        return package


def _build_package_gone() -> NotFound:
    return NotFound("PACKAGE_GONE", "The package is no longer available.", "Make the request again.")


def _find_key(current: CustomerDocument, customer: bytes) -> bytes:
    """Return the wrapped key of a present or former id of a customer.

    Raises:
        NotFound: ``PACKAGE_GONE``; the customer no longer has that id.
    """
    if customer not in current.wrapped_keys:
        raise _build_package_gone()
    return current.wrapped_keys[customer]


def _decode_token(encoded_token: str) -> bytes | None:
    if not encoded_token.isascii() or len(encoded_token) != -(-TOKEN_BYTES * 4 // 3):
        return None
    try:
        return base64.b64decode(encoded_token + "=", altchars=b"-_", validate=True)
    except ValueError:
        return None
