"""A package's history, page by page: events, words about purposes, merges, looks, requests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from discretion.catalogue.model import EventType
from discretion.domain.access.package_sections import row
from discretion.domain.access.package_subject import Subject, clear, kept_until, told
from discretion.domain.access.profile_sections import PORTABLE
from discretion.domain.consent.receipt import Receipts
from discretion.domain.consent.statement_record import ConsentEvent, event, text
from discretion.ledger.entry import Entry
from discretion.ledger.storage import LedgerStorage
from discretion.reveal.forms import iso
from discretion.reveal.revealer import CUSTOMER_KIND
from discretion.seal.cell import event_key, identifier_key
from discretion.store.consents import Consents
from discretion.store.identities import Identities
from discretion.store.requests import Requests
from discretion.store.subject_reads import Kept
from discretion.token.grant import SELF

Document = Mapping[str, Any]
Rows = Sequence[dict[str, Any]]

MESSAGE = "request/message"
"""What a message of a request is bound to, in place of an attribute's key."""

BOUND: Mapping[str, str] = {"changes": "request/changes", "words": MESSAGE}
"""The sealed parts of a request, by what each is bound to."""

REQUEST_KIND = b"request"
"""What a request's id is shut as, for whoever asks."""


@dataclass(frozen=True, slots=True)
class Archive:
    """Where a person's history is kept, and how many rows of it are read at a time."""

    kept: Kept
    consents: Consents
    identities: Identities
    ledger: LedgerStorage
    requests: Requests
    receipts: Receipts
    together: int

    async def events(self, subject: Subject) -> AsyncIterator[Rows]:
        """Everything that happened, newest first."""
        before = None
        while True:
            docs = await self.kept.events(subject.row.id, before, self.together)
            rows = [one for doc in docs if (one := _event(subject, doc)) is not None]
            if rows:
                yield rows
            if len(docs) < self.together:
                return
            before = docs[-1]["at"], docs[-1]["_id"]

    async def consent(self, subject: Subject) -> AsyncIterator[Rows]:
        """Every word about a purpose, newest first, each with its receipt."""
        before = None
        person = subject.reading.shut(CUSTOMER_KIND, subject.row.id)
        while True:
            docs = await self.consents.of_customer(subject.row.id, before, self.together)
            words = [event(one) for one in docs]
            terms = await self.consents.terms({one.terms for one in words})
            subject.reading.note("consents")
            if words:
                yield [_consent(one, self.receipts.sign(one, terms[one.terms], person)) for one in words]
            if len(docs) < self.together:
                return
            before = words[-1].received, words[-1].id

    async def terms(self, subject: Subject) -> AsyncIterator[Rows]:
        """What was agreed to, each once."""
        known: set[bytes] = set()
        before = None
        while True:
            docs = await self.consents.of_customer(subject.row.id, before, self.together)
            found = await self.consents.terms({one["terms"] for one in docs} - known)
            if found:
                yield [row("terms", terms=key.hex(), document=one) for key, one in sorted(found.items())]
            known |= found.keys()
            if len(docs) < self.together:
                return
            before = docs[-1]["received"], docs[-1]["_id"]

    async def identity(self, subject: Subject) -> AsyncIterator[Rows]:
        """What happened to who they are, and whom they resemble."""
        subject.reading.note("identityHistory")
        named = {one["e"]: one for record in subject.records for one in record["ids"]}
        before = None
        while True:
            docs = await self.identities.history(subject.names, before, self.together)
            if docs:
                yield [_happened(subject, named, one) for one in docs]
            if len(docs) < self.together:
                break
            before = docs[-1]["at"], docs[-1]["_id"]
        if alike := await self.kept.suggestions(subject.row.id):
            yield [_alike(one) for one in alike]
        names = {ruling for record in subject.records for ruling in record.get("rulings", ())}
        if rulings := await self.kept.rulings(names):
            yield [_ruled(one) for one in rulings]

    async def disclosures(self, subject: Subject) -> AsyncIterator[Rows]:
        """Who saw what, newest first."""
        names = subject.reading.pseudonyms(subject.row, subject.former)
        subject.reading.note("disclosures")
        before = None
        while True:
            entries = await self.ledger.of_subject(names, before, self.together)
            if entries:
                yield [_disclosure(one, names) for one in entries]
            if len(entries) < self.together:
                return
            before = entries[-1].at, entries[-1].receipt

    async def letters(self, subject: Subject) -> AsyncIterator[Rows]:
        """Messages of theirs that were refused."""
        marks = {one["e"] for record in subject.records for one in record["ids"]}
        letters = await self.kept.letters(marks)
        for start in range(0, len(letters), self.together):
            yield [_letter(one) for one in letters[start : start + self.together]]

    async def asked(self, subject: Subject) -> AsyncIterator[Rows]:
        """Their requests, this one and refused ones too, newest first."""
        subject.reading.note("requests")
        wanted: dict[str, Any] = {"customer": {"$in": subject.names}}
        order = [("received", -1), ("_id", -1)]
        before: Document | None = None
        while True:
            here = wanted if before is None else {**wanted, "$or": _older(before)}
            docs = await self.requests.find(here, order, self.together)
            if docs:
                yield [_request(subject, one) for one in docs]
            if len(docs) < self.together:
                return
            before = docs[-1]


