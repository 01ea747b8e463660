"""The type ``PageInfo`` of Relay Cursor Connections."""

from __future__ import annotations

import strawberry


@strawberry.type(description="Where a page stands in its list (Relay Cursor Connections).")
class PageInfo:
    """The position of a page in its list (Relay Cursor Connections)."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None
