"""A request that was acknowledged ends in one state, wherever the process that carries it out dies."""

from __future__ import annotations

from pathlib import Path

import pytest

from discretion.law.jurisdiction import Right
from tests.properties.erasure.crash_points import matrix, opened, some

RIGHTS = [Right.RESTRICTION, Right.ERASURE]


@pytest.mark.parametrize("right", RIGHTS)
async def test_killed_at_any_point_a_request_ends_as_if_it_never_was(
    mongo_url: str, tmp_path: Path, right: Right
) -> None:
    async with opened(mongo_url, tmp_path) as town:
        done = await matrix(town, right, some)
        assert done.wrong == []
        assert done.killed >= 4
        assert await town.database.count("requests", {"state": {"$ne": "fulfilled"}}) == 0
