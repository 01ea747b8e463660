"""Many processes act as one (promise 8): late, repeated and concurrent messages give the same customers.

Two ``discretion serve`` share a database and keys, as in an installation, and coordinate through MongoDB.
The expected result comes from one process that receives the messages in reverse order. A merge or unmerge
by a steward concerns the records at that time, so messages are reordered only between two such actions.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from discretion.domain.identity.api.identity import EVENT_ID_KIND
from discretion.seal.key_files import derive_key
from discretion.seal.pairwise_ids import PairwiseIds
from discretion.store.driver.connection import connect_database
from tests.fixtures.examples import scale_examples
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import ROLES_BY_NAME, ROOT_KEY, PlatformUnderTest, build_test_platform
from tests.fixtures.server_process import start_server
from tests.fixtures.waiting import WAIT_S
from tests.properties.message_streams import SentMessage, message
from tests.properties.random_population import CATALOGUE, delete_everything, read_people, send_one_by_one
from tests.properties.settings import PROPERTY_SETTINGS, LoopRunner
from tests.properties.test_unmerge import MERGE, UNMERGE, run_as_steward

CUSTOMER_QUERY = "query($who: IdentifierInput!) { customer(identifier: $who) { id } }"
Identifier = tuple[str, str]


@dataclass(frozen=True)
class StewardAction:
    """An action of a steward: a merge of the customers with two identifiers, or the unmerge of a merge id."""

    identifiers: tuple[Identifier, ...] = ()
    merge: str = ""


@dataclass(frozen=True)
class TwoProcesses:
    """A database with two server processes, and a database with a platform in this process."""

    loop: LoopRunner
    processes: tuple[PlatformUnderTest, PlatformUnderTest]
    single: PlatformUnderTest


@asynccontextmanager
async def open_on_database(mongo_url: str, folder: Path) -> AsyncIterator[tuple[str, PlatformUnderTest]]:
    """Open a platform on a database of its own; yield the name of the database and the platform."""
    name = f"law_{secrets.token_hex(6)}"
    database = await connect_database(mongo_url, name)
    try:
        platform = await build_test_platform(database, folder, CommandRecorder())
        async with platform.http:
            yield name, platform
    finally:
        await database.command({"dropDatabase": 1})
        await database.close()


@asynccontextmanager
async def open_processes(loop: LoopRunner, mongo_url: str, folder: Path) -> AsyncIterator[TwoProcesses]:
    """Open both databases and both processes; all of them use the same keys."""
    async with AsyncExitStack() as stack:
        _, single = await stack.enter_async_context(open_on_database(mongo_url, folder))
        name, shared = await stack.enter_async_context(open_on_database(mongo_url, folder))
        environ = {
            "DISCRETION_MONGO_URL": mongo_url,
            "DISCRETION_MONGO_DATABASE": name,
            "DISCRETION_ROOT_KEY": base64.urlsafe_b64encode(ROOT_KEY).decode(),
            "DISCRETION_DATA_DIR": str(folder),
            "DISCRETION_BUCKETS": "64",
        }

        async def process(log: str) -> PlatformUnderTest:
            server = stack.enter_context(start_server(environ, folder / log))
            http = httpx.AsyncClient(base_url=server.url, timeout=WAIT_S)
            return replace(shared, http=await stack.enter_async_context(http))

        yield TwoProcesses(loop, (await process("one.log"), await process("other.log")), single)


@pytest.fixture(scope="module")
def installation(
    loop: LoopRunner, mongo_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TwoProcesses]:
    """Yield one installation for all runs; each run empties it."""
    yield from loop.enter(open_processes(loop, mongo_url, tmp_path_factory.mktemp("processes")))


def read_own_identifier(sent_message: SentMessage) -> Identifier:
    """Return the identifier that the source of a message uses for the person."""
    source, body = CATALOGUE.sources[sent_message[0]], sent_message[1]
    if "userId" in body:
        return source.user_id, body["userId"]
    return source.anonymous_id, body["anonymousId"]


async def find_customer_id(platform: PlatformUnderTest, identifier: Identifier) -> str | None:
    """Return the id of the customer with an identifier."""
    variable = {"type": identifier[0], "value": identifier[1]}
    customer = (await run_as_steward(platform, CUSTOMER_QUERY, who=variable))["customer"]
    return customer and str(customer["id"])


async def merge_by_identifiers(platform: PlatformUnderTest, identifiers: Sequence[Identifier]) -> bool:
    """Merge the customers with these identifiers; return whether they were distinct customers."""
    ids = {await find_customer_id(platform, identifier) for identifier in identifiers}
    if None in ids or len(ids) < len(identifiers):
        return False
    await run_as_steward(platform, MERGE, ids=sorted(map(str, ids)))
    return True


async def list_merge_ids(platform: PlatformUnderTest) -> list[str]:
    """Return the ids of all merges, ordered by the merged records, which are the same in every run."""
    events = await platform.internals.database.find("identity_events", {"kind": "merged"})
    encode_id = PairwiseIds(derive_key(ROOT_KEY, "pairwise")).build_encoder(
        ROLES_BY_NAME["steward"].client, EVENT_ID_KIND
    )
    events = sorted(events, key=lambda event: (sorted(event["sides"]), event["at"]))
    return [encode_id(event["_id"]) for event in events]


async def replay_backwards(
    platform: PlatformUnderTest, periods: Sequence[Sequence[SentMessage]], actions: Sequence[StewardAction]
) -> list[str]:
    """Send each period's messages, the newest first, then run the steward's action; return the customers.

    Messages mostly arrive in order, so this order reveals what depends on their arrival.

    Merges that are undone must be stored in this platform before.
    """
    for period, action in zip(periods, [*actions, StewardAction()], strict=True):
        ordered = sorted(period, key=lambda sent_message: str(sent_message[1]["messageId"]), reverse=True)
        assert set(await send_one_by_one(platform, ordered)) <= {"accepted"}
        if action.identifiers:
            assert await merge_by_identifiers(platform, action.identifiers)
        if action.merge:
            await run_as_steward(platform, UNMERGE, merge=action.merge)
    return await read_people(platform)


processes = st.integers(0, 1)
process_choices = st.sampled_from([(0,), (1,), (0, 1)])
"""Send through the first process, the second, or both."""


class MessageTraffic(RuleBasedStateMachine):
    """Messages through two processes, with merges and unmerges by a steward in between."""

    sent_messages: Bundle[SentMessage] = Bundle("sent_messages")
    held_messages: Bundle[SentMessage] = Bundle("held_messages")

    def __init__(self, installation: TwoProcesses) -> None:
        super().__init__()
        self.installation, self.loop = installation, installation.loop
        self.message_count = 0
        self.late_messages: dict[str, SentMessage] = {}
        self.statuses: dict[str, list[str]] = {}
        self.periods: list[list[SentMessage]] = [[]]
        self.actions: list[StewardAction] = []
        self.loop.run(self._delete_everything())

    @initialize(target=sent_messages, bodies=st.lists(message(), min_size=4, max_size=8))
    def send_first_messages(self, bodies: list[SentMessage]) -> MultipleResults[SentMessage]:
        """Send messages so that there are customers at the start."""
        new = [self._numbered(body) for body in bodies]
        self._send([(number % 2, sent) for number, sent in enumerate(new)])
        return multiple(*new)

    @rule(target=sent_messages, body=message(), process=processes)
    def send_new_message(self, body: SentMessage, process: int) -> SentMessage:
        """Send a new message."""
        sent = self._numbered(body)
        assert self._send([(process, sent)]) == ["accepted"]
        return sent

    @rule(sent=sent_messages, process=processes)
    def resend_message(self, sent: SentMessage, process: int) -> None:
        """Send a message again, through either process."""
        assert self._send([(process, sent)]) == ["duplicate"]

    @rule(
        target=sent_messages,
        bodies=st.lists(st.tuples(message(), process_choices), min_size=2, max_size=5),
        earlier=sent_messages,
        again=process_choices,
    )
    def send_at_once(
        self, bodies: list[tuple[SentMessage, Sequence[int]]], earlier: SentMessage, again: Sequence[int]
    ) -> MultipleResults[SentMessage]:
        """Send messages concurrently, some through both processes, of which one accepts each message."""
        new = [(self._numbered(body), where) for body, where in bodies]
        self._send([(process, sent) for sent, where in [*new, (earlier, again)] for process in where])
        return multiple(*(sent for sent, _ in new))

    @rule(target=held_messages, body=message())
    def hold_back_message(self, body: SentMessage) -> SentMessage:
        """Hold a message back, as a phone without a network does."""
        sent = self._numbered(body)
        self.late_messages[sent[1]["messageId"]] = sent
        return sent

    @rule(target=sent_messages, sent=consumes(held_messages), process=processes)
    def deliver_late_message(self, sent: SentMessage, process: int) -> SentMessage:
        """Send a message after newer messages."""
        del self.late_messages[sent[1]["messageId"]]
        assert self._send([(process, sent)]) == ["accepted"]
        return sent

    @rule(first=sent_messages, second=sent_messages, process=processes)
    def merge_as_steward(self, first: SentMessage, second: SentMessage, process: int) -> None:
        """Merge the customers of two messages, if they are distinct."""
        identifiers = (read_own_identifier(first), read_own_identifier(second))
        if self.loop.run(merge_by_identifiers(self.installation.processes[process], identifiers)):
            self._record_action(StewardAction(identifiers=identifiers))

    @rule(pick=st.integers(0, 5), process=processes)
    def unmerge_as_steward(self, pick: int, process: int) -> None:
        """Undo any merge, by a steward or by evidence."""
        platform = self.installation.processes[process]
        if merges := self.loop.run(list_merge_ids(platform)):
            merge = merges[pick % len(merges)]
            self.loop.run(run_as_steward(platform, UNMERGE, merge=merge))
            self._record_action(StewardAction(merge=merge))

    @invariant()
    def each_message_is_accepted_once(self) -> None:
        """Each further copy of a message is reported as a duplicate."""
        for statuses in self.statuses.values():
            assert sorted(statuses) == ["accepted", *["duplicate"] * (len(statuses) - 1)]

    def teardown(self) -> None:
        """Deliver the late messages; compare both processes with one that got all messages in reverse."""
        self._send([(number % 2, sent) for number, sent in enumerate(self.late_messages.values())])
        self.each_message_is_accepted_once()

        async def compare() -> None:
            expected = await replay_backwards(await self._copy_merges(), self.periods, self.actions)
            for process in self.installation.processes:
                assert await read_people(process) == expected

        self.loop.run(compare())

    def _numbered(self, sent: SentMessage) -> SentMessage:
        """Return a message with an id; ids increase in the order in which messages were created."""
        self.message_count += 1
        return sent[0], {**sent[1], "messageId": f"m{self.message_count:03}"}

    def _send(self, requests: Sequence[tuple[int, SentMessage]]) -> list[str]:
        """Send messages concurrently, each in its own request; return the status of each."""
        platforms = self.installation.processes

        async def send_all() -> list[dict[str, Any]]:
            return await asyncio.gather(
                *(platforms[at].send_messages(source, body) for at, (source, body) in requests)
            )

        statuses = []
        for answer, (_, sent) in zip(self.loop.run(send_all()), requests, strict=True):
            (result,) = answer["results"]
            if sent[1]["messageId"] not in self.statuses:
                self.periods[-1].append(sent)
            self.statuses.setdefault(sent[1]["messageId"], []).append(result["status"])
            statuses.append(result["status"])
        return statuses

    def _record_action(self, action: StewardAction) -> None:
        self.actions.append(action)
        self.periods.append([])

    async def _delete_everything(self) -> None:
        await delete_everything(self.installation.processes[0])
        await delete_everything(self.installation.single)

    async def _copy_merges(self) -> PlatformUnderTest:
        """Copy the merges with the ids that the steward used to the single platform; return the platform.

        A merge names the merged records, and records have the same ids wherever the root key is the same.
        """
        single = self.installation.single
        for event in await self.installation.processes[0].internals.database.find("identity_events", {}):
            await single.internals.database.replace_one(
                "identity_events", {"_id": event["_id"]}, event, upsert=True
            )
        return single


def test_two_processes_give_the_same_customers_as_one_in_reverse_order(installation: TwoProcesses) -> None:
    """This holds for late, repeated and concurrent messages, and for merges and unmerges in between."""

    class InstalledTraffic(MessageTraffic):
        def __init__(self) -> None:
            super().__init__(installation)

    machine_settings = settings(PROPERTY_SETTINGS, max_examples=scale_examples(15), stateful_step_count=15)
    run_state_machine_as_test(InstalledTraffic, settings=machine_settings)
