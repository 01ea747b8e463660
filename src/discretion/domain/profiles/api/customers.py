"""Customers in GraphQL: ``me``, ``customer``, ``customers``, ``node``, ``nodes``."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import UNSET
from strawberry.types.field import StrawberryField

from discretion.catalogue.model import Attribute, Catalogue
from discretion.catalogue.retention_cut_off import since
from discretion.domain.kit.graphql.connection import DEFAULT_PAGE, MAX_PAGE, Cursors, Window, window
from discretion.domain.kit.graphql.context import Where
from discretion.domain.kit.graphql.field import field
from discretion.domain.kit.graphql.loading import load, load_many, projection
from discretion.domain.kit.graphql.page_info import PageInfo
from discretion.domain.profiles.api.customer_types import Node, object_type
from discretion.domain.profiles.api.filter import Filtering
from discretion.errors import BadRequest
from discretion.plan.filter import Query, Visibility, compile_filter, compile_order, conjunction, sort_of
from discretion.plan.selection import PROVENANCE
from discretion.purpose.decide import decide
from discretion.purpose.decision import Allow, Decision
from discretion.reveal.revealer import Reading, Row
from discretion.seal.normalisation import RULES


@strawberry.input(description="An external identifier, in any spelling.")
class IdentifierInput:
    """``type`` is one of the catalogue's identifier types."""

    type: str = strawberry.field(description="Such as `email`, `phone` or `loyalty_id`.")
    value: str = strawberry.field(description="Spelled in any way: case and notation do not matter.")
    region: str | None = strawberry.field(
        default=UNSET, description="ISO 3166-1 country to read a national phone number in."
    )


def query_fields(catalogue: Catalogue, customer: Any) -> list[StrawberryField]:
    """The query's fields about customers; ``customer`` is their GraphQL type."""
    filtering = Filtering(catalogue)
    connection: Any = _connection_type(customer)
    return [_me(customer), _customer(customer), _customers(connection, filtering), _node(), _nodes()]


def pages(catalogue: Catalogue) -> dict[str, int]:
    """How many objects a list field has that is asked for without saying how many."""
    connections = ("customers", "events", "disclosures", "suggestions", "consents", "rightsRequests")
    return {
        **dict.fromkeys(connections, DEFAULT_PAGE),
        PROVENANCE: len(catalogue.attributes),
        "permissions": len(catalogue.purposes),
        "consentExport": DEFAULT_PAGE,
    }


def _me(customer: Any) -> StrawberryField:
    async def me(root: Any, info: Where) -> Any:
        del root
        reading = info.context.meeting()
        if not reading.grant.is_self:
            raise BadRequest(
                "NOT_A_CUSTOMER",
                "'me' is for a customer's own token.",
                "Use customer(id:) or customers with this one.",
            )
        return await load(info, reading.identify(reading.grant.subject))

    return field(me, "me", customer | None, "The customer this token belongs to.")


def _customer(customer: Any) -> StrawberryField:
    async def one(
        root: Any, info: Where, id: strawberry.ID | None = UNSET, identifier: IdentifierInput | None = UNSET
    ) -> Any:
        del root
        if bool(id) == bool(identifier):
            raise BadRequest("CUSTOMER_ARGUMENTS", "Give either 'id' or 'identifier'.")
        reading = info.context.meeting()
        if id:
            return await load(info, reading.identify(id))
        assert identifier
        return await _by_identifier(info, reading, identifier)

    words = "One customer, by the id this client knows them by or by an external identifier it may see."
    return field(one, "customer", customer | None, words)


async def _by_identifier(info: Where, reading: Reading, given: IdentifierInput) -> Row | None:
    """Finding somebody by an identifier confirms it, so it takes the right to see it in clear."""
    records = info.context.records
    kind = records.catalogue.identifiers.get(given.type)
    if kind is None:
        raise BadRequest(
            "IDENTIFIER_TYPE_UNKNOWN",
            f"There is no identifier type {given.type[:40]!r}.",
            f"It is one of {', '.join(sorted(records.catalogue.identifiers))}.",
        )
    visibility = Visibility(
        lambda attribute: decision(records.catalogue, reading, attribute), lambda *_: 0, reading.permitting
    )
    attribute = next((a for a in records.catalogue.attributes.values() if a.identifier == kind.key), None)
    if attribute is not None:
        visibility.clause(attribute)
    elif not (reading.grant.is_steward or reading.grant.is_self):
        raise BadRequest("IDENTIFIER_TYPE_CLOSED", f"Customers are not found by {kind.key}.")
    spelled = RULES[kind.normalise](given.value, given.region or None)
    if spelled is None:
        return None
    found = await load(info, await records.customers.by_identifier(records.blind.of(kind.key, spelled)))
    if found is None or attribute is None:
        return found
    allowed = decision(records.catalogue, reading, attribute)
    return found if isinstance(allowed, Allow) and found.allow & allowed.clear_mask else None


def _customers(connection: Any, filtering: Filtering) -> StrawberryField:
    async def many(
        root: Any,
        info: Where,
        first: int | None = UNSET,
        after: str | None = UNSET,
        last: int | None = UNSET,
        before: str | None = UNSET,
        filter: Any = UNSET,
        order_by: Any = UNSET,
    ) -> Any:
        del root
        wanted = window(first, after, last, before)
        return await _page(info, filtering, wanted, filter, order_by)

    many.__annotations__["filter"] = filtering.filter | None
    many.__annotations__["order_by"] = filtering.order | None
    words = (
        "Customers who permit one of the purposes asked under, in a stable order. At most "
        f"{MAX_PAGE} on a page."
    )
    return field(many, "customers", connection, words)


