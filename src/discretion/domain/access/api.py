"""GraphQL: the mutation ``openPackage``, which issues a link to a package that works once."""

from __future__ import annotations

from collections.abc import Callable

import strawberry
from strawberry.types.field import StrawberryField

from discretion.domain.access.download_links import DownloadLink, DownloadLinks
from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.kit.graphql.field import build_field
from discretion.domain.kit.graphql.loading import load_subjects
from discretion.domain.kit.graphql.scalars import DateTime
from discretion.errors import Forbidden, NotFound
from discretion.reveal.forms import format_timestamp
from discretion.reveal.revealer import REQUEST_ID_KIND


@strawberry.type(description="Where a package can be fetched, once.")
class PackageLink:
    """A ``DownloadLink`` as the API returns it."""

    url: str = strawberry.field(description="Works once. Whoever has it has the package: show it to nobody.")
    expires_at: DateTime


def build_package_mutations(provide: Callable[[], DownloadLinks]) -> list[StrawberryField]:
    """Return the field ``Mutation.openPackage``."""

    async def open_package(root: object, info: ResolverInfo, request: strawberry.ID) -> PackageLink:
        del root
        link = await _issue_link(provide(), info, request)
        return PackageLink(url=link.url, expires_at=DateTime(format_timestamp(link.valid_until)))

    description = (
        "A link to the package of a fulfilled request for access, portability or recipients. For the person "
        "it is about. It works once and for 15 minutes; the package is kept for 5 days."
    )
    return [build_field(open_package, "openPackage", PackageLink | None, description)]


async def _issue_link(download_links: DownloadLinks, info: ResolverInfo, request: str) -> DownloadLink:
    """Issue a link to the package of a request, if the caller is the customer the request is about.

    Raises:
        Unauthenticated: ``TOKEN_MISSING``.
        Forbidden: ``PACKAGE_NOT_GRANTED``.
        NotFound: ``REQUEST_NOT_FOUND``.
        Conflict, NotFound: as ``DownloadLinks.issue_link``.
    """
    reading = info.context.require_reading()
    if not reading.grant.is_self:
        raise Forbidden(
            "PACKAGE_NOT_GRANTED",
            "Only the customer a request is about may open its package.",
            "Use the customer's own token.",
        )
    request_id = reading.decode_id(REQUEST_ID_KIND, request)
    caller = reading.own_customer
    stored = None if request_id is None else await download_links.requests.find(request_id)
    # One answer for "no such request" and "another customer's request": ids of others cannot be probed.
    if stored is None or caller is None or not await download_links.is_same_person(caller, stored.customer):
        raise NotFound("REQUEST_NOT_FOUND", "There is no such request.")
    link = await download_links.issue_link(stored)
    # The download names the client that filed the request. This entry names the one that got the link.
    await load_subjects(info, [caller])
    reading.record_extra("package_link")
    return link
