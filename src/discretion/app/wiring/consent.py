"""Builds the components that record statements about purposes and recompute permissions from them."""

from __future__ import annotations

from dataclasses import dataclass

from discretion.app.wiring.context import WiringContext
from discretion.domain.consent.opt_out_signal import OptOutSignalRecorder
from discretion.domain.consent.receipt import ReceiptSigner
from discretion.domain.consent.recompute import PermissionRecomputation
from discretion.domain.consent.record_statement import StatementRecorder
from discretion.domain.consent.source_statements import SourceStatementRecorder
from discretion.domain.consent.statement_writer import StatementWriter
from discretion.domain.consent.terms_registry import TermsRegistry
from discretion.domain.notices.load import find_shipped_notices
from discretion.domain.notices.notice_register import NoticeRegister
from discretion.domain.notices.presentation import NoticePresenter
from discretion.domain.notices.text_digests import read_text_digests
from discretion.store.consents import ConsentStore
from discretion.store.rulebooks import RulebookStore


@dataclass(frozen=True, slots=True)
class ConsentComponents:
    """Recording statements of customers, of sources and of browsers, with their receipts."""

    terms: TermsRegistry
    statement_writer: StatementWriter
    statement_recorder: StatementRecorder
    source_statements: SourceStatementRecorder
    opt_out_signals: OptOutSignalRecorder
    receipts: ReceiptSigner
    notices: NoticePresenter
    notice_register: NoticeRegister
    recomputation: PermissionRecomputation


def build_consent(context: WiringContext) -> ConsentComponents:
    """Build the components of consent."""
    catalogue, database, clock = context.catalogue, context.database, context.clock
    terms = TermsRegistry(catalogue=catalogue, office=context.notices.office, consents=ConsentStore(database))
    statement_writer = StatementWriter(context.rewriter)
    source_statements = SourceStatementRecorder(terms)
    presenter = NoticePresenter(
        catalogue=catalogue,
        templates=context.notices,
        jurisdictions=context.lawbook.jurisdictions,
        clock=clock,
    )
    return ConsentComponents(
        terms=terms,
        statement_writer=statement_writer,
        statement_recorder=StatementRecorder(
            terms_registry=terms, writer=statement_writer, entropy=context.entropy
        ),
        source_statements=source_statements,
        opt_out_signals=OptOutSignalRecorder(
            writer=statement_writer,
            login_reaches=context.login_reaches,
            now_ms=clock,
            extra_writes=source_statements.build_signal_writes,
        ),
        receipts=ReceiptSigner(select_keys=context.signing_keys.select, issuer=context.settings.issuer),
        notices=presenter,
        notice_register=NoticeRegister(
            presenter=presenter,
            printed=read_text_digests(
                context.settings.notices_dir or find_shipped_notices(), context.notices.editions
            ),
            jurisdictions=context.lawbook.jurisdictions,
            clock=clock,
        ),
        recomputation=PermissionRecomputation(context.rewriter, RulebookStore(database)),
    )
