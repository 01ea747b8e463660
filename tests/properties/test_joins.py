"""Customers join only what they have proven, whatever a stranger has stolen, typed or guessed (promise 9).

Vera has two accounts and so has Mallory. Each address is proven by one account and typed into an account of
the other. Mallory has sessions of Vera that are older than ten minutes, every token that Vera has already
used to join, all ids of records, and her own mailbox.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from discretion.catalogue.assurance import Assurance
from discretion.domain.identity import personal_joins
from discretion.domain.requests import code_addresses, proven_spelling
from discretion.domain.requests.one_time_codes import OneTimeCodes
from discretion.store.agents import ReplayStore
from discretion.token.grant import Grant
from tests.fixtures.clock import Clock
from tests.fixtures.examples import scale_examples
from tests.fixtures.mongo import CommandRecorder, borrow_database
from tests.fixtures.platform import PlatformUnderTest, build_test_platform
from tests.fixtures.proofs import add_external_id
from tests.properties.settings import PROPERTY_SETTINGS, LoopRunner

pytestmark = pytest.mark.slow

VERA, MALLORY = ("vera-1", "vera-2"), ("mallory-1", "mallory-2")
ACCOUNTS = (*VERA, *MALLORY)
TYPED = {"vera-1": "mallory-2", "vera-2": "mallory-1", "mallory-1": "vera-1", "mallory-2": "vera-2"}
"""By account, the account whose address somebody has typed into it."""

OWN = "{ me { id mayBeYours { id } } }"
JOIN_LOGINS = "mutation($token: String!) { joinLogins(token: $token) { id } }"
SEND = "mutation($record: ID!) { sendRecordCode(record: $record) { until } }"
JOIN_RECORD = "mutation($record: ID!, $code: String!) { joinRecord(record: $record, code: $code) { id } }"
MERGE = """mutation($ids: [ID!]!) {
  merge(customers: $ids, reason: "D-17", ownersInformed: true) { identityHistory { nodes { id } } }
}"""
UNMERGE = "mutation($merge: ID!) { unmerge(merge: $merge) { id } }"
STALE_S = 1800
POPULATIONS = itertools.count()


@dataclass
class World:
    """One population on a platform, with what Mallory has collected and what the steward has separated."""

    platform: PlatformUnderTest
    clock: Clock
    number: int
    used_tokens: list[str] = field(default_factory=list)
    codes: dict[str, list[str]] = field(default_factory=lambda: {"vera": [], "mallory": []})
    records: set[str] = field(default_factory=set)
    separated: set[frozenset[str]] = field(default_factory=set)

    def log_in(self, account: str, ago_s: int = 0) -> str:
        """Return the token of a login some seconds ago."""
        login = self.clock() // 1000 - ago_s
        subject = f"{account}-{self.number}"
        return self.platform.issue_token(
            "customer", subject=subject, client="privacy-office", authenticated=login
        )

    async def create(self) -> None:
        """Create the accounts."""
        messages = []
        for account in ACCOUNTS:
            subject = f"{account}-{self.number}"
            traits = {"email": f"{subject}@post.example", "emailVerified": True}
            message = {"type": "identify", "messageId": subject, "userId": subject, "traits": traits}
            typed = f"{TYPED[account]}-{self.number}@post.example"
            messages.append(add_external_id(message, "email", typed))
        await self.platform.send_messages("web-shop", *messages)
        self.clock.advance(60_000)
        for account in ACCOUNTS:
            self.records.update(await self.list_possible(self.log_in(account)))

    async def list_possible(self, token: str) -> list[str]:
        """Return the ids of the records that may be of a login."""
        answer = await self.platform.query(OWN, token)
        return [record["id"] for record in answer["data"]["me"]["mayBeYours"]]

    async def read_customers(self) -> dict[str, str]:
        """Return the customer of each account."""
        customers = {}
        for account in ACCOUNTS:
            answer = await self.platform.query("{ me { id } }", self.log_in(account))
            customers[account] = answer["data"]["me"]["id"]
        return customers

    async def join_logins(self, own: str, other: str) -> bool:
        """Join two logins by tokens; return whether it succeeded."""
        answer = await self.platform.query(JOIN_LOGINS, own, {"token": other})
        return "errors" not in answer

    async def send_codes(self, token: str) -> None:
        """Have codes sent for every record that a login may ask for, and put them into the mailboxes."""
        proofing = self.platform.internals.requests.identity_proofing
        for record in sorted(self.records):
            await self.platform.query(SEND, token, {"record": record})
        # They are sent after the answer.
        await asyncio.gather(*proofing.codes._message_tasks)
        for recipient, code in take_codes(proofing.mailer.outbox):
            if f"-{self.number}@" in recipient:
                self.codes[recipient.partition("-")[0]].append(code)

    async def enter_codes(self, token: str, codes: Sequence[str]) -> None:
        """Enter codes for every record."""
        for record in sorted(self.records):
            for code in codes[-2:]:
                await self.platform.query(JOIN_RECORD, token, {"record": record, "code": code})


def take_codes(outbox: Path) -> list[tuple[str, str]]:
    """Return the recipients and codes of all mails in a folder, and delete them."""
    codes = []
    for path in sorted(outbox.glob("*.eml")):
        message = message_from_bytes(path.read_bytes())
        path.unlink()
        match = re.search(r"\b\d{8}\b", str(message.get_payload()))
        if match is not None:
            codes.append((str(message["To"]), match.group()))
    return codes


Action = Callable[[World], Awaitable[None]]


async def _vera_joins_her_logins(world: World) -> None:
    own, other = world.log_in(VERA[0]), world.log_in(VERA[1])
    if await world.join_logins(own, other):
        world.used_tokens.append(other)


async def _vera_asks_for_codes(world: World) -> None:
    for account in VERA:
        await world.send_codes(world.log_in(account))


async def _vera_enters_her_codes(world: World) -> None:
    for account in VERA:
        await world.enter_codes(world.log_in(account), world.codes["vera"])


async def _mallory_joins_an_old_session(world: World) -> None:
    await world.join_logins(world.log_in(MALLORY[0]), world.log_in(VERA[1], STALE_S))
    await world.join_logins(world.log_in(VERA[0], STALE_S), world.log_in(MALLORY[0]))


async def _mallory_joins_a_used_token(world: World) -> None:
    for token in world.used_tokens:
        await world.join_logins(world.log_in(MALLORY[1]), token)


async def _mallory_asks_for_codes(world: World) -> None:
    for account in MALLORY:
        await world.send_codes(world.log_in(account))


async def _mallory_asks_in_an_old_session(world: World) -> None:
    for account in VERA:
        await world.send_codes(world.log_in(account, STALE_S))


async def _mallory_enters_her_codes(world: World) -> None:
    """With her own logins, and in Vera's old sessions."""
    for account in MALLORY:
        await world.enter_codes(world.log_in(account), world.codes["mallory"])
    for account in VERA:
        await world.enter_codes(world.log_in(account, STALE_S), world.codes["mallory"])


