"""Which of a record's statements count, by what the catalogue says about their source.

Only acceptances can count no longer, so what the catalogue says narrows what a person permits and never
widens it. Where an acceptance is set aside, the refusal before it counts again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from discretion.catalogue.model import Catalogue
from discretion.catalogue.source_consent import SourceConsent
from discretion.purpose.statements import AmbientChoice
from discretion.store.source_record import Choice, SourceRecord

ALL_STATEMENTS = SourceConsent()
"""Of a source about which the catalogue says nothing: all its statements count."""


def find_source_consent(catalogue: Catalogue, record: SourceRecord) -> SourceConsent:
    """Return what the statements of a record's source count for."""
    source = catalogue.sources.get(record.source)
    return ALL_STATEMENTS if source is None else source.consent


def select_ambient(record: SourceRecord, consent: SourceConsent) -> Mapping[str, AmbientChoice]:
    """Return what a source repeats, with the acceptances that count."""
    if not consent.set_aside and (consent.repeated_under_login or not record.is_login):
        return record.ambient_choices
    accepts = consent.repeated_under_login or not record.is_login
    selected = {
        node: _select_acceptances(choice, consent)
        if accepts
        else AmbientChoice(refused_last=choice.refused_last)
        for node, choice in record.ambient_choices.items()
    }
    return {node: choice for node, choice in selected.items() if choice != AmbientChoice()}


def _select_acceptances(choice: AmbientChoice, consent: SourceConsent) -> AmbientChoice:
    first, last, dated = choice.accepted_first, choice.accepted_last, choice.dated
    # One that was repeated in the period may have begun in it: refusals that came between are not stored.
    if first is not None and last is not None and consent.find_set_aside(first, last) is not None:
        first = last = None
    if dated is not None and consent.find_set_aside(dated, dated) is not None:
        dated = None
    return replace(choice, accepted_first=first, accepted_last=last, dated=dated)


def select_explicit(choices: Mapping[str, Choice], consent: SourceConsent) -> Mapping[str, Choice]:
    """Return what a source reports by messages of their own, with the acceptances that count."""
    if not consent.set_aside:
        return choices
    selected = {}
    for purpose, choice in choices.items():
        if not choice.permits or consent.find_set_aside(choice.at, choice.at) is None:
            selected[purpose] = choice
        elif choice.refused_at is not None:
            selected[purpose] = Choice(False, choice.refused_at, choice.message)
    return selected
