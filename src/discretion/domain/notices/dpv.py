"""The record of processing activities in the Data Privacy Vocabulary, as JSON-LD. Pure.

The context is written inside, so that a reader needs no network. Purposes, bases, people and measures
are instances of DPV 2 terms (https://w3id.org/dpv, W3C DPVCG, 2.2); the Fideslang keys are their
identifiers. What the DPV has no word for is its nearest broader term.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from discretion.catalogue.model import Basis
from discretion.catalogue.recipient import Recipient, Role
from discretion.domain.notices.privacy_office import Named
from discretion.domain.notices.processing_record import Activity, Data

CONTEXT: Mapping[str, Any] = {
    "dpv": "https://w3id.org/dpv#",
    "dct": "http://purl.org/dc/terms/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "title": "dct:title",
    "description": "dct:description",
    "identifier": "dct:identifier",
    "duration": {"@id": "dpv:hasDuration", "@type": "xsd:duration"},
}

PURPOSES: Mapping[str, str] = {
    "analytics": "ServiceUsageAnalytics",
    "essential": "ServiceProvision",
    "essential.fraud_detection": "FraudPreventionAndDetection",
    "essential.legal_obligation": "LegalCompliance",
    "essential.service": "RequestedServiceProvision",
    "essential.service.notifications": "CustomerOrderManagement",
    "essential.service.operations.improve": "ImproveInternalCRMProcesses",
    "essential.service.operations.support": "CustomerCare",
    "essential.service.payment_processing": "PaymentManagement",
    "essential.service.security": "EnforceSecurity",
    "functional": "ServiceProvision",
    "functional.service": "RequestedServiceProvision",
    "marketing": "Marketing",
    "marketing.advertising": "Advertising",
    "marketing.advertising.first_party": "PersonalisedAdvertising",
    "marketing.advertising.negative_targeting": "TargetedAdvertising",
    "marketing.advertising.third_party": "TargetedAdvertising",
    "marketing.communications": "DirectMarketing",
    "personalize": "Personalisation",
    "personalize.content": "ServicePersonalisation",
    "personalize.system": "UserInterfacePersonalisation",
}
"""DPV purposes by Fideslang data use, each with those below it."""

BASES: Mapping[Basis, str] = {
    Basis.CONSENT: "Consent",
    Basis.CONTRACT: "Contract",
    Basis.LEGAL_OBLIGATION: "LegalObligation",
    Basis.VITAL_INTEREST: "VitalInterest",
    Basis.PUBLIC_TASK: "PublicInterest",
    Basis.LEGITIMATE_INTEREST: "LegitimateInterest",
}

ROLES: Mapping[Role, tuple[str, str]] = {
    Role.STAFF: ("dpv:hasOrganisationalUnit", "dpv:OrganisationalUnit"),
    Role.PROCESSOR: ("dpv:hasDataProcessor", "dpv:DataProcessor"),
    Role.THIRD_PARTY: ("dpv:hasRecipientThirdParty", "dpv:ThirdParty"),
}

Node = dict[str, Any]


def as_jsonld(rows: tuple[Activity, ...], version: str) -> str:
    """The record as one graph; ``version`` is the catalogue's."""
    record: Node = {
        "@context": CONTEXT,
        "@id": f"urn:discretion:activities:{version}",
        "@type": ["dpv:DataProcessingRecord", "dpv:RecordsOfActivities"],
        "title": "Record of processing activities",
        "dpv:hasProcess": [_process(one) for one in rows],
    }
    return json.dumps(record, ensure_ascii=False, indent=2) + "\n"


def purpose_term(key: str) -> str:
    """The DPV purpose of a Fideslang data use: its own, or that of the nearest one above it."""
    steps = key.split(".")
    above = (".".join(steps[:end]) for end in range(len(steps), 0, -1))
    return next((PURPOSES[one] for one in above if one in PURPOSES), "Purpose")


def _process(one: Activity) -> Node:
    address, email, officer = one.contact
    controller: Node = {
        "@id": "urn:discretion:controller",
        "@type": "dpv:DataController",
        "dpv:hasName": one.controller,
        "dpv:hasAddress": address,
        "dpv:hasContact": email,
        "dpv:hasDataProtectionOfficer": {
            "@id": "urn:discretion:officer",
            "@type": "dpv:DataProtectionOfficer",
            "dpv:hasContact": officer,
        },
    }
    purpose: Node = {
        "@id": f"urn:discretion:purpose:{one.purpose}",
        "@type": f"dpv:{purpose_term(one.purpose)}",
        "identifier": one.purpose,
        "title": one.name,
    }
    return {
        "@id": f"urn:discretion:activity:{one.purpose}",
        "@type": ["dpv:Process", "dpv:PersonalDataProcess"],
        "title": one.name,
        "description": one.description,
        "dpv:hasDataController": controller,
        "dpv:hasPurpose": purpose,
        "dpv:hasLegalBasis": {"@id": f"dpv:{BASES[Basis(one.basis)]}"},
        "dpv:hasDataSubject": [_named(subject) for subject in one.subjects],
        "dpv:hasPersonalData": [_data(one.purpose, data) for data in one.data],
        "dpv:hasTechnicalOrganisationalMeasure": [_named(measure) for measure in one.measures],
        **_recipients(one),
    }


def _named(one: Named) -> Node:
    return {"@type": f"dpv:{one.dpv}", "description": one.text}


def _data(purpose: str, one: Data) -> Node:
    return {
        "@id": f"urn:discretion:data:{purpose}:{one.category}",
        "@type": "dpv:SensitivePersonalData" if one.sensitive else "dpv:PersonalData",
        "identifier": one.category,
        "title": one.label,
        "dpv:hasStorageCondition": [
            {"@type": ["dpv:StorageCondition", "dpv:StorageDuration"], "duration": time} for time in one.kept
        ],
    }


def _recipients(one: Activity) -> Node:
    found: dict[str, list[Node]] = {}
    for to in one.recipients:
        relation, kind = ROLES[to.role]
        node: Node = {
            "@id": f"urn:discretion:recipient:{to.key}",
            "@type": kind,
            "title": to.label,
            "description": to.description,
        }
        if to.transfers:
            node["dpv:hasThirdCountry"] = list(_countries(to))
        found.setdefault(relation, []).append(node)
    return dict(found)


def _countries(to: Recipient) -> Iterator[Node]:
    for country, safeguard in to.transfers.items():
        yield {
            "@type": "dpv:ThirdCountry",
            "identifier": country,
            "dpv:hasLegalMeasure": {"@type": "dpv:LegalMeasure", "description": safeguard},
        }
