"""The record of processing activities is RDF that others can ask: read by rdflib, without a network."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from rdflib import RDF, Graph, Namespace

from discretion.catalogue.load import load as load_catalogue
from discretion.domain.notices.dpv import as_jsonld
from discretion.domain.notices.facts import facts
from discretion.domain.notices.load import load
from discretion.domain.notices.processing_record import activities

# rdflib's own parser makes graphs in the way that rdflib gives up (RDFLib/rdflib, 7.6)
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
"""Terms of DPV 2.2 that the record uses, as read in its files."""


@pytest.fixture(scope="module")
def graph() -> Graph:
    """The record, read with every socket shut."""
    stationery = load(CATALOGUE)
    rows = activities(facts(CATALOGUE), stationery.office, stationery.wordings["en"].words.categories)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "socket", _shut)
        patch.setattr(socket, "create_connection", _shut)
        return Graph().parse(data=as_jsonld(rows, CATALOGUE.version), format="json-ld")


def _shut(*_: Any, **__: Any) -> None:
    raise AssertionError("the network was asked")


def asked(graph: Graph, query: str) -> list[tuple[str, ...]]:
    """What a SPARQL query finds."""
    return sorted(tuple(str(cell) for cell in row) for row in graph.query(PREFIXES + query))  # type: ignore[union-attr]


def test_the_record_has_a_process_for_each_purpose(graph: Graph) -> None:
    found = asked(
        graph,
        "SELECT ?key ?title WHERE { ?record a dpv:DataProcessingRecord; dpv:hasProcess ?process. "
        "?process a dpv:Process; dpv:hasPurpose ?purpose. ?purpose dct:identifier ?key; dct:title ?title }",
    )
    assert found == sorted((one.key, one.label) for one in CATALOGUE.purposes.values())


def test_what_rests_on_consent_can_be_asked(graph: Graph) -> None:
    query = "SELECT ?key WHERE { ?p dpv:hasLegalBasis dpv:Consent; dpv:hasPurpose/dct:identifier ?key }"
    wanted = sorted((one.key,) for one in CATALOGUE.purposes.values() if one.basis == "consent")
    assert asked(graph, query) == wanted


def test_who_gets_e_mail_addresses_for_marketing_can_be_asked(graph: Graph) -> None:
    query = (
        "SELECT ?who WHERE { ?p dpv:hasPurpose/a dpv:DirectMarketing; "
        'dpv:hasPersonalData/dct:identifier "user.contact.email"; dpv:hasDataProcessor/dct:title ?who }'
    )
    assert asked(graph, query) == [("Message providers",)]


def test_how_long_is_a_duration_of_its_process_and_category(graph: Graph) -> None:
    query = (
        'SELECT ?time WHERE { ?p dpv:hasPurpose/dct:identifier "marketing.communications.email"; '
        'dpv:hasPersonalData ?data. ?data dct:identifier "user.contact.email"; '
        "dpv:hasStorageCondition/dpv:hasDuration ?time }"
    )
    assert asked(graph, query) == [(CATALOGUE.attributes["contact.email"].retention,)]


def test_transfers_have_a_country_and_a_safeguard(graph: Graph) -> None:
    query = (
        "SELECT DISTINCT ?country ?safeguard WHERE { ?who dpv:hasThirdCountry ?there. "
        "?there dct:identifier ?country; dpv:hasLegalMeasure/dct:description ?safeguard }"
    )
    wanted = {pair for one in CATALOGUE.recipients.values() for pair in one.transfers.items()}
    assert set(asked(graph, query)) == wanted


def test_every_term_is_one_of_the_vocabulary(graph: Graph) -> None:
    """A term that is misspelt would be found by nobody."""
    used = {str(part).removeprefix(DPV) for triple in graph for part in triple if str(part).startswith(DPV)}
    assert used == TERMS
    assert (None, RDF.type, DPV.DataController) in graph
