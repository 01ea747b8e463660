"""The GraphQL queries ``me``, ``customer``, ``customers``, ``node`` and ``nodes``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import strawberry
from strawberry import UNSET
from strawberry.types.field import StrawberryField

from discretion.catalogue.assurance import compute_withheld_bits
from discretion.catalogue.model import Attribute, Catalogue
from discretion.catalogue.retention_cut_off import compute_purposes_cut_off
from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.kit.graphql.field import build_field
from discretion.domain.kit.graphql.loading import find_projection, load_customer, load_customers
from discretion.domain.kit.graphql.page import (
    DEFAULT_PAGE_SIZE,
    MAX_PAGE_SIZE,
    CustomerCursors,
    PageInfo,
    PageWindow,
    build_keyset_order,
    parse_page_window,
)
from discretion.domain.profiles.api.customer_types import Node, build_object_type
from discretion.domain.profiles.api.filter import CustomerFilterInputs
from discretion.domain.profiles.identifier_lookup import find_ranked_customer
from discretion.errors import BadRequest
from discretion.plan.filter import (
    AttributeVisibility,
    Query,
    compile_filter,
    compile_order,
    join_clauses,
)
from discretion.plan.selection import PROVENANCE_FIELD
from discretion.purpose.decide import decide_reveal
from discretion.purpose.decision import Allow, Decision
from discretion.reveal.revealer import CustomerRow, Reading
from discretion.seal.normalisation import NORMALISATION_RULES
from discretion.store.document import MutableDocument


@strawberry.input(description="An external identifier, in any spelling.")
class IdentifierInput:
    """An identifier as the client has it; ``type`` is one of the catalogue's identifier types."""

    type: str = strawberry.field(description="Such as `email`, `phone` or `loyalty_id`.")
    value: str = strawberry.field(description="Spelled in any way: case and notation do not matter.")
    region: str | None = strawberry.field(
        default=UNSET, description="ISO 3166-1 country to read a national phone number in."
    )


def build_customer_queries(catalogue: Catalogue, customer_type: Any) -> list[StrawberryField]:
    """Build the query fields about customers; ``customer_type`` is the GraphQL type ``Customer``."""
    filter_inputs = CustomerFilterInputs(catalogue)
    connection_type: Any = _build_connection_type(customer_type)
    return [
        _build_me_field(customer_type),
        _build_customer_field(customer_type),
        _build_customers_field(connection_type, filter_inputs),
        _build_node_field(),
        _build_nodes_field(),
    ]


def build_page_sizes(catalogue: Catalogue) -> dict[str, int]:
    """Return the number of objects that a list field is expected to have if the query names no page size."""
    connections = ("customers", "events", "disclosures", "suggestions", "consents", "rightsRequests")
    return {
        **dict.fromkeys(connections, DEFAULT_PAGE_SIZE),
        PROVENANCE_FIELD: len(catalogue.attributes),
        "permissions": len(catalogue.purposes),
        "consentExport": DEFAULT_PAGE_SIZE,
    }


def _build_me_field(customer_type: Any) -> StrawberryField:
    async def resolve_me(root: object, info: ResolverInfo) -> CustomerRow | None:
        del root
        reading = info.context.require_reading()
        if not reading.grant.is_self:
            raise BadRequest(
                "NOT_A_CUSTOMER",
                "'me' is for a customer's own token.",
                "Use customer(id:) or customers with this one.",
            )
        return await load_customer(info, reading.own_customer)

    return build_field(resolve_me, "me", customer_type | None, "The customer this token belongs to.")


def _build_customer_field(customer_type: Any) -> StrawberryField:
    async def resolve_customer(
        root: object,
        info: ResolverInfo,
        id: strawberry.ID | None = UNSET,
        identifier: IdentifierInput | None = UNSET,
    ) -> CustomerRow | None:
        del root
        if bool(id) == bool(identifier):
            raise BadRequest("CUSTOMER_ARGUMENTS", "Give either 'id' or 'identifier'.")
        reading = info.context.require_reading()
        if id:
            return await load_customer(info, reading.decode_customer_id(id))
        assert identifier
        return await _find_by_identifier(info, reading, identifier)

    description = "One customer, by the id this client knows them by or by an external identifier it may see."
    return build_field(resolve_customer, "customer", customer_type | None, description)


