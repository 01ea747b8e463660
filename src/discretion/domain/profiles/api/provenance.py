"""``provenance`` of a customer: who told each value that may be seen, and when.

It is decided, fetched, held back and recorded as the attributes themselves are. Where a value is not
shown as it is, who told it and when is not told either: it would say more than the value does.
"""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import UNSET
from strawberry.types import Info
from strawberry.types.field import StrawberryField

from discretion.catalogue.model import COMPUTED, Attribute, Catalogue, Form
from discretion.domain.kit.graphql.context import Context
from discretion.domain.kit.graphql.field import field
from discretion.domain.kit.graphql.scalars import DateTime, Json
from discretion.plan.selection import PROVENANCE, named
from discretion.reveal.forms import iso, month
from discretion.reveal.revealer import Reading, Row, Sight

_DESCRIPTION = (
    "Where each value that this token may see comes from. Of several sources' words the customer's own "
    "correction is believed, then the source that goes first, then the later word. `attributes` names some "
    "by path, such as `contact.email`; without it, all."
)


def _value(root: Any) -> Json | None:
    """Only now is a seal opened."""
    return root.sight.value()  # type: ignore[no-any-return]


@strawberry.type(
    description="Where a value comes from. `source`, `channel` and `observedAt` are null where the value is "
    "masked, coarse or a pseudonym: who told it and when would say more than it does."
)
class Provenance:
    """One attribute that has a value and may be seen."""

    attribute: str = strawberry.field(description="Its path, such as `contact.email`.")
    source: str | None = strawberry.field(
        description="The source that told it; `self` for the customer's own correction, `computed` for what "
        "follows from events."
    )
    channel: str | None = strawberry.field(
        description="`web`, `store` or `app`; null for `self`, `computed` and sources that are gone."
    )
    observed_at: DateTime | None = strawberry.field(
        description="When it was observed; of a computed value, its latest event. To the customer and the "
        "steward the time, to others its month: days and hours would tell where somebody was when."
    )
    value: Json | None = strawberry.field(
        resolver=_value, description="As the attribute's own field gives it, in the same form."
    )
    sight: strawberry.Private[Sight]


def provenance_field() -> StrawberryField:
    """``Customer.provenance``."""

    async def provenance(
        root: Any, info: Info[Context, None], attributes: list[str] | None = UNSET
    ) -> list[Provenance]:
        reading, catalogue = info.context.meeting(), info.context.records.catalogue
        wanted = None if attributes is UNSET else attributes
        sights = [reading.look(root, one) for one in named(catalogue, wanted)]
        shown = [_told(catalogue, reading, root, one) for one in sights if one is not None]
        if shown:
            reading.note(PROVENANCE)
        return shown

    return field(provenance, PROVENANCE, list[Provenance], _DESCRIPTION)


def _told(catalogue: Catalogue, reading: Reading, row: Row, sight: Sight) -> Provenance:
    path = sight.attribute.path
    if sight.form is not Form.CLEAR:
        return Provenance(attribute=path, source=None, channel=None, observed_at=None, sight=sight)
    source = _source(row, sight.attribute)
    known = catalogue.sources.get(source) if source else None
    return Provenance(
        attribute=path,
        source=source,
        channel=known.channel.value if known else None,
        observed_at=when(reading, sight.observed),
        sight=sight,
    )


def _source(row: Row, attribute: Attribute) -> str | None:
    if attribute.computed is not None:
        return COMPUTED
    source, *_ = (row.doc.get("p") or {}).get(attribute.key) or (None,)
    return source


def when(reading: Reading, observed: int) -> DateTime:
    """A time as the grant may know it: others than the customer and the steward are told its month."""
    exact = reading.grant.is_self or reading.grant.is_steward
    return DateTime(iso(observed) if exact else month(observed))
