"""What a law looks like in a terminal: what it demands, since when, and where that stands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from discretion.catalogue.model import Family
from discretion.law.deadline import Due, Undue
from discretion.law.jurisdiction import (
    Cited,
    Confidence,
    Counts,
    Deadline,
    Jurisdiction,
    Lawbook,
    Right,
    Step,
)
from discretion.law.local_days import midnight


def everyone(book: Lawbook, day: date) -> RenderableType:
    """All jurisdictions, a line for each, as they are on a day."""
    table = Table(title=f"Jurisdictions on {day}")
    for name in ("key", "label", "sharing", "messages", "sharing from age", "signals", "access due in"):
        table.add_column(name)
    for key, one in sorted(book.jurisdictions.items()):
        rules = one.timeline.at(midnight(day, one.zone))
        ages = {str(age.below) for age in rules.ages if Family.SHARING in age.families}
        answer = one.due(Right.ACCESS, Step.RESPOND, day)
        table.add_row(
            key,
            one.label,
            rules.models[Family.SHARING],
            rules.models[Family.MESSAGES],
            max(ages, key=int, default="-"),
            "bind" if rules.signals else "-",
            str(answer.length) if answer else "-",
        )
    return table


def whole(one: Jurisdiction, day: date) -> RenderableType:
    """One jurisdiction, with the source of every rule."""
    head = Table.grid(padding=(0, 2))
    for name, text in (
        ("law", one.law),
        ("places", ", ".join(one.places) or "wherever no other law is known"),
        ("time zone", one.zone),
        ("complaints", f"{one.authority.name}, {one.authority.url}"),
    ):
        head.add_row(name, text)
    return Group(
        Text(one.label, style="bold"), head, _consent(one, day), _rights(one, day), _keeping(one, day)
    )


def due(one: Jurisdiction, found: Due | Undue) -> RenderableType:
    """The last day of a step, or why there is none."""
    if isinstance(found, Undue):
        return Text(found.message)
    table = Table.grid(padding=(0, 2))
    last = datetime.fromtimestamp(found.at / 1000, ZoneInfo(one.zone)) - timedelta(minutes=1)
    table.add_row("last day", f"{found.day:%A, %Y-%m-%d}")
    table.add_row("until", f"{last:%Y-%m-%d %H:%M} {one.zone}")
    if found.first != found.day:
        table.add_row("tell of the extension by", found.first.isoformat())
    table.add_row("rule", f"{_words(found.rule)}, {found.rule.cited.source}")
    if note := _doubt(found.rule.cited):
        table.add_row("note", note)
    return table


def _consent(one: Jurisdiction, day: date) -> Table:
    table = Table("rule", "from", "source", "note", title="Consent")
    for told in one.consent:
        if told.cited.end is not None and told.cited.end <= day:
            continue
        note = _doubt(told.cited) if told.applies else f"does not apply: {told.cited.note or 'laxer'}"
        style = "" if told.applies and told.cited.holds(day) else "dim"
        table.add_row(told.what, _span(told.cited), told.cited.source, note, style=style)
    return table


def _rights(one: Jurisdiction, day: date) -> Table:
    table = Table("right", "within", "from", "source", "note", title="Rights")
    for right in one.rights:
        if right.cited.end is not None and right.cited.end <= day:
            continue
        limits = f"back to {right.look_back}" if right.look_back else ""
        note = "; ".join(filter(None, (limits, _doubt(right.cited))))
        table.add_row(right.right, "", _span(right.cited), right.cited.source, note)
        for step in _steps(one, right.right, day):
            cited = step.cited
            table.add_row(f"  {step.step}", _words(step), _span(cited), cited.source, _doubt(cited))
    return table


def _keeping(one: Jurisdiction, day: date) -> Table:
    table = Table("kept after an erasure", "for", "from", "source", "note", title="Kept by order of law")
    for rule in one.keeping:
        if rule.cited.end is not None and rule.cited.end <= day:
            continue
        start = "the year's end" if rule.counts is Counts.YEAR_END else "the event"
        what = ", ".join(sorted(rule.events))
        span = f"{rule.length} from {start}"
        table.add_row(what, span, _span(rule.cited), rule.cited.source, _doubt(rule.cited))
    return table


def _steps(one: Jurisdiction, right: Right, day: date) -> Iterator[Deadline]:
    for step in one.deadlines:
        if step.right is right and (step.cited.end is None or day < step.cited.end):
            yield step


def _words(one: Deadline) -> str:
    pauses = f", pauses for {' and '.join(sorted(one.pauses))}" if one.pauses else ""
    rolls = ", to a working day" if one.rolls else ""
    return f"{one.length} from {one.clock}{pauses}{rolls}"


def _span(cited: Cited) -> str:
    return str(cited.start) if cited.end is None else f"{cited.start} to {cited.end}"


def _doubt(cited: Cited) -> str:
    return "" if cited.confidence is Confidence.SURE else f"{cited.confidence}: {cited.note}"
