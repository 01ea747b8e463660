"""``rightsRequest``, ``rightsRequests`` and a customer's own."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import UNSET
from strawberry.types.field import StrawberryField

from discretion.domain.consent.api.representation import concerned
from discretion.domain.ingest.value_parsing import WrongType, moment
from discretion.domain.kit.graphql.connection import Window, ends, place, window
from discretion.domain.kit.graphql.field import field
from discretion.domain.kit.graphql.page_info import PageInfo
from discretion.domain.kit.graphql.scalars import DateTime
from discretion.domain.requests.api.requester import Where
from discretion.domain.requests.api.types import (
    RequestRight,
    RequestState,
    RightsRequest,
    RightsRequestConnection,
    met,
    shown,
)
from discretion.domain.requests.api.visibility import office, reached, selves
from discretion.domain.requests.deadline_monitor import WEEK_MS
from discretion.domain.requests.subscription import Followed
from discretion.errors import BadRequest
from discretion.reveal.revealer import Reading
from discretion.store.driver.database import Document
from discretion.store.requests import Requests

_CURSOR = b"request-cursor"
_OWN = b"own-request-cursor"


@strawberry.input(description="Which requests are listed.")
class RightsRequestFilter:
    """What is left out does not limit."""

    states: list[RequestState] | None = UNSET
    right: RequestRight | None = UNSET
    jurisdiction: str | None = strawberry.field(default=UNSET, description="Key of one of their laws.")
    due_before: DateTime | None = UNSET
    nearing: bool | None = strawberry.field(
        default=UNSET, description="Those that are open and due within a week, or late."
    )


def request_fields() -> list[StrawberryField]:
    """The query's fields."""
    one = "A request, for whoever filed it, whom it is about, and the steward."
    many = "Requests, what is due first coming first. For the steward."
    return [
        field(_one, "rightsRequest", RightsRequest | None, one),
        field(_many, "rightsRequests", RightsRequestConnection | None, many),
    ]


def own_requests_field() -> StrawberryField:
    """``Customer.rightsRequests``."""
    words = "What was asked of this customer's data, newest first. For the customer and the steward."
    return field(_own, "rightsRequests", RightsRequestConnection | None, words)


def followed_field() -> StrawberryField:
    """``Subscription.rightsRequest``: resolved anew for each change, by ``edge.live``."""
    words = "A request now, and whenever something of it changes; for whoever may read it."
    return field(_followed, "rightsRequest", RightsRequest | None, words)


async def _followed(root: Any, info: Where, id: strawberry.ID) -> RightsRequest:
    document = await reached(info, id)
    if isinstance(root, Followed):
        root.document = document
    await met(info, [document])
    return shown(info, document)


async def _one(root: Any, info: Where, id: strawberry.ID) -> RightsRequest:
    del root
    document = await reached(info, id)
    await met(info, [document])
    return shown(info, document)


async def _many(
    root: Any,
    info: Where,
    filter: RightsRequestFilter | None = UNSET,
    first: int | None = UNSET,
    after: str | None = UNSET,
) -> RightsRequestConnection:
    del root
    reading, _ = office(info)
    wanted = window(first, after)
    clauses = [_matching(reading, filter or RightsRequestFilter())]
    if (at := place(reading, _CURSOR, wanted.after, "these requests")) is not None:
        due, key = at
        later = {"due": {"$gt": due}} if due is not None else {"due": {"$exists": True}}
        clauses.append({"$or": [later, {"due": due, "_id": {"$gt": key}}]})
    found = await info.context.records.verbs[Requests].find(
        {"$and": clauses}, [("due", 1), ("_id", 1)], wanted.size + 1
    )
    return await _page(info, reading, wanted, found, _CURSOR, "due")


async def _own(
    root: Any, info: Where, first: int | None = UNSET, after: str | None = UNSET
) -> RightsRequestConnection:
    reading = concerned(info, "what was asked of a customer's data")
    wanted = window(first, after)
    asked: Document = {"customer": {"$in": await selves(info, root.id)}}
    if (at := place(reading, _OWN, wanted.after, "these requests")) is not None:
        received, key = at
        asked["$or"] = [{"received": {"$lt": received}}, {"received": received, "_id": {"$lt": key}}]
    found = await info.context.records.verbs[Requests].find(
        asked, [("received", -1), ("_id", -1)], wanted.size + 1
    )
    return await _page(info, reading, wanted, found, _OWN, "received")


async def _page(
    info: Where, reading: Reading, wanted: Window, found: list[Document], kind: bytes, by: str
) -> RightsRequestConnection:
    page = found[: wanted.size]
    await met(info, page)
    start, end = ends(reading, kind, [(one.get(by), one["_id"]) for one in page])
    return RightsRequestConnection(
        nodes=[shown(info, one) for one in page],
        page_info=PageInfo(
            has_next_page=len(found) > wanted.size,
            has_previous_page=wanted.after is not None,
            start_cursor=start,
            end_cursor=end,
        ),
    )


def _matching(reading: Reading, given: RightsRequestFilter) -> Document:
    wanted: Document = {}
    due: dict[str, int] = {}
    if given.states:
        wanted["state"] = {"$in": [one.value for one in given.states]}
    if given.right:
        wanted["right"] = given.right.value
    if given.jurisdiction:
        wanted["laws"] = given.jurisdiction
    if given.due_before:
        due["$lt"] = _moment(given.due_before)
    if given.nearing:
        near = reading.now_ms + WEEK_MS
        due["$lt"] = min(due.get("$lt", near), near)
        wanted["ended"] = {"$exists": False}
    return {**wanted, "due": due} if due else wanted


def _moment(given: str) -> int:
    try:
        return moment(given)
    except WrongType as wrong:
        raise BadRequest("DUE_BEFORE", "'dueBefore' is no time.", f"It takes {wrong.wanted}.") from None
