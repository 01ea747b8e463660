"""A plan: an operation and a decision, compiled.

It says what MongoDB is asked for, which masks and forms apply, and carries the function that
turns a stored document into the answer. A plan holds no personal data and is shared by every
request that may see the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from discretion.catalogue.model import Attribute, Form
from discretion.plan.selection import ResponsePath
from discretion.purpose.decision import Decision, Reason

Render = Callable[[Any, int], Any]
"""``(stored value, now in ms) -> value as the answer carries it``."""

Renderer = Callable[[Attribute, Form], Render | None]
"""The render of an attribute in a form; None when the stored value is the answer."""

ShapeFunction = Callable[..., tuple[Any, int]]
"""``(row, times, heads, shorter, withheld, now, name of a row) -> (answer, seen bits)``.

The answer is an ``orjson.Fragment``: JSON that is put into the response as it stands. If some keys are
live it is a dict of them by response key, None where the executor fills in.
"""


@dataclass(frozen=True, slots=True)
class Shape:
    """How customers look at one place of the response.

    ``live`` are response keys left for the executor. ``struck`` are attributes asked for here
    that nothing can justify: they are not in the projection, and not in the function.
    """

    function: ShapeFunction
    live: tuple[str, ...]
    struck: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """One operation under one set of rights.

    ``attributes`` gives each allowed attribute its bit in the "seen" integers of a disclosure,
    ``forms`` the path of each with the most revealing form that any of its ways has.
    ``reach`` are the ``allow`` bits of everyone the request may meet. ``projection`` maps a
    root response key to what MongoDB is asked for.
    """

    attributes: tuple[Attribute, ...]
    forms: tuple[tuple[str, str], ...]
    decisions: Mapping[str, Decision]
    struck: Mapping[str, Reason]
    shapes: Mapping[ResponsePath, Shape]
    projections: Mapping[str, Mapping[str, int]]
    reach: int
    held: frozenset[str]
    purposes: tuple[str, ...]
    touches_customers: bool


@dataclass(frozen=True, slots=True)
class CutOffs:
    """For each attribute of a plan, the earliest observation still within its retention.

    ``times`` in ms for open attributes, ``heads`` as the first nine bytes of a cell for sealed
    ones, so that the comparison is one of bytes. ``shorter`` are the purposes, as bits, that each serves
    for less than that, with the earliest observation then: a head for sealed ones, else in ms.
    """

    times: tuple[int, ...]
    heads: tuple[bytes, ...]
    shorter: tuple[tuple[tuple[int, Any], ...], ...]
