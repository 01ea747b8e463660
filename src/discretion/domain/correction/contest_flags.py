"""Restriction of contested values while a request for correction is open (GDPR Art. 18(1)(a)).

A contested value stays stored, but only the person and purposes that the law requires can read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from discretion.catalogue.model import Catalogue
from discretion.domain.correction.correction_record import (
    CorrectableCustomer,
    read_correctable_customer,
    write_record_edits,
)
from discretion.domain.identity.person_rewrite import PersonRewriter, RecordEdit
from discretion.store.source_record import SourceRecord
from discretion.store.subject_request import SubjectRequest
from discretion.store.transactions import Session


@dataclass(frozen=True, slots=True)
class ContestFlags:
    """Flags values as contested while a request about them is open. Flagging is idempotent."""

    rewriter: PersonRewriter

    async def set_flags(self, request: SubjectRequest, session: Session, *, contested: bool = True) -> bool:
        """Set or lift the flags of a request for correction; return whether the customer exists.

        Args:
            request: The request.
            session: The transaction that changes the request.
            contested: False after the request was refused or withdrawn. The correction step lifts them
                itself.
        """
        if request.customer is None:
            return False
        customer = await read_correctable_customer(self.rewriter, session, request.customer)
        if customer is None:
            return False
        edits = build_lift_edits(customer, request.id)
        if contested:
            # Flags that are set already stay as they are, also those that a merge moved to another record.
            requested_keys = list_requested_keys(customer.rewrite.context.catalogue, request)
            flag_edit = build_flag_edit(request.id, requested_keys)
            edits = {} if edits else {customer.own_record: flag_edit}
        if edits:
            await write_record_edits(customer, edits)
        return True


def build_flag_edit(request: bytes, keys: Sequence[str]) -> RecordEdit:
    """Build an edit after which a request contests exactly these attributes in a record."""

    def edit(record: SourceRecord) -> SourceRecord:
        contests_by_key = {
            key: {contesting_request for contesting_request in requests if contesting_request != request}
            for key, requests in record.contested.items()
        }
        for key in keys:
            contests_by_key.setdefault(key, set()).add(request)
        contested = {
            key: tuple(sorted(requests)) for key, requests in sorted(contests_by_key.items()) if requests
        }
        return replace(record, contested=contested)

    return edit


def build_lift_edits(customer: CorrectableCustomer, request: bytes) -> dict[bytes, RecordEdit]:
    """Build edits, by record id, after which a request contests nothing."""
    return {record_id: build_flag_edit(request, []) for record_id in _list_flagged_records(customer, request)}


def list_requested_keys(catalogue: Catalogue, request: SubjectRequest) -> list[str]:
    """Return the keys of the attributes that a request is about and that the catalogue still has."""
    attributes = (catalogue.attributes.get(path) for path in request.scope.attributes)
    return [attribute.key for attribute in attributes if attribute is not None]


def _list_flagged_records(customer: CorrectableCustomer, request: bytes) -> list[bytes]:
    """Return the records in which a request contests something; after a merge, there can be several."""
    return [
        record_id
        for record_id, record in customer.rewrite.evidence.records.items()
        if any(request in requests for requests in record.contested.values())
    ]
