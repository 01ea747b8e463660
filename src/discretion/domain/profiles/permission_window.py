"""The permission members of a customer document: the permitted purposes now, until when, and after that."""

from __future__ import annotations

from typing import Any

from discretion.purpose.permission_engine import PermissionEngine
from discretion.purpose.permissions import PersonState


def build_permission_window(
    permission_engine: PermissionEngine, state: PersonState, now_ms: int
) -> dict[str, Any]:
    """Return the members of the customer document that ``plan.permission_window`` reads.

    ``allow`` and ``later`` are bit masks of purposes, valid before and after ``until`` (ms). ``kinds`` has
    such a pair for each kind of sensitive data. ``rules`` is the version of the rules they were computed by.
    """
    forecast = permission_engine.forecast(state, now_ms)
    sensitive_kinds = zip(
        permission_engine.catalogue.sensitive_kinds, forecast.now.kinds, forecast.later.kinds, strict=True
    )
    return {
        "allow": forecast.now.allow,
        "until": forecast.until,
        "later": forecast.later.allow,
        "kinds": {kind: [now, later] for kind, now, later in sensitive_kinds},
        "rules": permission_engine.version,
        "laws": list(state.laws),
        "restricted": state.restricted,
    }
