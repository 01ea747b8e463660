"""What a message says expressly about purposes: a consent message, or Segment's of changed preferences.

A yes or no on an ordinary message is said beside other things; here it is all that is said. A purpose that
a consent message misspells refuses it, lest a no be lost; Segment's categories are the consent tool's own,
and those that are no purpose of ours are left out and counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from discretion.catalogue.model import Catalogue, Source
from discretion.catalogue.nearest_name import nearest
from discretion.domain.ingest.message import Said
from discretion.domain.ingest.purpose_tree import about, askable, below
from discretion.domain.ingest.rejection import No, mapping
from discretion.domain.ingest.statement_context import Method, Saying, guardian, notice
from discretion.domain.ingest.value_parsing import WrongType, moment

CONSENT = "consent"
UPDATED = "Segment Consent Preference Updated"
"""The event that Segment's consent wrappers send when somebody changed their preferences."""

_PREFERENCES = "context.consent.categoryPreferences"
MAX_PURPOSES = 100
MAX_NAME = 100

Expressed = tuple[dict[str, Said], Saying | None, int]
"""Words, how they were said, and how many words about no purpose of ours were left out."""


def updates(kind: Any, raw: Mapping[str, Any]) -> bool:
    """Whether a message is Segment's event, which is consent and not an event."""
    return kind == "track" and raw.get("event") == UPDATED


def expressed(catalogue: Catalogue, source: Source, kind: Any, raw: Mapping[str, Any]) -> Expressed:
    """What a message says expressly; nothing for one of another kind. Where it says yes and no, it is no.

    Raises:
        No: ``PURPOSES_MISSING``, ``PURPOSE_UNKNOWN``, ``TYPE_WRONG``, ``VALID_UNTIL_INVALID``,
            ``METHOD_UNKNOWN``, ``NOTICE_INVALID``, ``GUARDIAN_INVALID``, ``GUARDIAN_NOT_GRANTED``.
    """
    if updates(kind, raw):
        consent = mapping(mapping(raw, "context"), "consent")
        preferences = mapping(consent, "categoryPreferences")
        return (
            _words(catalogue, preferences, _PREFERENCES),
            Saying(Method.SOURCE),
            _idle(catalogue, preferences),
        )
    if kind != CONSENT:
        return {}, None, 0
    purposes = mapping(raw, "purposes")
    if not 0 < len(purposes) <= MAX_PURPOSES:
        wanted = f"It takes from 1 to {MAX_PURPOSES} purposes, each true or false."
        raise No("PURPOSES_MISSING", wanted, "purposes")
    for node in purposes:
        if not below(catalogue, node):
            advice = nearest(node[:MAX_NAME], catalogue.purposes)
            raise No("PURPOSE_UNKNOWN", f"The catalogue has no such purpose. {advice}", "purposes")
    saying = _saying(raw)
    if saying.guardian is not None and not source.guardians:
        raise No("GUARDIAN_NOT_GRANTED", "This source does not speak for guardians.", "guardian")
    words = _words(catalogue, purposes, "purposes", _until(raw), guardian=saying.guardian is not None)
    return words, saying, _idle(catalogue, purposes)


def _words(
    catalogue: Catalogue,
    given: Mapping[str, Any],
    place: str,
    until: int | None = None,
    *,
    guardian: bool = False,
) -> dict[str, Said]:
    words: dict[str, Said] = {}
    for node, said in given.items():
        if not isinstance(said, bool):
            raise No("TYPE_WRONG", "It takes true or false for each purpose.", place)
        asked = askable(catalogue, below(catalogue, node), node)
        word = Said(said, until if said else None, guardian)
        for name in about(node, asked, given=said) if asked else ():
            if not said or name not in words:
                words[name] = word
    return words


def _idle(catalogue: Catalogue, given: Mapping[str, Any]) -> int:
    """How many words are about nothing that is asked of anybody."""
    return sum(1 for node in given if not askable(catalogue, below(catalogue, node), node))


def _saying(raw: Mapping[str, Any]) -> Saying:
    shown, agreed = mapping(raw, "notice"), mapping(raw, "guardian")
    method = raw.get("method")
    if method is None:
        method = Method.GUARDIAN if agreed else Method.SOURCE
    if not isinstance(method, str) or method not in set(Method):
        raise No("METHOD_UNKNOWN", f"It is one of {', '.join(sorted(Method))}.", "method")
    return Saying(
        Method(method),
        notice(shown, "notice") if shown else None,
        guardian(agreed, "guardian") if agreed else None,
    )


def _until(raw: Mapping[str, Any]) -> int | None:
    given = raw.get("validUntil")
    if given is None:
        return None
    try:
        return moment(given)
    except WrongType as wrong:
        raise No("VALID_UNTIL_INVALID", f"It takes {wrong.wanted}.", "validUntil") from None