async def _find_by_identifier(
    info: ResolverInfo, reading: Reading, identifier: IdentifierInput
) -> CustomerRow | None:
    """Load the customer with an identifier, or None.

    A match confirms the identifier, so the grant must permit revealing its attribute in clear.

    Raises:
        BadRequest: ``IDENTIFIER_TYPE_UNKNOWN``, ``IDENTIFIER_TYPE_CLOSED``, or as ``visibility`` raises.
    """
    resources = info.context.resources
    identifier_type = resources.catalogue.identifiers.get(identifier.type)
    if identifier_type is None:
        raise BadRequest(
            "IDENTIFIER_TYPE_UNKNOWN",
            f"There is no identifier type {identifier.type[:40]!r}.",
            f"It is one of {', '.join(sorted(resources.catalogue.identifiers))}.",
        )
    visibility = AttributeVisibility(
        lambda attribute: decide_attribute(resources.catalogue, reading, attribute),
        lambda *_: 0,
        reading.build_permission_clause,
    )
    attribute = next(
        (
            candidate
            for candidate in resources.catalogue.attributes.values()
            if candidate.identifier == identifier_type.key
        ),
        None,
    )
    if attribute is not None:
        visibility.build_clause(attribute)
    elif not reading.grant.is_self_or_steward:
        raise BadRequest("IDENTIFIER_TYPE_CLOSED", f"Customers are not found by {identifier_type.key}.")
    normalised = NORMALISATION_RULES[identifier_type.normalise](identifier.value, identifier.region or None)
    if normalised is None:
        return None
    match = await find_ranked_customer(
        resources.identities,
        resources.catalogue.identifiers,
        resources.blind_index.index(identifier_type.key, normalised),
        # Only the privacy office looks for what somebody had.
        finds_replaced=reading.grant.is_steward,
    )
    row = None if match is None else await load_customer(info, match.id)
    if row is None or attribute is None or match is None:
        return row
    # The decision above was about the grant; this one is about this customer's permission.
    decision = decide_attribute(resources.catalogue, reading, attribute)
    certain_enough = ~compute_withheld_bits(attribute.assurance, match.rank)
    if not isinstance(decision, Allow) or not row.allow & decision.clear_mask & certain_enough:
        return None
    # Recorded although nothing of it is selected: whoever gets this customer knows that it is theirs.
    reading.record_extra(f"filter:{attribute.path}")
    return row


def _build_customers_field(connection_type: Any, filter_inputs: CustomerFilterInputs) -> StrawberryField:
    async def resolve_customers(
        root: object,
        info: ResolverInfo,
        first: int | None = UNSET,
        after: str | None = UNSET,
        last: int | None = UNSET,
        before: str | None = UNSET,
        filter: Any = UNSET,
        order_by: Any = UNSET,
    ) -> CustomerPage:
        del root
        page_window = parse_page_window(first, after, last, before)
        return await _read_page(info, filter_inputs, page_window, filter, order_by)

    resolve_customers.__annotations__["filter"] = filter_inputs.filter_type | None
    resolve_customers.__annotations__["order_by"] = filter_inputs.order_type | None
    description = (
        "Customers who permit one of the purposes asked under, in a stable order. At most "
        f"{MAX_PAGE_SIZE} on a page."
    )
    return build_field(resolve_customers, "customers", connection_type, description)


async def _read_page(
    info: ResolverInfo,
    filter_inputs: CustomerFilterInputs,
    page_window: PageWindow,
    raw_filter: Any,
    raw_order: Any,
) -> CustomerPage:
    reading = info.context.require_reading()
    resources = info.context.resources
    customer_filter, order = filter_inputs.parse_filter(raw_filter), filter_inputs.parse_order(raw_order)

    def build_clauses(permission_clause: Callable[[int], Query]) -> list[Query]:
        visibility = AttributeVisibility(
            lambda attribute: decide_attribute(resources.catalogue, reading, attribute),
            lambda attribute, bits: compute_purposes_cut_off(attribute, bits, reading.now_ms),
            permission_clause,
        )
        return [
            _build_reach_query(reading, permission_clause),
            *compile_filter(customer_filter, visibility),
            *compile_order(order, visibility),
        ]

    def build_exact_clauses() -> list[Query]:
        return build_clauses(reading.build_permission_clause)

    candidate_clauses = build_clauses(reading.build_candidate_clause)
    # Recorded although nothing of it is selected: a customer in the result is known to match the filter.
    for attribute in customer_filter.list_attributes():
        reading.record_extra(f"filter:{attribute.path}")
    cursors = CustomerCursors(resources.pairwise, reading.grant.client, order)
    projection = find_projection(info)
    if order.attribute is not None:
        projection = projection.add(order.attribute.key)
        reading.record_extra(f"order:{order.attribute.path}")
    cursor_clauses = cursors.build_clauses(page_window)
    docs: list[MutableDocument] = []
    if reading.plan.reach_bits and (page_window.size or page_window.after or page_window.before):
        sort = build_keyset_order(order, backwards=page_window.backwards).sort
        docs = await resources.customers.list_page(
            join_clauses([*candidate_clauses, *cursor_clauses]),
            lambda: join_clauses([*build_exact_clauses(), *cursor_clauses]),
            sort,
            page_window.size + 1,
            projection,
            reading.now_ms,
        )
    has_more = len(docs) > page_window.size
    docs = docs[: page_window.size]  # one more than the page was read, to learn whether there is a next page
    if page_window.backwards:
        docs.reverse()
    return CustomerPage(
        reading,
        docs,
        cursors,
        lambda: join_clauses(build_exact_clauses()),
        page_window,
        has_more=has_more,
    )