async def _mallory_guesses(world: World) -> None:
    for account in MALLORY:
        await world.enter_codes(world.log_in(account), ["00000000"])


async def _steward_separates_veras(world: World) -> None:
    """The two were one household, not one person."""
    steward = world.platform.issue_token("steward")
    customers = await world.read_customers()
    ids = sorted({customers[account] for account in VERA})
    if len(ids) == 2 and len(set(customers.values())) == len(ACCOUNTS):
        merged = await world.platform.query(MERGE, steward, {"ids": ids})
        merge = merged["data"]["merge"]["identityHistory"]["nodes"][0]["id"]
        await world.platform.query(UNMERGE, steward, {"merge": merge})
        world.separated.add(frozenset(VERA))


ACTIONS: dict[str, Action] = {
    action.__name__.strip("_").replace("_", " "): action
    for action in (
        _vera_joins_her_logins,
        _vera_asks_for_codes,
        _vera_enters_her_codes,
        _mallory_joins_an_old_session,
        _mallory_joins_a_used_token,
        _mallory_asks_for_codes,
        _mallory_asks_in_an_old_session,
        _mallory_enters_her_codes,
        _mallory_guesses,
        _steward_separates_veras,
    )
}


@asynccontextmanager
async def open_world_platform(mongo_url: str, folder: Path) -> AsyncIterator[tuple[PlatformUnderTest, Clock]]:
    """Yield a platform with a clock, whose mail is written to a folder."""
    commands, clock = CommandRecorder(), Clock("2026-11-02T10:00")
    async with borrow_database(mongo_url, "pymongo", [commands]) as database:
        platform = await build_test_platform(database, folder, commands, clock=clock)
        async with platform.http:
            yield platform, clock


