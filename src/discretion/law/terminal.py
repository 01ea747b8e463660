"""Terminal output of ``discretion law``: rules with their dates and sources."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from discretion.catalogue.model import Family
from discretion.law.deadline import DueDate, NoDueDate
from discretion.law.jurisdiction import (
    Citation,
    DeadlineRule,
    DeadlineStep,
    Jurisdiction,
    Lawbook,
    RetentionStart,
    Right,
    RuleConfidence,
)
from discretion.law.local_days import find_midnight


def render_jurisdictions(lawbook: Lawbook, day: date) -> RenderableType:
    """Render all jurisdictions as they are on a day, one line each."""
    table = Table(title=f"Jurisdictions on {day}")
    for name in ("key", "label", "sharing", "messages", "sharing from age", "signals", "access due in"):
        table.add_column(name)
    for key, jurisdiction in sorted(lawbook.jurisdictions.items()):
        rules = jurisdiction.timeline.find_rules(find_midnight(day, jurisdiction.zone))
        ages = {str(age.below) for age in rules.ages if Family.SHARING in age.families}
        access_rule = jurisdiction.find_deadline_rule(Right.ACCESS, DeadlineStep.RESPOND, day)
        table.add_row(
            key,
            jurisdiction.label,
            rules.models[Family.SHARING],
            rules.models[Family.MESSAGES],
            max(ages, key=int, default="-"),
            "bind" if rules.signals else "-",
            str(access_rule.length) if access_rule else "-",
        )
    return table


def render_jurisdiction(jurisdiction: Jurisdiction, day: date) -> RenderableType:
    """Render one jurisdiction with the source of every rule."""
    head = Table.grid(padding=(0, 2))
    for name, text in (
        ("law", jurisdiction.law),
        ("places", ", ".join(jurisdiction.places) or "all places without another law"),
        ("time zone", jurisdiction.zone),
        ("complaints", f"{jurisdiction.authority.name}, {jurisdiction.authority.url}"),
    ):
        head.add_row(name, text)
    return Group(
        Text(jurisdiction.label, style="bold"),
        head,
        _render_consent(jurisdiction, day),
        _render_rights(jurisdiction, day),
        _render_retention(jurisdiction, day),
    )


def render_due_date(jurisdiction: Jurisdiction, due_date: DueDate | NoDueDate) -> RenderableType:
    """Render the due date of a step, or the reason why there is none."""
    if isinstance(due_date, NoDueDate):
        return Text(due_date.message)
    table = Table.grid(padding=(0, 2))
    # Shown as 23:59 of the due date: 00:00 of the next day would be misread as a day more.
    last_minute = datetime.fromtimestamp(due_date.ends_at / 1000, ZoneInfo(jurisdiction.zone)) - timedelta(
        minutes=1
    )
    table.add_row("last day", f"{due_date.day:%A, %Y-%m-%d}")
    table.add_row("until", f"{last_minute:%Y-%m-%d %H:%M} {jurisdiction.zone}")
    if due_date.original_day != due_date.day:
        table.add_row("announce an extension by", due_date.original_day.isoformat())
    table.add_row("rule", f"{_format_deadline(due_date.rule)}, {due_date.rule.citation.source}")
    if note := _format_doubt(due_date.rule.citation):
        table.add_row("note", note)
    return table


def _render_consent(jurisdiction: Jurisdiction, day: date) -> Table:
    table = Table("rule", "from", "source", "note", title="Consent")
    for rule_text in jurisdiction.consent_rules:
        if rule_text.citation.end is not None and rule_text.citation.end <= day:
            continue
        note = (
            _format_doubt(rule_text.citation)
            if rule_text.applies
            else f"does not apply: {rule_text.citation.note or 'laxer'}"
        )
        style = "" if rule_text.applies and rule_text.citation.is_in_force(day) else "dim"
        table.add_row(
            rule_text.text, _format_span(rule_text.citation), rule_text.citation.source, note, style=style
        )
    return table


def _render_rights(jurisdiction: Jurisdiction, day: date) -> Table:
    table = Table("right", "within", "from", "source", "note", title="Rights")
    for entitlement in jurisdiction.rights:
        if entitlement.citation.end is not None and entitlement.citation.end <= day:
            continue
        limits = f"back to {entitlement.look_back}" if entitlement.look_back else ""
        note = "; ".join(filter(None, (limits, _format_doubt(entitlement.citation))))
        table.add_row(
            entitlement.right, "", _format_span(entitlement.citation), entitlement.citation.source, note
        )
        for deadline_rule in _iterate_steps(jurisdiction, entitlement.right, day):
            citation = deadline_rule.citation
            table.add_row(
                f"  {deadline_rule.step}",
                _format_deadline(deadline_rule),
                _format_span(citation),
                citation.source,
                _format_doubt(citation),
            )
    return table


def _render_retention(jurisdiction: Jurisdiction, day: date) -> Table:
    table = Table("kept after an erasure", "for", "from", "source", "note", title="Kept by order of law")
    for rule in jurisdiction.retention_rules:
        if rule.citation.end is not None and rule.citation.end <= day:
            continue
        start_text = "the end of the year" if rule.starts_from is RetentionStart.YEAR_END else "the event"
        event_names = ", ".join(sorted(rule.events))
        span_text = f"{rule.length} from {start_text}"
        table.add_row(
            event_names,
            span_text,
            _format_span(rule.citation),
            rule.citation.source,
            _format_doubt(rule.citation),
        )
    return table


def _iterate_steps(jurisdiction: Jurisdiction, right: Right, day: date) -> Iterator[DeadlineRule]:
    for deadline_rule in jurisdiction.deadlines:
        if deadline_rule.right is right and (
            deadline_rule.citation.end is None or day < deadline_rule.citation.end
        ):
            yield deadline_rule


def _format_deadline(deadline_rule: DeadlineRule) -> str:
    pauses = f", pauses for {' and '.join(sorted(deadline_rule.pauses))}" if deadline_rule.pauses else ""
    rolls = ", to a working day" if deadline_rule.rolls else ""
    return f"{deadline_rule.length} from {deadline_rule.clock}{pauses}{rolls}"


def _format_span(citation: Citation) -> str:
    return str(citation.start) if citation.end is None else f"{citation.start} to {citation.end}"


def _format_doubt(citation: Citation) -> str:
    return "" if citation.confidence is RuleConfidence.SURE else f"{citation.confidence}: {citation.note}"
