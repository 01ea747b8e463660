"""What is measured is what there would be: documents that MongoDB takes, judged as they are judged."""

from __future__ import annotations

from discretion.app.clock import now_ms
from discretion.catalogue.load import load
from discretion.domain.consent.recompute import Rejudge
from discretion.law.load import load as load_law
from discretion.store.driver.database import Database
from tests.bench.recompute.population import RECORDS, People
from tests.fixtures.platform import House

CUSTOMERS = 300


async def test_they_are_taken_and_nobody_is_to_be_judged_anew(house: House, database: Database) -> None:
    """They fit the schemas of their collections, carry the rules in force, and no two states are alike."""
    catalogue = load(None)
    made = list(People(catalogue, load_law(None, catalogue), now_ms()).some(CUSTOMERS))
    await database.insert_many("customers", [one for one, _ in made])
    await database.insert_many("source_records", [record for _, records in made for record in records])
    rejudge: Rejudge = house.platform.rejudge
    assert await rejudge.waiting() == 0
    each = sum(len(records) for _, records in made) / CUSTOMERS
    assert abs(each - sum(many * often for many, often in RECORDS)) < 0.2
    spoken = [
        sorted(one["t"] for one in record["words"].values())
        for _, records in made
        for record in records
        if record["words"]
    ]
    assert len({tuple(one) for one in spoken}) == len(spoken)
