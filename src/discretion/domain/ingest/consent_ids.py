"""Consent ids of a consent manager, as RudderStack's SDKs send them in ``context.consentManagement``.

``allowedConsentIds`` and ``deniedConsentIds`` are lists of ids, which are case-sensitive. The catalogue maps
the ids of a source to purposes. A denied id may also be a purpose itself, or a node of their tree: a refusal
needs no mapping. ``provider`` and ``resolutionStrategy`` are about RudderStack's own destinations and are not
read. An id without a meaning is left out and named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from discretion.catalogue.model import Catalogue, Source
from discretion.domain.ingest.purpose_tree import find_purposes_under
from discretion.domain.ingest.rejection import LeftOut, read_object_or_leave_out

CONSENT_MANAGEMENT = "consentManagement"
_PLACE = f"context.{CONSENT_MANAGEMENT}"
_ALLOWED, _DENIED = "allowedConsentIds", "deniedConsentIds"
MAX_CONSENT_IDS = 100
"""Most ids of one list that are read; a consent manager has a dozen categories."""

_NAMEABLE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""The form of ids that are named in an answer; in another form there is room for personal data."""


def read_consent_ids(
    catalogue: Catalogue, source: Source, context: Mapping[str, object]
) -> tuple[dict[str, bool], list[LeftOut]]:
    """Return the choices by purpose or node, of which a refusal wins, and what was left out."""
    management, fault = read_object_or_leave_out(context, CONSENT_MANAGEMENT, _PLACE)
    if fault is not None:
        return {}, [fault]
    choices: dict[str, bool] = {}
    left_out: list[LeftOut] = []
    for member, permits in ((_ALLOWED, True), (_DENIED, False)):
        consent_ids, faults = _read_id_list(management, member)
        left_out += faults
        for place, consent_id in consent_ids:
            nodes = source.consent.ids.get(consent_id, ())
            if not permits and not nodes and find_purposes_under(catalogue, consent_id):
                nodes = (consent_id,)
            if not nodes:
                left_out.append(
                    LeftOut(
                        place,
                        "CONSENT_ID_UNKNOWN",
                        "Map the id to purposes under 'consent: ids:' of its source in sources.yaml.",
                    )
                )
            # The refusals come last, so that they win.
            choices.update(dict.fromkeys(nodes, permits))
    return choices, left_out


def _read_id_list(
    management: Mapping[str, object], member: str
) -> tuple[list[tuple[str, str]], list[LeftOut]]:
    """Return the ids of a list, each with its place, and the items that are no ids."""
    value = management.get(member)
    place = f"{_PLACE}.{member}"
    if value is None or value == "":
        return [], []
    if not isinstance(value, list):
        return [], [LeftOut(place, "TYPE_WRONG", "It takes a list of consent ids.")]
    left_out = [
        LeftOut(f"{place}.{index}", "TYPE_WRONG", "A consent id is a text.")
        for index, item in enumerate(value[:MAX_CONSENT_IDS])
        if not isinstance(item, str)
    ]
    if len(value) > MAX_CONSENT_IDS:
        left_out.append(LeftOut(place, "CONSENT_IDS_COUNT", f"At most {MAX_CONSENT_IDS} ids are read."))
    return list(_list_ids(value[:MAX_CONSENT_IDS], place)), left_out


def _list_ids(value: list[object], place: str) -> Iterator[tuple[str, str]]:
    for index, item in enumerate(value):
        if isinstance(item, str):
            yield f"{place}.{item if _NAMEABLE_ID.fullmatch(item) else index}", item
