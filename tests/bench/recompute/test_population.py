"""The generated customers are valid documents with the permissions that the platform computes."""

from __future__ import annotations

from discretion.app.clock import now_ms
from discretion.catalogue.load import load_catalogue
from discretion.domain.consent.recompute import PermissionRecomputation
from discretion.law.load import load_lawbook
from discretion.store.driver.database import Database
from discretion.store.source_record_codec import EXPLICIT_CHOICES
from tests.bench.recompute.population import RECORD_COUNTS, CustomerGenerator
from tests.fixtures.platform import PlatformUnderTest

CUSTOMERS = 300


async def test_generated_customers_fit_the_schemas_and_need_no_recomputation(
    platform: PlatformUnderTest, database: Database
) -> None:
    """They fit the schemas of their collections, have the rules in effect, and no two states are equal."""
    catalogue = load_catalogue(None)
    customers = list(
        CustomerGenerator(catalogue, load_lawbook(None, catalogue), now_ms()).generate_customers(CUSTOMERS)
    )
    await database.insert_many("customers", [customer for customer, _ in customers])
    await database.insert_many("source_records", [record for _, records in customers for record in records])
    recomputation: PermissionRecomputation = platform.internals.permission_recomputation
    assert await recomputation.count_due() == 0
    records_per_customer = sum(len(records) for _, records in customers) / CUSTOMERS
    assert (
        abs(records_per_customer - sum(record_count * share for record_count, share in RECORD_COUNTS)) < 0.2
    )
    statement_times = [
        sorted(choice["t"] for choice in record[EXPLICIT_CHOICES].values())
        for _, records in customers
        for record in records
        if record[EXPLICIT_CHOICES]
    ]
    assert len({tuple(times) for times in statement_times}) == len(statement_times)
