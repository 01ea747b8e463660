"""Trials of a withdrawal under load: people say yes and no through four processes and are read in all.

The law: no read that began after the answer to a withdrawal was received reveals what only the consent
had justified, whether by id, in a list or in a count. A read that began after the answer to a yes reveals
it, else nothing would have been put to the test.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from discretion.app import platform
from discretion.settings import Settings
from discretion.token.grant import SELF
from tests.bench.rival_install import ROOT, Installation, installed
from tests.fixtures.server_process import served

PROCESSES = 4
PEOPLE = 240
AT_ONCE = 12
"""People who say something at the same time."""
WATCHERS = 1
"""Readers of everybody, without a pause."""
CLIENT = "campaigns"
PURPOSE = "marketing.advertising.first_party"
LIFETIME_S = 24 * 3600
PAUSE_S = 0.05

READ = """query($id: ID!, $tag: String!) {
  node(id: $id) { ... on Customer { web { campaign } } }
  customers(filter: {web: {campaign: {eq: $tag}}}) { totalCount nodes { web { campaign } } } }"""
EVERYBODY = "{ customers(first: 500) { totalCount nodes { web { campaign } } } }"
WHO = 'query($v: String!) { customer(identifier: {type: "user_id", value: $v}) { id } }'
GIVE = (
    """mutation($p: String!) { setConsent(purposes: [{purpose: $p, given: true}]) { receipts { state } } }"""
)
WITHDRAW = "mutation($p: String!) { withdrawConsent(purposes: [$p]) { receipts { state } } }"


@dataclass(eq=False, slots=True)
class Person:
    """Somebody with a value of an attribute that nobody else has.

    ``turn`` goes up when a yes is sent; ``withdrawn`` is whether the answer to a withdrawal came since.
    """

    id: str
    tag: str
    token: str = field(repr=False)
    turn: int = 0
    withdrawn: bool = False


@dataclass(slots=True)
class Found:
    """What came of it. ``after`` counts reads of one person that began after their withdrawal's answer.

    ``watched`` counts those in lists of everybody; ``withdrawals`` are seconds.
    """

    trials: int = 0
    revealed: int = 0
    hidden: int = 0
    after: int = 0
    watched: int = 0
    leaks: list[str] = field(default_factory=list)
    withdrawals: list[float] = field(default_factory=list)

    def ms(self, share: float) -> float:
        """The time in ms that this share of withdrawals did not exceed."""
        ordered = sorted(self.withdrawals)
        return 1000 * ordered[min(int(len(ordered) * share), len(ordered) - 1)]


class Trials:
    """People and readers at several processes, each request through any of them."""

    def __init__(
        self, http: httpx.AsyncClient, urls: Sequence[str], people: Sequence[Person], token: str, seed: int
    ) -> None:
        self._http = http
        self._urls = urls
        self._people = people
        self._token = token
        self._random = Random(seed)
        self.found = Found()

    async def run(self, trials: int, seconds: float, told: Callable[[int], None] = lambda _: None) -> Found:
        """So many trials, or as many as begin within the time."""
        until = time.monotonic() + seconds
        waiting = deque(self._people)

        async def speak() -> None:
            while self.found.trials < trials and time.monotonic() < until:
                self.found.trials += 1
                person = waiting.popleft()
                await self._trial(person)
                waiting.append(person)
                told(1)

        async with asyncio.TaskGroup() as reading:
            watchers = [reading.create_task(self._watch()) for _ in range(WATCHERS)]
            async with asyncio.TaskGroup() as speaking:
                for _ in range(AT_ONCE):
                    speaking.create_task(speak())
            for one in watchers:
                one.cancel()
        return self.found

    async def _trial(self, person: Person) -> None:
        person.turn, person.withdrawn = person.turn + 1, False
        await self._say(GIVE, person, "given", "renewed")
        seen = await self._read(person)
        self.found.revealed += all(seen.values())
        self.found.hidden += not all(seen.values())
        began = time.perf_counter()
        await self._say(WITHDRAW, person, "withdrawn")
        self.found.withdrawals.append(time.perf_counter() - began)
        person.withdrawn = True
        for one in await asyncio.gather(self._read(person), self._read(person)):
            self.found.after += 1
            self.found.leaks += [f"{person.tag} {how}" for how, revealed in one.items() if revealed]

    async def _watch(self) -> None:
        while True:
            before = {one: one.turn for one in self._people if one.withdrawn}
            page = (await self._ask(EVERYBODY, self._token))["customers"]
            tags = {one["web"]["campaign"] for one in page["nodes"]}
            still = [one for one, turn in before.items() if one.turn == turn]
            self.found.watched += len(still)
            self.found.leaks += [f"{one.tag} among everybody" for one in still if one.tag in tags]
            if page["totalCount"] > len(self._people) - len(still):
                self.found.leaks.append(f"{page['totalCount']} are counted, {len(still)} have withdrawn")

    async def _read(self, person: Person) -> dict[str, bool]:
        """In which ways a read reveals somebody."""
        told = await self._ask(READ, self._token, id=person.id, tag=person.tag)
        page = told["customers"]
        return {
            "by id": (told["node"] or {}).get("web", {}).get("campaign") == person.tag,
            "in a list": [one["web"]["campaign"] for one in page["nodes"]] == [person.tag],
            "in a count": page["totalCount"] > 0,
        }

    async def _say(self, query: str, person: Person, *states: str) -> None:
        ((payload),) = (await self._ask(query, person.token, p=PURPOSE)).values()
        (receipt,) = payload["receipts"]
        if receipt["state"] not in states:
            raise RuntimeError(f"a word came to {receipt['state']}")

    async def _ask(self, query: str, token: str, **variables: str) -> dict[str, Any]:
        """What any of the processes answers; asked again if it is busy."""
        while True:
            answer = await self._http.post(
                f"{self._random.choice(self._urls)}/graphql",
                json={"query": query, "variables": variables},
                headers={"authorization": f"Bearer {token}"},
            )
            if answer.status_code not in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE):
                break
            await asyncio.sleep(PAUSE_S)
        told: dict[str, Any] = answer.json()
        if "errors" in told:
            raise RuntimeError(str(told["errors"])[:500])
        data: dict[str, Any] = told["data"]
        return data


async def introduced(
    http: httpx.AsyncClient, url: str, installation: Installation, folder: Path
) -> tuple[list[Person], str]:
    """People the shop knows, who have said nothing yet, and the token of who reads them."""
    batch = [
        {
            "type": "identify",
            "messageId": f"m-{one}",
            "userId": f"person-{one}",
            "traits": {"campaign": f"tag-{one}", "address": {"country": "DE"}},
        }
        for one in range(PEOPLE)
    ]
    for start in range(0, PEOPLE, 100):
        answer = await http.post(
            f"{url}/v1/batch",
            json={"batch": batch[start : start + 100]},
            auth=(installation.keys["web-shop"], ""),
        )
        answer.raise_for_status()
    settings = replace(Settings(), data_dir=folder, mongo_url=installation.mongo_url, root_key=ROOT)
    people = []
    async with platform(settings) as ours:

        def token(subject: str, purpose: str, *scopes: str) -> str:
            return ours.issuer.issue(CLIENT, subject, scopes, (purpose,), lifetime_s=LIFETIME_S)

        steward = token("office", "essential.legal_obligation", "steward")
        for one in range(PEOPLE):
            answer = await http.post(
                f"{url}/graphql",
                json={"query": WHO, "variables": {"v": f"person-{one}"}},
                headers={"authorization": f"Bearer {steward}"},
            )
            name = answer.json()["data"]["customer"]["id"]
            people.append(Person(name, f"tag-{one}", token(name, SELF)))
        return people, token("marketing", PURPOSE)


@asynccontextmanager
async def prepared(folder: Path, seed: int) -> AsyncIterator[Trials]:
    """Four processes over one MongoDB, and people, for as long as the block lasts."""
    async with AsyncExitStack() as stack:
        installation = await stack.enter_async_context(installed(folder))
        urls = []
        for number in range(PROCESSES):
            log = folder / f"server-{number}.log"
            urls.append((await asyncio.to_thread(stack.enter_context, served(installation.environ, log))).url)
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=60, trust_env=False))
        people, token = await introduced(http, urls[0], installation, folder)
        yield Trials(http, urls, people, token, seed)


def table(found: Found, seconds: float) -> Table:
    """The figures."""
    made = Table(title=f"A withdrawal under load, {PROCESSES} processes, {PEOPLE} people, {seconds:.0f} s")
    for name in (
        "trials",
        "yes, then revealed",
        "yes, then hidden",
        "reads begun after",
        "and in lists of all",
        "leaks",
        "median ms",
        "p95 ms",
    ):
        made.add_column(name, justify="right")
    figures = (found.trials, found.revealed, found.hidden, found.after, found.watched, len(found.leaks))
    median = 1000 * statistics.median(found.withdrawals)
    made.add_row(*(f"{one:,}" for one in figures), f"{median:.1f}", f"{found.ms(0.95):.1f}")
    return made


async def measured(console: Console, trials: int, seconds: float, seed: int) -> Found:
    """Run the trials under a progress bar and print their table."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with tempfile.TemporaryDirectory() as folder, Progress(*columns, console=console) as progress:
        task = progress.add_task("withdrawals", total=trials)
        async with prepared(Path(folder), seed) as ready:
            began = time.monotonic()
            found = await ready.run(trials, seconds, lambda n: progress.advance(task, n))
            took = time.monotonic() - began
    console.print(table(found, took))
    return found


def main(
    trials: Annotated[int, typer.Option(min=1, help="How many withdrawals.")] = 10_000,
    seconds: Annotated[float, typer.Option(min=1, help="Begin none after so long.")] = 1800,
    seed: Annotated[int, typer.Option(help="Which processes are picked.")] = 1,
) -> None:
    """Say yes and no through four processes, read in all, and count what a withdrawal did not stop."""
    console = Console(width=None if sys.stdout.isatty() else 140)
    found = asyncio.run(measured(console, trials, seconds, seed))
    for one in found.leaks[:20]:
        console.print(one)
    raise typer.Exit(1 if found.leaks or found.hidden else 0)


if __name__ == "__main__":
    typer.run(main)