async def _page(info: Where, filtering: Filtering, wanted: Window, given: Any, ordered: Any) -> Page:
    reading = info.context.meeting()
    records = info.context.records
    filtered, order = filtering.read(given), filtering.read_order(ordered)
    visibility = Visibility(
        lambda attribute: decision(records.catalogue, reading, attribute),
        lambda attribute, bits: since(attribute, bits, reading.now_ms),
        reading.permitting,
    )
    clauses = [_met(reading), *compile_filter(filtered, visibility), *compile_order(order, visibility)]
    for attribute in filtered.attributes():
        reading.note(f"filter:{attribute.path}")
    cursors = Cursors(records.pairwise, reading.grant.client, order)
    everyone = conjunction(clauses)
    asked = dict(projection(info))
    if order.attribute is not None:
        asked[f"o.{order.attribute.key}"] = 1
        reading.note(f"order:{order.attribute.path}")
    here = conjunction([*clauses, *cursors.clauses(wanted)])
    docs: list[dict[str, Any]] = []
    if reading.plan.reach and (wanted.size or wanted.after or wanted.before):
        sort = sort_of(order, backwards=wanted.backwards)
        docs = await records.customers.page(here, sort, wanted.size + 1, asked)
    more = len(docs) > wanted.size
    docs = docs[: wanted.size]
    if wanted.backwards:
        docs.reverse()
    return Page(reading, docs, cursors, everyone, wanted, more=more)


def _met(reading: Reading) -> Query:
    """Whom this request may meet at all."""
    if reading.grant.is_self:
        own = reading.identify(reading.grant.subject)
        return {"_id": own if reading.plan.reach and own is not None else b""}
    return reading.permitting(reading.plan.reach)


def decision(catalogue: Catalogue, reading: Reading, attribute: Attribute) -> Decision:
    """The decision for an attribute that is filtered or sorted by, not selected."""
    return decide(catalogue, reading.grant, reading.plan.held, attribute.category, attribute.uses)


class Page:
    """A page of customers; its counts and cursors are made when they are asked for."""

    def __init__(
        self,
        reading: Reading,
        docs: list[dict[str, Any]],
        cursors: Cursors,
        everyone: Query,
        wanted: Window,
        *,
        more: bool,
    ) -> None:
        self.rows = reading.rows(docs)
        self.reach = reading.plan.reach
        self.cursors = cursors
        self.everyone = everyone
        self.has_next = wanted.before is not None if wanted.backwards else more
        self.has_previous = more if wanted.backwards else wanted.after is not None


class Edge:
    """A customer and their place in the list."""

    __slots__ = ("cursors", "row")

    def __init__(self, row: Row, cursors: Cursors) -> None:
        self.row = row
        self.cursors = cursors


def _connection_type(customer: Any) -> type:
    def node(root: Any) -> Any:
        return root.row

    def cursor(root: Any) -> str:
        return root.cursors.make(root.row.doc)  # type: ignore[no-any-return]

    def edges(root: Any) -> Any:
        return [Edge(row, root.cursors) for row in root.rows]

    def nodes(root: Any) -> Any:
        return root.rows

    def page_info(root: Any) -> PageInfo:
        ends = (root.rows[0], root.rows[-1]) if root.rows else (None, None)
        start, end = (None if row is None else root.cursors.make(row.doc) for row in ends)
        return PageInfo(
            has_next_page=root.has_next,
            has_previous_page=root.has_previous,
            start_cursor=start,
            end_cursor=end,
        )

    async def total_count(root: Any, info: Where) -> int:
        return await info.context.records.customers.count(root.everyone) if root.reach else 0

    edge = object_type(
        "CustomerEdge",
        [
            field(node, "node", customer, "The customer."),
            field(cursor, "cursor", str, "Opaque place of this customer in the list."),
        ],
        "A customer and their place in the list.",
    )
    return object_type(
        "CustomerConnection",
        [
            field(edges, "edges", list[edge], "Customers with their cursors."),  # type: ignore[valid-type]
            field(nodes, "nodes", list[customer], "Customers."),
            field(page_info, "pageInfo", PageInfo, "Where this page stands."),
            field(total_count, "totalCount", int, "How many customers match, on all pages."),
        ],
        "A page of customers (Relay Cursor Connections).",
    )


def _node() -> StrawberryField:
    async def node(root: Any, info: Where, id: strawberry.ID) -> Any:
        del root
        return await load(info, info.context.meeting().identify(id))

    return field(node, "node", Node | None, "Whatever has this id (Relay Object Identification).")


def _nodes() -> StrawberryField:
    async def nodes(root: Any, info: Where, ids: list[strawberry.ID]) -> Any:
        del root
        if len(ids) > MAX_PAGE:
            raise BadRequest("PAGE_SIZE", f"At most {MAX_PAGE} ids at a time.")
        reading = info.context.meeting()
        return await load_many(info, reading, [reading.identify(one) for one in ids])

    return field(nodes, "nodes", list[Node | None], "Whatever has these ids, null where there is nothing.")
