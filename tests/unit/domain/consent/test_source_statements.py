"""The signal of a customer's own browser is evidence once."""

from __future__ import annotations

from typing import Any, cast

from discretion.domain.consent.source_statements import Evidence
from discretion.domain.consent.statement_writer import Before
from discretion.domain.consent.terms_registry import Agreed
from discretion.purpose.permissions import PersonState
from discretion.purpose.statements import Heard
from tests.unit.domain.consent import samples


def written(*heard: Heard) -> list[str]:
    """The collections that are written to when the signal is heeded, after ``heard``."""
    evidence = Evidence(Agreed(samples.CATALOGUE, samples.OFFICE, cast("Any", None)))
    state = PersonState(heard, ("us-ca",))
    before = Before(samples.SUBJECT.customer, samples.SUBJECT.records, state, samples.NOW)
    return [collection for collection, _ in evidence.heeded(before)]


def test_the_first_signal_is_written_with_its_terms_and_no_later_one_is() -> None:
    assert written() == ["consent_terms", "consents"]
    assert written(Heard(), Heard(opted_out=samples.NOW - 1)) == []
