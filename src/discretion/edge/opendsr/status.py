"""What controllers are told, as the protocol writes it (OpenDSR 2.0, sections 6.3, 7.3, 8.3, 8.6 and 9.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from discretion.domain.agents.agent_request import Standing
from discretion.domain.agents.status_map import OPENDSR
from discretion.edge.opendsr.protocol_terms import TYPES, VERSION
from discretion.reveal.forms import iso


def discovery(identities: Sequence[dict[str, str]], certificate: str) -> dict[str, Any]:
    """What can be asked of us; ``certificate`` is where ours is."""
    return {
        "api_version": VERSION,
        "supported_identities": list(identities),
        "supported_subject_request_types": list(TYPES),
        "processor_certificate": certificate,
    }


def received(standing: Standing, encoded: str) -> dict[str, Any]:
    """The receipt of a request; ``encoded`` is its body, which is not kept."""
    return {
        "controller_id": standing.mandate.agent,
        "expected_completion_time": iso(standing.due),
        "received_time": iso(standing.mandate.at),
        "encoded_request": encoded,
        "subject_request_id": standing.mandate.reference,
    }


def status(standing: Standing) -> dict[str, Any]:
    """How a request stands. ``results_count`` is of people for whom it was done."""
    told = OPENDSR[standing.state]
    body: dict[str, Any] = {
        "controller_id": standing.mandate.agent,
        "expected_completion_time": iso(standing.due),
        "subject_request_id": standing.mandate.reference,
        "request_status": told,
        "api_version": VERSION,
    }
    return {**body, "results_count": standing.count} if told == "completed" else body


def callback(standing: Standing, url: str) -> dict[str, Any]:
    """The same, for a callback: it names the URL it was sent to, so that nobody can send it to another."""
    return {**status(standing), "status_callback_url": url}


def cancelled(standing: Standing, at: int) -> dict[str, Any]:
    """The receipt of a cancellation; ``at`` is when it came, in ms since 1970."""
    return {
        "controller_id": standing.mandate.agent,
        "subject_request_id": standing.mandate.reference,
        "received_time": iso(at),
        "api_version": VERSION,
    }
