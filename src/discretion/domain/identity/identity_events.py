"""What happened to who somebody is, as events: merged and parted, when, by whom, on which evidence."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from discretion.domain.identity.assignment import Settled
from discretion.domain.identity.evidence_reader import Known
from discretion.domain.ingest.mention import Mention

MERGED, PARTED = "merged", "parted"
Document = dict[str, Any]


def changes(
    known: Known, settled: Mapping[bytes, Settled], fresh: Sequence[Mention], by: str, at: int
) -> Iterator[Document]:
    """One document for each merge and each parting, without its id.

    ``settled`` are the persons by the customer they are now. ``sides`` are the records of each
    customer that met or came to be; ``evidence`` the new identifiers that spoke for it, with their types.
    Many senders share a transaction: of those in ``by`` only the ones are named who spoke of these records.
    """
    into: dict[bytes, list[bytes]] = {}
    for customer, person in settled.items():
        for one in person.before:
            into.setdefault(one, []).append(customer)
        if len(person.before) > 1:
            theirs = {one.entry: one.kind for one in fresh if one.entry in person.identifiers}
            evidence = [{"type": kind, "entry": entry} for entry, kind in sorted(theirs.items())]
            sides = [list(records) for records in person.before.values()]
            whose = _whose(known, fresh, person.records) or by
            yield _event(MERGED, {*person.before, customer}, sides, evidence, whose, at)
    for one, customers in into.items():
        if len(customers) > 1:
            sides = [list(settled[customer].before[one]) for customer in customers]
            whose = _whose(known, fresh, {record for side in sides for record in side}) or by
            yield _event(PARTED, {one, *customers}, sides, [], whose, at)


def _whose(known: Known, fresh: Sequence[Mention], records: Collection[bytes]) -> str:
    """The sources whose new evidence is of these records, or of an identifier that they name."""
    there = [known.records[one] for one in records if one in known.records]
    named = {told["e"] for one in there for told in one["ids"]}
    sources = {one.source for one in fresh if one.record in records or one.entry in named}
    return f"source:{','.join(sorted(sources))}" if sources else ""


def _event(
    kind: str,
    customers: set[bytes],
    sides: Sequence[Sequence[bytes]],
    evidence: Sequence[Document],
    by: str,
    at: int,
) -> Document:
    return {
        "kind": kind,
        "at": at,
        "by": by,
        "customers": sorted(customers),
        "sides": list(sides),
        "evidence": list(evidence),
    }
