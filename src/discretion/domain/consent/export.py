"""Consent records as linked data: JSON-LD 1.1 in the terms of the W3C Data Privacy Vocabulary, version 2.

The mapping follows the vocabulary's own guide to ISO/IEC TS 27560 (``dpv-27560``). The context is included,
so that a reader needs no network access. Nodes whose content may differ between two records, such as a
purpose with its description, have no ``@id``: under one id, a reader would merge them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from discretion.catalogue.model import Basis
from discretion.reveal.forms import format_timestamp
from discretion.store.consent_event import ConsentEvent, ConsentState, NoticeReference, format_record_id
from discretion.store.consent_terms import ConsentTerms, DataCategoryTerms

PROFILE = "https://w3id.org/dpv/schema/dpv-27560#record"


JSON_LD_CONTEXT: Mapping[str, object] = {
    "@version": 1.1,
    "dpv": "https://w3id.org/dpv#",
    "dct": "http://purl.org/dc/terms/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}

_STATUS: Mapping[ConsentState, str] = {
    ConsentState.GIVEN: "dpv:ConsentGiven",
    ConsentState.RENEWED: "dpv:RenewedConsentGiven",
    ConsentState.REFUSED: "dpv:ConsentRefused",
    ConsentState.WITHDRAWN: "dpv:ConsentWithdrawn",
    ConsentState.EXPIRED: "dpv:ConsentExpired",
    ConsentState.INVALIDATED: "dpv:ConsentInvalidated",
    ConsentState.REVOKED: "dpv:ConsentRevoked",
}
"""States of consent; the others are exercised rights."""

_INVOLVEMENT: Mapping[ConsentState, str] = {
    ConsentState.OBJECTED: "dpv:ObjectingToProcess",
    ConsentState.OPTED_OUT: "dpv:OptingOutFromProcess",
    ConsentState.UNOBJECTED: "dpv:OptingInToProcess",
}

_BASIS: Mapping[Basis, str] = {
    Basis.CONSENT: "dpv:Consent",
    Basis.CONTRACT: "dpv:Contract",
    Basis.LEGAL_OBLIGATION: "dpv:LegalObligation",
    Basis.VITAL_INTEREST: "dpv:VitalInterest",
    Basis.PUBLIC_TASK: "dpv:PublicInterest",
    Basis.LEGITIMATE_INTEREST: "dpv:LegitimateInterest",
}


def export_consents(
    events: Sequence[ConsentEvent], terms: Mapping[bytes, ConsentTerms], subject: str, issuer: str
) -> dict[str, object]:
    """Build the JSON-LD document of a customer's events.

    Args:
        events: The events, in the order of the document.
        terms: Their terms by digest.
        subject: The customer's id for the client that gets the document.
        issuer: URL of this installation.
    """
    records = [_build_record(event, terms[event.terms], subject, issuer) for event in events]
    return {"@context": {**JSON_LD_CONTEXT, "here": f"{issuer}/vocabulary#"}, "@graph": records}


def _build_record(event: ConsentEvent, terms: ConsentTerms, subject: str, issuer: str) -> dict[str, object]:
    person = {"@id": f"here:person-{subject}", "@type": "dpv:DataSubject", "dct:identifier": subject}
    record: dict[str, object] = {
        "@id": f"urn:uuid:{event.record_uuid}",
        "@type": "dpv:ConsentRecord" if event.state in _STATUS else "dpv:RightExerciseRecord",
        "dct:conformsTo": {"@id": PROFILE},
        "dct:identifier": event.record_uuid,
        "dct:date": _format_time(event.at),
        "dct:dateSubmitted": _format_time(event.received),
        "dpv:hasDataSubject": person,
        "dpv:hasProcess": _build_process(event, terms, issuer),
        "dpv:isIndicatedBy": {"@id": person["@id"]}
        if event.by.startswith("self:")
        else _build_entity(event.by),
        "dpv:hasIndicationMethod": event.method.value,
        # DPV has no term for the other states. `here:` is the vocabulary of this installation.
        "dpv:hasStatus": {"@id": _STATUS.get(event.state, f"here:{event.state.value}")},
    }
    if event.state in _STATUS:
        record["dpv:hasConsentStatus"] = {"@id": _STATUS[event.state]}
    if event.state in _INVOLVEMENT:
        record["dpv:hasEntityInvolvement"] = {"@id": _INVOLVEMENT[event.state]}
    if event.until is not None:
        record["dct:valid"] = _format_time(event.until)
    if event.notice is not None:
        record["dpv:hasNotice"] = _build_notice(event.notice)
    if event.conflict is not None:
        record["dct:replaces"] = {"@id": f"urn:uuid:{format_record_id(event.conflict)}"}
    return record


def _build_process(event: ConsentEvent, terms: ConsentTerms, issuer: str) -> dict[str, object]:
    return {
        "@type": "dpv:Process",
        "dct:identifier": event.terms.hex(),
        "dpv:hasPurpose": {
            "@type": "dpv:Purpose",
            "dct:identifier": terms.purpose,
            "skos:prefLabel": terms.label,
            "skos:definition": terms.description,
        },
        "dpv:hasLegalBasis": {"@id": _BASIS[event.basis]},
        "dpv:hasPersonalData": [_build_personal_data(item) for item in terms.data],
        "dpv:hasDataController": {
            "@id": issuer,
            "@type": "dpv:DataController",
            "dpv:hasName": terms.controller.name,
            "dpv:hasAddress": terms.controller.address,
            "dpv:hasContact": terms.controller.contact,
        },
        "dpv:hasRecipient": [{"@type": "dpv:Recipient", "dpv:hasName": item} for item in terms.recipients],
        "dpv:hasStorageCondition": {"@type": "dpv:StorageLocation", "dpv:hasLocation": terms.storage},
        "dpv:hasJurisdiction": [{"@id": f"here:law-{item}", "dct:identifier": item} for item in event.laws],
        "dpv:hasConsentControl": {
            "@type": "dpv:WithdrawConsent",
            "dpv:isExercisedAt": terms.withdrawal_url,
        },
        "dpv:hasRight": {"@type": "dpv:DataSubjectRight", "dpv:isExercisedAt": terms.rights_url},
        "dpv:hasAuthority": {"@type": "dpv:Authority", "dpv:hasName": terms.authority},
    }


def _build_personal_data(category: DataCategoryTerms) -> dict[str, object]:
    """Build a data category with its storage durations."""
    types = ["dpv:PersonalData", "dpv:SensitivePersonalData"] if category.sensitive else ["dpv:PersonalData"]
    return {
        "@type": types,
        "dct:identifier": category.category,
        "dpv:hasStorageCondition": [
            {"@type": "dpv:StorageDuration", "dpv:hasDuration": {"@type": "xsd:duration", "@value": duration}}
            for duration in category.retention
        ],
    }


def _build_notice(notice: NoticeReference) -> dict[str, object]:
    return {
        "@id": f"here:notice-{notice.sha256}",
        "@type": "dpv:PrivacyNotice",
        "dct:hasVersion": notice.version,
        "dct:language": notice.language,
        "spdx:checksum": {
            "@id": f"here:sha256-{notice.sha256}",
            "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_sha256"},
            "spdx:checksumValue": notice.sha256,
        },
    }


def _build_entity(author: str) -> dict[str, object]:
    return {"@type": "dpv:LegalEntity", "dct:identifier": author}


def _format_time(ms: int) -> dict[str, object]:
    return {"@type": "xsd:dateTime", "@value": format_timestamp(ms)}
