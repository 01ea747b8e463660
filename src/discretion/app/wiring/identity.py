"""Builds the components by which stewards decide which customers are one person."""

from __future__ import annotations

from dataclasses import dataclass

from discretion.app.wiring.context import WiringContext
from discretion.domain.identity.stewardship import Stewardship
from discretion.store.suggestions import SuggestionStore


@dataclass(frozen=True, slots=True)
class IdentityComponents:
    """Merges and unmerges by stewards, and the suggestions of duplicates."""

    stewardship: Stewardship
    suggestions: SuggestionStore


def build_identity(context: WiringContext) -> IdentityComponents:
    """Build the components of identity."""
    return IdentityComponents(
        stewardship=Stewardship(context.rewriter),
        suggestions=SuggestionStore(database=context.database, now_ms=context.clock),
    )
