"""Trials of consent withdrawal under load, with statements and reads through four processes.

The tested property: a read that begins after the answer to a withdrawal was received does not reveal what
only the consent had justified, neither by id nor in a list nor in a count. A read that begins after the
answer to a consent reveals it; otherwise the trial would test nothing.
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

from discretion.app import open_platform
from discretion.settings import Settings
from discretion.token.command import DEFAULT_LOGIN_TYPE
from discretion.token.grant import SELF
from tests.bench.installation import ROOT_KEY, Installation, run_installation
from tests.fixtures.server_process import start_server

PROCESSES = 4
PEOPLE = 240
CONCURRENT_PEOPLE = 12
"""People who make statements at the same time."""
WATCHERS = 1
"""Tasks that read the list of all people without a pause."""
CLIENT = "campaigns"
PURPOSE = "marketing.advertising.first_party"
LIFETIME_S = 24 * 3600
PAUSE_S = 0.05

READ_PERSON = """query($id: ID!, $tag: String!) {
  node(id: $id) { ... on Customer { web { campaign } } }
  customers(filter: {web: {campaign: {eq: $tag}}}) { totalCount nodes { web { campaign } } } }"""
READ_EVERYBODY = "{ customers(first: 500) { totalCount nodes { web { campaign } } } }"
FIND_PERSON = 'query($v: String!) { customer(identifier: {type: "user_id", value: $v}) { id } }'
GIVE_CONSENT = (
    """mutation($p: String!) { setConsent(purposes: [{purpose: $p, given: true}]) { receipts { state } } }"""
)
WITHDRAW_CONSENT = "mutation($p: String!) { withdrawConsent(purposes: [$p]) { receipts { state } } }"


@dataclass(eq=False, slots=True)
class TrialPerson:
    """A person with a unique value of an attribute.

    Attributes:
        trial: Number of the trial; it is incremented before a consent is sent.
        is_withdrawn: Whether the answer to the withdrawal of this trial was received.
    """

    id: str
    tag: str
    token: str = field(repr=False)
    trial: int = 0
    is_withdrawn: bool = False


@dataclass(slots=True)
class TrialResults:
    """The results of the trials.

    Attributes:
        revealed: Trials in which the consent revealed the value in every way of reading.
        hidden: Trials in which it did not.
        reads_after: Reads of one person that began after the answer to the withdrawal.
        list_reads: People checked after their withdrawal in lists of all people.
        withdrawals: Latencies of the withdrawals in seconds.
    """

    trials: int = 0
    revealed: int = 0
    hidden: int = 0
    reads_after: int = 0
    list_reads: int = 0
    leaks: list[str] = field(default_factory=list)
    withdrawals: list[float] = field(default_factory=list)

    def quantile_ms(self, share: float) -> float:
        """Return the latency in ms that this share of withdrawals did not exceed."""
        ordered = sorted(self.withdrawals)
        return 1000 * ordered[min(int(len(ordered) * share), len(ordered) - 1)]


class Trials:
    """Statements and reads, each request through a random one of several processes."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        urls: Sequence[str],
        people: Sequence[TrialPerson],
        token: str,
        seed: int,
    ) -> None:
        self._http = http
        self._urls = urls
        self._people = people
        self._token = token
        self._random = Random(seed)
        self.results = TrialResults()

    async def run(
        self, trials: int, seconds: float, report_progress: Callable[[int], None] = lambda _: None
    ) -> TrialResults:
        """Run ``trials`` trials, or as many as begin within ``seconds``."""
        deadline = time.monotonic() + seconds
        waiting = deque(self._people)

        async def run_trials() -> None:
            while self.results.trials < trials and time.monotonic() < deadline:
                self.results.trials += 1
                person = waiting.popleft()
                await self._run_trial(person)
                waiting.append(person)
                report_progress(1)

        async with asyncio.TaskGroup() as reading:
            watchers = [reading.create_task(self._watch()) for _ in range(WATCHERS)]
            async with asyncio.TaskGroup() as stating:
                for _ in range(CONCURRENT_PEOPLE):
                    stating.create_task(run_trials())
            for watcher in watchers:
                watcher.cancel()
        return self.results

    async def _run_trial(self, person: TrialPerson) -> None:
        person.trial, person.is_withdrawn = person.trial + 1, False
        await self._send_statement(GIVE_CONSENT, person, "given", "renewed")
        revealed_by_way = await self._read_person(person)
        self.results.revealed += all(revealed_by_way.values())
        self.results.hidden += not all(revealed_by_way.values())
        started_at = time.perf_counter()
        await self._send_statement(WITHDRAW_CONSENT, person, "withdrawn")
        self.results.withdrawals.append(time.perf_counter() - started_at)
        person.is_withdrawn = True
        for revealed_after in await asyncio.gather(self._read_person(person), self._read_person(person)):
            self.results.reads_after += 1
            self.results.leaks += [
                f"{person.tag} {way}" for way, revealed in revealed_after.items() if revealed
            ]

    async def _watch(self) -> None:
        while True:
            withdrawn_before = {person: person.trial for person in self._people if person.is_withdrawn}
            page = (await self._send_query(READ_EVERYBODY, self._token))["customers"]
            tags = {node["web"]["campaign"] for node in page["nodes"]}
            still_withdrawn = [person for person, trial in withdrawn_before.items() if person.trial == trial]
            self.results.list_reads += len(still_withdrawn)
            self.results.leaks += [
                f"{person.tag} in the list of all" for person in still_withdrawn if person.tag in tags
            ]
            if page["totalCount"] > len(self._people) - len(still_withdrawn):
                self.results.leaks.append(
                    f"{page['totalCount']} people counted, {len(still_withdrawn)} withdrawn"
                )

    async def _read_person(self, person: TrialPerson) -> dict[str, bool]:
        """Return for each way of reading whether it reveals the person."""
        answer = await self._send_query(READ_PERSON, self._token, id=person.id, tag=person.tag)
        page = answer["customers"]
        return {
            "by id": (answer["node"] or {}).get("web", {}).get("campaign") == person.tag,
            "in a list": [node["web"]["campaign"] for node in page["nodes"]] == [person.tag],
            "in a count": page["totalCount"] > 0,
        }

    async def _send_statement(self, query: str, person: TrialPerson, *states: str) -> None:
        ((payload),) = (await self._send_query(query, person.token, p=PURPOSE)).values()
        (receipt,) = payload["receipts"]
        if receipt["state"] not in states:
            raise RuntimeError(f"a statement has the state {receipt['state']}")

    async def _send_query(self, query: str, token: str, **variables: str) -> dict[str, Any]:
        """Send a query to a random process, repeated while the process is busy, and return the data."""
        while True:
            answer = await self._http.post(
                f"{self._random.choice(self._urls)}/graphql",
                json={"query": query, "variables": variables},
                headers={"authorization": f"Bearer {token}"},
            )
            if answer.status_code not in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE):
                break
            await asyncio.sleep(PAUSE_S)
        body: dict[str, Any] = answer.json()
        if "errors" in body:
            raise RuntimeError(str(body["errors"])[:500])
        data: dict[str, Any] = body["data"]
        return data


