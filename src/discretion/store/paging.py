"""Keyset paging: a page begins after the last document of the page before, and not after a number of them.

So documents that are added or deleted between two pages neither repeat nor hide others, and a late page costs
what the first one costs.
"""

from __future__ import annotations

from dataclasses import dataclass

from discretion.store.document import MutableDocument


@dataclass(frozen=True, slots=True)
class KeysetOrder:
    """An order of documents by a member, if any, and by ``_id`` among equal values. 1 ascends, -1 descends.

    Attributes:
        member: The member that is sorted by; None sorts by the id alone.
        direction: Direction of the member.
        id_direction: Direction of the id.
        has_nulls: Whether the member may be null, which sorts before all values.
    """

    member: str | None
    direction: int = -1
    id_direction: int = -1
    has_nulls: bool = False

    @property
    def sort(self) -> list[tuple[str, int]]:
        """The order as a MongoDB sort."""
        by_member = [] if self.member is None else [(self.member, self.direction)]
        return [*by_member, ("_id", self.id_direction)]

    def continue_after(
        self, query: MutableDocument, position: tuple[object, object] | None
    ) -> MutableDocument:
        """Return a query limited to documents after a position, which is a value and an id.

        None, the position before the first page, limits nothing.
        """
        if position is None:
            return query
        clause = self._build_clause(*position)
        return {"$and": [query, clause]} if query.keys() & clause.keys() else {**query, **clause}

    def _build_clause(self, value: object, last: object) -> MutableDocument:
        beyond_id = {"_id": {_BEYOND[self.id_direction]: last}}
        if self.member is None:
            return beyond_id
        beyond: MutableDocument = {_BEYOND[self.direction]: value}
        if self.has_nulls and value is None:
            beyond = {"$ne": None}
        # Equal values are ordered by id, so that no document is skipped or repeated between pages.
        return {"$or": [{self.member: beyond}, {self.member: value, **beyond_id}]}


_BEYOND = {1: "$gt", -1: "$lt"}
"""By the time under ``at``, newest first. The position is a ``TimePosition``."""
