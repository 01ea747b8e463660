"""Exports are linked data that other programs read without network access."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rdflib import Graph

from discretion.domain.consent.export import export_consents
from discretion.store.consent_event import ConsentState
from tests.unit.domain.consent import samples
from tests.unit.domain.consent.samples import EMAIL, PARTNERS, STATISTICS

ISSUER = "https://data.shop.example"
PREFIXES = """
PREFIX dpv: <https://w3id.org/dpv#>
PREFIX dct: <http://purl.org/dc/terms/>
PREFIX spdx: <http://spdx.org/rdf/terms#>
PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
"""
# rdflib's parser of JSON-LD uses a class that rdflib itself deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")
TERMS_BY_DIGEST = {terms.compute_digest(): terms for terms in samples.TERMS.values()}


def parse_export(*events: Any) -> Graph:
    """Parse an export as another program would."""
    return Graph().parse(
        data=json.dumps(export_consents(events, TERMS_BY_DIGEST, "ann", ISSUER)), format="json-ld"
    )


def run_query(graph: Graph, query: str) -> list[tuple[Any, ...]]:
    """Return the sorted rows of a SPARQL query as Python values."""
    rows: Any = graph.query(PREFIXES + query)
    return sorted(tuple(term.toPython() for term in row) for row in rows)


def test_purpose_state_and_notice_of_each_record_are_exported() -> None:
    graph = parse_export(
        samples.build_event(), samples.build_event(purpose=PARTNERS, state=ConsentState.WITHDRAWN)
    )
    rows = run_query(
        graph,
        """SELECT ?purpose ?state ?version ?language ?sha WHERE {
          ?record a dpv:ConsentRecord ; dpv:hasConsentStatus ?state ; dpv:hasNotice ?notice ;
                  dpv:hasProcess/dpv:hasPurpose/dct:identifier ?purpose .
          ?notice a dpv:PrivacyNotice ; dct:hasVersion ?version ; dct:language ?language ;
                  spdx:checksum/spdx:checksumValue ?sha }""",
    )
    assert rows == [
        (PARTNERS, "https://w3id.org/dpv#ConsentWithdrawn", "2026-09", "de", "ab" * 32),
        (EMAIL, "https://w3id.org/dpv#ConsentGiven", "2026-09", "de", "ab" * 32),
    ]


def test_a_record_names_subject_controller_basis_and_way_to_withdraw() -> None:
    (row,) = run_query(
        parse_export(samples.build_event(by="self:app")),
        """SELECT ?person ?same ?controller ?contact ?basis ?where ?law WHERE {
          ?record dct:conformsTo <https://w3id.org/dpv/schema/dpv-27560#record> ;
                  dpv:hasDataSubject ?who ; dpv:isIndicatedBy ?by ; dpv:hasProcess ?process .
          ?who dct:identifier ?person . BIND(?who = ?by AS ?same)
          ?process dpv:hasDataController [ dpv:hasName ?controller ; dpv:hasContact ?contact ] ;
                   dpv:hasLegalBasis ?basis ; dpv:hasJurisdiction/dct:identifier ?law ;
                   dpv:hasConsentControl [ a dpv:WithdrawConsent ; dpv:isExercisedAt ?where ] .
          FILTER(?law = "ca") }""",
    )
    office = samples.OFFICE
    basis = "https://w3id.org/dpv#Consent"
    controller = samples.CATALOGUE.controller
    assert row == ("ann", True, controller, office.email, basis, office.withdrawal, "ca")


def test_data_categories_are_exported_with_their_retention() -> None:
    rows = run_query(
        parse_export(samples.build_event()),
        """SELECT ?category ?duration WHERE {
          ?process a dpv:Process ; dpv:hasPersonalData ?data .
          ?data a dpv:PersonalData ; dct:identifier ?category ;
                dpv:hasStorageCondition [ a dpv:StorageDuration ; dpv:hasDuration ?length ] .
          BIND(STR(?length) AS ?duration) }""",
    )
    expected = {
        (data.category, duration) for data in samples.TERMS[EMAIL].data for duration in data.retention
    }
    assert set(rows) == expected


@pytest.mark.parametrize(
    ("state", "involvement"),
    [(ConsentState.OBJECTED, "ObjectingToProcess"), (ConsentState.OPTED_OUT, "OptingOutFromProcess")],
)
def test_an_objection_is_exported_as_an_exercised_right(state: ConsentState, involvement: str) -> None:
    graph = parse_export(samples.build_event(purpose=STATISTICS, state=state))
    assert run_query(graph, "SELECT ?r WHERE { ?r a dpv:ConsentRecord }") == []
    query = """SELECT ?how ?purpose WHERE { ?r a dpv:RightExerciseRecord ; dpv:hasEntityInvolvement ?how ;
               dpv:hasProcess/dpv:hasPurpose/dct:identifier ?purpose }"""
    assert run_query(graph, query) == [(f"https://w3id.org/dpv#{involvement}", STATISTICS)]


@pytest.mark.parametrize("state", list(ConsentState))
def test_every_state_has_an_iri(state: ConsentState) -> None:
    (row,) = run_query(
        parse_export(samples.build_event(state=state)), "SELECT ?state WHERE { ?r dpv:hasStatus ?state }"
    )
    assert row[0].startswith(("https://w3id.org/dpv#", f"{ISSUER}/vocabulary#"))


def test_the_json_ld_context_is_embedded() -> None:
    """It is not behind a URL: a file that is stored for years stays readable."""
    context = export_consents([], {}, "ann", ISSUER)["@context"]
    assert isinstance(context, dict)
    assert all(isinstance(term, str | float) for term in context.values())
