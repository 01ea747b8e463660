"""An agent request is the same after it was stored."""

from __future__ import annotations

from dataclasses import replace

from discretion.law.jurisdiction import Right
from discretion.store.agent_requests import (
    AgentRequest,
    StatusCallback,
    build_agent_request,
    parse_agent_request,
)
from discretion.store.agents import AgentKind
from discretion.store.schema.agents import AGENT_COLLECTIONS

FULL = AgentRequest(
    b"i" * 16,
    "AGENT",
    AgentKind.CONTROLLER,
    Right.ERASURE,
    (b"r", b"s"),
    1,
    "F-1",
    "gdpr",
    (StatusCallback("https://agent.example/", 2, b"digest", 3), StatusCallback("https://other.example/", 4)),
    5,
)
PLAIN = replace(FULL, reference=None, regime=None, callbacks=())


def test_an_agent_request_is_parsed_as_it_was_built() -> None:
    for agent_request in (FULL, PLAIN):
        assert parse_agent_request(build_agent_request(agent_request)) == agent_request


def test_the_schema_has_exactly_the_members_of_an_agent_request() -> None:
    """Beside them, there are those of the lease and of the deletion by MongoDB."""
    (schema,) = [collection.schema for collection in AGENT_COLLECTIONS if collection.name == "mandates"]
    members = set(schema["properties"]) - {"next", "until", "ends"}
    assert build_agent_request(FULL).keys() == members
    assert build_agent_request(PLAIN).keys() == set(schema["required"]) - {"until"}
