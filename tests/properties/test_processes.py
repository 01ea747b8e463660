"""Many processes are one (promise 8): late, repeated, at once through two, the same people as backwards.

Two ``discretion serve`` share a database and keys, as they do in an installation; what they agree on,
they agree on through MongoDB. A steward's word is about the records there are when it is given, so
messages change places between two words and never across one.
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

from discretion.domain.identity.api.identity import EVENT_KIND
from discretion.seal.key_files import derive
from discretion.seal.pairwise_ids import Pairwise
from discretion.store.driver.database import connect
from tests.fixtures.mongo import Commands
from tests.fixtures.platform import ROLE, ROOT, House, build
from tests.fixtures.server_process import served
from tests.properties.message_streams import Sent, message
from tests.properties.random_population import CATALOGUE, empty, people, send
from tests.properties.settings import LAW, Loop
from tests.properties.test_unmerge import MERGE, UNMERGE, act

WHO = "query($who: IdentifierInput!) { customer(identifier: $who) { id } }"
Name = tuple[str, str]


@dataclass(frozen=True)
class Word:
    """A steward's: two names to be merged, or a merge, by its id, to be parted."""

    names: tuple[Name, ...] = ()
    merge: str = ""


@dataclass(frozen=True)
class Installation:
    """One database behind two processes, and one behind none."""

    run: Loop
    processes: tuple[House, House]
    alone: House


@asynccontextmanager
async def on_database(mongo_url: str, folder: Path) -> AsyncIterator[tuple[str, House]]:
    """A house on a database of its own, and the name of it."""
    name = f"law_{secrets.token_hex(6)}"
    database = await connect(mongo_url, name)
    try:
        house = await build(database, folder, Commands())
        async with house.http:
            yield name, house
    finally:
        await database.command({"dropDatabase": 1})
        await database.close()


@asynccontextmanager
async def installed(run: Loop, mongo_url: str, folder: Path) -> AsyncIterator[Installation]:
    """Both databases, both processes; all of them open what the same keys shut."""
    async with AsyncExitStack() as stack:
        _, alone = await stack.enter_async_context(on_database(mongo_url, folder))
        name, shared = await stack.enter_async_context(on_database(mongo_url, folder))
        environ = {
            "DISCRETION_MONGO_URL": mongo_url,
            "DISCRETION_MONGO_DATABASE": name,
            "DISCRETION_ROOT_KEY": base64.urlsafe_b64encode(ROOT).decode(),
            "DISCRETION_DATA_DIR": str(folder),
            "DISCRETION_BUCKETS": "64",
        }

        async def process(log: str) -> House:
            server = stack.enter_context(served(environ, folder / log))
            http = httpx.AsyncClient(base_url=server.url, timeout=30)
            return replace(shared, http=await stack.enter_async_context(http))

        yield Installation(run, (await process("one.log"), await process("other.log")), alone)


