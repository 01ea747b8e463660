"""What requests look like in a terminal: what is due when, what is stuck and why. Nothing personal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table

from discretion.domain.requests.deadlines import Clock
from discretion.domain.requests.model import Request, Step
from discretion.domain.requests.status_map import next_step, status
from discretion.reveal.forms import iso

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def queue(requests: Sequence[Request], now_ms: int, many: int) -> Table:
    """Requests, what is due first coming first."""
    late = sum(one.open and one.due is not None and one.due <= now_ms for one in requests)
    table = Table(
        *("request", "right", "laws", "state", "due", "waits for"),
        title=f"{many:,} requests",
        caption=f"{late} late" if late else "none late",
    )
    for one in requests:
        style = "red" if one.open and one.due is not None and one.due <= now_ms else None
        table.add_row(
            one.id.hex(),
            one.right,
            " ".join(one.laws),
            one.state if one.reason is None else f"{one.state}: {one.reason}",
            left(one, now_ms),
            waits(one),
            style=style,
        )
    return table


def left(request: Request, now_ms: int) -> str:
    """How long until a request is due."""
    if not request.open:
        return "-"
    if request.due is None:
        return "stands still"
    over = request.due <= now_ms
    span = abs(request.due - now_ms)
    told = f"{span // DAY_MS} days" if span >= 2 * DAY_MS else f"{span // HOUR_MS} h"
    return f"{told} late" if over else f"in {told}"


def waits(request: Request) -> str:
    """What keeps a request: the step that is next, how often it failed, of what."""
    if not request.open:
        return "-"
    step = next((one for one in request.steps if one.state != "done"), None)
    if request.history[-1].state != "accepted" and request.state != "delayed":
        return next_step(request) if request.reason else "the office"
    return "the office" if step is None else _step(step)


def whole(request: Request, now_ms: int) -> Table:
    """One request: who asked, how far it is, what happened."""
    table = Table(title=f"Request {request.id.hex()}", show_header=False)
    table.add_row("right", f"{request.right} {dict(request.scope) or ''}".strip())
    table.add_row("state", f"{request.state} ({status(request)})")
    table.add_row("asked by", f"{request.kind}, {request.by}, assurance {request.assurance.name.lower()}")
    table.add_row("laws", " ".join(request.laws))
    table.add_row("received", iso(request.received))
    table.add_row("due", "-" if request.due is None else f"{iso(request.due)}, {left(request, now_ms)}")
    if request.extension is not None:
        table.add_row("extended", f"{iso(request.extension.told)}: {request.extended_why}")
    table.add_section()
    for step in request.steps:
        table.add_row(step.name, _step(step))
    table.add_section()
    for turn in request.history:
        reason = "" if turn.reason is None else f": {turn.reason}"
        table.add_row(iso(turn.at), f"{turn.state}{reason} ({turn.by})")
    return table


def days(clock: Clock, request: Request) -> Table:
    """By when each step of a request is due, by every law that counts."""
    dates = clock.dates(request)
    table = Table("step", "before", "why", title=f"Clock of request {request.id.hex()}")
    named: Iterable[tuple[str, int | None]] = (
        ("acknowledge", dates.acknowledge),
        ("answer", dates.respond),
        ("tell that it takes longer", dates.extend),
    )
    for name, at in named:
        why = "" if at is not None else (dates.why or "no law sets a time")
        table.add_row(name, "-" if at is None else iso(at), why)
    table.caption = "; ".join(f"{law.label}: {law.law}" for law in clock.laws(request))
    return table


def _step(step: Step) -> str:
    if step.state == "done":
        return f"{step.name}: done"
    failed = f", failed {step.attempts} times" if step.attempts else ""
    return f"{step.name}{failed}{f': {step.why}' if step.why else ''}"