async def introduce_people(
    http: httpx.AsyncClient, url: str, installation: Installation, folder: Path
) -> tuple[list[TrialPerson], str]:
    """Create people without statements, and return them with the token of the reader."""
    batch = [
        {
            "type": "identify",
            "messageId": f"m-{number}",
            "userId": f"person-{number}",
            "traits": {"campaign": f"tag-{number}", "address": {"country": "DE"}},
        }
        for number in range(PEOPLE)
    ]
    for start in range(0, PEOPLE, 100):
        answer = await http.post(
            f"{url}/v1/batch",
            json={"batch": batch[start : start + 100]},
            auth=(installation.write_keys["web-shop"], ""),
        )
        answer.raise_for_status()
    settings = replace(Settings(), data_dir=folder, mongo_url=installation.mongo_url, root_key=ROOT_KEY)
    people = []
    async with open_platform(settings) as platform:

        def issue_token(subject: str, purpose: str, *scopes: str) -> str:
            login_type = DEFAULT_LOGIN_TYPE if purpose == SELF else None
            return platform.issuer.issue_token(
                CLIENT, subject, scopes, (purpose,), lifetime_s=LIFETIME_S, login_type=login_type
            )

        steward = issue_token("office", "essential.legal_obligation", "steward")
        for number in range(PEOPLE):
            answer = await http.post(
                f"{url}/graphql",
                json={"query": FIND_PERSON, "variables": {"v": f"person-{number}"}},
                headers={"authorization": f"Bearer {steward}"},
            )
            customer_id = answer.json()["data"]["customer"]["id"]
            people.append(TrialPerson(customer_id, f"tag-{number}", issue_token(f"person-{number}", SELF)))
        return people, issue_token("marketing", PURPOSE)


