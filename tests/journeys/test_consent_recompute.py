"""``kill -9`` half-way through recomputing: started again it ends as if it had never been killed."""

from __future__ import annotations

import base64
import secrets
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from discretion.app.clock import now_ms
from discretion.catalogue.load import load
from discretion.domain.profiles.permission_window import standing
from discretion.domain.profiles.person_state import state_of
from discretion.law.load import load as load_law
from discretion.purpose.permission_engine import Judge
from tests.bench.recompute.population import People
from tests.fixtures.demo import PROGRAM
from tests.fixtures.server_process import environment, told
from tests.journeys.rule_changes import law

CUSTOMERS = 3_000
WAIT_S = 90
RECOMPUTE = ("consent", "recompute")
JUDGED = dict.fromkeys(("allow", "until", "later", "kinds", "rules", "laws", "restricted"), 1)


class Town:
    """An installation with customers in it, judged by the law that is shipped."""

    def __init__(self, mongo_url: str, folder: Path, jurisdictions: Path) -> None:
        name = f"journey_{secrets.token_hex(6)}"
        self._settings = {
            "DISCRETION_MONGO_URL": mongo_url,
            "DISCRETION_MONGO_DATABASE": name,
            "DISCRETION_ROOT_KEY": base64.urlsafe_b64encode(bytes(range(32))).decode(),
            "DISCRETION_DATA_DIR": str(folder / name),
        }
        self.client: Any = MongoClient(mongo_url)
        self.database = self.client[name]
        told(self._settings, "source", "key", "web-shop")
        self._settings["DISCRETION_JURISDICTIONS_DIR"] = str(jurisdictions)

    def sow(self, people: People) -> None:
        """The same people as in every other town."""
        made = list(people.some(CUSTOMERS))
        self.database["customers"].insert_many([one for one, _ in made])
        self.database["source_records"].insert_many([record for _, records in made for record in records])

    def recompute(self, *options: str) -> str:
        """What the command prints."""
        return told(self._settings, *RECOMPUTE, *options)

    def killed(self, rules: str) -> int:
        """Start it, kill it when it has judged some; how many that are."""
        out = subprocess.DEVNULL
        process = subprocess.Popen(
            [*PROGRAM, *RECOMPUTE], env=environment(self._settings), stdout=out, stderr=out
        )
        until = time.monotonic() + WAIT_S
        while self.judged(rules) == 0 and time.monotonic() < until:
            time.sleep(0.002)
        process.kill()
        assert process.wait(WAIT_S) < 0, "it ended before it was killed"
        before = -1
        while (done := self.judged(rules)) != before:  # MongoDB still does what it was last asked to
            before = done
            time.sleep(0.5)
        return done

    def judged(self, rules: str) -> int:
        """How many carry these rules."""
        count: int = self.database["customers"].count_documents({"rules": rules})
        return count

    def everybody(self) -> Mapping[bytes, Mapping[str, Any]]:
        """What of each customer recomputing writes."""
        return {one.pop("_id"): one for one in self.database["customers"].find({}, JUDGED)}

    def records(self) -> Mapping[bytes, list[dict[str, Any]]]:
        """Everybody's source records."""
        found: dict[bytes, list[dict[str, Any]]] = {}
        for one in self.database["source_records"].find():
            found.setdefault(one["customer"], []).append(one)
        return found

    def end(self) -> None:
        """Leave nothing."""
        self.client.drop_database(self.database.name)
        self.client.close()


def test_killed_and_started_again_it_ends_as_if_never_killed(mongo_url: str, tmp_path: Path) -> None:
    """Everybody is judged, each to the byte as by the pure rules; but for whom time turned meanwhile."""
    jurisdictions = law(tmp_path, us_tx=("model: opt_out", "model: opt_in"))
    catalogue = load(None)
    book = load_law(jurisdictions, catalogue)
    judge = Judge(catalogue, book.law)
    start = now_ms()
    towns = [Town(mongo_url, tmp_path, jurisdictions) for _ in range(2)]
    try:
        for town in towns:
            town.sow(People(catalogue, load_law(None, catalogue), start))
        broken, whole = towns
        assert f"{CUSTOMERS:,} customers judged" in broken.recompute("--dry-run")
        assert broken.judged(judge.version) == 0
        done = broken.killed(judge.version)
        assert 0 < done < CUSTOMERS
        assert f"{CUSTOMERS - done:,} customers judged" in broken.recompute()
        assert f"{CUSTOMERS:,} customers judged" in whole.recompute()
        assert "0 customers judged" in broken.recompute()
        records = broken.records()
        moments = (start, now_ms())
        turned = 0
        after, never = broken.everybody(), whole.everybody()
        assert after.keys() == never.keys() == records.keys()
        for customer, found in after.items():
            state = state_of(catalogue, book.of_place, records[customer])
            expected = [standing(judge, state, at) for at in moments]
            assert found in expected
            assert found == never[customer] or expected[0] != expected[1]
            turned += expected[0] != expected[1]
        assert turned < CUSTOMERS / 100
    finally:
        for town in towns:
            town.end()
