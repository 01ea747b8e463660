"""Whoever means harm, or is careless, gets by a request nothing that is not theirs, and destroys nothing of others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from discretion.store.driver import Database
from tests.fixtures.clock import Clock
from tests.fixtures.house import House, build
from tests.fixtures.mail import Sink
from tests.fixtures.mongo import Commands
from tests.journeys.rights import (
    ERASURE,
    listed,
    own,
    refused,
    somebody,
)

MERGE = "mutation($ids: [ID!]!) { merge(customers: $ids) { identityHistory { nodes { id kind } } } }"
UNMERGE = "mutation($merge: ID!) { unmerge(merge: $merge) { id } }"


@pytest_asyncio.fixture
async def mailed(database: Database, tmp_path: Path, commands: Commands, sink: Sink) -> AsyncIterator[House]:
    """A house with a clock that stands still and a mail server."""
    clock = Clock("2026-11-02T10:00")
    built = await build(database, tmp_path, commands, clock=clock, mail_url=sink.url)
    async with built.http:
        yield built


@pytest.mark.parametrize("scope", [{"channel": ""}, {"category": ""}, {"purpose": ""}, {"channel": None}, {}])
async def test_a_part_that_names_nothing_is_not_everything(house: House, scope: dict[str, Any]) -> None:
    """A form that was sent without a choice erases nobody whole: that cannot be taken back."""
    token = await own(house, await somebody(house))
    assert await refused(house, token, ERASURE, scope=scope) in {"SCOPE_UNKNOWN", "SCOPE_EMPTY"}
    steward = house.token("steward")
    assert await listed(house, steward) == []
