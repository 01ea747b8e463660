"""The register of agents, for the eye."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from discretion.domain.agents.agent import Agent


def registered(agents: Sequence[Agent]) -> Table:
    """Who may file requests for people, and where they may be told."""
    table = Table("id", "kind", "name", "callbacks to", "contact")
    for one in agents:
        table.add_row(one.id, one.kind.value, one.name, ", ".join(one.hosts) or "nowhere", one.contact)
    return table
