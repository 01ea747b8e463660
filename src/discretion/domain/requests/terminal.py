"""Rights requests as tables for the terminal. The tables contain no personal data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table

from discretion.domain.requests.deadlines import DeadlineClock
from discretion.domain.requests.status_map import describe_next_step, dpv_status
from discretion.reveal.forms import format_timestamp
from discretion.store.subject_request import RequestStep, SubjectRequest

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def render_queue(requests: Sequence[SubjectRequest], now_ms: int, total: int) -> Table:
    """Return a table of requests in the given order; late requests are red.

    Args:
        requests: The requests to show.
        now_ms: The current time.
        total: Number of requests that match, which may be more than are shown.
    """
    late_count = sum(
        request.is_open and request.due is not None and request.due <= now_ms for request in requests
    )
    table = Table(
        *("request", "right", "laws", "state", "due", "waits for"),
        title=f"{total:,} requests",
        caption=f"{late_count} late" if late_count else "none late",
    )
    for request in requests:
        style = "red" if request.is_open and request.due is not None and request.due <= now_ms else None
        table.add_row(
            request.id.hex(),
            request.right,
            " ".join(request.laws),
            request.state if request.reason is None else f"{request.state}: {request.reason}",
            describe_time_left(request, now_ms),
            describe_wait(request),
            style=style,
        )
    return table


def describe_time_left(request: SubjectRequest, now_ms: int) -> str:
    """Return how long it is until a request is due, or how late it is."""
    if not request.is_open:
        return "-"
    if request.due is None:
        return "stopped"
    is_late = request.due <= now_ms
    distance_ms = abs(request.due - now_ms)
    duration = f"{distance_ms // DAY_MS} days" if distance_ms >= 2 * DAY_MS else f"{distance_ms // HOUR_MS} h"
    return f"{duration} late" if is_late else f"in {duration}"


def describe_wait(request: SubjectRequest) -> str:
    """Return what a request waits for: the person, the office, or a step with its failures."""
    if not request.is_open:
        return "-"
    step = next((candidate for candidate in request.steps if not candidate.is_done), None)
    if request.history[-1].state != "accepted" and request.state != "delayed":
        return describe_next_step(request) if request.reason else "the office"
    return "the office" if step is None else _describe_step(step)


def render_request(request: SubjectRequest, now_ms: int) -> Table:
    """Return a table of one request: its requester, deadlines, steps and history."""
    table = Table(title=f"Request {request.id.hex()}", show_header=False)
    table.add_row("right", f"{request.right} {request.scope.build_members() or ''}".strip())
    table.add_row("state", f"{request.state} ({dpv_status(request)})")
    table.add_row("filed by", f"{request.role}, {request.by}, assurance {request.assurance.name.lower()}")
    table.add_row("laws", " ".join(request.laws))
    table.add_row("received", format_timestamp(request.received))
    table.add_row(
        "due",
        "-"
        if request.due is None
        else f"{format_timestamp(request.due)}, {describe_time_left(request, now_ms)}",
    )
    if request.extension is not None:
        table.add_row(
            "extended", f"{format_timestamp(request.extension.notified_at)}: {request.extended_why}"
        )
    table.add_section()
    for step in request.steps:
        table.add_row(step.name, _describe_step(step))
    table.add_section()
    for transition in request.history:
        reason = "" if transition.reason is None else f": {transition.reason}"
        table.add_row(format_timestamp(transition.at), f"{transition.state}{reason} ({transition.by})")
    return table


def render_deadlines(deadline_clock: DeadlineClock, request: SubjectRequest) -> Table:
    """Return a table of the deadlines of a request under the applicable laws."""
    dates = deadline_clock.compute_dates(request)
    table = Table("step", "before", "why", title=f"Clock of request {request.id.hex()}")
    named_dates: Iterable[tuple[str, int | None]] = (
        ("acknowledge", dates.acknowledge),
        ("answer", dates.respond),
        ("announce an extension", dates.extend),
    )
    for name, at in named_dates:
        reason = "" if at is not None else (dates.why or "no law sets a time")
        table.add_row(name, "-" if at is None else format_timestamp(at), reason)
    table.caption = "; ".join(f"{law.label}: {law.law}" for law in deadline_clock.applicable_laws(request))
    return table


def _describe_step(step: RequestStep) -> str:
    if step.is_done:
        return f"{step.name}: done"
    failures = f", failed {step.attempts} times" if step.attempts else ""
    return f"{step.name}{failures}{f': {step.why}' if step.why else ''}"
