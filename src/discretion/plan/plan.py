"""A query plan: an operation compiled with the decisions on its attributes.

It contains the projections for MongoDB, the masks and forms that apply, and the functions that turn a stored
document into the response. It contains no personal data, and all requests that may see the same share it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from discretion.catalogue.model import Attribute, Form
from discretion.plan.selection import ResponsePath
from discretion.purpose.decision import Decision, WithholdReason

RenderFunction = Callable[[Any, int], Any]
"""``(stored value, now in ms) -> value in the response``."""

RenderLookup = Callable[[Attribute, Form], RenderFunction | None]
"""Returns the render function of an attribute in a form; None if the stored value is returned as it is."""

ShapeFunction = Callable[..., tuple[Any, int]]
"""``(row, earliest, latest, purpose cut-offs, withheld, now, id encoder) -> (response, seen bits)``.

The response is an ``orjson.Fragment``, JSON that is copied into the response. If the executor resolves some
keys, it is a dict of fragments by response key, with None for those keys.
"""


@dataclass(frozen=True, slots=True)
class ResponseShape:
    """The customer objects in one place of the response.

    Attributes:
        function: The generated function.
        resolved_keys: Response keys that the executor resolves.
        denied: Attributes asked for here that are neither in the projection nor in the function.
    """

    function: ShapeFunction
    resolved_keys: tuple[str, ...]
    denied: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CustomerProjection:
    """What is read of a customer for one place of the response.

    Attributes:
        names: Members of the document, sorted.
        contested_names: Members that are read besides if the customer contests values (the member
            ``contests``), sorted. Few do, and projecting these members would cost a third of a page.
    """

    names: tuple[str, ...]
    contested_names: tuple[str, ...] = ()

    def add(self, *names: str) -> CustomerProjection:
        """Return a projection with more members."""
        return CustomerProjection(tuple(sorted({*self.names, *names})), self.contested_names)


# Compared and hashed by identity, so that a plan can be the key of a cache.
@dataclass(frozen=True, slots=True, eq=False)
class QueryPlan:
    """One operation under one set of rights.

    Attributes:
        attributes: The allowed attributes; the index is the bit of an attribute in the "seen" bits of a
            disclosure.
        forms: Path of each allowed attribute, with the most revealing form it may be shown in.
        decisions: Decision on each attribute asked for, by path.
        denied: Reason for each denied attribute, by path.
        shapes: Generated function for each place where customers appear.
        projections: What is read of customers, by root response key.
        reach_bits: The ``allow`` bits of all customers the request may see.
        granted_purposes: The purposes of the request.
        purposes: The purposes that allow at least one attribute.
        touches_customers: Whether a root field leads to customers.
    """

    attributes: tuple[Attribute, ...]
    forms: tuple[tuple[str, str], ...]
    decisions: Mapping[str, Decision]
    denied: Mapping[str, WithholdReason]
    shapes: Mapping[ResponsePath, ResponseShape]
    projections: Mapping[str, CustomerProjection]
    reach_bits: int
    granted_purposes: frozenset[str]
    purposes: tuple[str, ...]
    touches_customers: bool


@dataclass(frozen=True, slots=True)
class PlanCutOffs:
    """For each attribute of a plan, the earliest observations that retention allows to be shown.

    An observation is a time in ms for an open attribute. For a sealed one it is the head of a cell, whose
    bytes are in the order of time, so that no cell is taken apart for the comparison.

    Attributes:
        times: The earliest observation in ms, for every attribute.
        earliest: The same as an observation.
        latest: The latest of ``earliest`` and the cut-offs of purposes: nothing limits what is younger.
        purpose_cut_offs: Pairs of purpose bits and a later cut-off, for purposes with a shorter retention.
    """

    times: tuple[int, ...]
    earliest: tuple[Any, ...]
    latest: tuple[Any, ...]
    purpose_cut_offs: tuple[tuple[tuple[int, Any], ...], ...]
