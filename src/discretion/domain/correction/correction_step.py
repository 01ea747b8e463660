"""The step of a request for correction that applies the correction.

The previous values are copied into the request as sealed cells, next to the new values and the reason. From
then on no source can change the corrected attributes, however often and in whichever order it sends them
(``profiles.precedence``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.model import Attribute
from discretion.catalogue.reserved_source import CORRECTION_SOURCE
from discretion.domain.correction.contest_flags import build_flag_edit, build_lift_edits
from discretion.domain.correction.correction_record import (
    CorrectableCustomer,
    read_correctable_customer,
    write_record_edits,
)
from discretion.domain.correction.proposal import OLD_VALUE_PREFIX
from discretion.domain.identity.person_rewrite import PersonRewriter
from discretion.domain.identity.unit_of_work import WriteContext
from discretion.domain.ingest.mention import Mention
from discretion.domain.ingest.value_codes import BIRTH_DATE_CATEGORY
from discretion.domain.kit.workflow.lease import Lease
from discretion.domain.kit.workflow.step import StepAction
from discretion.domain.kit.workflow.step_outcome import StepDone, StepOutcome
from discretion.domain.profiles.record_identifiers import merge_mention, merge_periods, select_strongest
from discretion.domain.profiles.removed_birth_date import fold_removed_birth
from discretion.domain.profiles.source_record import find_minor_birth
from discretion.errors import Broken, Conflict
from discretion.reveal.corrections import open_proposed_value
from discretion.seal.blind_index import BlindIndex
from discretion.seal.cell import encrypt_cell, identifier_cell_key
from discretion.seal.cell_transfer import CellOwner, transfer_cell
from discretion.seal.key_files import NONCE_BYTES
from discretion.seal.normalisation import NORMALISATION_RULES
from discretion.seal.redacted import Redacted
from discretion.store.customer_codec import CustomerDocument
from discretion.store.document import JsonValue
from discretion.store.source_record import Cell, SourceRecord, StatedPeriod
from discretion.store.subject_request import StepProgress, SubjectRequest
from discretion.store.transactions import Session


def build_correction_step(rewriter: PersonRewriter, blind_index: BlindIndex) -> StepAction:
    """Build the step that applies a correction; ``blind_index`` finds the entries of new addresses."""

    async def correct_values(request: SubjectRequest, lease: Lease) -> StepOutcome:
        customer_id = request.customer
        if customer_id is None:
            return StepDone({"found": False})

        async def work(session: Session) -> None:
            await lease.require_reach(session)
            customer = await read_correctable_customer(rewriter, session, customer_id)
            if customer is None:
                await lease.complete_step({"found": False}, session)
                return
            correction = _CorrectionRun(customer.rewrite.context, request, customer, blind_index)
            edits = {
                **build_lift_edits(customer, request.id),
                customer.own_record: correction.edit_own_record,
            }
            # The profile, the previous values and the step's completion are one transaction under the lease's
            # fence: after a crash, either all of it happened or nothing.
            await write_record_edits(customer, edits)
            lease.checkpoint("corrected")
            old_cells = {f"{OLD_VALUE_PREFIX}{key}": cell for key, cell in correction.old_cells.items()}
            await lease.save(StepProgress(sealed=old_cells), session)
            outcome: dict[str, JsonValue] = {
                "found": True,
                "corrected": correction.list_paths(removed=False),
                "removed": correction.list_paths(removed=True),
            }
            await lease.complete_step(outcome, session)

        await rewriter.stores.transactions.run(work)
        return StepDone()

    return correct_values


class _CorrectionRun:
    """The changes of one request to one customer; ``old_cells`` are the sealed previous values by key."""

    def __init__(
        self,
        context: WriteContext,
        request: SubjectRequest,
        customer: CorrectableCustomer,
        blind_index: BlindIndex,
    ) -> None:
        self._context = context
        self._blind_index = blind_index
        self._request = request
        self._customer = customer.customer.id
        self._keys = {
            customer_id: context.buckets.unwrap(customer_id, wrapped)
            for customer_id, wrapped in customer.customer.wrapped_keys.items()
        }
        attributes = (context.catalogue.attributes.get(path) for path in request.scope.attributes)
        removed_paths = frozenset(request.scope.removed)
        # An erasure deletes sealed values: an attribute with neither a value nor a removal is left unchanged.
        self._attributes = [
            attribute
            for attribute in attributes
            if attribute is not None and (attribute.key in request.sealed or attribute.path in removed_paths)
        ]
        self.old_cells = dict(self._seal_old_values(customer.customer))
        self._own_record = customer.own_record

    def edit_own_record(self, record: SourceRecord) -> SourceRecord:
        """Return the person's own record with the corrected values; a newer correction is not overwritten."""
        precedence, cells = (self._request.received, self._request.id.hex()), dict(record.cells)
        for attribute in self._attributes:
            current_cell = cells.get(attribute.key)
            # By time and id of the request: a step that runs again finds its own cells and changes nothing.
            if current_cell is None or (current_cell.at, current_cell.message) < precedence:
                cells[attribute.key] = self._build_cell(attribute, current_cell, *precedence)
        identifiers = {identifier.entry: identifier for identifier in record.identifiers}
        for mention, cell in self._prove_addresses():
            named = merge_mention(identifiers.get(mention.entry), mention)
            identifiers[mention.entry] = replace(named, cell=cell)
        return build_flag_edit(self._request.id, [])(
            replace(
                record,
                cells=cells,
                identifiers=select_strongest(identifiers.values()),
                removals=self._add_removals(record.removals),
                last=max(record.last, precedence[0]),
            )
        )

    def list_paths(self, *, removed: bool) -> list[str]:
        """Return the paths of the attributes that were changed, or that were removed."""
        removed_paths = set(self._request.scope.removed)
        return [
            attribute.path for attribute in self._attributes if (attribute.path in removed_paths) is removed
        ]

    def _add_removals(self, removals: Mapping[str, StatedPeriod]) -> dict[str, StatedPeriod]:
        """Return the removals of a record with those of the addresses that should have no value."""
        at, added = StatedPeriod(self._request.received, self._request.received), dict(removals)
        for attribute in self._attributes:
            identifier_type = self._context.catalogue.identifiers.get(attribute.identifier or "")
            is_address = identifier_type is not None and identifier_type.is_address
            if is_address and attribute.identifier is not None and attribute.key not in self._request.sealed:
                added[attribute.identifier] = merge_periods(removals.get(attribute.identifier), at) or at
        return added

    def _prove_addresses(self) -> Iterator[tuple[Mention, bytes]]:
        """Yield each new address as a proven mention by the person's own record, with its sealed value.

        Raises:
            Conflict: ``ADDRESS_NOT_PROVEN``; nobody has confirmed the new address.
        """
        types = self._context.catalogue.identifiers
        for attribute in self._attributes:
            identifier_type = types.get(attribute.identifier or "")
            proposed = self._request.sealed.get(attribute.key)
            if identifier_type is None or not identifier_type.is_address or proposed is None:
                continue
            if self._request.address_proven is None:
                raise Conflict("ADDRESS_NOT_PROVEN", "A new address takes effect only after a code to it.")
            opened = self._open(proposed, attribute.key)
            normalised = NORMALISATION_RULES[identifier_type.normalise](str(opened.value), None)
            if normalised is None:  # a steward accepted an address that can be written to, but links nobody
                continue
            entry = self._blind_index.index(identifier_type.key, normalised)
            # At the time of the request, as the value itself: a later request replaces both.
            at = self._request.received
            yield (
                Mention(
                    self._own_record,
                    identifier_type.key,
                    entry,
                    CORRECTION_SOURCE.key,
                    at,
                    Assurance.PROVEN,
                    is_stated=True,
                ),
                encrypt_cell(
                    AESGCM(self._keys[self._customer]),
                    self._customer,
                    identifier_cell_key(entry).encode(),
                    at,
                    self._context.entropy(NONCE_BYTES),
                    normalised,
                ),
            )

    def _open(self, cell: bytes, key: str) -> Redacted[Any]:
        sealed = self._reencrypt(cell, key)
        return open_proposed_value(self._customer, self._keys[self._customer], sealed, key)

    def _build_cell(self, attribute: Attribute, current: Cell | None, at: int, message: str) -> Cell:
        """Build a cell, without a value for an attribute that should have none."""
        proposed = self._request.sealed.get(attribute.key)
        if proposed is None:
            removal = None
            if attribute.category == BIRTH_DATE_CATEGORY:
                removal = fold_removed_birth(current, None, at, message)
            return removal or Cell(at, message)
        sealed = self._reencrypt(proposed, attribute.key)
        if attribute.sealed and attribute.category != BIRTH_DATE_CATEGORY:
            return Cell(at, message, sealed=sealed)
        # Only unsealed attributes and birth dates are opened here: the values stored next to the seal come
        # from them.
        value = self._open(proposed, attribute.key).value
        born = find_minor_birth(attribute, value, self._context.now_ms)
        if attribute.sealed:
            return Cell(at, message, sealed=sealed, born=born)
        return Cell(at, message, value=value, born=born)

    def _reencrypt(self, cell: bytes, key: str) -> bytes:
        """Return a cell under the customer's current key: they may have been merged since the proposal."""
        nonce = self._context.entropy(NONCE_BYTES)
        target = CellOwner(self._customer, self._keys[self._customer])
        for origin in self._keys.items():
            with suppress(Broken):  # sealed under another of their keys
                return transfer_cell(cell, key.encode(), CellOwner(*origin), target, nonce)
        raise Broken("SEAL_BROKEN", "No key of this customer decrypts a proposed value.")

    def _seal_old_values(self, customer: CustomerDocument) -> Mapping[str, bytes]:
        """Return the previous values as sealed cells by attribute key, including values contested now."""
        sealed, values, times = dict(customer.sealed), dict(customer.open), dict(customer.observed)
        for key, contested in customer.contested.items():
            times[key] = contested.at
            if contested.sealed is not None:
                sealed[key] = contested.sealed
            elif contested.value is not None:
                values[key] = contested.value
        cipher = AESGCM(self._keys[self._customer])
        keys = [attribute.key for attribute in self._attributes]
        old_cells = {key: sealed[key] for key in keys if key in sealed}
        for key in (key for key in keys if key in values):
            nonce = self._context.entropy(NONCE_BYTES)
            old_cells[key] = encrypt_cell(
                cipher, self._customer, key.encode(), times.get(key, 0), nonce, values[key]
            )
        return old_cells
