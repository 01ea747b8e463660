"""The record of processing activities is valid RDF: rdflib reads and queries it without a network."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from rdflib import RDF, Graph, Namespace

from discretion.catalogue.load import load_catalogue
from discretion.domain.notices.dpv import format_activities_jsonld
from discretion.domain.notices.facts import collect_facts
from discretion.domain.notices.load import load_notice_templates
from discretion.domain.notices.processing_record import list_activities

# rdflib's own JSON-LD parser uses a class that rdflib deprecates (rdflib 7.6)
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
CATALOGUE = load_catalogue(None)
DPV = Namespace("https://w3id.org/dpv#")
PREFIXES = "PREFIX dpv: <https://w3id.org/dpv#> PREFIX dct: <http://purl.org/dc/terms/> "

TERMS = frozenset(
    {
        *("AccessControlMethod", "ActivityMonitoring", "Consent", "Contract", "Customer", "CustomerCare"),
        *("CustomerOrderManagement", "DataController", "DataProcessingRecord", "DataProcessor"),
        *("DataProtectionOfficer", "DirectMarketing", "EncryptionAtRest", "EnforceSecurity"),
        *("FraudPreventionAndDetection", "ImproveInternalCRMProcesses", "LegalCompliance", "LegalMeasure"),
        *("LegalObligation", "LegitimateInterest", "OrganisationalUnit", "PaymentManagement"),
        *("PersonalData", "PersonalDataProcess", "PersonalisedAdvertising", "Process", "Pseudonymisation"),
        *("RecordsOfActivities", "RequestedServiceProvision", "SensitivePersonalData"),
        *("ServicePersonalisation", "ServiceUsageAnalytics", "StorageCondition", "StorageDuration"),
        *("TargetedAdvertising", "ThirdCountry", "ThirdParty", "UserInterfacePersonalisation", "Visitor"),
        *("hasAddress", "hasContact", "hasDataController", "hasDataProcessor", "hasDataProtectionOfficer"),
        *("hasDataSubject", "hasDuration", "hasLegalBasis", "hasLegalMeasure", "hasName"),
        *("hasOrganisationalUnit", "hasPersonalData", "hasProcess", "hasPurpose", "hasRecipientThirdParty"),
        *("hasStorageCondition", "hasTechnicalOrganisationalMeasure", "hasThirdCountry"),
    }
)
"""The terms of DPV 2.2 that the record uses, copied from the files of the vocabulary."""


@pytest.fixture(scope="module")
def graph() -> Graph:
    """The record, parsed while every connection is refused."""
    notice_templates = load_notice_templates(CATALOGUE)
    rows = list_activities(
        collect_facts(CATALOGUE), notice_templates.office, notice_templates.wordings["en"].words.categories
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "socket", _refuse_connection)
        patch.setattr(socket, "create_connection", _refuse_connection)
        return Graph().parse(data=format_activities_jsonld(rows, CATALOGUE.version), format="json-ld")


def _refuse_connection(*_: Any, **__: Any) -> None:
    raise AssertionError("the parser opened a connection")


def run_query(graph: Graph, query: str) -> list[tuple[str, ...]]:
    """Return the sorted rows of a SPARQL query."""
    return sorted(tuple(str(cell) for cell in row) for row in graph.query(PREFIXES + query))  # type: ignore[union-attr]


def test_the_record_has_a_process_for_each_purpose(graph: Graph) -> None:
    rows = run_query(
        graph,
        "SELECT ?key ?title WHERE { ?record a dpv:DataProcessingRecord; dpv:hasProcess ?process. "
        "?process a dpv:Process; dpv:hasPurpose ?purpose. ?purpose dct:identifier ?key; dct:title ?title }",
    )
    assert rows == sorted((purpose.key, purpose.label) for purpose in CATALOGUE.purposes.values())


def test_a_query_finds_the_purposes_based_on_consent(graph: Graph) -> None:
    query = "SELECT ?key WHERE { ?p dpv:hasLegalBasis dpv:Consent; dpv:hasPurpose/dct:identifier ?key }"
    expected = sorted((purpose.key,) for purpose in CATALOGUE.purposes.values() if purpose.basis == "consent")
    assert run_query(graph, query) == expected


def test_a_query_finds_who_receives_email_addresses_for_marketing(graph: Graph) -> None:
    query = (
        "SELECT ?recipient WHERE { ?p dpv:hasPurpose/a dpv:DirectMarketing; "
        'dpv:hasPersonalData/dct:identifier "user.contact.email"; dpv:hasDataProcessor/dct:title ?recipient }'
    )
    assert run_query(graph, query) == [("Message providers",)]


def test_a_retention_period_belongs_to_a_process_and_a_category(graph: Graph) -> None:
    query = (
        'SELECT ?time WHERE { ?p dpv:hasPurpose/dct:identifier "marketing.communications.email"; '
        'dpv:hasPersonalData ?data. ?data dct:identifier "user.contact.email"; '
        "dpv:hasStorageCondition/dpv:hasDuration ?time }"
    )
    assert run_query(graph, query) == [(CATALOGUE.attributes["contact.email"].retention,)]


def test_each_transfer_has_a_country_and_a_safeguard(graph: Graph) -> None:
    query = (
        "SELECT DISTINCT ?country ?safeguard WHERE { ?recipient dpv:hasThirdCountry ?there. "
        "?there dct:identifier ?country; dpv:hasLegalMeasure/dct:description ?safeguard }"
    )
    expected = {pair for recipient in CATALOGUE.recipients.values() for pair in recipient.transfers.items()}
    assert set(run_query(graph, query)) == expected


def test_every_term_is_in_the_vocabulary(graph: Graph) -> None:
    """No query would find a misspelt term."""
    used_terms = {
        str(part).removeprefix(DPV) for triple in graph for part in triple if str(part).startswith(DPV)
    }
    assert used_terms == TERMS
    assert (None, RDF.type, DPV.DataController) in graph