def _older(doc: Document) -> list[dict[str, Any]]:
    at = doc["received"]
    return [{"received": {"$lt": at}}, {"received": at, "_id": {"$lt": doc["_id"]}}]


def _event(subject: Subject, doc: Document) -> dict[str, Any] | None:
    kind = subject.catalogue.events.get(doc["type"])
    if doc["at"] < max(subject.cuts.event(doc["type"]), subject.limits.since):
        return None
    if subject.portable and not (kind and any(use.purpose.basis in PORTABLE for use in kind.uses)):
        return None
    what = f"event:{doc['type']}"
    law = None if kind is None else subject.limits.forbids(kind.category)
    properties: Any = None
    if law is not None:
        subject.reading.note(what)
    elif "props" in doc:
        stored = subject.reading.reveal_cell(subject.row, doc["props"], event_key(doc["_id"]), what)
        properties, law = _properties(subject, kind, stored)
    else:
        subject.reading.note(what)
    return row(
        "events",
        name=doc["type"],
        channel=doc["channel"],
        source=doc["source"],
        occurred_at=iso(doc["at"]),
        received_at=iso(doc["received"]),
        kept_until=None if kind is None else kept_until(kind, doc["at"]),
        properties=properties,
        record=subject.record(doc["record"]),
        withheld=law,
    )


def _properties(subject: Subject, kind: EventType | None, stored: Document) -> tuple[Any, str | None]:
    """Every property that may be shown, those that left the catalogue as they are kept; and why not all."""
    declared = {} if kind is None else {one.name: one for one in kind.properties}
    shown: dict[str, Any] = {}
    laws: set[str] = set()
    for name, value in stored.items():
        one = declared.get(name)
        if one is None:
            shown[name] = value
        elif (law := subject.limits.forbids(one.category)) is not None:
            laws.add(law)
        else:
            shown[name] = clear(one.type, value, many=one.many)
    return shown, "; ".join(sorted(laws)) or None


def _consent(one: ConsentEvent, receipt: str) -> dict[str, Any]:
    notice = one.notice
    return row(
        "consents",
        id=one.name,
        purpose=one.purpose,
        state=one.state.value,
        at=iso(one.at),
        received_at=iso(one.received),
        until=told(one.until),
        by=one.by,
        method=one.method.value,
        channel=None if one.channel is None else one.channel.value,
        basis=one.basis.value,
        laws=list(one.laws),
        notice=None
        if notice is None
        else {"version": notice.version, "language": notice.language, "sha256": notice.sha256},
        signal=one.signal,
        guardian=one.guardian,
        conflicts_with=None if one.conflict is None else text(one.conflict),
        terms=one.terms.hex(),
        receipt=receipt,
    )


