"""An installation that is opened to register others, and serves nobody."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from discretion.app import platform
from discretion.app.keys import root_key
from discretion.app.wiring.agents import wanted
from discretion.domain.agents.agent_register import Register as Agents
from discretion.domain.recipients.recipient_register import Register
from discretion.settings import Settings


@asynccontextmanager
async def registering(settings: Settings) -> AsyncIterator[Register]:
    """Where clients are told."""
    async with platform(settings, idle=True) as running:
        yield running.telling.register


@asynccontextmanager
async def registering_agents(settings: Settings) -> AsyncIterator[Agents]:
    """The register of agents."""
    async with platform(settings, idle=True) as running:
        yield running.acting.register


def wanted_certificate(settings: Settings) -> bytes:
    """The request for a certificate under which controllers are answered; needs no database."""
    return wanted(settings, root_key(settings), os.urandom)
