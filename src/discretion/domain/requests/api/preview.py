"""``Query.erasurePreview``: what an erasure would do, without doing it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import strawberry
from strawberry import UNSET
from strawberry.types.field import StrawberryField

from discretion.domain.erasure.preview import ErasureForecast
from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.kit.graphql.field import bind_services, build_field
from discretion.domain.kit.graphql.scalars import DateTime
from discretion.domain.requests.api.dependencies import RequestServices
from discretion.domain.requests.api.mutations import ScopeInput, parse_erasure_scope
from discretion.domain.requests.api.requester import ForInput, resolve_parties
from discretion.reveal.forms import format_timestamp
from discretion.store.subject_request import RequestScope

DISCLOSURE_NOTE = "erasure_preview"
"""How the ledger entry of the query names the preview."""


@strawberry.type(description="How many documents of a collection go, or lose what names the person.")
class ErasureGoing:
    """Documents that would be deleted, see ``erasure.preview.ForecastDeletion``."""

    where: str = strawberry.field(description="The collection.")
    holds: str = strawberry.field(description="What it has of people.")
    count: int


@strawberry.type(description="What stays although it was asked for.")
class ErasureStaying:
    """Documents that would be retained, see ``erasure.preview.ForecastRetention``."""

    what: str = strawberry.field(description="The event's name, or `record`.")
    count: int
    law: str = strawberry.field(description="Key of the jurisdiction that orders it, or what a hold names.")
    why: str = strawberry.field(description="The provision, or the reason of the hold.")
    until: DateTime | None = strawberry.field(description="When it goes too; null until its hold is lifted.")


@strawberry.type(description="How often something goes.")
class ErasureCount:
    """A name and a number."""

    what: str
    count: int


@strawberry.type(description="What an erasure would do now. Nothing was changed.")
class ErasurePreview:
    """The effect of an erasure, see ``erasure.preview.ErasureForecast``."""

    scope: str = strawberry.field(description="`everything`, or the part, such as `channel:web`.")
    going: list[ErasureGoing]
    staying: list[ErasureStaying]
    values: list[ErasureCount] = strawberry.field(description="Of a part: its values, by attribute.")
    events: list[ErasureCount] = strawberry.field(description="Of a part: its events, by type.")
    trimmed: list[ErasureCount] = strawberry.field(description="Of a part: events that stay in part.")
    names: int = strawberry.field(description="Identifiers that would be barred from coming back.")
    shared: int = strawberry.field(description="Of them, those that others have too and keep.")


def build_preview_field(provide: Callable[[], RequestServices]) -> StrawberryField:
    """Return the field ``Query.erasurePreview``."""
    description = (
        "What an erasure would do: what goes, where and how much, what stays by which law and until when. "
        "For the customer, and for a steward, who names the `customer`."
    )
    return build_field(
        bind_services(provide, _preview_erasure), "erasurePreview", ErasurePreview | None, description
    )


async def _preview_erasure(
    services: RequestServices,
    root: object,
    info: ResolverInfo,
    scope: ScopeInput | None = UNSET,
    customer: strawberry.ID | None = UNSET,
) -> ErasurePreview:
    del root
    reading = info.context.require_customer_or_steward()
    erasure_scope = parse_erasure_scope(info, scope) if scope else RequestScope()
    parties = await resolve_parties(info, ForInput(customer=customer))
    assert parties.customer is not None
    reading.record_extra(DISCLOSURE_NOTE)
    return _build_preview(await services.erasure_preview.run(parties.customer, erasure_scope))


def _build_preview(preview: ErasureForecast) -> ErasurePreview:
    return ErasurePreview(
        scope=preview.scope,
        going=[
            ErasureGoing(where=entry.collection, holds=entry.content, count=entry.count)
            for entry in preview.deletions
        ],
        staying=[
            ErasureStaying(
                what=entry.item_kind,
                count=entry.count,
                law=entry.law,
                why=entry.provision,
                until=None if entry.until is None else DateTime(format_timestamp(entry.until)),
            )
            for entry in preview.retentions
        ],
        values=_sorted_counts(preview.values),
        events=_sorted_counts(preview.events),
        trimmed=_sorted_counts(preview.trimmed_events),
        names=preview.own_identifiers,
        shared=preview.shared_identifiers,
    )


def _sorted_counts(counts: Mapping[str, int]) -> list[ErasureCount]:
    return [ErasureCount(what=name, count=count) for name, count in sorted(counts.items())]
