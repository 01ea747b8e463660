"""The status of a request in the format of the protocol (DRP 1.0, section 3.03)."""

from __future__ import annotations

from discretion.domain.agents.agent_request import AgentRequestStatus
from discretion.domain.agents.status_map import get_drp_status
from discretion.reveal.forms import format_timestamp


def build_drp_status(request_status: AgentRequestStatus, api_base: str) -> dict[str, object]:
    """Return the Exercise Status object; ``api_base`` is the URL of the API. Absent values are left out."""
    drp_status, reason = get_drp_status(request_status.state, request_status.reason)
    agent_request = request_status.agent_request
    body: dict[str, object] = {
        "request_id": agent_request.public_id,
        "status": drp_status,
        "reason": reason,
        "received_at": format_timestamp(agent_request.filed_at),
        "expected_by": None if request_status.is_final else format_timestamp(request_status.due),
        "processing_details": request_status.details,
        "agent_request_id": agent_request.reference,
    }
    if reason == "need_user_verification":
        body["user_verification_url"] = f"{api_base}/v1/data-rights-request/{agent_request.public_id}/verify"
        body["expires_at"] = (
            None if request_status.expires is None else format_timestamp(request_status.expires)
        )
    return {name: value for name, value in body.items() if value is not None}
