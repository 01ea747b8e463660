"""Filters, order and cursors, compiled under the same decisions as the fields.

A filter is a question about a value, so asking it is seeing it: one may filter or sort only by
what one may see in clear, and only those customers are matched of whom one may see it. The
condition on ``allow`` and on age stands inside every clause, so negation cannot turn "not
visible" into "matches". Cursors carry the sort value; they are sealed for their client.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from discretion.catalogue.model import Attribute
from discretion.errors import Forbidden
from discretion.purpose.decision import Allow, Decision

OPERATORS: Mapping[str, str] = {
    "eq": "$eq",
    "in": "$in",
    "gt": "$gt",
    "gte": "$gte",
    "lt": "$lt",
    "lte": "$lte",
}
"""What a condition may say, and how MongoDB says it. Nothing else reaches the query."""

Query = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Condition:
    """``attribute operator operand``, the operand in stored form."""

    attribute: Attribute
    operator: str
    operand: Any


@dataclass(frozen=True, slots=True)
class Filter:
    """All of ``all_of``, one of each list in ``any_of``, and none of the lists in ``none_of``.

    A list in ``none_of`` is refused as a whole: it matches who fails one of its conditions.
    """

    all_of: tuple[Condition, ...] = ()
    any_of: tuple[tuple[Condition, ...], ...] = ()
    none_of: tuple[tuple[Condition, ...], ...] = ()

    def attributes(self) -> list[Attribute]:
        """Every attribute a condition asks about."""
        lists = (self.all_of, *self.any_of, *self.none_of)
        return [condition.attribute for conditions in lists for condition in conditions]


@dataclass(frozen=True, slots=True)
class Order:
    """Sort by an attribute, then by id; None sorts by id alone."""

    attribute: Attribute | None = None
    descending: bool = False


class Visibility:
    """What must hold of a customer before an attribute of theirs may be asked about."""

    def __init__(
        self,
        decide: Callable[[Attribute], Decision],
        cut_off: Callable[[Attribute], int],
        permitting: Callable[[int], Query],
    ) -> None:
        self._decide = decide
        self._cut_off = cut_off
        self._permitting = permitting

    def clause(self, attribute: Attribute) -> Query:
        """The condition, as a query.

        Raises:
            Forbidden: ``FILTER_NOT_GRANTED``; the answer depends on the grant alone.
        """
        decision = self._decide(attribute)
        mask = decision.clear_mask if isinstance(decision, Allow) else 0
        if not mask:
            raise Forbidden(
                "FILTER_NOT_GRANTED",
                f"This token may not filter or sort by {attribute.path}.",
                "Use an attribute that it may see in clear.",
            )
        fresh: Query = {f"t.{attribute.key}": {"$gte": self._cut_off(attribute)}}
        return fresh if mask < 0 else {**self._permitting(mask), **fresh}


def compile_filter(wanted: Filter, visibility: Visibility) -> list[Query]:
    """A filter as clauses, all of which must hold."""
    clauses = [_holds(condition, visibility) for condition in wanted.all_of]
    if wanted.any_of:
        clauses.append({"$or": [_together(conditions, visibility) for conditions in wanted.any_of]})
    clauses += [
        {"$or": [_fails(condition, visibility) for condition in conditions]} for conditions in wanted.none_of
    ]
    return clauses


def compile_order(order: Order, visibility: Visibility) -> list[Query]:
    """What a customer must satisfy to have a place in this order."""
    return [visibility.clause(order.attribute)] if order.attribute else []


def sort_of(order: Order, *, backwards: bool) -> list[tuple[str, int]]:
    """The order as MongoDB sorts; ``backwards`` reads it from its end."""
    direction = -1 if order.descending != backwards else 1
    if order.attribute is None:
        return [("_id", direction)]
    return [(f"o.{order.attribute.key}", direction), ("_id", direction)]


def beyond(order: Order, value: Any, customer: bytes, *, backwards: bool) -> Query:
    """Those who come after the customer with this sort value, or before, if ``backwards``."""
    step = "$lt" if order.descending != backwards else "$gt"
    if order.attribute is None:
        return {"_id": {step: customer}}
    field = f"o.{order.attribute.key}"
    return {"$or": [{field: {step: value}}, {field: value, "_id": {step: customer}}]}


def conjunction(clauses: Sequence[Query]) -> Query:
    """All clauses as one query."""
    if not clauses:
        return {}
    return clauses[0] if len(clauses) == 1 else {"$and": list(clauses)}


def _holds(condition: Condition, visibility: Visibility) -> Query:
    field = f"o.{condition.attribute.key}"
    return {**visibility.clause(condition.attribute), field: _match(condition)}


def _fails(condition: Condition, visibility: Visibility) -> Query:
    field = f"o.{condition.attribute.key}"
    return {**visibility.clause(condition.attribute), field: {"$not": _match(condition)}}


def _together(conditions: Sequence[Condition], visibility: Visibility) -> Query:
    return conjunction([_holds(condition, visibility) for condition in conditions])


def _match(condition: Condition) -> Query:
    return {OPERATORS[condition.operator]: condition.operand}
