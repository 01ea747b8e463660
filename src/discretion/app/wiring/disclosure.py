"""Builds the components that reveal customer data and record each disclosure."""

from __future__ import annotations

from dataclasses import dataclass

from discretion.app.wiring.context import WiringContext
from discretion.disclose import Discloser
from discretion.ledger.append import Ledger
from discretion.ledger.storage import LedgerStorage
from discretion.reveal.forms import FormRenderer
from discretion.reveal.revealer import Revealer
from discretion.seal.key_files import derive_key


@dataclass(frozen=True, slots=True)
class DisclosureComponents:
    """The discloser, the storage of its ledger, and the renderer of masked, coarse and pseudonymous forms."""

    discloser: Discloser
    ledger_storage: LedgerStorage
    form_renderer: FormRenderer


def build_disclosure(context: WiringContext) -> DisclosureComponents:
    """Build the components of disclosure."""
    # Derived from the root key, so that all servers give equal values the same pseudonym, also after a
    # restart.
    form_renderer = FormRenderer(derive_key(context.root, "pseudonym"))
    ledger_storage = LedgerStorage(context.database)
    revealer = Revealer(
        catalogue=context.catalogue,
        permission_window=context.permission_window,
        buckets=context.buckets,
        forms=form_renderer,
        pairwise=context.pairwise,
    )
    discloser = Discloser(
        revealer=revealer, ledger=Ledger(ledger_storage), now_ms=context.clock, entropy=context.entropy
    )
    return DisclosureComponents(
        discloser=discloser, ledger_storage=ledger_storage, form_renderer=form_renderer
    )
