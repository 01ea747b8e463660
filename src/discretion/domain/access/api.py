"""``openPackage``: a link to what a person asked for, which works once."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry.types import Info
from strawberry.types.field import StrawberryField

from discretion.domain.access.download_links import HandOut, Link
from discretion.domain.access.subject_history import REQUEST_KIND
from discretion.domain.kit.graphql.context import Context
from discretion.domain.kit.graphql.field import field
from discretion.domain.kit.graphql.scalars import DateTime
from discretion.errors import Forbidden, NotFound
from discretion.reveal.forms import iso
from discretion.store.requests import Requests
from discretion.store.subject_reads import Kept

Where = Info[Context, None]


@strawberry.type(description="Where a package can be fetched, once.")
class PackageLink:
    """See ``handing.Link``."""

    url: str = strawberry.field(description="Works once. Whoever has it has the package: show it to nobody.")
    expires_at: DateTime


def package_mutations() -> list[StrawberryField]:
    """``Mutation.openPackage``."""

    async def open_package(root: Any, info: Where, request: strawberry.ID) -> PackageLink:
        del root
        link = await _link(info, request)
        return PackageLink(url=link.url, expires_at=DateTime(iso(link.until)))

    words = (
        "A link to the package of a fulfilled request for access, portability or recipients. For the person "
        "it is about. It works once and for 15 minutes; the package is kept for 5 days."
    )
    return [field(open_package, "openPackage", PackageLink | None, words)]


async def _link(info: Where, request: str) -> Link:
    """A link, for the person a request is about.

    Raises:
        Unauthenticated: ``TOKEN_MISSING``; Forbidden: ``PACKAGE_NOT_GRANTED``;
        NotFound: ``REQUEST_NOT_FOUND``; what ``HandOut.link`` raises.
    """
    reading, verbs = info.context.meeting(), info.context.records.verbs
    if not reading.grant.is_self:
        raise Forbidden(
            "PACKAGE_NOT_GRANTED",
            "Only the person it is about gets a package.",
            "Use the customer's own token.",
        )
    hand_out = verbs[HandOut]
    named, own = reading.unshut(REQUEST_KIND, request), reading.identify(reading.grant.subject)
    document = None if named is None else await verbs[Requests].get(named)
    if document is None or not await _same(hand_out.kept, own, document.get("customer")):
        raise NotFound("REQUEST_NOT_FOUND", "There is no such request.")
    reading.note("package_link")
    return await hand_out.link(document)


async def _same(kept: Kept, own: bytes | None, other: bytes | None) -> bool:
    """Whether two ids are of one person now."""
    if own is None or other is None:
        return False
    found = await kept.customer(own)
    return found is not None and other in {found["_id"], *(one["id"] for one in found["merged"])}
