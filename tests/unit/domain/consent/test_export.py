"""Exports are linked data that other programs read without asking the network."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rdflib import Graph

from discretion.domain.consent.export import export
from discretion.domain.consent.statement_record import State
from tests.unit.domain.consent import samples
from tests.unit.domain.consent.samples import EMAIL, PARTNERS, STATISTICS

ISSUER = "https://data.shop.example"
PREFIXES = """
PREFIX dpv: <https://w3id.org/dpv#>
PREFIX dct: <http://purl.org/dc/terms/>
PREFIX spdx: <http://spdx.org/rdf/terms#>
PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
"""
# rdflib's reader of JSON-LD uses what rdflib itself would have others no longer use.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")
BY_TERMS = {one.digest(): one.document() for one in samples.TERMS.values()}


def read(*events: Any) -> Graph:
    """What another program makes of an export."""
    return Graph().parse(data=json.dumps(export(events, BY_TERMS, "ann", ISSUER)), format="json-ld")


def ask(graph: Graph, query: str) -> list[tuple[Any, ...]]:
    """The answers to a SPARQL query, as Python values."""
    rows: Any = graph.query(PREFIXES + query)
    return sorted(tuple(one.toPython() for one in row) for row in rows)


def test_purpose_state_and_notice_of_each_record_are_found() -> None:
    graph = read(samples.event(), samples.event(purpose=PARTNERS, state=State.WITHDRAWN))
    found = ask(
        graph,
        """SELECT ?purpose ?state ?version ?language ?sha WHERE {
          ?record a dpv:ConsentRecord ; dpv:hasConsentStatus ?state ; dpv:hasNotice ?notice ;
                  dpv:hasProcess/dpv:hasPurpose/dct:identifier ?purpose .
          ?notice a dpv:PrivacyNotice ; dct:hasVersion ?version ; dct:language ?language ;
                  spdx:checksum/spdx:checksumValue ?sha }""",
    )
    assert found == [
        (PARTNERS, "https://w3id.org/dpv#ConsentWithdrawn", "2026-09", "de", "ab" * 32),
        (EMAIL, "https://w3id.org/dpv#ConsentGiven", "2026-09", "de", "ab" * 32),
    ]


def test_a_record_says_whose_it_is_who_answers_for_it_and_how_it_is_taken_back() -> None:
    (found,) = ask(
        read(samples.event(by="self:app")),
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
    assert found == ("ann", True, controller, office.email, basis, office.withdrawal, "ca")


def test_data_categories_come_with_how_long_they_are_kept() -> None:
    found = ask(
        read(samples.event()),
        """SELECT ?category ?duration WHERE {
          ?process a dpv:Process ; dpv:hasPersonalData ?data .
          ?data a dpv:PersonalData ; dct:identifier ?category ;
                dpv:hasStorageCondition [ a dpv:StorageDuration ; dpv:hasDuration ?length ] .
          BIND(STR(?length) AS ?duration) }""",
    )
    wanted = {(kept.category, one) for kept in samples.TERMS[EMAIL].data for one in kept.retention}
    assert set(found) == wanted


@pytest.mark.parametrize(
    ("state", "involvement"),
    [(State.OBJECTED, "ObjectingToProcess"), (State.OPTED_OUT, "OptingOutFromProcess")],
)
def test_an_objection_is_a_right_that_was_exercised_and_no_consent(state: State, involvement: str) -> None:
    graph = read(samples.event(purpose=STATISTICS, state=state))
    assert ask(graph, "SELECT ?r WHERE { ?r a dpv:ConsentRecord }") == []
    query = """SELECT ?how ?purpose WHERE { ?r a dpv:RightExerciseRecord ; dpv:hasEntityInvolvement ?how ;
               dpv:hasProcess/dpv:hasPurpose/dct:identifier ?purpose }"""
    assert ask(graph, query) == [(f"https://w3id.org/dpv#{involvement}", STATISTICS)]


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_an_iri(state: State) -> None:
    (found,) = ask(read(samples.event(state=state)), "SELECT ?state WHERE { ?r dpv:hasStatus ?state }")
    assert found[0].startswith(("https://w3id.org/dpv#", f"{ISSUER}/vocabulary#"))


def test_the_context_is_written_out() -> None:
    """No address to fetch it from: a file that is kept for years says what it means."""
    context = export([], {}, "ann", ISSUER)["@context"]
    assert isinstance(context, dict)
    assert all(isinstance(one, str | float) for one in context.values())
