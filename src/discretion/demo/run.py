"""The demo: start a platform, send it generated customers through the public API, and serve it."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from discretion.app import Platform, open_platform
from discretion.app.clock import now_ms
from discretion.background import Work
from discretion.demo.roles import ROLES, SHOWN_ACCOUNT, SHOWN_EMAIL
from discretion.demo.terminal import FIND_QUERY, print_demo, query_each_role, send_query
from discretion.domain.retention.daily_sweep import run_daily_sweep
from discretion.errors import Misconfigured
from discretion.seal.key_files import write_private_file
from discretion.seeding.cast import generate_cast_messages
from discretion.seeding.message import SeedMessage
from discretion.seeding.send import send_seed_messages
from discretion.seeding.tpcds import generate_customer_messages, require_generator
from discretion.serve import install_stop_signals, open_listening_socket, serve_app, wait_until_stopped
from discretion.settings import Settings
from discretion.store.embedded import mongo_server as embedded
from discretion.token.command import DEFAULT_LOGIN_TYPE
from discretion.token.grant import SELF

TOKEN_LIFE_S = 12 * 3600
STATE_FILE = "sown.json"
"""What was sent to this data folder: ``customers`` (number), ``now`` (ms since 1970), ``done``."""

_console = Console()


async def run_demo(settings: Settings, customers: int, *, fresh: bool) -> None:
    """Run the demo until it is stopped."""
    if customers:
        require_generator()
    description_path = settings.data_dir / "demo.json"
    listening = open_listening_socket(settings.host, settings.port)
    # Checked before --fresh deletes anything: another process may be using the folder.
    embedded.ensure_folder_free(settings.data_dir / "mongo")
    if fresh:
        _remove_earlier_demo(settings)
    description_path.unlink(missing_ok=True)
    stop_event = install_stop_signals()
    async with open_platform(settings, on_outdated=stop_event.set) as platform:
        platform.app.state.complete = False
        async with (
            run_daily_sweep(
                platform.retention_sweep,
                delete_also=platform.erasure.retained_data_expiry.run,
            ),
            serve_app(platform.app, listening) as server,
        ):
            url = f"http://{settings.host}:{listening.getsockname()[1]}"
            if not await _completes_before_stop(
                _prepare_demo(platform, url, settings.data_dir, customers), stop_event
            ):
                _console.print("Stopping. The next start continues from here.")
                return
            await wait_until_stopped(stop_event, server)
            _console.print("Stopping.")
    description_path.unlink(missing_ok=True)


async def _prepare_demo(platform: Platform, url: str, folder: Path, customers: int) -> None:
    """Send the customers, issue a token for each role, print what the roles see, and write ``demo.json``."""
    description_path = folder / "demo.json"
    keys = {source: await platform.write_keys.issue_key(source) for source in platform.catalogue.sources}
    await _seed_customers(url, folder, keys, customers)
    by_channel = {platform.catalogue.sources[source].channel.value: key for source, key in keys.items()}
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        tokens, ids = await _issue_tokens(client, platform)
        answers = await query_each_role(client, tokens, ids)
    content = {"url": url, "tokens": tokens, "writeKeys": by_channel, "greta": ids}
    print_demo(_console, answers, tokens, url, description_path)
    # Readable by the owner only: the file contains tokens.
    write_private_file(description_path, json.dumps(content, indent=2).encode())
    platform.app.state.complete = True


def _remove_earlier_demo(settings: Settings) -> None:
    """Remove the data of an earlier demo; refuse a folder or database that no demo filled.

    Raises:
        Misconfigured: ``FRESH_REFUSED``: nothing was removed.
    """
    folder = settings.data_dir
    if settings.mongo_url is not None:
        raise Misconfigured(
            "FRESH_REFUSED",
            "--fresh is for the embedded MongoDB; DISCRETION_MONGO_URL names another.",
            "Leave --fresh out and name an empty database with DISCRETION_MONGO_DATABASE.",
        )
    if (folder / "mongo").exists() and not (folder / STATE_FILE).exists():
        raise Misconfigured(
            "FRESH_REFUSED",
            f"{folder} holds data that are not of a demo.",
            "Give another --data-dir, or remove the folder yourself.",
        )
    # The erasure ledger is signed with a key of the folder, and the mail is to people of the earlier demo.
    for name in ("mongo", "keys", "erasures", "outbox"):
        shutil.rmtree(folder / name, ignore_errors=True)
    # Last: without this file, the rest of an interrupted removal would be refused as data of no demo.
    (folder / STATE_FILE).unlink(missing_ok=True)


async def _seed_customers(url: str, folder: Path, write_keys: dict[str, str], customers: int) -> None:
    """Send the messages of all customers, unless an earlier start did.

    The time that they are generated for is stored before the first message. A start that was interrupted
    sends the same messages again, and the server recognises those that it has by their ids.
    """
    state_path = folder / STATE_FILE
    state = _read_state(state_path)
    if state and state["customers"] != customers:
        raise Misconfigured(
            "DEMO_SOWN_OTHERWISE",
            f"{folder} was filled with {state['customers']} customers, not {customers}.",
            "Add --fresh to start over, or give another --data-dir.",
        )
    state = state or {"customers": customers, "now": now_ms(), "done": False}
    write_private_file(state_path, json.dumps(state).encode())
    if state["done"]:
        _console.print(f"{customers} customers and the cast exist from an earlier start.")
        return
    _console.print(f"Generating {customers} customers with their purchases, and the cast.")
    messages = await asyncio.to_thread(_generate_messages, customers, state["now"])
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_console) as progress:
        task = progress.add_task("Sending through the public API", total=len(messages))
        outcome = await send_seed_messages(
            url, write_keys, messages, lambda sent: progress.update(task, completed=sent.total)
        )
    if outcome.refused:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in outcome.reasons.items())
        raise Misconfigured("DEMO_REFUSED", f"{outcome.refused} messages of the seed were refused.", reasons)
    write_private_file(state_path, json.dumps({**state, "done": True}).encode())


def _read_state(state_path: Path) -> dict[str, Any]:
    """Return what an earlier start stored; empty if there was none.

    Raises:
        Misconfigured: ``DEMO_STATE_DAMAGED``.
    """
    if not state_path.exists():
        return {}
    try:
        state: dict[str, Any] = json.loads(state_path.read_text("utf-8"))
        return {name: state[name] for name in ("customers", "now", "done")}
    except (ValueError, TypeError, KeyError):
        raise Misconfigured(
            "DEMO_STATE_DAMAGED", f"{state_path} cannot be read.", "Start over with --fresh."
        ) from None


async def _completes_before_stop(preparation: Work, stop_event: asyncio.Event) -> bool:
    """Return whether the preparation completed before the stop event; else it is cancelled."""
    preparation_task, stop_task = asyncio.create_task(preparation), asyncio.create_task(stop_event.wait())
    await asyncio.wait({preparation_task, stop_task}, return_when=asyncio.FIRST_COMPLETED)
    stop_task.cancel()
    if preparation_task.done():
        await preparation_task
        return True
    # The task must have ended before the caller closes the platform that it uses.
    preparation_task.cancel()
    await asyncio.wait({preparation_task})
    return False


def _generate_messages(customers: int, now: int) -> list[SeedMessage]:
    return [*generate_cast_messages(now), *generate_customer_messages(customers, now)]


async def _issue_tokens(
    client: httpx.AsyncClient, platform: Platform
) -> tuple[dict[str, str], dict[str, str]]:
    """Return by role: a token, and the id by which the role's client knows the customer that is shown.

    Raises:
        Misconfigured: ``DEMO_CUSTOMER_ERASED``.
    """
    issue = platform.issuer.issue_token
    steward = next(role for role in ROLES if role.name == "steward")
    tokens, ids = {}, {}
    for role in ROLES:
        # Ids of customers are pairwise, valid for one client only. So the steward's query names that client.
        lookup_token = issue(role.client, "demo", steward.scopes, steward.purposes, lifetime_s=60)
        response = await send_query(client, FIND_QUERY, lookup_token, {"email": SHOWN_EMAIL})
        ids[role.name] = _read_customer_id(response)
        is_customer = SELF in role.purposes
        tokens[role.name] = issue(
            role.client,
            SHOWN_ACCOUNT if is_customer else f"{role.name}@shop.example",
            role.scopes,
            role.purposes,
            lifetime_s=TOKEN_LIFE_S,
            login_type=DEFAULT_LOGIN_TYPE if is_customer else None,
        )
    return tokens, ids


def _read_customer_id(response: dict[str, Any]) -> str:
    customer = response["data"]["customer"]
    if customer is None:
        raise Misconfigured(
            "DEMO_CUSTOMER_ERASED",
            "Greta of the cast, whom the demo shows, was erased.",
            "Add --fresh to start over, or serve the others: discretion serve",
        )
    customer_id: str = customer["id"]
    return customer_id
