"""The retention of a plan's attributes at one moment, as cut-offs that compiled functions compare with."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from discretion.catalogue.duration import subtract_duration
from discretion.catalogue.model import Attribute
from discretion.catalogue.retention_cut_off import list_shorter_cut_offs
from discretion.plan.plan import PlanCutOffs, QueryPlan
from discretion.purpose.decision import Allow
from discretion.seal.cell import build_cell_header


@lru_cache(maxsize=1024)
def compute_cut_offs(plan: QueryPlan, second: int) -> PlanCutOffs:
    """Return for each attribute the earliest observations that its retention allows to be shown.

    The result holds for the whole second: it is computed for the second's last millisecond.
    """
    # The last millisecond has the latest cut-off: a value is withheld up to a second early and never shown
    # late.
    at_ms = second * 1000 + 999
    times = tuple(subtract_duration(attribute.retention, at_ms) for attribute in plan.attributes)
    earliest = tuple(
        _encode_observation(attribute, at) for attribute, at in zip(plan.attributes, times, strict=True)
    )
    purpose_cut_offs = tuple(
        tuple(
            (bits, _encode_observation(attribute, at))
            for bits, at in list_shorter_cut_offs(attribute, at_ms)
            if bits & _find_mask(plan, attribute)
        )
        for attribute in plan.attributes
    )
    latest = tuple(
        max((own_cut_off, *(at for _, at in cut_offs)))
        for own_cut_off, cut_offs in zip(earliest, purpose_cut_offs, strict=True)
    )
    return PlanCutOffs(times, earliest, latest, purpose_cut_offs)


def _encode_observation(attribute: Attribute, at_ms: int) -> Any:
    return build_cell_header(at_ms) if attribute.sealed else at_ms


def _find_mask(plan: QueryPlan, attribute: Attribute) -> int:
    decision = plan.decisions[attribute.path]
    assert isinstance(decision, Allow)
    return decision.mask
