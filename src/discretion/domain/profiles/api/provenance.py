"""The field ``Customer.provenance``: the source and time of each attribute value that may be revealed.

Provenance is decided, read, withheld and recorded like the attributes themselves. If a value is not revealed
in clear, its source and time are withheld too, because they would disclose more than the value.
"""

from __future__ import annotations

import strawberry
from strawberry import UNSET
from strawberry.types.field import StrawberryField

from discretion.catalogue.model import Attribute, Catalogue, Form
from discretion.catalogue.reserved_source import COMPUTED_SOURCE
from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.kit.graphql.field import build_field
from discretion.domain.kit.graphql.scalars import DateTime, Json
from discretion.plan.customer_members import PROVENANCE
from discretion.plan.selection import PROVENANCE_FIELD, select_attributes
from discretion.reveal.forms import format_month, format_timestamp
from discretion.reveal.revealer import CustomerRow, Reading, VisibleValue

_DESCRIPTION = (
    "Where each value that this token may see comes from. Of several sources' words the customer's own "
    "correction is believed, then the source that goes first, then the later value. `attributes` names some "
    "by path, such as `contact.email`; without it, all."
)


def _resolve_value(root: Provenance) -> Json | None:
    """Decrypt the value; this happens only if the query selects the field."""
    return root.visible_value.value()  # type: ignore[no-any-return]


@strawberry.type(
    description="Where a value comes from. `source`, `channel` and `observedAt` are null where the value is "
    "masked, coarse or a pseudonym: who told it and when would say more than it does."
)
class Provenance:
    """The provenance of one attribute that has a value which may be revealed."""

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
        resolver=_resolve_value, description="As the attribute's own field gives it, in the same form."
    )
    visible_value: strawberry.Private[VisibleValue]


def build_provenance_field() -> StrawberryField:
    """Build the field ``Customer.provenance``."""

    async def resolve_provenance(
        root: CustomerRow, info: ResolverInfo, attributes: list[str] | None = UNSET
    ) -> list[Provenance]:
        reading, catalogue = info.context.require_reading(), info.context.resources.catalogue
        paths = None if attributes is UNSET else attributes
        visible_values = [
            reading.read_attribute(root, attribute) for attribute in select_attributes(catalogue, paths)
        ]
        entries = [
            _build_provenance(catalogue, reading, root, visible_value)
            for visible_value in visible_values
            if visible_value is not None
        ]
        if entries:
            reading.record_extra(PROVENANCE_FIELD)
        return entries

    return build_field(resolve_provenance, PROVENANCE_FIELD, list[Provenance], _DESCRIPTION)


def _build_provenance(
    catalogue: Catalogue, reading: Reading, row: CustomerRow, visible_value: VisibleValue
) -> Provenance:
    path = visible_value.attribute.path
    if visible_value.form is not Form.CLEAR:
        return Provenance(
            attribute=path, source=None, channel=None, observed_at=None, visible_value=visible_value
        )
    source = _find_source(row, visible_value.attribute)
    registered_source = catalogue.sources.get(source) if source else None
    return Provenance(
        attribute=path,
        source=source,
        channel=registered_source.channel.value if registered_source else None,
        observed_at=render_time(reading, visible_value.observed),
        visible_value=visible_value,
    )


def _find_source(row: CustomerRow, attribute: Attribute) -> str | None:
    if attribute.computed is not None:
        return COMPUTED_SOURCE
    source: str | None = row.doc.get(PROVENANCE, {}).get(attribute.key)
    return source


def render_time(reading: Reading, observed: int) -> DateTime:
    """Return a time as the grant permits: exact for the customer and the steward, else the month."""
    is_exact = reading.grant.is_self_or_steward
    return DateTime(format_timestamp(observed) if is_exact else format_month(observed))