def _build_reach_query(reading: Reading, permission_clause: Callable[[int], Query]) -> Query:
    """Return the query that limits results to customers whom the grant may read at all."""
    if reading.grant.is_self:
        own_customer = reading.own_customer
        return {"_id": own_customer if reading.plan.reach_bits and own_customer is not None else b""}
    return permission_clause(reading.plan.reach_bits)


def decide_attribute(catalogue: Catalogue, reading: Reading, attribute: Attribute) -> Decision:
    """Return the decision for an attribute that is filtered or sorted by and not selected."""
    return decide_reveal(
        catalogue, reading.grant, reading.plan.granted_purposes, attribute.category, attribute.uses
    )


class CustomerPage:
    """A page of customers; its total count and its cursors are computed only if the query selects them."""

    def __init__(
        self,
        reading: Reading,
        docs: list[MutableDocument],
        cursors: CustomerCursors,
        build_match_query: Callable[[], Query],
        page_window: PageWindow,
        *,
        has_more: bool,
    ) -> None:
        self.rows = reading.open_rows(docs)
        self.reach = reading.plan.reach_bits
        self.cursors = cursors
        self.build_match_query = build_match_query
        self.has_next = page_window.before is not None if page_window.backwards else has_more
        self.has_previous = has_more if page_window.backwards else page_window.after is not None


class CustomerEdge:
    """A customer with the cursors of the list it belongs to."""

    __slots__ = ("cursors", "row")

    def __init__(self, row: CustomerRow, cursors: CustomerCursors) -> None:
        self.row = row
        self.cursors = cursors


def _build_connection_type(customer_type: Any) -> type:
    def node(root: CustomerEdge) -> CustomerRow:
        return root.row

    def cursor(root: CustomerEdge) -> str:
        return root.cursors.build_cursor(root.row)

    def edges(root: CustomerPage) -> list[CustomerEdge]:
        return [CustomerEdge(row, root.cursors) for row in root.rows]

    def nodes(root: CustomerPage) -> list[CustomerRow]:
        return root.rows

    def page_info(root: CustomerPage) -> PageInfo:
        ends = (root.rows[0], root.rows[-1]) if root.rows else (None, None)
        start, end = (None if row is None else root.cursors.build_cursor(row) for row in ends)
        return PageInfo(
            has_next_page=root.has_next,
            has_previous_page=root.has_previous,
            start_cursor=start,
            end_cursor=end,
        )

    async def total_count(root: CustomerPage, info: ResolverInfo) -> int:
        return await info.context.resources.customers.count(root.build_match_query()) if root.reach else 0

    edge = build_object_type(
        "CustomerEdge",
        [
            build_field(node, "node", customer_type, "The customer."),
            build_field(cursor, "cursor", str, "Opaque place of this customer in the list."),
        ],
        "A customer and their place in the list.",
    )
    edge_list: Any = list[edge]  # type: ignore[valid-type]
    return build_object_type(
        "CustomerConnection",
        [
            build_field(edges, "edges", edge_list, "Customers with their cursors."),
            build_field(nodes, "nodes", list[customer_type], "Customers."),
            build_field(page_info, "pageInfo", PageInfo, "Where this page stands."),
            build_field(total_count, "totalCount", int, "How many customers match, on all pages."),
        ],
        "A page of customers (Relay Cursor Connections).",
    )


def _build_node_field() -> StrawberryField:
    async def node(root: object, info: ResolverInfo, id: strawberry.ID) -> CustomerRow | None:
        del root
        return await load_customer(info, info.context.require_reading().decode_customer_id(id))

    return build_field(node, "node", Node | None, "Whatever has this id (Relay Object Identification).")


def _build_nodes_field() -> StrawberryField:
    async def nodes(root: object, info: ResolverInfo, ids: list[strawberry.ID]) -> list[CustomerRow | None]:
        del root
        if len(ids) > MAX_PAGE_SIZE:
            raise BadRequest("PAGE_SIZE", f"At most {MAX_PAGE_SIZE} ids at a time.")
        reading = info.context.require_reading()
        return await load_customers(info, reading, [reading.decode_customer_id(node_id) for node_id in ids])

    return build_field(
        nodes, "nodes", list[Node | None], "Whatever has these ids, null where there is nothing."
    )
