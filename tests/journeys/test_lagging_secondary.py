"""A withdrawal acts at once, even if the URL prefers secondaries and the secondary lags."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.mongo import with_options
from tests.fixtures.platform import open_platform
from tests.fixtures.replica_set import ReplicaSet, run_replica_set
from tests.journeys.rule_changes import MAIL, SUPPORT, build_introduction_message, read_visible_names


@pytest.fixture(scope="module")
def replica_set(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicaSet]:
    """Yield a replica set with a secondary."""
    with run_replica_set(tmp_path_factory.mktemp("replica_set")) as running:
        yield running


@pytest.mark.parametrize("driver", ["pymongo", "motor"])
async def test_no_read_after_a_withdrawal_reveals_what_a_secondary_still_permits(
    replica_set: ReplicaSet, tmp_path: Path, driver: str
) -> None:
    """With ``readPreference=secondaryPreferred`` in the URL; by id, in lists, counts and filters."""
    url = with_options(replica_set.url, readPreference="secondaryPreferred", maxStalenessSeconds=90)
    async with open_platform(url, tmp_path, driver) as platform:
        message = build_introduction_message("eva", place=("DE", None), **{MAIL: True})
        assert (await platform.send_messages("web-shop", message))["accepted"] == 1
        stored = replica_set.secondary[platform.internals.database.name]["customers"]
        while stored.count_documents({}) != 1:
            pass
        assert await read_visible_names(platform, MAIL, ["eva"]) == {"eva"}
        with replica_set.hold_back_secondary():
            before = list(stored.find())
            refusal = build_introduction_message("eva", place=("DE", None), **{MAIL: False})
            outcome = await platform.send_messages("web-shop", {**refusal, "messageId": "no"})
            assert outcome["accepted"] == 1
            for _ in range(5):
                assert await read_visible_names(platform, MAIL, ["eva"]) == set()
            assert await read_visible_names(platform, SUPPORT, ["eva"]) == {"eva"}
            assert list(stored.find()) == before, "the secondary did not lag"
