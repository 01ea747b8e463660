"""A notice that nobody can have been shown proves no acceptance, and takes away no refusal."""

from __future__ import annotations

import pytest

from discretion.domain.ingest.message import ExplicitChoice
from discretion.domain.ingest.rejection import MessageRejected
from discretion.domain.ingest.shown_notice import require_shown_notice
from discretion.domain.ingest.statement_context import StatementContext
from discretion.store.consent_event import NoticeReference, StatementMethod

YES, NO, GUARDIAN = ExplicitChoice(True), ExplicitChoice(False), ExplicitChoice(True, guardian=True)
CONTEXT = StatementContext(StatementMethod.CLICK, NoticeReference("1", "en", "0" * 64))


def test_a_known_notice_or_none_changes_nothing() -> None:
    assert require_shown_notice({"a": YES}, CONTEXT, lambda _: True) == CONTEXT
    bare = StatementContext(StatementMethod.CLICK)
    assert require_shown_notice({"a": YES}, bare, lambda _: False) == bare


@pytest.mark.parametrize("choices", [{"a": YES}, {"a": YES, "b": NO}, {"b": GUARDIAN}])
def test_an_acceptance_with_an_unknown_notice_is_refused(choices: dict[str, ExplicitChoice]) -> None:
    with pytest.raises(MessageRejected) as raised:
        require_shown_notice(choices, CONTEXT, lambda _: False)
    assert (raised.value.code, raised.value.place) == ("NOTICE_UNKNOWN", "notice")


def test_refusals_count_without_the_notice() -> None:
    context = require_shown_notice({"b": NO}, CONTEXT, lambda _: False)
    assert context == StatementContext(StatementMethod.CLICK)
