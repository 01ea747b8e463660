"""Documents that name a person, for each collection of the map, and what an erasure leaves of them.

The expectations are written by hand, without the map, so that a rule of the map that is too weak or too
strong fails. Ann is erased; Bob stays.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from discretion.store.document import MutableDocument
from tests.store.schema.valid_documents import VALID_DOCUMENTS

KEPT_BY_DESIGN = frozenset({"requests", "disclosures", "erasures", "tombstones"})
"""The only collections that may name an erased person, as evidence that they were erased."""

LEAVING_TOMBSTONES = frozenset({"events", "messages", "dead_letters"})
"""Collections of messages: a repeated message must not be taken for a new one."""


@dataclass(frozen=True)
class PersonIds:
    """The ids of a person, and their wrapped data key."""

    customer: bytes
    record: bytes
    identifier: bytes
    ruling: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    stray: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    """An identifier that their source record names, and that is stored without the record."""

    @property
    def all(self) -> tuple[bytes, ...]:
        """The ids that name the person."""
        return self.customer, self.record, self.identifier, self.stray


@dataclass(frozen=True)
class PlantedDocument:
    """A document, and what is left of it after the erasure of Ann; None if it goes.

    ``by_scan``: it is found without an index only, as in a small collection or while no server runs.
    """

    document: MutableDocument
    left: MutableDocument | None
    by_scan: bool = False


Planter = Callable[[PersonIds, PersonIds], list[PlantedDocument]]


def _new_id() -> bytes:
    return secrets.token_bytes(16)


def build_document(collection: str, *absent: str, **members: Any) -> MutableDocument:
    """Return a valid document with these members and a new id."""
    valid = VALID_DOCUMENTS[collection]
    document_id: Any = _new_id()
    if not isinstance(valid["_id"], bytes):
        number = secrets.randbelow(2**31)
        document_id = number if isinstance(valid["_id"], int) else f"{number:x}"
    built = {**valid, "_id": document_id, **members}
    return {name: value for name, value in built.items() if name not in absent}


def _goes(collection: str, *absent: str, **members: Any) -> PlantedDocument:
    return PlantedDocument(build_document(collection, *absent, **members), None)


def _stays(collection: str, *absent: str, **members: Any) -> PlantedDocument:
    document = build_document(collection, *absent, **members)
    return PlantedDocument(document, document)


def _shrinks(before: MutableDocument, *removed: str, **changed: Any) -> PlantedDocument:
    after = {**before, **changed}
    return PlantedDocument(before, {name: value for name, value in after.items() if name not in removed})


def _plant_nobody(ann: PersonIds, bob: PersonIds) -> list[PlantedDocument]:
    """Plant nothing: messages about Ann and Bob, or the start of the platform, wrote the documents."""
    del ann, bob
    return []


def _plant_impersonal(collection: str, *absent: str) -> Planter:
    """Return a planter of one document that names nobody."""

    def plant_impersonal(ann: PersonIds, bob: PersonIds) -> list[PlantedDocument]:
        del ann, bob
        return [_stays(collection, *absent, **_DATES.get(collection, {}))]

    return plant_impersonal


def _plant_per_customer(collection: str) -> Planter:
    """Return a planter of documents that are about one customer each."""
    return lambda ann, bob: [
        _goes(collection, customer=ann.customer, **_DATES[collection]),
        _stays(collection, customer=bob.customer, **_DATES[collection]),
    ]


def _plant_identifiers(ann: PersonIds, bob: PersonIds) -> list[PlantedDocument]:
    refusal = {"r": bob.record, "p": ["marketing"]}
    other = {
        "type": "phone",
        "records": [bob.record],
        "claims": [bob.record],
        "anonymous": [bob.record],
        "refusals": [refusal],
    }
    refusing = {
        **other,
        "records": [ann.record, bob.record],
        "refusals": [{"r": ann.record, "p": ["analytics"]}, refusal],
    }
    return [
        _shrinks(build_document("identifiers", **refusing), **other),
        _goes("identifiers", "claims", "anonymous", type="cookie", records=[ann.record], refusals=[]),
        _goes("identifiers", "claims", "anonymous", "refusals", _id=ann.stray, type="cookie", records=[]),
        *(
            _shrinks(build_document("identifiers", **{**other, member: [ann.record, bob.record]}), **other)
            for member in ("records", "claims", "anonymous")
        ),
        _stays("identifiers", "claims", "anonymous", "refusals", type="cookie", records=[bob.record]),
    ]


def _plant_holds(ann: PersonIds, bob: PersonIds) -> list[PlantedDocument]:
    # It keeps nothing that exists: data that are retained would have to be decrypted.
    named = build_document("holds", customer=ann.customer, records=[_new_id()], events=[_new_id()])
    return [
        _shrinks(named, "customer", records=[], events=[]),
        _stays("holds", customer=bob.customer, records=[bob.record], events=[]),
    ]


def _plant_events(ann: PersonIds, bob: PersonIds) -> list[PlantedDocument]:
    def name(customer: bytes, record: bytes) -> dict[str, Any]:
        # Of a type that no law orders kept, so that its properties are not opened.
        return {"c": customer, "r": record, "k": "Product Viewed"}

    return [
        _goes("events", "p", **name(ann.customer, ann.record)),
        _goes("events", "p", **name(ann.customer, _new_id())),
        replace(_goes("events", "p", **name(bob.customer, ann.record)), by_scan=True),
        _stays("events", "p", **name(bob.customer, bob.record)),
    ]


def _plant_messages(ann: PersonIds, bob: PersonIds) -> list[PlantedDocument]:
    return [_goes("messages", record=ann.record), _stays("messages", record=bob.record)]


def _plant_dead_letters(ann: PersonIds, bob: PersonIds) -> list[PlantedDocument]:
    dates = _DATES["dead_letters"]
    return [
        _goes("dead_letters", marks=[ann.identifier], **dates),
        _goes("dead_letters", marks=[_new_id(), ann.identifier], **dates),
        _stays("dead_letters", marks=[bob.identifier], **dates),
    ]


def _plant_suggestions(ann: PersonIds, bob: PersonIds) -> list[PlantedDocument]:
    return [
        _goes("suggestions", customers=[bob.customer, ann.customer]),
        _stays("suggestions", customers=[bob.customer, _new_id()]),
    ]


def _plant_proposed_joins(ann: PersonIds, bob: PersonIds) -> list[PlantedDocument]:
    logins = {"logins": [{"records": [bob.record]}, {"records": [_new_id()]}]}
    separated = {**logins, "logins": [{"records": [bob.record]}, {"records": [ann.record]}]}
    return [
        _goes("proposed_joins", **{**logins, "customers": [bob.customer, ann.customer]}),
        _goes("proposed_joins", **{**separated, "customers": [bob.customer, _new_id()]}),
        _stays("proposed_joins", **{**logins, "customers": [bob.customer, _new_id()]}),
    ]


def _plant_record_codes(ann: PersonIds, bob: PersonIds) -> list[PlantedDocument]:
    of_bob = {"login": bob.record, "record": bob.record, "address": bob.identifier, **_DATES["record_codes"]}
    return [
        *(
            _goes("record_codes", **{**of_bob, member: named})
            for member, named in (
                ("login", ann.record),
                ("record", ann.record),
                ("address", ann.identifier),
            )
        ),
        _stays("record_codes", **of_bob),
    ]


def _plant_rulings(ann: PersonIds, bob: PersonIds) -> list[PlantedDocument]:
    other = _new_id()
    both, three = [[ann.record], [bob.record]], [[ann.record, other], [bob.record]]
    return [
        _goes("rulings", _id=ann.ruling, joined=False, sides=both),
        _goes("rulings", joined=True, sides=both),
        _shrinks(build_document("rulings", joined=True, sides=three), sides=[[other], [bob.record]]),
        _shrinks(build_document("rulings", joined=False, sides=three), sides=[[other], [bob.record]]),
        # Its records do not name it.
        replace(
            _shrinks(build_document("rulings", joined=True, sides=three), sides=[[other], [bob.record]]),
            by_scan=True,
        ),
        _stays("rulings", joined=True, sides=[[other], [bob.record]]),
    ]


def _plant_identity_events(ann: PersonIds, bob: PersonIds) -> list[PlantedDocument]:
    other, both = _new_id(), [ann.customer, bob.customer]
    own, others = [
        [{"type": "email", "entry": person.identifier, "source": "tills", "assurance": 1}]
        for person in (ann, bob)
    ]
    merge = build_document(
        "identity_events", customers=both, sides=[[ann.record], [bob.record]], evidence=[*own, *others]
    )
    # A record that was parted from Bob after this merge, and then became Ann's.
    earlier = build_document(
        "identity_events",
        customers=[bob.customer, other],
        sides=[[ann.record, other], [bob.record]],
        evidence=[],
    )
    named = build_document(
        "identity_events", customers=[bob.customer, other], sides=[[bob.record]], evidence=[*own, *others]
    )
    return [
        _goes("identity_events", customers=[ann.customer], sides=[[ann.record]], evidence=own),
        _shrinks(merge, customers=[bob.customer], sides=[[bob.record]], evidence=others),
        replace(_shrinks(earlier, sides=[[other], [bob.record]]), by_scan=True),
        replace(_shrinks(named, evidence=others), by_scan=True),
        _stays("identity_events", customers=[bob.customer], sides=[[bob.record]], evidence=others),
    ]


def _plant_consents(ann: PersonIds, bob: PersonIds) -> list[PlantedDocument]:
    def name(customer: bytes, *records: bytes) -> dict[str, Any]:
        return {"customer": customer, "records": list(records)}

    both = build_document("consents", **name(ann.customer, ann.record, bob.record))
    # Ann's when it was said; its record has become Bob's since.
    parted = build_document("consents", **name(ann.customer, bob.record))
    of_bob = build_document("consents", **name(bob.customer, ann.record, bob.record))
    return [
        _goes("consents", **name(ann.customer, ann.record)),
        _shrinks(both, records=[bob.record], customer=b""),
        _shrinks(parted, customer=b""),
        _shrinks(of_bob, records=[bob.record]),
        _stays("consents", **name(bob.customer, bob.record)),
    ]


def _plant_sweeps(ann: PersonIds, bob: PersonIds) -> list[PlantedDocument]:
    return [
        replace(_shrinks(build_document("sweeps", cursor=ann.customer), cursor=b""), by_scan=True),
        _stays("sweeps", cursor=bob.customer),
    ]


def _plant_requests(ann: PersonIds, bob: PersonIds) -> list[PlantedDocument]:
    contact = {
        "code": {"hash": "h", "tries": 0, "until": 1},
        "sealed": {"note": b"sealed"},
    }
    return [
        _shrinks(
            build_document(
                "requests", customer=ann.customer, login=ann.customer, reached=[ann.customer], **contact
            ),
            "code",
            "login",
            "reached",
            sealed={},
        ),
        _stays("requests", customer=bob.customer, login=bob.customer, reached=[bob.customer], **contact),
    ]


def _plant_held(ann: PersonIds, bob: PersonIds) -> list[PlantedDocument]:
    """Plant data retained of an earlier person; without a key, they are on their way out."""
    del ann, bob
    return [_stays("held", "key")]


def _far_off() -> datetime:
    return datetime(2126, 1, 1, tzinfo=UTC)


_DATES: Mapping[str, dict[str, Any]] = {
    **{
        name: {"expires": _far_off()}
        for name in (
            *("dead_letters", "packages", "package_links", "record_codes", "replays"),
            *("tracking_plan_violations", "ingest_outcomes"),
        )
    },
    "ingest_watches": {"until": _far_off()},
}
"""Members that MongoDB compares with the present: the documents must outlive the test."""

PLANTERS: Mapping[str, Planter] = {
    "customers": _plant_nobody,
    "source_records": _plant_nobody,
    "identifiers": _plant_identifiers,
    "holds": _plant_holds,
    "events": _plant_events,
    "messages": _plant_messages,
    "dead_letters": _plant_dead_letters,
    "suggestions": _plant_suggestions,
    "proposed_joins": _plant_proposed_joins,
    "packages": _plant_per_customer("packages"),
    "package_links": _plant_per_customer("package_links"),
    "record_codes": _plant_record_codes,
    "rulings": _plant_rulings,
    "identity_events": _plant_identity_events,
    "consents": _plant_consents,
    "sweeps": _plant_sweeps,
    "requests": _plant_requests,
    "held": _plant_held,
    "erasures": _plant_impersonal("erasures", "line"),
    "installation": _plant_nobody,  # a second record would be one of another release
    **{
        name: _plant_impersonal(name)
        for name in (
            *("disclosures", "tombstones", "deliveries", "mandates", "replays", "agents", "recipients"),
            *("tracking_plan_violations", "ingest_outcomes", "ingest_watches", "imports"),
            *("clients", "consent_terms", "rulebooks", "ledger_postings", "ledger_posting_state"),
        )
    },
}
"""How Ann and Bob are planted in each collection."""

MEMBERS_WITHOUT_PERSON: Mapping[str, frozenset[str]] = {
    "customers": frozenset({"k", "f.k"}),
    # j.n is sealed under the key of the record's customer: the pseudonym of another must not be searchable.
    "source_records": frozenset({"i.c", "r", "j.n"}),
    "holds": frozenset({"_id", "events", "records"}),  # emptied, whatever they hold
    "held": frozenset({"_id", "request", "hold", "key", "items.id", "items.props"}),
    "events": frozenset({"_id", "p"}),
    "messages": frozenset({"_id"}),
    "dead_letters": frozenset({"_id", "sealed"}),
    "suggestions": frozenset({"_id"}),
    "proposed_joins": frozenset({"_id", "suggestion"}),
    "packages": frozenset({"_id", "request", "sealed"}),
    "package_links": frozenset({"_id", "request"}),
    "record_codes": frozenset({"_id"}),
    "rulings": frozenset({"_id"}),
    "identity_events": frozenset({"_id"}),
    "consents": frozenset({"_id", "terms", "conflict"}),
    "requests": frozenset(
        {"_id", "open", "appeal_of", "contact", "new_address", "messages.for", "messages.sealed"}
    ),
    "disclosures": frozenset({"_id", "e", "s"}),
    "ledger_postings": frozenset({"c", "l", "h"}),
    "ledger_posting_state": frozenset({"h", "p"}),
    "erasures": frozenset({"_id"}),
    "tombstones": frozenset({"_id"}),
    "deliveries": frozenset({"_id", "request"}),
    "mandates": frozenset({"_id", "requests", "callbacks.told"}),
    "replays": frozenset({"_id"}),
    "agents": frozenset({"verify_key", "digest"}),
    "imports": frozenset({"_id"}),
    "tracking_plan_violations": frozenset({"_id", "first"}),
    "ingest_outcomes": frozenset({"undeclared"}),
    "clients": frozenset({"digest"}),
    "consent_terms": frozenset({"_id"}),
    "installation": frozenset({"bucketKeys", "signingKeys"}),
}
"""Binary members that hold no id of a person: ids of documents, keys, digests, sealed values, pseudonyms."""
