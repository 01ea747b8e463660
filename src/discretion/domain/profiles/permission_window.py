"""What a customer document carries of the person's state: what is permitted, how long, and then."""

from __future__ import annotations

from typing import Any

from discretion.purpose.permission_engine import Judge
from discretion.purpose.permissions import PersonState


def standing(judge: Judge, state: PersonState, now_ms: int) -> dict[str, Any]:
    """Those members of the document, as ``plan.standing`` reads them."""
    outlook = judge.outlook(state, now_ms)
    kinds = zip(judge.catalogue.kinds_kept, outlook.now.kinds, outlook.later.kinds, strict=True)
    return {
        "allow": outlook.now.allow,
        "until": outlook.until,
        "later": outlook.later.allow,
        "kinds": {kind: [now, later] for kind, now, later in kinds},
        "rules": judge.version,
        "laws": list(state.laws),
        "restricted": state.restricted,
    }
