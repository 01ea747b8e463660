"""Start everything, sow through the public API, serve, and say how to ask."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from discretion.app import Platform, platform
from discretion.app.clock import now_ms
from discretion.demo.roles import ROLES, SHOWN
from discretion.demo.terminal import FIND, ask, same_query, show
from discretion.domain.retention.daily_sweep import sweeping
from discretion.errors import Misconfigured
from discretion.seal.key_files import write_private
from discretion.seeding.cast import cast
from discretion.seeding.message import Message
from discretion.seeding.send import sow
from discretion.seeding.tpcds import shoppers
from discretion.serve import listen, serving, stop_asked, until
from discretion.settings import Settings
from discretion.store.embedded import mongo_server as embedded
from discretion.token.grant import SELF

TOKEN_LIFE_S = 12 * 3600
SOWN = "sown.json"

_out = Console()


async def demo(settings: Settings, customers: int, *, fresh: bool) -> None:
    """Run the demo until it is told to stop."""
    described = settings.data_dir / "demo.json"
    listening = listen(settings.host, settings.port)
    embedded.ensure_free(settings.data_dir / "mongo")
    if fresh:
        _clear(settings)
    described.unlink(missing_ok=True)
    stop = stop_asked()
    async with platform(settings) as running:
        running.app.state.complete = False
        async with (
            sweeping(running.sweep, also=running.erasing.lapse),
            serving(running.app, listening) as server,
        ):
            url = f"http://{settings.host}:{listening.getsockname()[1]}"
            if not await _finished(_make(running, url, settings.data_dir, customers), stop):
                _out.print("Stopping. The next start goes on where this one was.")
                return
            await until(stop, server)
            _out.print("Stopping.")
    described.unlink(missing_ok=True)


async def _make(running: Platform, url: str, folder: Path, customers: int) -> None:
    """Everything there is to see: customers, a token for each role, what they show, and where it is told."""
    described = folder / "demo.json"
    keys = {one: await running.write_keys.issue(one) for one in running.catalogue.sources}
    await _sow(url, folder, keys, customers)
    by_channel = {running.catalogue.sources[one].channel.value: key for one, key in keys.items()}
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        tokens, ids = await _tokens(client, running)
        seen = await same_query(client, tokens, ids)
    content = {"url": url, "tokens": tokens, "writeKeys": by_channel, "greta": ids}
    show(_out, seen, tokens, url, described)
    write_private(described, json.dumps(content, indent=2).encode())
    running.app.state.complete = True


def _clear(settings: Settings) -> None:
    """Remove what an earlier demo left, and nothing that another one, or nobody's demo, did.

    Raises:
        Misconfigured: ``FRESH_REFUSED``; nothing was removed.
    """
    folder = settings.data_dir
    if settings.mongo_url is not None:
        raise Misconfigured(
            "FRESH_REFUSED",
            "--fresh is for the MongoDB that comes with the package; DISCRETION_MONGO_URL names yours.",
            "Leave --fresh out and name an empty database with DISCRETION_MONGO_DATABASE.",
        )
    if (folder / "mongo").exists() and not (folder / SOWN).exists():
        raise Misconfigured(
            "FRESH_REFUSED",
            f"{folder} holds data that no demo has sown.",
            "Give another --data-dir, or remove the folder yourself.",
        )
    for name in ("mongo", "keys"):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / SOWN).unlink(missing_ok=True)


async def _sow(url: str, folder: Path, keys: dict[str, str], customers: int) -> None:
    """Send everybody's messages, unless an earlier start did.

    The day of sowing is kept before the first message, so that a start that was cut short sends
    the very same messages again, and the server recognises those it has.
    """
    mark = folder / SOWN
    known = _remembered(mark)
    if known and known["customers"] != customers:
        raise Misconfigured(
            "DEMO_SOWN_OTHERWISE",
            f"{folder} was sown with {known['customers']} customers, not {customers}.",
            "Add --fresh to start over, or give another --data-dir.",
        )
    known = known or {"customers": customers, "now": now_ms(), "done": False}
    write_private(mark, json.dumps(known).encode())
    if known["done"]:
        _out.print(f"{customers} customers and the cast are there from an earlier start.")
        return
    _out.print(f"Making {customers} customers, their purchases, and the cast.")
    made = await asyncio.to_thread(_everybody, customers, known["now"])
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_out) as progress:
        task = progress.add_task("Sowing through the public API", total=len(made))
        sown = await sow(url, keys, made, lambda so_far: progress.update(task, completed=so_far.total))
    if sown.refused:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in sown.reasons.items())
        raise Misconfigured("DEMO_REFUSED", f"{sown.refused} messages of the seed were refused.", reasons)
    write_private(mark, json.dumps({**known, "done": True}).encode())


def _remembered(mark: Path) -> dict[str, Any]:
    """What an earlier start kept of its sowing; nothing if there was none."""
    if not mark.exists():
        return {}
    try:
        known: dict[str, Any] = json.loads(mark.read_text("utf-8"))
        return {name: known[name] for name in ("customers", "now", "done")}
    except (ValueError, TypeError, KeyError):
        raise Misconfigured(
            "DEMO_STATE_DAMAGED", f"{mark} cannot be read.", "Start over with --fresh."
        ) from None


async def _finished(making: Coroutine[Any, Any, None], stop: asyncio.Event) -> bool:
    """Whether what is made came to its end before stopping was asked for."""
    work, asked = asyncio.create_task(making), asyncio.create_task(stop.wait())
    await asyncio.wait({work, asked}, return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    if work.done():
        await work
        return True
    work.cancel()
    await asyncio.wait({work})
    return False


def _everybody(customers: int, now: int) -> list[Message]:
    return [*cast(now), *shoppers(customers, now)]


async def _tokens(client: httpx.AsyncClient, running: Platform) -> tuple[dict[str, str], dict[str, str]]:
    """A token for each role, and the id by which its client knows the customer that is shown."""
    issue = running.issuer.issue
    steward = next(role for role in ROLES if role.name == "steward")
    tokens, ids = {}, {}
    for role in ROLES:
        # An id is good only for the client it was made for, so the steward asks as that client.
        looking = issue(role.client, "demo", steward.scopes, steward.purposes, lifetime_s=60)
        found = await ask(client, FIND, looking, {"email": SHOWN})
        ids[role.name] = found["data"]["customer"]["id"]
        subject = ids[role.name] if SELF in role.purposes else f"{role.name}@shop.example"
        tokens[role.name] = issue(role.client, subject, role.scopes, role.purposes, lifetime_s=TOKEN_LIFE_S)
    return tokens, ids
