"""What an edition said, kept as a file: facts only, in canonical JSON.

The print of an edition is made once. When the facts are others afterwards, people were told something
that is no longer so, and the next edition has to say it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from discretion.domain.notices.editions import Edition
from discretion.domain.notices.facts import Facts
from discretion.domain.notices.notice import ages_of
from discretion.domain.notices.privacy_office import Office
from discretion.errors import Misconfigured
from discretion.law.jurisdiction import Jurisdiction
from discretion.law.model import Rules

PRINTED = "printed"
"""The folder beside the notices."""

Stated = Mapping[str, Any]
"""Facts as JSON: nested mappings by key, lists and texts."""


def stated(facts: Facts, office: Office, laws: Iterable[Jurisdiction]) -> Stated:
    """All that an edition states."""
    return {
        "controller": {
            "name": facts.controller,
            "address": office.address,
            "email": office.email,
            "officer": office.officer,
        },
        "purposes": {
            one.key: {**_kept(one), "data": {seen.category: _kept(seen, "category") for seen in one.data}}
            for one in facts.purposes
        },
        "data": {one.category: _kept(one, "category") for one in facts.data},
        "sources": {one.key: _kept(one) for one in facts.senders},
        "recipients": {one.key: _kept(one, "clients") for one in facts.recipients},
        "jurisdictions": {one.key: _law(one) for one in laws},
    }


def canonical(facts: Stated) -> str:
    """The one way to write facts down."""
    return json.dumps(facts, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def print_of(folder: Path, edition: Edition) -> Path:
    """Where an edition's print is kept."""
    return folder / PRINTED / f"{edition.version}.json"


def published(folder: Path, editions: Iterable[Edition]) -> Stated | None:
    """What the last edition that has a print said, or None."""
    prints = [path for one in editions if (path := print_of(folder, one)).exists()]
    if not prints:
        return None
    said: Stated = json.loads(prints[-1].read_text("utf-8"))
    return said


State = Literal["new", "current", "changed"]


def state(folder: Path, edition: Edition, facts: Stated) -> State:
    """Whether an edition has no print yet, or says what it said, or does not."""
    path = print_of(folder, edition)
    if not path.exists():
        return "new"
    return "current" if path.read_text("utf-8") == canonical(facts) else "changed"


def publish(folder: Path, edition: Edition, facts: Stated) -> Path:
    """Print an edition.

    Raises:
        Misconfigured: ``NOTICE_CHANGED``, it is printed and said something else.
    """
    path = print_of(folder, edition)
    if state(folder, edition, facts) == "changed":
        raise changed(edition, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(canonical(facts), "utf-8")
    return path


def changed(edition: Edition, path: Path) -> Misconfigured:
    """Why an edition cannot stay as it is."""
    return Misconfigured(
        "NOTICE_CHANGED",
        f"The privacy notice says something else than its edition {edition.version} did.",
        "See what with: discretion notice diff. Then write a new edition in schema/notices/editions.yaml; "
        f"or, if nobody has been shown this one yet, delete {path.name} and print it anew.",
    )


def _kept(one: Any, *named: str) -> dict[str, Any]:
    """A fact without the name it stands under."""
    return {name: value for name, value in asdict(one).items() if name not in {"key", *named}}


def _law(one: Jurisdiction) -> Stated:
    """A law from its beginning, so that a rule which begins tomorrow is stated today."""
    starts = ["always", *map(_moment, one.timeline.turns())]
    rights: dict[str, list[str]] = {}
    for given in one.rights:
        until = f" to {given.cited.end}" if given.cited.end else ""
        rights.setdefault(given.right, []).append(f"{given.cited.source}, from {given.cited.start}{until}")
    return {
        "label": one.label,
        "law": one.law,
        "authority": one.authority.name,
        "url": one.authority.url,
        "rights": rights,
        "rules": {
            start: _rules(period.rules) for start, period in zip(starts, one.timeline.periods, strict=True)
        },
    }


def _rules(rules: Rules) -> Stated:
    return {
        "models": dict(rules.models),
        "sensitive": dict(rules.sensitive),
        "ages": {
            f"below {below}, {needs}": sorted(families) for (below, needs), families in ages_of(rules).items()
        },
        "signals": rules.signals,
        "renewal": rules.renewal,
    }


def _moment(start_ms: int) -> str:
    return datetime.fromtimestamp(start_ms // 1000, UTC).isoformat()
