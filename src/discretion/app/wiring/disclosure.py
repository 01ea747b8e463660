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
        context.catalogue, context.permission_window, context.buckets, form_renderer, context.pairwise
    )
    discloser = Discloser(revealer, Ledger(ledger_storage), context.clock, context.entropy)
    return DisclosureComponents(discloser, ledger_storage, form_renderer)
