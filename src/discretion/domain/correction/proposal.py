"""Proposals: the values of a request for correction, sealed under the customer's key as cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.domain.correction.proposed_change import ProposedChange, needs_evidence
from discretion.domain.identity.unit_of_work import WriteContext
from discretion.errors import NotFound
from discretion.seal.cell import encrypt_cell
from discretion.seal.key_files import NONCE_BYTES
from discretion.store.people import PeopleStore
from discretion.store.subject_request import RequestScope

REASON_NAME = "why"
"""The name under which the person's reason is sealed, next to attribute keys."""

OLD_VALUE_PREFIX = "old:"
"""Prefix of an attribute key in the name under which its previous value is sealed."""


@dataclass(frozen=True, slots=True)
class CorrectionProposal:
    """The content of a request for correction.

    Attributes:
        scope: The paths of all attributes, and of those that should have no value.
        sealed: Cells by attribute key, and the reason.
        needs_decision: Whether a steward must decide first.
    """

    scope: RequestScope
    sealed: Mapping[str, bytes] = field(repr=False)
    needs_decision: bool


@dataclass(frozen=True, slots=True)
class ProposalBuilder:
    """Builds proposals. ``write_context`` gives the keys and the present."""

    people: PeopleStore
    write_context: Callable[[], WriteContext]

    async def build(
        self, customer: bytes, changes: Sequence[ProposedChange], reason: str | None = None
    ) -> CorrectionProposal:
        """Seal the proposed values.

        Args:
            customer: The customer's id, or a former id.
            changes: As ``check_changes`` returned them.
            reason: The person's reason in their own words.

        Raises:
            NotFound: ``CUSTOMER_NOT_FOUND``.
        """
        owner = await self.people.current(customer)
        if owner is None:
            raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
        context = self.write_context()
        cipher = AESGCM(context.buckets.unwrap(owner.id, owner.wrapped_key))

        # Sealed before the request is filed: no personal data of a request is ever stored in clear, and an
        # erasure of the customer's key makes open proposals unreadable as well.
        def seal_value(name: str, value: object) -> bytes:
            return encrypt_cell(
                cipher,
                owner.id,
                name.encode(),
                context.now_ms,
                context.entropy(NONCE_BYTES),
                value,
            )

        cells = {
            change.attribute.key: seal_value(change.attribute.key, change.value.value)
            for change in changes
            if change.value is not None
        }
        reason_cells = {REASON_NAME: seal_value(REASON_NAME, reason)} if reason else {}
        return CorrectionProposal(
            build_correction_scope(changes), {**cells, **reason_cells}, needs_evidence(changes)
        )


def build_correction_scope(changes: Sequence[ProposedChange]) -> RequestScope:
    """Build the part of a proposal that contains no personal data: the paths of the attributes."""
    return RequestScope(
        attributes=tuple(change.attribute.path for change in changes),
        removed=tuple(change.attribute.path for change in changes if change.value is None),
    )
