"""Responses and callbacks in the format of OpenDSR 2.0 (sections 6.3, 7.3, 8.3, 8.6 and 9.2)."""

from __future__ import annotations

from collections.abc import Sequence

from discretion.domain.agents.agent_request import AgentRequestStatus
from discretion.domain.agents.status_map import OPENDSR_STATUSES
from discretion.edge.opendsr.protocol_terms import REQUEST_TYPES, VERSION
from discretion.reveal.forms import format_timestamp


def build_discovery(identities: Sequence[dict[str, str]], certificate_url: str) -> dict[str, object]:
    """Return what controllers can request; ``certificate_url`` is where the certificate is served."""
    return {
        "api_version": VERSION,
        "supported_identities": list(identities),
        "supported_subject_request_types": list(REQUEST_TYPES),
        "processor_certificate": certificate_url,
    }


def build_receipt(request_status: AgentRequestStatus, encoded_request: str) -> dict[str, object]:
    """Return the receipt of a request; ``encoded_request`` is its body in base64, which is not stored."""
    return {
        "controller_id": request_status.agent_request.agent,
        "expected_completion_time": format_timestamp(request_status.due),
        "received_time": format_timestamp(request_status.agent_request.filed_at),
        "encoded_request": encoded_request,
        "subject_request_id": request_status.agent_request.reference,
    }


def build_opendsr_status(request_status: AgentRequestStatus) -> dict[str, object]:
    """Return the status of a request. ``results_count`` is the number of customers it was carried out for."""
    opendsr_status = OPENDSR_STATUSES[request_status.state]
    body: dict[str, object] = {
        "controller_id": request_status.agent_request.agent,
        "expected_completion_time": format_timestamp(request_status.due),
        "subject_request_id": request_status.agent_request.reference,
        "request_status": opendsr_status,
        "api_version": VERSION,
    }
    return {**body, "results_count": request_status.count} if opendsr_status == "completed" else body


def build_callback(request_status: AgentRequestStatus, url: str) -> dict[str, object]:
    """Return the status for a callback. It names its URL, so that its signature is no use at another."""
    return {**build_opendsr_status(request_status), "status_callback_url": url}


def build_cancellation_receipt(request_status: AgentRequestStatus, cancelled_at: int) -> dict[str, object]:
    """Return the receipt of a cancellation, which came at ``cancelled_at`` (ms since 1970)."""
    return {
        "controller_id": request_status.agent_request.agent,
        "subject_request_id": request_status.agent_request.reference,
        "received_time": format_timestamp(cancelled_at),
        "api_version": VERSION,
    }
