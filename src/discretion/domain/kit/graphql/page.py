"""Pages of Relay connections: arguments, cursors, and where a page stands in its list.

A cursor contains the order, the sort value and the id, encrypted for the client with AES-SIV. Encryption is
deterministic, so the same position has the same cursor; a client can neither read nor forge one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
import strawberry
from strawberry import UNSET

from discretion.errors import BadRequest
from discretion.plan.filter import Query, SortOrder
from discretion.reveal.revealer import CustomerRow, Reading
from discretion.seal.pairwise_ids import PairwiseIds
from discretion.store.paging import KeysetOrder

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 500
_CURSOR_KIND = b"cursor"
ItemT = TypeVar("ItemT")


@strawberry.type(description="Where a page stands in its list (Relay Cursor Connections).")
class PageInfo:
    """The position of a page in its list (Relay Cursor Connections)."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@dataclass(frozen=True, slots=True)
class PageWindow:
    """The requested part of a list: ``size`` items after or before a cursor."""

    size: int
    backwards: bool
    after: str | None
    before: str | None


def parse_page_window(first: Any, after: Any, last: Any = None, before: Any = None) -> PageWindow:
    """Check connection arguments and return them as a window (Relay Cursor Connections, section 4).

    Raises:
        BadRequest: ``PAGE_ARGUMENTS`` or ``PAGE_SIZE``.
    """
    first, after, last, before = (
        None if argument is UNSET else argument for argument in (first, after, last, before)
    )
    if first is not None and last is not None:
        raise BadRequest("PAGE_ARGUMENTS", "Both 'first' and 'last' are given.", "Give one of them.")
    size: int = first if first is not None else last if last is not None else DEFAULT_PAGE_SIZE
    if not 0 <= size <= MAX_PAGE_SIZE:
        raise BadRequest("PAGE_SIZE", f"A page has from 0 to {MAX_PAGE_SIZE} items.")
    return PageWindow(size, last is not None, after, before)


def open_cursor(
    reading: Reading, kind: bytes, cursor: str | None, list_name: str
) -> tuple[Any, bytes] | None:
    """Return the sort value and the key in a cursor, or None without a cursor.

    Args:
        reading: Decrypts cursors of its client.
        kind: The list's kind, so that a cursor of another list is refused.
        cursor: The cursor, or None.
        list_name: The list, for the error message.

    Raises:
        BadRequest: ``CURSOR_INVALID``.
    """
    if cursor is None:
        return None
    content = reading.decode_id(kind, cursor)
    if content is None:
        raise BadRequest(
            "CURSOR_INVALID",
            f"The cursor is not one of {list_name}.",
            "Use a cursor that this client got from the same list.",
        )
    value, key = orjson.loads(content)
    return value, bytes.fromhex(key)


def build_cursor(reading: Reading, kind: bytes, position: tuple[Any, bytes]) -> str:
    """Return the cursor of a position, which is a sort value and a key."""
    value, key = position
    return reading.encode_id(kind, orjson.dumps([value, key.hex()]))


def cut_page(
    reading: Reading,
    kind: bytes,
    page_window: PageWindow,
    loaded: Sequence[ItemT],
    locate: Callable[[ItemT], tuple[Any, bytes]],
) -> tuple[Sequence[ItemT], PageInfo]:
    """Return the items of a page that is read forwards, and where it stands.

    Args:
        reading: Encrypts the cursors for its client.
        kind: The list's kind, as in ``open_cursor``.
        page_window: The requested part of the list.
        loaded: The items after the window's cursor, one more than its size if there are as many.
        locate: Returns the sort value and the key of an item.
    """
    items = loaded[: page_window.size]
    ends = (items[0], items[-1]) if items else ()
    start, end = [build_cursor(reading, kind, locate(item)) for item in ends] or (None, None)
    return items, PageInfo(
        has_next_page=len(loaded) > page_window.size,
        has_previous_page=page_window.after is not None,
        start_cursor=start,
        end_cursor=end,
    )


def build_keyset_order(order: SortOrder, *, backwards: bool) -> KeysetOrder:
    """Return the order of a list of customers as the store pages through it; ``backwards`` reverses it."""
    direction = -1 if order.descending != backwards else 1
    return KeysetOrder(None if order.attribute is None else order.attribute.key, direction, direction)


class CustomerCursors:
    """The cursors of one client in lists of customers with one order."""

    def __init__(self, pairwise: PairwiseIds, client: str, order: SortOrder) -> None:
        self._pairwise = pairwise
        self._client = client
        self._order = order
        # Part of every cursor: in another order, the same sort value and id would be another position.
        self._order_name = (
            f"{order.attribute.path if order.attribute else ''}{'-' if order.descending else '+'}"
        )

    def build_cursor(self, row: CustomerRow) -> str:
        """Return the cursor of a customer's position in this order."""
        value = None
        if self._order.attribute is not None:
            value = row.doc[self._order.attribute.key]
        content = orjson.dumps([self._order_name, value, row.id.hex()])
        return self._pairwise.encode(self._client, _CURSOR_KIND, content)

    def build_clauses(self, page_window: PageWindow) -> list[Query]:
        """Return the query clauses for the positions between the window's cursors.

        Raises:
            BadRequest: ``CURSOR_INVALID``.
        """
        clauses = []
        if page_window.after is not None:
            clauses.append(self._build_bound(page_window.after, backwards=False))
        if page_window.before is not None:
            clauses.append(self._build_bound(page_window.before, backwards=True))
        return clauses

    def _build_bound(self, cursor: str, *, backwards: bool) -> Query:
        content = self._pairwise.decode(self._client, _CURSOR_KIND, cursor)
        order_name, value, customer = orjson.loads(content) if content else ("", None, "")
        if content is None or order_name != self._order_name:
            raise BadRequest(
                "CURSOR_INVALID",
                "The cursor is not one of this list.",
                "Use a cursor that this client got from the same list in the same order.",
            )
        keyset_order = build_keyset_order(self._order, backwards=backwards)
        return keyset_order.continue_after({}, (value, bytes.fromhex(customer)))