@pytest.fixture(scope="module")
def installation(
    run: Loop, mongo_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """One for all runs, emptied between them."""
    yield from run.enter(installed(run, mongo_url, tmp_path_factory.mktemp("processes")))


def own(sent: Sent) -> Name:
    """What the source of a message calls the person."""
    source, body = CATALOGUE.sources[sent[0]], sent[1]
    if "userId" in body:
        return source.user_id, body["userId"]
    return source.anonymous_id, body["anonymousId"]


async def called(house: House, name: Name) -> str | None:
    """The id of the customer with an identifier."""
    found = (await act(house, WHO, who={"type": name[0], "value": name[1]}))["customer"]
    return found and str(found["id"])


async def join(house: House, names: Sequence[Name]) -> bool:
    """Merge those who are called so; whether they were two."""
    ids = {await called(house, one) for one in names}
    if None in ids or len(ids) < len(names):
        return False
    await act(house, MERGE, ids=sorted(map(str, ids)))
    return True


async def merged(house: House) -> list[str]:
    """Ids of all merges, ordered by the records that met, which are the same in every run."""
    found = await house.platform.database.find("identity_events", {"kind": "merged"})
    shut = Pairwise(derive(ROOT, "pairwise")).shutter(ROLE["steward"].client, EVENT_KIND)
    return [shut(one["_id"]) for one in sorted(found, key=lambda one: (sorted(one["sides"]), one["at"]))]


async def backwards(house: House, periods: Sequence[Sequence[Sent]], words: Sequence[Word]) -> list[str]:
    """The people of a house that was told each period one by one, the newest first, and after it a word.

    Traffic mostly comes the oldest first: what hangs on arrival comes out otherwise here.

    Merges to be parted are to be known there already.
    """
    for period, word in zip(periods, [*words, Word()], strict=True):
        ordered = sorted(period, key=lambda one: str(one[1]["messageId"]), reverse=True)
        assert set(await send(house, ordered)) <= {"accepted"}
        if word.names:
            assert await join(house, word.names)
        if word.merge:
            await act(house, UNMERGE, merge=word.merge)
    return await people(house)


processes = st.integers(0, 1)
somewhere = st.sampled_from([(0,), (1,), (0, 1)])
"""Through the one, the other, or both."""


class Traffic(RuleBasedStateMachine):
    """Messages on their way through two processes, and a steward who has a say in between."""

    told: Bundle[Sent] = Bundle("told")
    kept: Bundle[Sent] = Bundle("kept")

    def __init__(self, installation: Installation) -> None:
        super().__init__()
        self.installation, self.run = installation, installation.run
        self.made = 0
        self.late: dict[str, Sent] = {}
        self.became: dict[str, list[str]] = {}
        self.periods: list[list[Sent]] = [[]]
        self.words: list[Word] = []
        self.run(self._empty())

    @initialize(target=told, bodies=st.lists(message(), min_size=4, max_size=8))
    def have_been_sent(self, bodies: list[Sent]) -> MultipleResults[Sent]:
        """There are people when the run begins."""
        new = [self._numbered(body) for body in bodies]
        self._send([(number % 2, sent) for number, sent in enumerate(new)])
        return multiple(*new)

    @rule(target=told, body=message(), process=processes)
    def is_sent(self, body: Sent, process: int) -> Sent:
        """A message nobody has seen."""
        sent = self._numbered(body)
        assert self._send([(process, sent)]) == ["accepted"]
        return sent

    @rule(sent=told, process=processes)
    def is_sent_again(self, sent: Sent, process: int) -> None:
        """By whichever process it was taken in."""
        assert self._send([(process, sent)]) == ["duplicate"]

    @rule(
        target=told,
        bodies=st.lists(st.tuples(message(), somewhere), min_size=2, max_size=5),
        earlier=told,
        again=somewhere,
    )
    def are_sent_at_once(
        self, bodies: list[tuple[Sent, Sequence[int]]], earlier: Sent, again: Sequence[int]
    ) -> MultipleResults[Sent]:
        """Some through both; of these one takes them in."""
        new = [(self._numbered(body), where) for body, where in bodies]
        self._send([(process, sent) for sent, where in [*new, (earlier, again)] for process in where])
        return multiple(*(sent for sent, _ in new))

    @rule(target=kept, body=message())
    def is_kept_back(self, body: Sent) -> Sent:
        """A phone without a network."""
        sent = self._numbered(body)
        self.late[sent[1]["messageId"]] = sent
        return sent

    @rule(target=told, sent=consumes(kept), process=processes)
    def arrives_late(self, sent: Sent, process: int) -> Sent:
        """After messages that were made after it."""
        del self.late[sent[1]["messageId"]]
        assert self._send([(process, sent)]) == ["accepted"]
        return sent

    @rule(one=told, other=told, process=processes)
    def steward_merges(self, one: Sent, other: Sent, process: int) -> None:
        """Whom two messages are about, if that is not one person."""
        names = (own(one), own(other))
        if self.run(join(self.installation.processes[process], names)):
            self._said(Word(names=names))

    @rule(pick=st.integers(0, 5), process=processes)
    def steward_unmerges(self, pick: int, process: int) -> None:
        """Any merge there was, whoever brought it about."""
        house = self.installation.processes[process]
        if merges := self.run(merged(house)):
            merge = merges[pick % len(merges)]
            self.run(act(house, UNMERGE, merge=merge))
            self._said(Word(merge=merge))

    @invariant()
    def each_message_is_accepted_once(self) -> None:
        """And a duplicate however often else."""
        for became in self.became.values():
            assert sorted(became) == ["accepted", *["duplicate"] * (len(became) - 1)]

    def teardown(self) -> None:
        """What is under way arrives, and both show the people that one shows who was told backwards."""
        self._send([(number % 2, sent) for number, sent in enumerate(self.late.values())])
        self.each_message_is_accepted_once()

        async def compare() -> None:
            wanted = await backwards(await self._knowing_merges(), self.periods, self.words)
            for process in self.installation.processes:
                assert await people(process) == wanted

        self.run(compare())

    def _numbered(self, sent: Sent) -> Sent:
        """With an id; ids are in the order in which messages were made."""
        self.made += 1
        return sent[0], {**sent[1], "messageId": f"m{self.made:03}"}

    def _send(self, requests: Sequence[tuple[int, Sent]]) -> list[str]:
        """All at once, each in a request of its own; what became of each."""
        houses = self.installation.processes

        async def sending() -> list[dict[str, Any]]:
            return await asyncio.gather(*(houses[at].tell(source, one) for at, (source, one) in requests))

        statuses = []
        for answer, (_, sent) in zip(self.run(sending()), requests, strict=True):
            (result,) = answer["results"]
            if sent[1]["messageId"] not in self.became:
                self.periods[-1].append(sent)
            self.became.setdefault(sent[1]["messageId"], []).append(result["status"])
            statuses.append(result["status"])
        return statuses

    def _said(self, word: Word) -> None:
        self.words.append(word)
        self.periods.append([])

    async def _empty(self) -> None:
        await empty(self.installation.processes[0])
        await empty(self.installation.alone)

    async def _knowing_merges(self) -> House:
        """The house alone, where the merges have the ids by which the steward parted them.

        A merge says which records met, and records have the same ids wherever the root key is the same.
        """
        alone = self.installation.alone
        for event in await self.installation.processes[0].platform.database.find("identity_events", {}):
            await alone.platform.database.replace_one(
                "identity_events", {"_id": event["_id"]}, event, upsert=True
            )
        return alone


def test_two_processes_show_what_one_shows_told_backwards(installation: Installation) -> None:
    """Whatever is late, repeated or at once, and whatever a steward says in between."""

    class Here(Traffic):
        def __init__(self) -> None:
            super().__init__(installation)

    run_state_machine_as_test(Here, settings=settings(LAW, max_examples=15, stateful_step_count=15))
