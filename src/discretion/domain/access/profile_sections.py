"""A package's profile: what we go by, what each source told, the person's identifiers, what they allow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from discretion.catalogue.model import COMPUTED, Attribute, Basis, Computed, Fold
from discretion.domain.access.package_sections import row
from discretion.domain.access.package_subject import Subject, clear, kept_until, purposes, told
from discretion.domain.profiles.fold import COMBINE
from discretion.reveal.forms import iso
from discretion.seal.cell import identifier_key

Document = dict[str, Any]
Rows = Iterator[dict[str, Any]]

PORTABLE = frozenset({Basis.CONSENT, Basis.CONTRACT})
"""Bases on which data can be taken elsewhere (GDPR Art. 20(1)(a))."""


def values(subject: Subject) -> Rows:
    """Every attribute that has a value. One that may not be shown is not opened."""
    for attribute in subject.catalogue.attributes.values():
        law = subject.limits.forbids(attribute.category)
        if law is not None:
            if _kept(subject, attribute):
                yield _value(subject, attribute, None, None, law)
            continue
        sight = subject.reading.look(subject.row, attribute)
        if sight is not None and sight.observed >= subject.limits.since:
            yield _value(subject, attribute, sight.value(), sight.observed, None)


def _kept(subject: Subject, attribute: Attribute) -> bool:
    doc = subject.row.doc
    return attribute.key in doc["s"] or attribute.key in doc["o"]


def _value(
    subject: Subject, attribute: Attribute, value: Any, observed: int | None, law: str | None
) -> dict[str, Any]:
    source, *_ = subject.row.doc["p"].get(attribute.key) or (None,)
    return row(
        "values",
        attribute=attribute.path,
        says=attribute.description,
        category=attribute.category,
        value=value,
        source=COMPUTED if attribute.computed else source,
        channel=None if source is None else subject.channel(source),
        observed_at=told(observed),
        kept_until=None if observed is None else kept_until(attribute, observed),
        inferred=attribute.computed is not None,
        follows_from=None if attribute.computed is None else _follows(attribute.computed),
        purposes=purposes(attribute),
        sensitive=list(attribute.kinds),
        withheld=law,
    )


def _follows(computed: Computed) -> str:
    events = ", ".join(computed.events) or "all events"
    of = f" of {computed.property}" if computed.property else ""
    where = f" in the {computed.channel.value}" if computed.channel else ""
    return f"{computed.fold.value}{of}: {events}{where}"


def source_words(subject: Subject) -> Rows:
    """Every value that any source told and that is kept, whether it is believed or not."""
    for record in subject.records:
        for key, cell in record["cells"].items():
            if cell["t"] >= max(subject.cuts.attribute(key), subject.limits.since):
                yield from _cell(subject, record, key, cell)
        for key, fold in () if subject.portable else record["folds"].items():
            if fold["t"] >= max(subject.cuts.attribute(key), subject.limits.since):
                yield _fold(subject, record, key, fold)


def _cell(subject: Subject, record: Document, key: str, cell: Document) -> Rows:
    attribute = subject.catalogue.by_key.get(key)
    if subject.portable and not (attribute and _portable(attribute)):
        return
    law = None if attribute is None else subject.limits.forbids(attribute.category)
    value = None
    if law is None:
        value = subject.reading.reveal_cell(subject.row, cell["c"], key, "told") if "c" in cell else cell["v"]
        if attribute is not None:
            value = clear(attribute.type, value, many=attribute.many)
    believed = subject.row.doc["p"].get(key) == [record["source"], cell["m"]]
    yield _word(subject, record, key, value, cell["t"], law=law, believed=believed, inferred=False)


def _portable(attribute: Attribute) -> bool:
    return any(use.purpose.basis in PORTABLE for use in attribute.uses)


def _fold(subject: Subject, record: Document, key: str, fold: Document) -> dict[str, Any]:
    attribute = subject.catalogue.by_key.get(key)
    law = None if attribute is None else subject.limits.forbids(attribute.category)
    value = fold["n"]
    if law is not None:
        value = None
    elif attribute is not None and attribute.computed is not None:
        whole = COMBINE[attribute.computed.fold]([fold])
        many = attribute.many and attribute.computed.fold is Fold.SET
        value = clear(attribute.type, whole, many=many)
    subject.reading.note("told")
    return _word(subject, record, key, value, fold["t"], law=law, believed=True, inferred=True)


def _word(
    subject: Subject,
    record: Document,
    key: str,
    value: Any,
    at: int,
    *,
    law: str | None,
    believed: bool,
    inferred: bool,
) -> dict[str, Any]:
    attribute = subject.catalogue.by_key.get(key)
    return row(
        "told",
        attribute=key.replace("/", "."),
        value=value,
        source=record["source"],
        channel=subject.channel(record["source"]),
        observed_at=iso(at),
        kept_until=None if attribute is None else kept_until(attribute, at),
        believed=believed,
        inferred=inferred,
        record=subject.record(record["_id"]),
        withheld=law,
    )


def identifiers(subject: Subject) -> Rows:
    """Every identifier that a record names."""
    for record in subject.records:
        for one in record["ids"]:
            law = _forbidden(subject, one["k"])
            value = None
            if law is None:
                key = identifier_key(one["e"])
                value = subject.reading.reveal_cell(subject.row, one["c"], key, "identifiers")
            yield row(
                "identifiers",
                type=one["k"],
                value=value,
                source=record["source"],
                named_at=iso(one["t"]),
                record=subject.record(record["_id"]),
                withheld=law,
            )


def _forbidden(subject: Subject, kind: str) -> str | None:
    declared = subject.catalogue.identifiers.get(kind)
    categories = [one.category for one in subject.catalogue.attributes.values() if one.identifier == kind]
    if declared is not None:
        categories.append(declared.category)
    return next((law for one in categories if (law := subject.limits.forbids(one)) is not None), None)


def records(subject: Subject) -> Rows:
    """The records themselves."""
    for record in subject.records:
        yield row(
            "records",
            record=subject.record(record["_id"]),
            source=record["source"],
            channel=subject.channel(record["source"]),
            first=iso(record["first"]),
            last=iso(record["last"]),
            restricted=record.get("restricted", False),
        )


def said(subject: Subject) -> Rows:
    """What stands of choices, signals and places, record by record."""
    for record in subject.records:
        for what, member in (("choice", "choices"), ("word", "words"), ("guardian", "guards")):
            for purpose, one in record.get(member, {}).items():
                yield _said(
                    subject, record, what, purpose.replace("/", "."), one["g"], one["t"], one.get("u")
                )
        for signal, one in record.get("signals", {}).items():
            yield _said(subject, record, "signal", signal, False, one["t"], None)
        if "place" in record:
            place = record["place"]
            yield _said(subject, record, "country", place["c"], None, place["t"], None)


def _said(
    subject: Subject,
    record: Document,
    what: str,
    name: str,
    given: bool | None,
    at: int,
    until: int | None,
) -> dict[str, Any]:
    subject.reading.note("consents")
    return row(
        "said",
        what=what,
        name=name,
        given=given,
        at=iso(at),
        until=told(until),
        source=record["source"],
        record=subject.record(record["_id"]),
    )


def chunks(rows: Iterator[dict[str, Any]], size: int) -> Iterator[Sequence[dict[str, Any]]]:
    """Rows as pages of at most ``size``."""
    page: list[dict[str, Any]] = []
    for one in rows:
        page.append(one)
        if len(page) == size:
            yield page
            page = []
    if page:
        yield page
