"""Builds the components that reveal customer data and record each disclosure."""

from __future__ import annotations

from dataclasses import dataclass

from discretion.app.wiring.context import WiringContext
from discretion.disclose import Discloser
from discretion.ledger.append import Ledger
from discretion.ledger.posting_writer import PostingWriter
from discretion.ledger.storage import LedgerStorage
from discretion.reveal.forms import FormRenderer
from discretion.reveal.revealer import Revealer
from discretion.seal.key_files import derive_key


@dataclass(frozen=True, slots=True)
class DisclosureComponents:
    """The discloser, its ledger's storage and postings, and the renderer of forms that are not clear."""

    discloser: Discloser
    ledger_storage: LedgerStorage
    posting_writer: PostingWriter
    form_renderer: FormRenderer


def build_disclosure(context: WiringContext) -> DisclosureComponents:
    """Build the components of disclosure."""
    # Derived from the root key, so that all servers give equal values the same pseudonym, also after a
    # restart.
    form_renderer = FormRenderer(derive_key(context.root, "pseudonym"))
    ledger_storage = LedgerStorage(
        database=context.database, register=context.catalogue.register, entropy=context.entropy
    )
    revealer = Revealer(
        catalogue=context.catalogue,
        permission_window=context.permission_window,
        buckets=context.buckets,
        forms=form_renderer,
        pairwise=context.pairwise,
    )
    discloser = Discloser(
        revealer=revealer,
        ledger=Ledger(ledger_storage),
        login_reaches=context.login_reaches,
        now_ms=context.clock,
        entropy=context.entropy,
    )
    return DisclosureComponents(
        discloser=discloser,
        ledger_storage=ledger_storage,
        posting_writer=PostingWriter(database=context.database, clock=context.clock),
        form_renderer=form_renderer,
    )
