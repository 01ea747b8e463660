"""The digests of an edition's texts, stored beside its facts: by them a statement names the notice it saw.

An edition has one text for each jurisdiction and language, and another one after each change of that law. All
of them are computed when the edition is printed. Where the wording of a language is improved later, the new
digests are added and the former ones stay: somebody was shown that text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from discretion.domain.notices.editions import NoticeEdition
from discretion.domain.notices.facts import NoticeFacts
from discretion.domain.notices.load import NoticeTemplates
from discretion.domain.notices.notice import build_notice
from discretion.domain.notices.snapshot import PRINTS_FOLDER
from discretion.errors import Misconfigured
from discretion.law.jurisdiction import Jurisdiction
from discretion.law.local_days import find_midnight

ANNOUNCED_MS = 366 * 86_400_000
"""How long before its first day an edition may be shown already."""

TextDigests = Mapping[str, frozenset[str]]
"""By language, SHA-256 of each text in hexadecimal."""


def compute_text_digests(
    facts: NoticeFacts, templates: NoticeTemplates, laws: Iterable[Jurisdiction]
) -> TextDigests:
    """Return the digests of all texts that the last edition has, under the laws known now."""
    edition = templates.editions[-1]
    moments_by_law = [(law, _list_moments(law, edition)) for law in laws]
    return {
        language: frozenset(
            build_notice(facts, templates.office, law, wording, edition, at).sha256
            for law, moments in moments_by_law
            for at in moments
        )
        for language, wording in templates.wordings.items()
    }


def _list_moments(law: Jurisdiction, edition: NoticeEdition) -> Sequence[int]:
    """Return the moments (ms) from which on a text of the edition differs, the first one included."""
    first_shown = edition.start_ms - ANNOUNCED_MS
    changes = {*law.timeline.list_change_times(), *_list_entitlement_changes(law)}
    return [first_shown, *sorted(at for at in changes if at > first_shown)]


def _list_entitlement_changes(law: Jurisdiction) -> Iterator[int]:
    for entitlement in law.rights:
        for day in (entitlement.citation.start, entitlement.citation.end):
            if day is not None:
                yield find_midnight(day, law.zone)


def find_digests_path(folder: Path, edition: NoticeEdition) -> Path:
    """Return the path of an edition's digests."""
    return folder / PRINTS_FOLDER / f"{edition.version}.digests.json"


def read_text_digests(folder: Path, editions: Iterable[NoticeEdition]) -> Mapping[str, TextDigests]:
    """Return the stored digests by version; an edition that was not printed has none.

    Raises:
        Misconfigured: ``NOTICE_DIGESTS_INVALID``; a file has another shape.
    """
    return {
        edition.version: _read_edition_digests(find_digests_path(folder, edition)) for edition in editions
    }


def _read_edition_digests(path: Path) -> TextDigests:
    if not path.exists():
        return {}
    try:
        stored = json.loads(path.read_text("utf-8"))
        return {language: frozenset(map(str, digests)) for language, digests in stored.items()}
    except (ValueError, AttributeError, TypeError):
        raise Misconfigured(
            "NOTICE_DIGESTS_INVALID",
            f"{path} does not have lists of digests by language.",
            "Delete it and write it anew: discretion schema print --write",
        ) from None


def format_text_digests(digests: TextDigests) -> str:
    """Format digests as JSON, so that equal digests give equal files."""
    ordered = {language: sorted(digests[language]) for language in sorted(digests)}
    return json.dumps(ordered, indent=1) + "\n"


def has_digests(stored: TextDigests, digests: TextDigests) -> bool:
    """Return whether all these digests are stored."""
    return all(digests[language] <= stored.get(language, frozenset()) for language in digests)


def print_text_digests(folder: Path, edition: NoticeEdition, digests: TextDigests, *, is_new: bool) -> None:
    """Store the digests of an edition; those of an edition that is printed already are added.

    Args:
        folder: The folder of the notices.
        edition: The edition.
        digests: Its digests now.
        is_new: Whether the edition is printed for the first time: then nobody was shown another text.
    """
    path = find_digests_path(folder, edition)
    stored: TextDigests = {} if is_new else _read_edition_digests(path)
    if stored and has_digests(stored, digests):
        return
    merged = {
        language: stored.get(language, frozenset()) | digests.get(language, frozenset())
        for language in {*stored, *digests}
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(format_text_digests(merged), "utf-8")
