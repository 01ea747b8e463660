"""The customer a package is about, as the section readers get it, and how values are formatted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from discretion.catalogue.duration import add_duration
from discretion.catalogue.model import Attribute, Catalogue
from discretion.catalogue.retention_cut_off import RetainedType, RetentionCutOffs
from discretion.domain.access.access_limits import AccessLimits
from discretion.law.jurisdiction import Jurisdiction
from discretion.reveal.forms import build_clear_render, format_timestamp
from discretion.reveal.revealer import CustomerRow, Reading
from discretion.store.customer_codec import CustomerDocument
from discretion.store.source_record import SourceRecord
from discretion.store.subject_request import SubjectRequest


@dataclass(frozen=True, slots=True)
class PackageSubject:
    """One customer during one reading.

    Attributes:
        row: The customer, opened for this reading.
        customer: The customer as stored, with the values that they contest among the others.
        records: Their source records.
        laws: The jurisdictions that protect them.
        limits: What may not be shown to them.
        cut_offs: The earliest observation within its retention period, per attribute and event type.
        request: The rights request.
        portable_only: Only data that rest on consent or a contract, and nothing inferred (GDPR Art.
            20(1)(a)).
        record_names: Encoded ids of source records, filled on demand.
    """

    catalogue: Catalogue
    reading: Reading
    row: CustomerRow = field(repr=False)
    customer: CustomerDocument = field(repr=False)
    records: Sequence[SourceRecord] = field(repr=False)
    laws: Sequence[Jurisdiction]
    limits: AccessLimits
    cut_offs: RetentionCutOffs
    request: SubjectRequest = field(repr=False)
    portable_only: bool
    record_names: dict[bytes, str] = field(default_factory=dict, repr=False)

    @property
    def customer_ids(self) -> list[bytes]:
        """The ids under which they are or were known."""
        return list(self.customer.wrapped_keys)

    def find_channel(self, source: str) -> str | None:
        """Return the channel of a source; None if the catalogue does not have the source."""
        declared_source = self.catalogue.sources.get(source)
        return None if declared_source is None else declared_source.channel.value

    def open_cell(self, customer: bytes, cell: bytes, key: str, ledger_note: str) -> object:
        """Decrypt a cell that was sealed under a present or former id of the customer.

        Returns:
            The value, or None if the cell was sealed under the id of another customer.
        """
        keys = self.customer.wrapped_keys
        if customer not in keys:
            return None
        return self.reading.reveal_former_cell(self.row, keys, customer, cell, key, ledger_note)

    def name_record(self, record: bytes) -> str:
        """Return the id of a source record encoded for this client; it differs for each client."""
        name = self.record_names.get(record)
        if name is None:
            name = self.record_names[record] = self.reading.encode_id(b"record", record)
        return name


def format_time(time_ms: int | None) -> str | None:
    """Return a time (ms since 1970) in the format of packages, or None."""
    return None if time_ms is None else format_timestamp(time_ms)


def compute_deletion_time(declaration: RetainedType, observed: int) -> str:
    """Return when data are deleted: after their own retention, or when no purpose needs them any more."""
    deadline = add_duration(declaration.retention, observed)
    retentions = {use.purpose.retention for use in declaration.uses}
    if retentions and "" not in retentions:
        deadline = min(deadline, max(add_duration(retention, observed) for retention in retentions))
    return format_timestamp(deadline)


def list_purpose_keys(declaration: RetainedType) -> list[str]:
    """Return the keys of the purposes that data of this declaration are used for."""
    return sorted({use.purpose.key for use in declaration.uses})


def format_clear(attribute: Attribute, value: object) -> object:
    """Return a stored value of an attribute in its clear form; None if the value was removed."""
    render = build_clear_render(attribute)
    return value if render is None or value is None else render(value, 0)
