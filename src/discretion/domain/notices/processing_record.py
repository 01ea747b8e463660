"""The record of processing activities (GDPR Art. 30(1)): one row for each purpose. Pure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from discretion.catalogue.model import Form
from discretion.catalogue.recipient import Recipient
from discretion.domain.notices.facts import NoticeFacts, PurposeFacts, UsedData
from discretion.domain.notices.privacy_office import DescribedTerm, PrivacyOffice

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""Characters with which a spreadsheet begins a formula (OWASP, CSV injection)."""


@dataclass(frozen=True, slots=True)
class ActivityData:
    """A data category that an activity processes; ``kept`` are ISO 8601 durations."""

    category: str
    label: str
    forms: tuple[Form, ...]
    kept: tuple[str, ...]
    sensitive: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProcessingActivity:
    """One row of the record; the field names are the keys of the JSON export.

    ``contact`` has the controller's address and e-mail, then the data protection officer.
    """

    purpose: str
    name: str
    description: str
    basis: str
    subjects: tuple[DescribedTerm, ...]
    data: tuple[ActivityData, ...]
    recipients: tuple[Recipient, ...]
    measures: tuple[DescribedTerm, ...]
    controller: str
    contact: tuple[str, ...]

    @property
    def transfers(self) -> tuple[str, ...]:
        """Countries that data are transferred to, each with recipient and safeguard."""
        return tuple(
            f"{country}: {recipient.label} ({safeguard})"
            for recipient in self.recipients
            for country, safeguard in recipient.transfers.items()
        )


def list_activities(
    facts: NoticeFacts, office: PrivacyOffice, categories: Mapping[str, str]
) -> tuple[ProcessingActivity, ...]:
    """Return the rows of the record; ``categories`` has the display names of data categories."""
    kinds_by_category = {purpose.category: purpose.kinds for purpose in facts.data}
    recipient_by_key = {purpose.key: purpose for purpose in facts.recipients}
    return tuple(
        ProcessingActivity(
            purpose.key,
            purpose.label,
            purpose.description,
            purpose.basis.value,
            tuple(office.subjects.values()),
            tuple(
                _build_activity_data(used_data, categories, kinds_by_category) for used_data in purpose.data
            ),
            tuple(recipient_by_key[key] for key in purpose.recipients),
            tuple(office.measures.values()),
            facts.controller,
            (office.address, office.email, office.officer),
        )
        for purpose in _list_purposes_with_data(facts)
    )


def _list_purposes_with_data(facts: NoticeFacts) -> tuple[PurposeFacts, ...]:
    """Return the purposes that use data; a purpose without data is no processing activity."""
    return tuple(purpose for purpose in facts.purposes if purpose.data)


def _build_activity_data(
    used_data: UsedData, categories: Mapping[str, str], kinds: Mapping[str, tuple[str, ...]]
) -> ActivityData:
    category = used_data.category
    label = categories.get(category, category)
    return ActivityData(category, label, used_data.forms, used_data.kept, kinds.get(category, ()))


def format_activities_json(activities: tuple[ProcessingActivity, ...]) -> str:
    """Format the record as a JSON list with one object for each row."""
    documents = [{**asdict(activity), "transfers": activity.transfers} for activity in activities]
    return json.dumps(documents, ensure_ascii=False, indent=2) + "\n"


CSV_COLUMNS = (
    "purpose",
    "name",
    "description",
    "legal basis",
    "data subjects",
    "personal data",
    "recipients",
    "transfers",
    "retention",
    "security measures",
    "controller",
    "contact",
)


def format_activities_csv(activities: tuple[ProcessingActivity, ...]) -> str:
    """Format the record as CSV (RFC 4180); no cell is read as a formula by a spreadsheet."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(CSV_COLUMNS)
    writer.writerows([_escape_formula(cell) for cell in _list_cells(activity)] for activity in activities)
    return buffer.getvalue()


def _list_cells(activity: ProcessingActivity) -> tuple[str, ...]:
    return (
        activity.purpose,
        activity.name,
        activity.description,
        activity.basis,
        _join_texts(term.text for term in activity.subjects),
        _join_texts(_format_data(data) for data in activity.data),
        _join_texts(f"{recipient.label} ({recipient.role})" for recipient in activity.recipients),
        _join_texts(activity.transfers) or "none",
        _join_texts(f"{data.label}: {', '.join(data.kept)}" for data in activity.data),
        _join_texts(term.text for term in activity.measures),
        activity.controller,
        _join_texts(activity.contact),
    )


def _format_data(data: ActivityData) -> str:
    forms = "" if data.forms == (Form.CLEAR,) else f" ({', '.join(data.forms)})"
    sensitive = f" [sensitive: {', '.join(data.sensitive)}]" if data.sensitive else ""
    return f"{data.label}{forms}{sensitive}"


def _join_texts(texts: Iterable[str]) -> str:
    return "; ".join(texts)


def _escape_formula(cell: str) -> str:
    # A leading apostrophe makes the cell text. Leading spaces are stripped for the check, because some
    # spreadsheets ignore them.
    return (
        f"'{cell}" if cell.lstrip().startswith(_FORMULA_STARTS) or cell.startswith(_FORMULA_STARTS) else cell
    )
