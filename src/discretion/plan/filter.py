"""Filters, sort orders and cursors, compiled under the same decisions as the fields.

A filter asks about a value, so the answer reveals it. A request may filter or sort only by attributes it may
see in clear, and it matches only customers whose value it may see. The conditions on permission and age are
part of every clause, so that a negation cannot turn "not visible" into "matches". Cursors contain the sort
value; they are sealed for their client.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from discretion.catalogue.model import Attribute
from discretion.errors import Forbidden
from discretion.plan.customer_members import name_time
from discretion.purpose.decision import Allow, Decision

OPERATORS: Mapping[str, str] = {
    "eq": "$eq",
    "in": "$in",
    "gt": "$gt",
    "gte": "$gte",
    "lt": "$lt",
    "lte": "$lte",
}
"""Operators of a condition, with the operator of MongoDB. Nothing else reaches the query."""

Query = dict[str, object]


@dataclass(frozen=True, slots=True)
class FilterCondition:
    """``attribute operator operand``; the operand is in stored form."""

    attribute: Attribute
    operator: str
    operand: object


@dataclass(frozen=True, slots=True)
class CustomerFilter:
    """All of ``all_of``, one of each list in ``any_of``, and none of the lists in ``none_of``.

    A list in ``none_of`` excludes customers who meet all its conditions.
    """

    all_of: tuple[FilterCondition, ...] = ()
    any_of: tuple[tuple[FilterCondition, ...], ...] = ()
    none_of: tuple[tuple[FilterCondition, ...], ...] = ()

    def list_attributes(self) -> list[Attribute]:
        """Return the attributes of all conditions."""
        condition_lists = (self.all_of, *self.any_of, *self.none_of)
        return [condition.attribute for conditions in condition_lists for condition in conditions]


@dataclass(frozen=True, slots=True)
class SortOrder:
    """Sort by an attribute, then by id; by id only if ``attribute`` is None."""

    attribute: Attribute | None = None
    descending: bool = False


class AttributeVisibility:
    """The conditions under which a customer's value of an attribute may be used in a filter.

    Args:
        decide: Returns the decision on an attribute.
        cut_off: Returns the earliest observation (ms) that may serve one of the purposes, as bits.
        permission_clause: Returns a query for customers who permit one of the purposes, as bits.
    """

    def __init__(
        self,
        decide: Callable[[Attribute], Decision],
        cut_off: Callable[[Attribute, int], int],
        permission_clause: Callable[[int], Query],
    ) -> None:
        self._decide = decide
        self._cut_off = cut_off
        self._permission_clause = permission_clause

    def build_clause(self, attribute: Attribute) -> Query:
        """Return a query for customers whose value of the attribute may be used.

        Raises:
            Forbidden: ``FILTER_NOT_GRANTED``; this depends on the grant only, not on data.
        """
        decision = self._decide(attribute)
        mask = decision.clear_mask if isinstance(decision, Allow) else 0
        if not mask:
            raise Forbidden(
                "FILTER_NOT_GRANTED",
                f"This token may not filter or sort by {attribute.path}.",
                "Use an attribute that the token may see in clear.",
            )
        time_member = name_time(attribute.key)
        if mask < 0:  # every bit is set: no permission of the customer is needed
            return {time_member: {"$gte": self._cut_off(attribute, mask)}}
        # Purposes with the same retention share a clause, which keeps the query small.
        bits_by_cut_off: dict[int, int] = {}
        for bits in _iterate_bits(mask):
            earliest = self._cut_off(attribute, bits)
            bits_by_cut_off[earliest] = bits_by_cut_off.get(earliest, 0) | bits
        clauses = [
            {**self._permission_clause(bits), time_member: {"$gte": earliest}}
            for earliest, bits in bits_by_cut_off.items()
        ]
        return clauses[0] if len(clauses) == 1 else {"$or": clauses}


def _iterate_bits(mask: int) -> Iterator[int]:
    """Yield the single bits of a mask."""
    while mask:
        yield mask & -mask
        mask &= mask - 1


def compile_filter(customer_filter: CustomerFilter, visibility: AttributeVisibility) -> list[Query]:
    """Return a filter as clauses that must all hold."""
    clauses = [_build_positive_clause(condition, visibility) for condition in customer_filter.all_of]
    if customer_filter.any_of:
        clauses.append(
            {"$or": [_join_conditions(conditions, visibility) for conditions in customer_filter.any_of]}
        )
    clauses += [
        {"$or": [_build_negative_clause(condition, visibility) for condition in conditions]}
        for conditions in customer_filter.none_of
    ]
    return clauses


def compile_order(order: SortOrder, visibility: AttributeVisibility) -> list[Query]:
    """Return the clauses a customer must meet to appear in this order."""
    return [visibility.build_clause(order.attribute)] if order.attribute else []


def join_clauses(clauses: Sequence[Query]) -> Query:
    """Return one query that requires all clauses."""
    if not clauses:
        return {}
    return clauses[0] if len(clauses) == 1 else {"$and": list(clauses)}


def _build_positive_clause(condition: FilterCondition, visibility: AttributeVisibility) -> Query:
    field = condition.attribute.key
    return {**visibility.build_clause(condition.attribute), field: _build_operator_clause(condition)}


def _build_negative_clause(condition: FilterCondition, visibility: AttributeVisibility) -> Query:
    # The visibility clause is not negated: a customer whose value is not visible matches neither way.
    field = condition.attribute.key
    # ``$not`` also matches documents without the member. The condition on the time of observation excludes
    # them.
    return {
        **visibility.build_clause(condition.attribute),
        field: {"$not": _build_operator_clause(condition)},
    }


def _join_conditions(conditions: Sequence[FilterCondition], visibility: AttributeVisibility) -> Query:
    return join_clauses([_build_positive_clause(condition, visibility) for condition in conditions])


def _build_operator_clause(condition: FilterCondition) -> Query:
    return {OPERATORS[condition.operator]: condition.operand}
