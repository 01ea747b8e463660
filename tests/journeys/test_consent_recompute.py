"""``kill -9`` during ``consent recompute``: a second run ends as if the first had never been killed."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from discretion.app.clock import now_ms
from discretion.catalogue.load import load_catalogue
from discretion.domain.profiles.permission_window import build_permission_window
from discretion.domain.profiles.person_state import build_person_state
from discretion.law.load import load_lawbook
from discretion.plan.customer_members import RULES
from discretion.purpose.permission_engine import PermissionEngine
from discretion.store.customer_codec import StoredPermissions, parse_permissions
from discretion.store.source_record_codec import CUSTOMER, parse_record
from tests.bench.recompute.population import CustomerGenerator
from tests.fixtures.program import start_program
from tests.fixtures.server_process import environment, run_command
from tests.fixtures.waiting import WAIT_S
from tests.journeys.rule_changes import write_law

CUSTOMERS = 1_500
RECOMPUTE = ("consent", "recompute")


class Installation:
    """A database with customers whose permissions were computed under the shipped law."""

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
        run_command(self._settings, "source", "key", "web-shop")
        self._settings["DISCRETION_JURISDICTIONS_DIR"] = str(jurisdictions)
        run_command(self._settings, "rules", "activate", "--yes")

    def insert_population(self, people: CustomerGenerator) -> None:
        """Insert the same customers as in every other installation."""
        customers = list(people.generate_customers(CUSTOMERS))
        self.database["customers"].insert_many([customer for customer, _ in customers])
        self.database["source_records"].insert_many(
            [record for _, records in customers for record in records]
        )

    def recompute(self, *options: str) -> str:
        """Run the command and return its output."""
        return run_command(self._settings, *RECOMPUTE, *options)

    def kill_midway(self, rules: str) -> int:
        """Start the command, kill it after it has recomputed some customers, and return how many."""
        process = start_program(RECOMPUTE, environment(self._settings))
        deadline = time.monotonic() + WAIT_S
        while self.count_recomputed(rules) == 0 and time.monotonic() < deadline:
            time.sleep(0.002)
        process.kill()
        assert process.wait(WAIT_S) < 0, "the process ended before it was killed"
        previous = -1
        # MongoDB still completes the last command, so wait until the count stays the same.
        while (recomputed := self.count_recomputed(rules)) != previous or self._is_writing():
            previous = recomputed
            time.sleep(0.5)
        return recomputed

    def _is_writing(self) -> bool:
        """Return whether MongoDB still runs a command on this database."""
        running = self.database.client.admin.aggregate(
            [{"$currentOp": {}}, {"$match": {"ns": {"$regex": f"^{self.database.name}\\."}}}]
        )
        return bool(list(running))

    def count_recomputed(self, rules: str) -> int:
        """Return how many customers carry this version of the rules."""
        count: int = self.database["customers"].count_documents({RULES: rules})
        return count

    def read_recomputed_fields(self) -> Mapping[bytes, StoredPermissions]:
        """Return what each customer permits, which a recompute writes."""
        return {
            customer["_id"]: parse_permissions(customer) for customer in self.database["customers"].find()
        }

    def read_records(self) -> Mapping[bytes, list[dict[str, Any]]]:
        """Return the source records of each customer."""
        records_by_customer: dict[bytes, list[dict[str, Any]]] = {}
        for record in self.database["source_records"].find():
            records_by_customer.setdefault(record[CUSTOMER], []).append(record)
        return records_by_customer

    def drop(self) -> None:
        """Drop the database."""
        self.client.drop_database(self.database.name)
        self.client.close()


def test_a_killed_and_rerun_recompute_equals_an_uninterrupted_one(mongo_url: str, tmp_path: Path) -> None:
    """Each customer is recomputed, byte for byte as by the pure rules.

    The only exceptions are customers whose permissions change with time between the two runs.
    """
    jurisdictions = write_law(tmp_path, us_tx=("model: opt_out", "model: opt_in"))
    catalogue = load_catalogue(None)
    lawbook = load_lawbook(jurisdictions, catalogue)
    engine = PermissionEngine(catalogue, lawbook.consent_law)
    start_ms = now_ms()
    installations = [Installation(mongo_url, tmp_path, jurisdictions) for _ in range(2)]
    try:
        for installation in installations:
            installation.insert_population(
                CustomerGenerator(catalogue, load_lawbook(None, catalogue), start_ms)
            )
        interrupted, uninterrupted = installations
        assert f"{CUSTOMERS:,} customers recomputed" in interrupted.recompute("--dry-run")
        assert interrupted.count_recomputed(engine.version) == 0
        recomputed = interrupted.kill_midway(engine.version)
        assert 0 < recomputed < CUSTOMERS
        assert f"{CUSTOMERS - recomputed:,} customers recomputed" in interrupted.recompute()
        assert f"{CUSTOMERS:,} customers recomputed" in uninterrupted.recompute()
        assert "0 customers recomputed" in interrupted.recompute()
        records = interrupted.read_records()
        moments = (start_ms, now_ms())
        changed_meanwhile = 0
        resumed_fields, uninterrupted_fields = (
            interrupted.read_recomputed_fields(),
            uninterrupted.read_recomputed_fields(),
        )
        assert resumed_fields.keys() == uninterrupted_fields.keys() == records.keys()
        for customer, fields in resumed_fields.items():
            state = build_person_state(
                catalogue,
                lawbook.find_key_of_place,
                [parse_record(record) for record in records[customer]],
            )
            expected = [build_permission_window(engine, state, moment) for moment in moments]
            assert fields in expected
            assert fields == uninterrupted_fields[customer] or expected[0] != expected[1]
            changed_meanwhile += expected[0] != expected[1]
        assert changed_meanwhile < CUSTOMERS / 100
    finally:
        for installation in installations:
            installation.drop()
