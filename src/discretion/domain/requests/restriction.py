"""Restriction of processing, and lifting it (GDPR Art. 18).

Restricted data stays stored and is used only for what the law demands. The restriction is stored with the
data, so the next read in any process observes it. Every source record of the customer carries the flag, so
that it survives a merge of profiles.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from discretion.domain.identity.person_rewrite import PersonRewriter
from discretion.store.transactions import Session


@dataclass(frozen=True, slots=True)
class ProcessingRestriction:
    """Sets and lifts the restriction of a customer."""

    rewriter: PersonRewriter

    async def apply(self, customer: bytes, session: Session, *, restricted: bool = True) -> bool:
        """Set or lift the restriction of a customer within a transaction.

        Args:
            customer: Current or former id of the customer.
            session: The transaction.
            restricted: False lifts the restriction.

        Returns:
            Whether the customer exists.
        """
        rewrite = await self.rewriter.edit_records(
            session, customer, lambda record: replace(record, restricted=restricted)
        )
        return rewrite is not None
