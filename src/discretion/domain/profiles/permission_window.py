"""The permission members of a customer document: the permitted purposes now, until when, and after that."""

from __future__ import annotations

from discretion.purpose.permission_engine import PermissionEngine
from discretion.purpose.permissions import PersonState
from discretion.store.customer_codec import StoredPermissions


def build_permission_window(
    permission_engine: PermissionEngine, state: PersonState, now_ms: int
) -> StoredPermissions:
    """Return what a person permits now and later, as it is stored with the customer."""
    forecast = permission_engine.forecast(state, now_ms)
    sensitive_kinds = zip(
        permission_engine.catalogue.sensitive_kinds, forecast.now.kinds, forecast.later.kinds, strict=True
    )
    return StoredPermissions(
        allow=forecast.now.allow,
        until=forecast.until,
        later=forecast.later.allow,
        kinds={kind: (now, later) for kind, now, later in sensitive_kinds},
        rules=permission_engine.version,
        laws=tuple(state.laws),
        restricted=state.restricted,
    )
