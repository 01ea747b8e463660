"""The record of processing activities in the Data Privacy Vocabulary, as JSON-LD. Pure.

The JSON-LD context is embedded, so that a reader needs no network. Purposes, legal bases, data subjects and
measures are instances of DPV 2 terms (https://w3id.org/dpv, W3C DPVCG, 2.2), identified by their Fideslang
keys. Where the DPV has no exact term, the closest broader one is used.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from discretion.catalogue.model import Basis
from discretion.catalogue.recipient import Recipient, RecipientRole
from discretion.domain.notices.privacy_office import DescribedTerm
from discretion.domain.notices.processing_record import ActivityData, ProcessingActivity

JSONLD_CONTEXT: Mapping[str, object] = {
    "dpv": "https://w3id.org/dpv#",
    "dct": "http://purl.org/dc/terms/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "title": "dct:title",
    "description": "dct:description",
    "identifier": "dct:identifier",
    "duration": {"@id": "dpv:hasDuration", "@type": "xsd:duration"},
}

DPV_PURPOSES: Mapping[str, str] = {
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
"""DPV purposes by Fideslang data use; each also applies to the descendants of the data use."""

DPV_BASES: Mapping[Basis, str] = {
    Basis.CONSENT: "Consent",
    Basis.CONTRACT: "Contract",
    Basis.LEGAL_OBLIGATION: "LegalObligation",
    Basis.VITAL_INTEREST: "VitalInterest",
    Basis.PUBLIC_TASK: "PublicInterest",
    Basis.LEGITIMATE_INTEREST: "LegitimateInterest",
}

DPV_ROLES: Mapping[RecipientRole, tuple[str, str]] = {
    RecipientRole.STAFF: ("dpv:hasOrganisationalUnit", "dpv:OrganisationalUnit"),
    RecipientRole.PROCESSOR: ("dpv:hasDataProcessor", "dpv:DataProcessor"),
    RecipientRole.THIRD_PARTY: ("dpv:hasRecipientThirdParty", "dpv:ThirdParty"),
}

JsonLdNode = dict[str, object]


def format_activities_jsonld(activities: tuple[ProcessingActivity, ...], version: str) -> str:
    """Format the record as one JSON-LD graph; ``version`` is the catalogue's."""
    record: JsonLdNode = {
        "@context": JSONLD_CONTEXT,
        "@id": f"urn:discretion:activities:{version}",
        "@type": ["dpv:DataProcessingRecord", "dpv:RecordsOfActivities"],
        "title": "Record of processing activities",
        "dpv:hasProcess": [_build_process(activity) for activity in activities],
    }
    return json.dumps(record, ensure_ascii=False, indent=2) + "\n"


def find_purpose_term(key: str) -> str:
    """Return the DPV purpose of a Fideslang data use or of its closest ancestor that has one."""
    steps = key.split(".")  # `a.b.c` is looked up as itself, then as `a.b`, then as `a`.
    ancestor_keys = (".".join(steps[:end]) for end in range(len(steps), 0, -1))
    return next(
        (DPV_PURPOSES[ancestor_key] for ancestor_key in ancestor_keys if ancestor_key in DPV_PURPOSES),
        "Purpose",
    )


def _build_process(activity: ProcessingActivity) -> JsonLdNode:
    address, email, officer = activity.contact
    controller: JsonLdNode = {
        "@id": "urn:discretion:controller",
        "@type": "dpv:DataController",
        "dpv:hasName": activity.controller,
        "dpv:hasAddress": address,
        "dpv:hasContact": email,
        "dpv:hasDataProtectionOfficer": {
            "@id": "urn:discretion:officer",
            "@type": "dpv:DataProtectionOfficer",
            "dpv:hasContact": officer,
        },
    }
    purpose: JsonLdNode = {
        "@id": f"urn:discretion:purpose:{activity.purpose}",
        "@type": f"dpv:{find_purpose_term(activity.purpose)}",
        "identifier": activity.purpose,
        "title": activity.name,
    }
    return {
        "@id": f"urn:discretion:activity:{activity.purpose}",
        "@type": ["dpv:Process", "dpv:PersonalDataProcess"],
        "title": activity.name,
        "description": activity.description,
        "dpv:hasDataController": controller,
        "dpv:hasPurpose": purpose,
        "dpv:hasLegalBasis": {"@id": f"dpv:{DPV_BASES[Basis(activity.basis)]}"},
        "dpv:hasDataSubject": [_build_described_term(subject) for subject in activity.subjects],
        "dpv:hasPersonalData": [_build_personal_data(activity.purpose, data) for data in activity.data],
        "dpv:hasTechnicalOrganisationalMeasure": [
            _build_described_term(measure) for measure in activity.measures
        ],
        **_build_recipients(activity),
    }


def _build_described_term(described_term: DescribedTerm) -> JsonLdNode:
    return {"@type": f"dpv:{described_term.dpv}", "description": described_term.text}


def _build_personal_data(purpose: str, data: ActivityData) -> JsonLdNode:
    return {
        "@id": f"urn:discretion:data:{purpose}:{data.category}",
        "@type": "dpv:SensitivePersonalData" if data.sensitive else "dpv:PersonalData",
        "identifier": data.category,
        "title": data.label,
        "dpv:hasStorageCondition": [
            {"@type": ["dpv:StorageCondition", "dpv:StorageDuration"], "duration": retention}
            for retention in data.kept
        ],
    }


def _build_recipients(activity: ProcessingActivity) -> JsonLdNode:
    nodes_by_relation: dict[str, list[JsonLdNode]] = {}
    for recipient in activity.recipients:
        relation, kind = DPV_ROLES[recipient.role]
        node: JsonLdNode = {
            "@id": f"urn:discretion:recipient:{recipient.key}",
            "@type": kind,
            "title": recipient.label,
            "description": recipient.description,
        }
        if recipient.transfers:
            node["dpv:hasThirdCountry"] = list(_iterate_third_countries(recipient))
        nodes_by_relation.setdefault(relation, []).append(node)
    return dict(nodes_by_relation)


def _iterate_third_countries(recipient: Recipient) -> Iterator[JsonLdNode]:
    for country, safeguard in recipient.transfers.items():
        yield {
            "@type": "dpv:ThirdCountry",
            "identifier": country,
            "dpv:hasLegalMeasure": {"@type": "dpv:LegalMeasure", "description": safeguard},
        }