class Stranger:
    """Runs attacks on a platform. It is a class of its own because Hypothesis prints what a test gets."""

    def __init__(self, loop: LoopRunner, platform: PlatformUnderTest, clock: Clock) -> None:
        self._loop = loop
        self._platform = platform
        self._clock = clock

    def attack(self, names: Sequence[str]) -> list[str]:
        """Run actions on a population of its own, and return what they have wrongly joined."""
        joined: list[str] = self._loop.run(self._run(names))
        return joined

    async def _run(self, names: Sequence[str]) -> list[str]:
        world = World(self._platform, self._clock, next(POPULATIONS))
        self._clock.advance(3_600_000)  # the limits of codes are those of an hour
        await world.create()
        for name in names:
            await ACTIONS[name](world)
            self._clock.advance(61_000)  # and those of tries are those of a minute
        customers = await world.read_customers()
        return [
            f"{left} and {right} are one"
            for left, right in combinations(ACCOUNTS, 2)
            if customers[left] == customers[right]
            and (left[:4] != right[:4] or frozenset({left, right}) in world.separated)
        ]


@pytest.fixture(scope="module")
def stranger(
    loop: LoopRunner, mongo_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stranger]:
    """Yield a stranger on one platform for all examples."""
    for platform, clock in loop.enter(open_world_platform(mongo_url, tmp_path_factory.mktemp("joins"))):
        yield Stranger(loop, platform, clock)


def list_actions(names: Sequence[str] = tuple(ACTIONS)) -> Any:
    """Draw names of actions."""
    return st.lists(st.sampled_from(sorted(names)), min_size=1, max_size=6)


@given(names=list_actions())
@settings(PROPERTY_SETTINGS, max_examples=scale_examples(12))
def test_only_what_a_person_has_proven_is_joined(stranger: Stranger, names: list[str]) -> None:
    assert stranger.attack(names) == []


def test_vera_joins_what_is_hers(stranger: Stranger) -> None:
    """The law would hold if nobody could join anything."""

    async def join() -> set[str]:
        world = World(stranger._platform, stranger._clock, next(POPULATIONS))
        await world.create()
        await ACTIONS["vera joins her logins"](world)
        customers = await world.read_customers()
        return {customers[account] for account in VERA}

    assert len(stranger._loop.run(join())) == 1


def _every_login_is_fresh(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Grant, "has_fresh_login", lambda _grant, _now_ms: True)


def _a_token_joins_again(patch: pytest.MonkeyPatch) -> None:
    async def remember(_store: ReplayStore, _digest: bytes, _until_ms: int) -> bool:
        return True

    patch.setattr(ReplayStore, "remember", remember)


def _a_join_overrules_a_steward(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(personal_joins, "find_contradicted_rulings", lambda *_, **__: [])


def _any_code_is_right(patch: pytest.MonkeyPatch) -> None:
    async def matches(_codes: OneTimeCodes, _hash: str, _code: str) -> bool:
        return True

    patch.setattr(OneTimeCodes, "_matches", matches)


def _a_code_goes_to_a_claimed_address(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(code_addresses, "Assurance", SimpleNamespace(PROVEN=Assurance.CLAIMED))
    patch.setattr(proven_spelling, "Assurance", SimpleNamespace(PROVEN=Assurance.CLAIMED))
    patch.setattr(code_addresses, "find_replacement", lambda *_: None)


MUTANTS: list[tuple[Callable[[pytest.MonkeyPatch], None], tuple[str, ...]]] = [
    (_every_login_is_fresh, ("mallory joins an old session",)),
    (_every_login_is_fresh, ("mallory asks in an old session", "mallory enters her codes")),
    (_a_token_joins_again, ("vera joins her logins", "mallory joins a used token")),
    (_a_join_overrules_a_steward, ("steward separates veras", "vera joins her logins")),
    (_any_code_is_right, ("mallory asks for codes", "mallory guesses")),
    (_a_code_goes_to_a_claimed_address, ("mallory asks for codes", "mallory enters her codes")),
]


@pytest.mark.parametrize(("mutant", "names"), MUTANTS, ids=lambda item: getattr(item, "__name__", None))
def test_each_guard_is_needed(
    stranger: Stranger,
    monkeypatch: pytest.MonkeyPatch,
    mutant: Callable[[pytest.MonkeyPatch], None],
    names: tuple[str, ...],
) -> None:
    """Without it, some attack joins what must stay separate."""
    mutant(monkeypatch)
    # It raises if no attack succeeds.
    find(
        list_actions(names),
        lambda attack: stranger.attack(attack) != [],
        settings=settings(PROPERTY_SETTINGS, max_examples=30, phases=(Phase.generate,)),
    )
