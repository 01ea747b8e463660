"""Whoever was one customer with whom, each sees which of their own attributes were read, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discretion.domain.identity.stewardship import Stewardship
from discretion.store.source_record_codec import CUSTOMER, SOURCE
from tests.fixtures.examples import scale_examples
from tests.fixtures.platform import PlatformUnderTest, open_platform
from tests.properties.random_population import delete_everything
from tests.properties.settings import PROPERTY_SETTINGS, LoopRunner

STEWARD = "steward:privacy-office"
COMMON = "identity.givenName"
OWN = {"web-shop": "contact.email", "ios-app": "contact.phone", "tills": "identity.familyName"}
TRAITS = {
    "web-shop": {"firstName": "Ann", "email": "ann@shop.example"},
    "ios-app": {"firstName": "Bea", "phone": "+44 20 7946 0124"},
    "tills": {"firstName": "Eve", "lastName": "Lind"},
}
READ = "identity { givenName familyName } contact { email phone }"
READ_ALL = f"{{ customers(first: 10) {{ nodes {{ {READ} }} }} }}"
READ_ONE = f"query($id: ID!) {{ customer(id: $id) {{ {READ} }} }}"
DISCLOSURES = (
    "{ customers(first: 10) { nodes { id disclosures(first: 100) { nodes { receipt attributes } } } } }"
)


@dataclass(frozen=True)
class Merge:
    """A steward merges the customers of two sources."""

    first: str
    second: str


@dataclass(frozen=True)
class Unmerge:
    """A steward undoes one of the merges so far."""

    number: int


@dataclass(frozen=True)
class Read:
    """Somebody reads the customer of a source; None reads all customers with one operation."""

    source: str | None


sources = st.sampled_from(sorted(OWN))
steps = st.lists(
    st.builds(Merge, sources, sources)
    | st.builds(Unmerge, st.integers(0, 5))
    | st.builds(Read, st.none() | sources),
    min_size=3,
    max_size=12,
)


@pytest.fixture(scope="module")
def platform(
    loop: LoopRunner, mongo_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PlatformUnderTest]:
    """Yield one platform for all examples; each example empties it."""
    yield from loop.enter(open_platform(mongo_url, tmp_path_factory.mktemp("splits")))


@dataclass
class Story:
    """Three people, and by receipt which of them each disclosed customer was."""

    platform: PlatformUnderTest
    disclosed: dict[str, list[frozenset[str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.stewardship = Stewardship(self.platform.internals.retention_sweep.rewriter)
        self.token = self.platform.issue_token(scopes=["steward"], purposes=["essential"])

    async def begin(self) -> None:
        """Take in all three."""
        await delete_everything(self.platform)
        for source, traits in TRAITS.items():
            message = {"type": "identify", "messageId": source, "userId": f"u-{source}", "traits": traits}
            await self.platform.send_messages(source, message)

    async def list_customers(self) -> dict[bytes, frozenset[str]]:
        """Return the sources of the records of each customer."""
        records = await self.platform.internals.database.find("source_records", {})
        return {
            customer: frozenset(record[SOURCE] for record in records if record[CUSTOMER] == customer)
            for customer in {record[CUSTOMER] for record in records}
        }

    async def find_customer(self, source: str) -> bytes:
        """Return the customer of a source."""
        customers = await self.list_customers()
        return next(customer for customer, members in customers.items() if source in members)

    async def take_step(self, step: Merge | Unmerge | Read) -> None:
        """Take one step of an example."""
        match step:
            case Merge(first=first, second=second):
                customers = [await self.find_customer(first), await self.find_customer(second)]
                if len(set(customers)) > 1:
                    await self.stewardship.merge(customers, STEWARD, "D-17", owners_informed=True)
            case Unmerge(number=number):
                query = {"kind": "merged"}
                events = await self.platform.internals.database.find(
                    "identity_events", query, {"_id": 1}, sort=[("at", 1)]
                )
                if events:
                    await self.stewardship.unmerge(events[number % len(events)]["_id"], STEWARD)
            case Read(source=None):
                await self.read(READ_ALL, list((await self.list_customers()).values()))
            case Read(source=source):
                assert source is not None
                customer = await self.find_customer(source)
                encode = self.platform.internals.discloser.revealer.pairwise.build_encoder
                members = (await self.list_customers())[customer]
                await self.read(READ_ONE, [members], id=encode("client", b"customer")(customer))

    async def read(self, query: str, customers: list[frozenset[str]], **variables: Any) -> None:
        """Read customers, and note whom the receipt is about."""
        answer = await self.platform.query(query, self.token, variables)
        assert "errors" not in answer, answer
        self.disclosed[answer["extensions"]["disclosure"]["receipt"]] = customers

    async def check(self) -> None:
        """Compare what each customer sees with what was read of their own records."""
        answer = await self.platform.query(DISCLOSURES, self.token)
        nodes = answer["data"]["customers"]["nodes"]
        decode = self.platform.internals.discloser.revealer.pairwise.decode
        customers = await self.list_customers()
        assert len(nodes) == len(customers)
        for node in nodes:
            customer = decode("client", b"customer", node["id"])
            assert customer is not None
            members = customers[customer]
            expected = {
                receipt: {COMMON, *(OWN[source] for each in disclosed for source in each & members)}
                for receipt, disclosed in self.disclosed.items()
                if any(each & members for each in disclosed)
            }
            shown = {
                entry["receipt"]: set(entry["attributes"])
                for entry in node["disclosures"]["nodes"]
                if entry["receipt"] in self.disclosed
            }
            assert shown == expected


@given(steps=steps)
@settings(PROPERTY_SETTINGS, max_examples=scale_examples(12))
def test_each_sees_what_was_read_of_their_own_records(
    loop: LoopRunner, platform: PlatformUnderTest, steps: list[Merge | Unmerge | Read]
) -> None:
    """After merges and separations in any order, and reads of one or all in between."""

    async def run() -> None:
        story = Story(platform)
        await story.begin()
        for step in steps:
            await story.take_step(step)
        await story.check()

    loop.run(run())
