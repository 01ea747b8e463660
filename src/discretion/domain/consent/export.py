"""Consent records as linked data: JSON-LD 1.1 in the terms of the W3C Data Privacy Vocabulary, version 2.

The mapping follows the vocabulary's own guide to ISO/IEC TS 27560 (``dpv-27560``). The context is
written out, so whoever reads the file needs nothing from the network. What may have changed between two
records, such as a purpose's words, has no name of its own: under one name the two would flow together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from discretion.catalogue.model import Basis
from discretion.domain.consent.receipt import moment
from discretion.domain.consent.statement_record import ConsentEvent, State, text

PROFILE = "https://w3id.org/dpv/schema/dpv-27560#record"

Document = Mapping[str, Any]

CONTEXT: Document = {
    "@version": 1.1,
    "dpv": "https://w3id.org/dpv#",
    "dct": "http://purl.org/dc/terms/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}

_STATUS: Mapping[State, str] = {
    State.GIVEN: "dpv:ConsentGiven",
    State.RENEWED: "dpv:RenewedConsentGiven",
    State.REFUSED: "dpv:ConsentRefused",
    State.WITHDRAWN: "dpv:ConsentWithdrawn",
    State.EXPIRED: "dpv:ConsentExpired",
    State.INVALIDATED: "dpv:ConsentInvalidated",
    State.REVOKED: "dpv:ConsentRevoked",
}
"""States of consent; the others are rights that were exercised."""

_INVOLVEMENT: Mapping[State, str] = {
    State.OBJECTED: "dpv:ObjectingToProcess",
    State.OPTED_OUT: "dpv:OptingOutFromProcess",
    State.UNOBJECTED: "dpv:OptingInToProcess",
}

_BASIS: Mapping[Basis, str] = {
    Basis.CONSENT: "dpv:Consent",
    Basis.CONTRACT: "dpv:Contract",
    Basis.LEGAL_OBLIGATION: "dpv:LegalObligation",
    Basis.VITAL_INTEREST: "dpv:VitalInterest",
    Basis.PUBLIC_TASK: "dpv:PublicInterest",
    Basis.LEGITIMATE_INTEREST: "dpv:LegitimateInterest",
}


def export(
    events: Sequence[ConsentEvent], terms: Mapping[bytes, Document], subject: str, issuer: str
) -> dict[str, Any]:
    """All events of a person. ``terms`` are by digest, ``subject`` is the person's id for whoever asks."""
    told = [_record(one, terms[one.terms], subject, issuer) for one in events]
    return {"@context": {**CONTEXT, "here": f"{issuer}/vocabulary#"}, "@graph": told}


def _record(event: ConsentEvent, terms: Document, subject: str, issuer: str) -> dict[str, Any]:
    person = {"@id": f"here:person-{subject}", "@type": "dpv:DataSubject", "dct:identifier": subject}
    told: dict[str, Any] = {
        "@id": f"urn:uuid:{event.name}",
        "@type": "dpv:ConsentRecord" if event.state in _STATUS else "dpv:RightExerciseRecord",
        "dct:conformsTo": {"@id": PROFILE},
        "dct:identifier": event.name,
        "dct:date": _time(event.at),
        "dct:dateSubmitted": _time(event.received),
        "dpv:hasDataSubject": person,
        "dpv:hasProcess": _process(event, terms, issuer),
        "dpv:isIndicatedBy": {"@id": person["@id"]} if event.by.startswith("self:") else _entity(event.by),
        "dpv:hasIndicationMethod": event.method.value,
        "dpv:hasStatus": {"@id": _STATUS.get(event.state, f"here:{event.state.value}")},
    }
    if event.state in _STATUS:
        told["dpv:hasConsentStatus"] = {"@id": _STATUS[event.state]}
    if event.state in _INVOLVEMENT:
        told["dpv:hasEntityInvolvement"] = {"@id": _INVOLVEMENT[event.state]}
    if event.until is not None:
        told["dct:valid"] = _time(event.until)
    if event.notice is not None:
        told["dpv:hasNotice"] = _notice(event)
    if event.conflict is not None:
        told["dct:replaces"] = {"@id": f"urn:uuid:{text(event.conflict)}"}
    return told


def _process(event: ConsentEvent, terms: Document, issuer: str) -> dict[str, Any]:
    return {
        "@type": "dpv:Process",
        "dct:identifier": event.terms.hex(),
        "dpv:hasPurpose": {
            "@type": "dpv:Purpose",
            "dct:identifier": terms["purpose"],
            "skos:prefLabel": terms["label"],
            "skos:definition": terms["description"],
        },
        "dpv:hasLegalBasis": {"@id": _BASIS[event.basis]},
        "dpv:hasPersonalData": [_data(one) for one in terms["data"]],
        "dpv:hasDataController": {
            "@id": issuer,
            "@type": "dpv:DataController",
            "dpv:hasName": terms["controller"]["name"],
            "dpv:hasAddress": terms["controller"]["address"],
            "dpv:hasContact": terms["controller"]["contact"],
        },
        "dpv:hasRecipient": [{"@type": "dpv:Recipient", "dpv:hasName": one} for one in terms["recipients"]],
        "dpv:hasStorageCondition": {"@type": "dpv:StorageLocation", "dpv:hasLocation": terms["storage"]},
        "dpv:hasJurisdiction": [{"@id": f"here:law-{one}", "dct:identifier": one} for one in event.laws],
        "dpv:hasConsentControl": {
            "@type": "dpv:WithdrawConsent",
            "dpv:isExercisedAt": terms["withdrawal_url"],
        },
        "dpv:hasRight": {"@type": "dpv:DataSubjectRight", "dpv:isExercisedAt": terms["rights_url"]},
        "dpv:hasAuthority": {"@type": "dpv:Authority", "dpv:hasName": terms["authority"]},
    }


def _data(kept: Document) -> dict[str, Any]:
    """A category of data, and how long it is kept for this."""
    kind = ["dpv:PersonalData", "dpv:SensitivePersonalData"] if kept["sensitive"] else ["dpv:PersonalData"]
    return {
        "@type": kind,
        "dct:identifier": kept["category"],
        "dpv:hasStorageCondition": [
            {"@type": "dpv:StorageDuration", "dpv:hasDuration": {"@type": "xsd:duration", "@value": one}}
            for one in kept["retention"]
        ],
    }


def _notice(event: ConsentEvent) -> dict[str, Any]:
    assert event.notice is not None
    return {
        "@id": f"here:notice-{event.notice.sha256}",
        "@type": "dpv:PrivacyNotice",
        "dct:hasVersion": event.notice.version,
        "dct:language": event.notice.language,
        "spdx:checksum": {
            "@id": f"here:sha256-{event.notice.sha256}",
            "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_sha256"},
            "spdx:checksumValue": event.notice.sha256,
        },
    }


def _entity(by: str) -> dict[str, Any]:
    return {"@type": "dpv:LegalEntity", "dct:identifier": by}


def _time(ms: int) -> dict[str, Any]:
    return {"@type": "xsd:dateTime", "@value": moment(ms)}
