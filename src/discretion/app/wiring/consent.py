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
from discretion.domain.notices.presentation import NoticePresenter
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
    recomputation: PermissionRecomputation


def build_consent(context: WiringContext) -> ConsentComponents:
    """Build the components of consent."""
    catalogue, database, clock = context.catalogue, context.database, context.clock
    terms = TermsRegistry(catalogue, context.notices.office, ConsentStore(database))
    statement_writer = StatementWriter(context.rewriter)
    source_statements = SourceStatementRecorder(terms)
    return ConsentComponents(
        terms=terms,
        statement_writer=statement_writer,
        statement_recorder=StatementRecorder(terms, statement_writer, context.entropy),
        source_statements=source_statements,
        opt_out_signals=OptOutSignalRecorder(
            statement_writer, context.pairwise, clock, source_statements.build_signal_writes
        ),
        receipts=ReceiptSigner(context.signing_keys.select, context.settings.issuer),
        notices=NoticePresenter(catalogue, context.notices, context.lawbook.jurisdictions, clock),
        recomputation=PermissionRecomputation(
            context.stores, RulebookStore(database), context.open_write_context
        ),
    )
