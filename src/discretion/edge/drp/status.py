"""How a request stands, as the protocol writes it (DRP 1.0, section 3.03)."""

from __future__ import annotations

from typing import Any

from discretion.domain.agents.agent_request import Standing
from discretion.domain.agents.status_map import drp
from discretion.reveal.forms import iso


def status(standing: Standing, base: str) -> dict[str, Any]:
    """The Exercise Status object; ``base`` is the address of our API."""
    told, reason = drp(standing.state, standing.reason)
    mandate = standing.mandate
    body: dict[str, Any] = {
        "request_id": mandate.name,
        "status": told,
        "reason": reason,
        "received_at": iso(mandate.at),
        "expected_by": None if standing.final else iso(standing.due),
        "processing_details": standing.details,
        "agent_request_id": mandate.reference,
    }
    if reason == "need_user_verification":
        body["user_verification_url"] = f"{base}/v1/data-rights-request/{mandate.name}/verify"
        body["expires_at"] = None if standing.expires is None else iso(standing.expires)
    return {name: value for name, value in body.items() if value is not None}