def _happened(subject: Subject, named: Mapping[bytes, Document], doc: Document) -> dict[str, Any]:
    """What spoke for it, with the value only where it is still one of this person's own."""
    evidence = []
    for one in doc["evidence"]:
        mine = named.get(one["entry"])
        value = None
        if mine is not None:
            key = identifier_key(one["entry"])
            value = subject.reading.reveal_cell(subject.row, mine["c"], key, "identifiers")
        evidence.append({"type": one["type"], "value": value})
    return row(
        "identity",
        kind=doc["kind"],
        at=iso(doc["at"]),
        by=doc["by"],
        profiles=len(doc["customers"]),
        evidence=evidence,
    )


def _alike(doc: Document) -> dict[str, Any]:
    """That another profile resembles theirs; not whose it is."""
    return row(
        "identity",
        kind="resembles",
        at=iso(doc["at"]),
        by=doc["model"],
        profiles=len(doc["customers"]),
        score=doc["score"],
        evidence=[{"type": one["name"], "says": one["says"]} for one in doc["evidence"]],
    )


def _ruled(doc: Document) -> dict[str, Any]:
    kind = "ruled_one" if doc["joined"] else "ruled_different"
    return row("identity", kind=kind, at=iso(doc["at"]), by=doc["by"], profiles=len(doc["sides"]))


def _disclosure(entry: Entry, names: Sequence[bytes]) -> dict[str, Any]:
    """One look, and not by which of a recipient's people.

    They are no recipients themselves, and their names are their own data (CJEU C-579/21).
    """
    bits = 0
    for name in names:
        bits |= entry.subjects.get(name, 0)
    seen = [pair for index, pair in enumerate(entry.attributes) if bits >> index & 1]
    return row(
        "disclosures",
        receipt=entry.receipt,
        at=iso(entry.at),
        client=entry.client,
        own=entry.actor == SELF,
        purposes=list(entry.purposes),
        attributes=[path for path, _ in seen],
        forms=[form for _, form in seen],
        also=list(entry.extra),
    )


def _letter(doc: Document) -> dict[str, Any]:
    return row(
        "refused_messages",
        source=doc["source"],
        received_at=iso(doc["received"]),
        reason=doc["code"],
        place=doc["place"],
        deleted_by=iso(int(doc["expires"].timestamp() * 1000)),
    )


def _asked(subject: Subject, doc: Document) -> dict[str, Any]:
    """What of a request is personal. A value that may not be shown is not shown because it was corrected."""
    told = {}
    for name, cell in doc["sealed"].items():
        if name in BOUND:
            told[name] = subject.opened(doc["customer"], cell, BOUND[name], f"requests.{name}")
    if told.get("changes"):
        told["changes"] = [one for one in told["changes"] if not _hidden(subject, one["attribute"])]
    return told


def _hidden(subject: Subject, path: str) -> bool:
    attribute = subject.catalogue.attributes.get(path)
    return attribute is not None and subject.limits.forbids(attribute.category) is not None


def _message(subject: Subject, told: Document) -> dict[str, Any]:
    """What the person and the privacy office told each other; shut when they were known by ``for``."""
    text = subject.opened(told["for"], told["sealed"], MESSAGE, "requests.messages")
    return {"at": iso(told["at"]), "by": told["by"], "text": text}


def _request(subject: Subject, doc: Document) -> dict[str, Any]:
    return row(
        "requests",
        id=subject.reading.shut(REQUEST_KIND, doc["_id"]),
        right=doc["right"],
        state=doc["state"],
        reason=doc.get("reason"),
        received_at=iso(doc["received"]),
        due_at=told(doc.get("due")),
        ended_at=told(doc.get("ended")),
        by=doc["by"],
        laws=list(doc["laws"]),
        scope=dict(doc["scope"]),
        asked=_asked(subject, doc),
        messages=[_message(subject, one) for one in doc.get("messages", ())],
        history=[{**one, "at": iso(one["at"])} for one in doc["history"]],
        refusal=doc.get("refusal"),
    )