@asynccontextmanager
async def prepare_trials(folder: Path, seed: int) -> AsyncIterator[Trials]:
    """Run four processes with one MongoDB and people until the block ends."""
    async with AsyncExitStack() as stack:
        installation = await stack.enter_async_context(run_installation(folder))
        urls = []
        for number in range(PROCESSES):
            log = folder / f"server-{number}.log"
            urls.append(
                (await asyncio.to_thread(stack.enter_context, start_server(installation.environ, log))).url
            )
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=60, trust_env=False))
        people, token = await introduce_people(http, urls[0], installation, folder)
        yield Trials(http, urls, people, token, seed)


def build_table(results: TrialResults, seconds: float) -> Table:
    """Build the table of the results."""
    table = Table(
        title=f"Consent withdrawal under load: {PROCESSES} processes, {PEOPLE} people, {seconds:.0f} s"
    )
    for name in (
        "trials",
        "revealed after consent",
        "hidden after consent",
        "reads after withdrawal",
        "people checked in lists",
        "leaks",
        "withdrawal median ms",
        "p95 ms",
    ):
        table.add_column(name, justify="right")
    figures = (
        results.trials,
        results.revealed,
        results.hidden,
        results.reads_after,
        results.list_reads,
        len(results.leaks),
    )
    median_ms = 1000 * statistics.median(results.withdrawals)
    table.add_row(
        *(f"{figure:,}" for figure in figures), f"{median_ms:.1f}", f"{results.quantile_ms(0.95):.1f}"
    )
    return table


async def measure(console: Console, trials: int, seconds: float, seed: int) -> TrialResults:
    """Run the trials under a progress bar and print their table."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with tempfile.TemporaryDirectory() as folder, Progress(*columns, console=console) as progress:
        task = progress.add_task("withdrawals", total=trials)
        async with prepare_trials(Path(folder), seed) as prepared_trials:
            started_at = time.monotonic()
            results = await prepared_trials.run(trials, seconds, lambda n: progress.advance(task, n))
            elapsed_s = time.monotonic() - started_at
    console.print(build_table(results, elapsed_s))
    return results


def main(
    trials: Annotated[int, typer.Option(min=1, help="Number of withdrawals.")] = 10_000,
    seconds: Annotated[float, typer.Option(min=1, help="Time after which no trial begins.")] = 1800,
    seed: Annotated[int, typer.Option(help="Seed of the choice of processes.")] = 1,
) -> None:
    """Give and withdraw consent through four processes, read through all, and count leaks after withdrawals.

    The exit status is 1 if a read leaked after a withdrawal or revealed nothing after a consent.
    """
    console = Console(width=None if sys.stdout.isatty() else 140)
    results = asyncio.run(measure(console, trials, seconds, seed))
    for leak in results.leaks[:20]:
        console.print(leak)
    raise typer.Exit(1 if results.leaks or results.hidden else 0)


if __name__ == "__main__":
    typer.run(main)
