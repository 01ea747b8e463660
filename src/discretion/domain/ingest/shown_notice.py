"""An acceptance is proven only by a notice that exists (GDPR Art. 7(1)); a refusal needs no proof."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from discretion.domain.ingest.message import ExplicitChoice
from discretion.domain.ingest.rejection import MessageRejected
from discretion.domain.ingest.statement_context import StatementContext
from discretion.store.consent_event import NoticeReference

FindsNotice = Callable[[NoticeReference], bool]
"""Whether an edition of the privacy notice has a text with this version, language and digest."""

NOTICE_PLACE = "notice"


def require_shown_notice(
    choices: Mapping[str, ExplicitChoice], context: StatementContext, finds_notice: FindsNotice
) -> StatementContext:
    """Return the context that counts: without a notice that does not exist.

    Raises:
        MessageRejected: ``NOTICE_UNKNOWN``; an acceptance rests on a notice that does not exist.
    """
    if context.notice is None or finds_notice(context.notice):
        return context
    if any(choice.permits for choice in choices.values()):
        raise MessageRejected(
            "NOTICE_UNKNOWN",
            "No edition of the privacy notice has this version, language and digest; "
            "privacyNotice answers all three.",
            NOTICE_PLACE,
        )
    return replace(context, notice=None)
