"""Relay connections: arguments in, a page out.

The cursor carries the order, the sort value and the id, sealed for the client with AES-SIV: the
same place has the same cursor, and nobody reads or makes one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from strawberry import UNSET

from discretion.errors import BadRequest
from discretion.plan.filter import Order, Query, beyond
from discretion.reveal.revealer import Reading
from discretion.seal.pairwise_ids import Pairwise

DEFAULT_PAGE = 50
MAX_PAGE = 500
_KIND = b"cursor"


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list is wanted: ``size`` items after or before a cursor."""

    size: int
    backwards: bool
    after: str | None
    before: str | None


def window(first: Any, after: Any, last: Any = None, before: Any = None) -> Window:
    """Connection arguments, checked (Relay Cursor Connections, section 4).

    Raises:
        BadRequest: ``PAGE_ARGUMENTS`` or ``PAGE_SIZE``.
    """
    first, after, last, before = (None if one is UNSET else one for one in (first, after, last, before))
    if first is not None and last is not None:
        raise BadRequest("PAGE_ARGUMENTS", "Both 'first' and 'last' are given.", "Give one of them.")
    size: int = first if first is not None else last if last is not None else DEFAULT_PAGE
    if not 0 <= size <= MAX_PAGE:
        raise BadRequest("PAGE_SIZE", f"A page has from 0 to {MAX_PAGE} items.")
    return Window(size, last is not None, after, before)


def place(reading: Reading, kind: bytes, cursor: str | None, of: str) -> tuple[Any, bytes] | None:
    """The sort value and the key in a cursor of this client, or None for none. ``of`` names the list.

    Raises:
        BadRequest: ``CURSOR_INVALID``.
    """
    if cursor is None:
        return None
    content = reading.unshut(kind, cursor)
    if content is None:
        raise BadRequest(
            "CURSOR_INVALID",
            f"The cursor is not one of {of}.",
            "Use a cursor that this client got from the same list.",
        )
    value, key = orjson.loads(content)
    return value, bytes.fromhex(key)


def ends(reading: Reading, kind: bytes, places: Sequence[tuple[Any, bytes]]) -> tuple[str | None, str | None]:
    """The cursors of the first and the last of a page."""
    if not places:
        return None, None
    first, last = (
        reading.shut(kind, orjson.dumps([value, key.hex()])) for value, key in (places[0], places[-1])
    )
    return first, last


class Cursors:
    """Makes and reads the cursors of one client."""

    def __init__(self, pairwise: Pairwise, client: str, order: Order) -> None:
        self._pairwise = pairwise
        self._client = client
        self._order = order
        self._name = f"{order.attribute.path if order.attribute else ''}{'-' if order.descending else '+'}"

    def make(self, doc: dict[str, Any]) -> str:
        """The cursor of a customer's place in this order."""
        value = None
        if self._order.attribute is not None:
            value = doc["o"][self._order.attribute.key]
        content = orjson.dumps([self._name, value, doc["_id"].hex()])
        return self._pairwise.shut(self._client, _KIND, content)

    def clauses(self, wanted: Window) -> list[Query]:
        """What lies within the window's cursors."""
        clauses = []
        if wanted.after is not None:
            clauses.append(self._beyond(wanted.after, backwards=False))
        if wanted.before is not None:
            clauses.append(self._beyond(wanted.before, backwards=True))
        return clauses

    def _beyond(self, cursor: str, *, backwards: bool) -> Query:
        content = self._pairwise.open(self._client, _KIND, cursor)
        name, value, customer = orjson.loads(content) if content else ("", None, "")
        if content is None or name != self._name:
            raise BadRequest(
                "CURSOR_INVALID",
                "The cursor is not one of this list.",
                "Use a cursor that this client got from the same list in the same order.",
            )
        return beyond(self._order, value, bytes.fromhex(customer), backwards=backwards)
