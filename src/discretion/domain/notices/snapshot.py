"""The stored facts of an edition, as a file in canonical JSON.

The facts of an edition are stored once. If the current facts differ afterwards, people were told something
that is no longer true, and a new edition is needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from discretion.domain.notices.editions import NoticeEdition
from discretion.domain.notices.facts import NoticeFacts
from discretion.domain.notices.notice import group_ages
from discretion.domain.notices.privacy_office import PrivacyOffice
from discretion.errors import Misconfigured
from discretion.law.jurisdiction import Jurisdiction
from discretion.law.model import ConsentRules

PRINTS_FOLDER = "printed"
"""The folder of stored facts, inside the folder of notices."""

StatedFacts = Mapping[str, Any]
"""Facts as JSON: nested mappings by key, lists and texts."""


def collect_stated_facts(
    facts: NoticeFacts, office: PrivacyOffice, laws: Iterable[Jurisdiction]
) -> StatedFacts:
    """Collect all facts of an edition as JSON values.

    The keys are stored in ``schema/notices/printed``: ``controller``, ``purposes``, ``data``, ``sources``,
    ``recipients`` and ``jurisdictions``, each a mapping by key.
    """
    return {
        "controller": {
            "name": facts.controller,
            "address": office.address,
            "email": office.email,
            "officer": office.officer,
        },
        "purposes": {
            entry.key: {
                **_list_members(entry),
                "data": {
                    used_data.category: _list_members(used_data, "category") for used_data in entry.data
                },
            }
            for entry in facts.purposes
        },
        "data": {entry.category: _list_members(entry, "category") for entry in facts.data},
        "sources": {entry.key: _list_members(entry) for entry in facts.senders},
        "recipients": {entry.key: _list_members(entry, "clients") for entry in facts.recipients},
        "jurisdictions": {entry.key: _build_law_facts(entry) for entry in laws},
    }


def format_canonical(facts: StatedFacts) -> str:
    """Format facts as canonical JSON, so that equal facts give equal files."""
    return json.dumps(facts, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def find_print_path(folder: Path, edition: NoticeEdition) -> Path:
    """Return the path of an edition's stored facts."""
    return folder / PRINTS_FOLDER / f"{edition.version}.json"


def read_last_print(folder: Path, editions: Iterable[NoticeEdition]) -> StatedFacts | None:
    """Return the facts of the last edition that has a file, or None."""
    prints = [path for edition in editions if (path := find_print_path(folder, edition)).exists()]
    if not prints:
        return None
    printed_facts: StatedFacts = json.loads(prints[-1].read_text("utf-8"))
    return printed_facts


PrintState = Literal["new", "current", "changed"]


def compare_with_print(folder: Path, edition: NoticeEdition, facts: StatedFacts) -> PrintState:
    """Compare facts with those stored for an edition: "new" without a file, else "current" or "changed"."""
    path = find_print_path(folder, edition)
    if not path.exists():
        return "new"
    return "current" if path.read_text("utf-8") == format_canonical(facts) else "changed"


def print_edition(folder: Path, edition: NoticeEdition, facts: StatedFacts) -> Path:
    """Store the facts of an edition.

    Raises:
        Misconfigured: ``NOTICE_CHANGED``; other facts are already stored for this edition.
    """
    path = find_print_path(folder, edition)
    if compare_with_print(folder, edition, facts) == "changed":
        raise build_changed_error(edition, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(format_canonical(facts), "utf-8")
    return path


def build_changed_error(edition: NoticeEdition, path: Path) -> Misconfigured:
    """Build the error for an edition whose facts have changed."""
    return Misconfigured(
        "NOTICE_CHANGED",
        f"The facts of the privacy notice differ from those of its edition {edition.version}.",
        "Show the differences: discretion notice diff. Then add a new edition in "
        "schema/notices/editions.yaml; or, if nobody has been shown this one yet, "
        f"delete {path.name} and print it again.",
    )


def _list_members(entry: Any, *omitted_names: str) -> dict[str, Any]:
    """Return the members of a dataclass without the key under which it is listed."""
    return {name: value for name, value in asdict(entry).items() if name not in {"key", *omitted_names}}


def _build_law_facts(jurisdiction: Jurisdiction) -> StatedFacts:
    """Return the facts of a law for all its periods, so that a future rule is already a fact today."""
    # Labels of the periods: the first one has no beginning, each later one begins with a change.
    starts = ["always", *map(_format_moment, jurisdiction.timeline.list_change_times())]
    rights: dict[str, list[str]] = {}
    for entitlement in jurisdiction.rights:
        until = f" to {entitlement.citation.end}" if entitlement.citation.end else ""
        rights.setdefault(entitlement.right, []).append(
            f"{entitlement.citation.source}, from {entitlement.citation.start}{until}"
        )
    return {
        "label": jurisdiction.label,
        "law": jurisdiction.law,
        "authority": jurisdiction.authority.name,
        "url": jurisdiction.authority.url,
        "rights": rights,
        "rules": {
            start: _build_rules_facts(period.rules)
            for start, period in zip(starts, jurisdiction.timeline.periods, strict=True)
        },
    }


def _build_rules_facts(rules: ConsentRules) -> StatedFacts:
    return {
        "models": dict(rules.models),
        "sensitive": dict(rules.sensitive),
        "ages": {
            f"below {below}, {needs}": sorted(families)
            for (below, needs), families in group_ages(rules).items()
        },
        "signals": rules.signals,
        "renewal": rules.renewal,
    }


def _format_moment(start_ms: int) -> str:
    return datetime.fromtimestamp(start_ms // 1000, UTC).isoformat()
