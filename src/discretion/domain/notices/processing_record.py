"""The record of processing activities (GDPR Art. 30(1)): one row for each purpose. Pure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from discretion.catalogue.model import Form
from discretion.catalogue.recipient import Recipient
from discretion.domain.notices.facts import Facts, Pursued, Seen
from discretion.domain.notices.privacy_office import Named, Office

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection)."""


@dataclass(frozen=True, slots=True)
class Data:
    """A kind of data that an activity takes; ``kept`` are ISO 8601 durations."""

    category: str
    label: str
    forms: tuple[Form, ...]
    kept: tuple[str, ...]
    sensitive: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Activity:
    """A row. ``contact`` is the controller's, then the data protection officer's."""

    purpose: str
    name: str
    description: str
    basis: str
    subjects: tuple[Named, ...]
    data: tuple[Data, ...]
    recipients: tuple[Recipient, ...]
    measures: tuple[Named, ...]
    controller: str
    contact: tuple[str, ...]

    @property
    def transfers(self) -> tuple[str, ...]:
        """Countries abroad, each with who receives data there and what protects them."""
        return tuple(
            f"{country}: {one.label} ({safeguard})"
            for one in self.recipients
            for country, safeguard in one.transfers.items()
        )


def activities(facts: Facts, office: Office, categories: Mapping[str, str]) -> tuple[Activity, ...]:
    """The record; ``categories`` names kinds of data for people."""
    kinds = {one.category: one.kinds for one in facts.data}
    known = {one.key: one for one in facts.recipients}
    return tuple(
        Activity(
            one.key,
            one.label,
            one.description,
            one.basis.value,
            tuple(office.subjects.values()),
            tuple(_data(seen, categories, kinds) for seen in one.data),
            tuple(known[key] for key in one.recipients),
            tuple(office.measures.values()),
            facts.controller,
            (office.address, office.email, office.officer),
        )
        for one in _pursued(facts)
    )


def _pursued(facts: Facts) -> tuple[Pursued, ...]:
    """A purpose that takes no data processes none."""
    return tuple(one for one in facts.purposes if one.data)


def _data(seen: Seen, categories: Mapping[str, str], kinds: Mapping[str, tuple[str, ...]]) -> Data:
    category = seen.category
    label = categories.get(category, category)
    return Data(category, label, seen.forms, seen.kept, kinds.get(category, ()))


def as_json(rows: tuple[Activity, ...]) -> str:
    """A list of objects, one for each row."""
    told = [{**asdict(one), "transfers": one.transfers} for one in rows]
    return json.dumps(told, ensure_ascii=False, indent=2) + "\n"


COLUMNS = (
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


def as_csv(rows: tuple[Activity, ...]) -> str:
    """RFC 4180; no cell is a formula to a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows([_inert(cell) for cell in _cells(one)] for one in rows)
    return out.getvalue()


def _cells(one: Activity) -> tuple[str, ...]:
    return (
        one.purpose,
        one.name,
        one.description,
        one.basis,
        _lines(named.text for named in one.subjects),
        _lines(_seen(data) for data in one.data),
        _lines(f"{to.label} ({to.role})" for to in one.recipients),
        _lines(one.transfers) or "none",
        _lines(f"{data.label}: {', '.join(data.kept)}" for data in one.data),
        _lines(named.text for named in one.measures),
        one.controller,
        _lines(one.contact),
    )


def _seen(data: Data) -> str:
    forms = "" if data.forms == (Form.CLEAR,) else f" ({', '.join(data.forms)})"
    sensitive = f" [sensitive: {', '.join(data.sensitive)}]" if data.sensitive else ""
    return f"{data.label}{forms}{sensitive}"


def _lines(parts: Iterable[str]) -> str:
    return "; ".join(parts)


def _inert(cell: str) -> str:
    return f"'{cell}" if cell.lstrip().startswith(_FORMULA) or cell.startswith(_FORMULA) else cell
