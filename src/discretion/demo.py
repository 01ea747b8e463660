"""``discretion demo``: everything on an empty machine, sown through the public API, then served."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from discretion.app import Platform, now_ms, platform
from discretion.errors import Misconfigured
from discretion.seal.keyring import write_private
from discretion.serve import listen, serving, stop_asked, until
from discretion.settings import Settings
from discretion.sowing.cast import cast
from discretion.sowing.message import Message
from discretion.sowing.send import sow
from discretion.sowing.tpcds import shoppers
from discretion.token.grant import SELF

CUSTOMER_CLIENT = "customer-app"
SHOWN = "greta.albrecht@post.example"
"""The e-mail of the one of the cast whose token the demo prints."""
TOKEN_LIFE_S = 12 * 3600


@dataclass(frozen=True, slots=True)
class Role:
    """Somebody who asks, in the demo and in the tests."""

    name: str
    client: str
    purposes: tuple[str, ...]
    query: str
    scopes: tuple[str, ...] = ()


ROLES = (
    Role(
        "frontend",
        "shop-frontend",
        ("functional.service", "personalize.content"),
        "{ customers(first: 3) { nodes { id identity { givenName } preferences { language } } } }",
    ),
    Role(
        "support",
        "support-desk",
        ("essential.service.operations.support",),
        "{ customers(first: 3) { nodes { identity { givenName familyName } contact { email phone } "
        "events(first: 2) { nodes { name occurredAt properties } } } } }",
    ),
    Role(
        "marketing",
        "campaigns",
        ("marketing.communications.email", "marketing.advertising.first_party"),
        "{ customers(first: 3) { nodes { contact { email } demographics { birthDate } "
        "commerce { loyaltyTier } } } }",
    ),
    Role(
        "analytics",
        "reporting",
        ("analytics.reporting",),
        "{ customers(first: 3, orderBy: { by: COMMERCE_ORDER_COUNT, descending: true }) { totalCount "
        "nodes { contact { address { country } } commerce { orderCount } } } }",
    ),
    Role(
        "partner",
        "ad-partner",
        ("marketing.advertising.third_party.targeted",),
        "{ customers(first: 3) { totalCount nodes { id demographics { birthDate } "
        "commerce { loyaltyTier } } } }",
    ),
    Role(
        "customer",
        CUSTOMER_CLIENT,
        (SELF,),
        "{ me { identity { givenName } contact { email } disclosures(first: 3) { nodes { at client "
        "attributes } } } }",
    ),
    Role(
        "steward",
        "privacy-office",
        ("essential.legal_obligation",),
        f'{{ customer(identifier: {{ type: "email", value: "{SHOWN}" }}) {{ identity {{ givenName }} '
        "disclosures(first: 3) { nodes { at client purposes attributes } } } }",
        ("steward",),
    ),
)

_out = Console()


async def demo(settings: Settings, customers: int, *, fresh: bool) -> None:
    """Run the demo until it is told to stop."""
    folder = settings.data_dir
    described = folder / "demo.json"
    if fresh:
        _clear(folder)
    described.unlink(missing_ok=True)
    listening = listen(settings.host, settings.port)
    url = f"http://{settings.host}:{listening.getsockname()[1]}"
    stop = stop_asked()
    async with platform(settings) as running, serving(running.app, listening) as server:
        keys = {one: await running.write_keys.issue(one) for one in running.catalogue.sources}
        if not await _sown(_sow(url, folder, keys, customers), stop):
            return
        tokens = await _tokens(url, running)
        by_channel = {running.catalogue.sources[one].channel.value: key for one, key in keys.items()}
        content = {"url": url, "tokens": tokens, "writeKeys": by_channel}
        write_private(described, json.dumps(content, indent=2).encode())
        _show(url, tokens, described)
        await until(stop, server)
        _out.print("Stopping.")
    described.unlink(missing_ok=True)


def _clear(folder: Path) -> None:
    """Remove what the demo made, and nothing else that lies there."""
    for name in ("mongo", "keys"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in ("demo.json", "sown.json"):
        (folder / name).unlink(missing_ok=True)


async def _sow(url: str, folder: Path, keys: dict[str, str], customers: int) -> None:
    """Send everybody's messages, unless an earlier start did.

    The day of sowing is kept before the first message, so that a start that was cut short sends
    the very same messages again, and the server recognises those it has.
    """
    mark = folder / "sown.json"
    known: dict[str, Any] = json.loads(mark.read_text()) if mark.exists() else {}
    if known and known["customers"] != customers:
        raise Misconfigured(
            "DEMO_SOWN_OTHERWISE",
            f"{folder} was sown with {known['customers']} customers, not {customers}.",
            "Add --fresh to start over, or give another --data-dir.",
        )
    known = known or {"customers": customers, "now": now_ms(), "done": False}
    write_private(mark, json.dumps(known).encode())
    if known["done"]:
        return
    _out.print(f"Making {customers} customers and their purchases.")
    made = await asyncio.to_thread(_everybody, customers, known["now"])
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_out) as progress:
        task = progress.add_task("Sowing through the public API", total=len(made))
        sown = await sow(url, keys, made, lambda so_far: progress.update(task, completed=so_far.total))
    if sown.refused:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in sown.reasons.items())
        raise Misconfigured("DEMO_REFUSED", f"{sown.refused} messages of the seed were refused.", reasons)
    write_private(mark, json.dumps({**known, "done": True}).encode())


async def _sown(sowing: Coroutine[Any, Any, None], stop: asyncio.Event) -> bool:
    """Whether sowing came to its end before stopping was asked for."""
    work, asked = asyncio.create_task(sowing), asyncio.create_task(stop.wait())
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


async def _tokens(url: str, running: Platform) -> dict[str, str]:
    issue = running.issuer.issue
    tokens = {
        role.name: issue(
            role.client, f"{role.name}@shop.example", role.scopes, role.purposes, lifetime_s=TOKEN_LIFE_S
        )
        for role in ROLES
        if SELF not in role.purposes
    }
    steward = next(role for role in ROLES if role.name == "steward")
    for role in ROLES:
        if SELF in role.purposes:
            # An id is good only for the client it was made for, so the steward asks as that client.
            looking = issue(role.client, "demo", steward.scopes, steward.purposes, lifetime_s=60)
            own = await _id_of(url, looking, SHOWN)
            tokens[role.name] = issue(role.client, own, role.scopes, role.purposes, lifetime_s=TOKEN_LIFE_S)
    return {role.name: tokens[role.name] for role in ROLES}


async def _id_of(url: str, token: str, email: str) -> str:
    query = 'query Find($email: String!) { customer(identifier: { type: "email", value: $email }) { id } }'
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        response = await client.post(
            "/graphql",
            json={"query": query, "variables": {"email": email}},
            headers={"authorization": f"Bearer {token}"},
        )
    found: str = response.json()["data"]["customer"]["id"]
    return found


def _show(url: str, tokens: dict[str, str], described: Path) -> None:
    table = Table(title="Who may ask what", show_lines=True)
    table.add_column("role", style="bold")
    table.add_column("purposes of its token", overflow="fold")
    table.add_column("a first query", overflow="fold")
    for role in ROLES:
        table.add_row(role.name, "\n".join(role.purposes), role.query)
    _out.print(table)
    _out.print("Their tokens, one to a line so that they can be copied:")
    for name, token in tokens.items():
        _out.print(f"[bold]{name:<10}[/bold] {token}", soft_wrap=True, highlight=False)
    _out.print(f"GraphiQL    {url}/graphql", soft_wrap=True)
    _out.print(f"The same    {described}", soft_wrap=True)
    _out.print("Ctrl-C stops.")
