"""The services that resolvers of consent use."""

from __future__ import annotations

from dataclasses import dataclass

from discretion.domain.consent.objection_hook import ObjectionHook
from discretion.domain.consent.receipt import ReceiptSigner
from discretion.domain.consent.record_statement import StatementRecorder
from discretion.domain.notices.notice_register import NoticeRegister
from discretion.law.jurisdiction import Lawbook
from discretion.store.consents import ConsentStore


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentServices:
    """The services of the GraphQL API of consent."""

    lawbook: Lawbook
    consents: ConsentStore
    receipts: ReceiptSigner
    statement_recorder: StatementRecorder
    notice_register: NoticeRegister
    objection_hook: ObjectionHook
