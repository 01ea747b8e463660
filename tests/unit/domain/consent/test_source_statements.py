"""The signal of a customer's own browser is recorded as evidence once."""

from __future__ import annotations

from typing import Any, cast

from discretion.domain.consent.source_statements import SourceStatementRecorder
from discretion.domain.consent.statement_writer import CustomerStateBefore
from discretion.domain.consent.terms_registry import TermsRegistry
from discretion.purpose.permissions import PersonState
from discretion.purpose.statements import RecordStatements
from tests.unit.domain.consent import samples


def list_signal_writes(*statements: RecordStatements) -> list[str]:
    """Return the collections that a signal writes to, after these statements."""
    recorder = SourceStatementRecorder(TermsRegistry(samples.CATALOGUE, samples.OFFICE, cast("Any", None)))
    state = PersonState(statements, ("us-ca",))
    before = CustomerStateBefore(
        samples.SUBJECT.customer, samples.SUBJECT.records, samples.SUBJECT.records, state, samples.NOW
    )
    return [write.collection for write in recorder.build_signal_writes(before)]


def test_only_the_first_signal_is_written_with_its_terms() -> None:
    assert list_signal_writes() == ["consent_terms", "consents"]
    assert list_signal_writes(RecordStatements(), RecordStatements(opted_out_at=samples.NOW - 1)) == []
