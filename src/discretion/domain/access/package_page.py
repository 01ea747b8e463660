"""Pages of a package: rows of one section, sealed under the customer's own key.

Each page is bound to its request, to the attempt that wrote it and to its position. A page can therefore not
be moved to another position or left out unnoticed: the request stores the number of pages. The database alone
cannot decrypt a page, because the bucket key that unwraps the customer's key is never stored in it. When that
key is destroyed, the pages are unreadable too (``seal/key_ring.py``). A package has no key of its own: it
would be stored where the customer's key is stored, and anyone who can read one could read the other.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.domain.kit.workflow.lease import Lease
from discretion.reveal.revealer import CustomerRow, Reading
from discretion.seal.cell import encrypt_cell
from discretion.seal.key_files import NONCE_BYTES
from discretion.store.packages import PackageStore
from discretion.store.subject_request import StoredPackage

PAGE_ROWS = 200
"""Rows of one page. A row is at most as large as a message."""

LEASE_RENEWAL_PAGES = 16
"""Number of pages after which the lease on the request is renewed."""

READ_BATCH = 4
"""Pages that are read from the database at a time."""

PackageRows = Sequence[Mapping[str, object]]
PageIterator = AsyncIterator[tuple[str, PackageRows]]
"""Pairs of section key and rows, in the order of the package. A section may span several pairs in a row."""


def bind_page(request: bytes, fence: int, position: int) -> str:
    """Return the string a page is bound to; cells of a profile are bound to their attribute's key instead."""
    return f"package/{request.hex()}/{fence}/{position}"


class PackageWriter:
    """Writes the pages of one attempt.

    Attributes:
        sections: Number of pages written so far, by section.
        rows: Number of rows written so far, by section.
    """

    def __init__(
        self,
        packages: PackageStore,
        lease: Lease,
        request: tuple[bytes, int],
        customer: tuple[bytes, bytes],
        available_until: int,
        entropy: Callable[[int], bytes],
    ) -> None:
        self._packages = packages
        self._lease = lease
        self._request, self._fence = request
        self._customer, key = customer
        self._cipher = AESGCM(key)
        self._available_until = available_until
        self._entropy = entropy
        self._position = 0
        self.sections: dict[str, int] = {}
        self.rows: dict[str, int] = {}

    async def add_page(self, section: str, rows: PackageRows) -> None:
        """Seal and store one page, and renew the lease from time to time.

        Raises:
            Conflict: ``LEASE_LOST``; another worker makes the package.
        """
        key = bind_page(self._request, self._fence, self._position).encode()
        nonce = self._entropy(NONCE_BYTES)
        sealed = encrypt_cell(self._cipher, self._customer, key, 0, nonce, {"section": section, "rows": rows})
        await self._packages.add_page(
            self._request, self._fence, self._position, self._customer, sealed, self._available_until
        )
        self._position += 1
        self.sections[section] = self.sections.get(section, 0) + 1
        self.rows[section] = self.rows.get(section, 0) + len(rows)
        if self._position % LEASE_RENEWAL_PAGES == 0:
            await self._lease.renew()  # fails if another worker has taken the request
        self._lease.checkpoint("page")


async def read_pages(
    packages: PackageStore,
    reading: Reading,
    row: CustomerRow,
    package: StoredPackage,
    only_section: str | None = None,
) -> PageIterator:
    """Decrypt the pages of a package in order, or those of one section; few pages are in memory at a time.

    Raises:
        Broken: ``PACKAGE_BROKEN`` if a page is missing, ``SEAL_BROKEN`` if one was altered.
    """
    first_position = 0
    for section, pages in package.sections.items():
        if only_section is None or section == only_section:
            for start in range(first_position, first_position + pages, READ_BATCH):
                count = min(READ_BATCH, first_position + pages - start)
                for position, sealed in enumerate(
                    await packages.read_pages(package.request, package.fence, start, count), start
                ):
                    page = reading.reveal_cell(
                        row, sealed, bind_page(package.request, package.fence, position), "package"
                    )
                    yield page["section"], page["rows"]
        first_position += pages
