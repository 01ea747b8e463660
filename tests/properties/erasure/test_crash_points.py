"""An acknowledged request has the same outcome wherever the process that runs it is killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from discretion.law.jurisdiction import Right
from tests.properties.erasure.crash_points import kill_at_points, open_installation, sample_points

RIGHTS = [Right.RESTRICTION, Right.ERASURE]


@pytest.mark.parametrize("right", RIGHTS)
async def test_a_request_ends_alike_wherever_its_process_is_killed(
    mongo_url: str, tmp_path: Path, right: Right
) -> None:
    async with open_installation(mongo_url, tmp_path) as installation:
        result = await kill_at_points(installation, right, sample_points)
        assert result.deviating_points == []
        assert result.kill_count >= 4
        assert await installation.database.count("requests", {"state": {"$ne": "fulfilled"}}) == 0
