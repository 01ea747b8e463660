"""Two databases that differ only in what one token holder may not see.

What the holder may see is computed here a second time, from the catalogue and a customer's
``allow`` bits, with code that is independent of the platform's. The property test compares the two.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.catalogue.duration import subtract_duration
from discretion.catalogue.model import Attribute, Catalogue, EventType, Form, Use, ValueType
from discretion.plan.customer_members import WRAPPED_KEY
from discretion.reveal.forms import FormRenderer, format_month
from discretion.reveal.revealer import Revealer
from discretion.seal.cell import encrypt_cell
from discretion.seal.open import build_cell_decryptor
from discretion.store import events
from discretion.store.document import MutableDocument
from discretion.token.grant import SELF

DAY = 24 * 3600 * 1000
ACCOUNT_ADDRESSES = {
    "contact.email": "marketing.communications.email",
    "contact.phone": "marketing.communications.sms",
}
"""Addresses that a purpose sees only if an account or more vouches for them, each with the purpose."""

ANONYMOUS = 3
"""The stored rank of an address that nobody but an anonymous record has claimed."""


@dataclass(frozen=True)
class TokenHolder:
    """A client with a token; ``own_customer`` is the customer it belongs to, if it belongs to one."""

    name: str
    client: str
    purposes: tuple[str, ...]
    categories: tuple[str, ...] | None = None
    own_customer: bytes | None = None

    def list_justified_uses(self, category: str, uses: tuple[Use, ...]) -> list[Use]:
        """Return the declared uses that the token's purposes and categories cover."""
        if self.categories is not None and not any(_is_below(category, root) for root in self.categories):
            return []
        return [use for use in uses if any(_is_below(use.purpose.key, root) for root in self.purposes)]

    def find_form(self, attribute: Attribute, allow: int) -> Form | None:
        """Return the most revealing form that a customer with these ``allow`` bits permits this holder."""
        shown = [
            use.form
            for use in self.list_justified_uses(attribute.category, attribute.uses)
            if allow >> use.purpose.bit & 1
        ]
        return min(shown, key=list(Form).index, default=None)

    def may_query(self, attribute: Attribute, form: Form | None = None) -> bool:
        """Return whether any use can justify a query to MongoDB for the attribute, or for this form of it."""
        uses = self.list_justified_uses(attribute.category, attribute.uses)
        return SELF in self.purposes or any(form in (None, use.form) for use in uses)


def read_permitted_bits(doc: MutableDocument, now: int, kinds: tuple[str, ...] = ()) -> int:
    """Return the bits of the purposes that a customer permits now, for data of these sensitive kinds."""
    index = 0 if now < doc["u"] else 1
    allow: int = (doc["a"], doc["l"])[index]
    for kind in kinds:
        allow &= doc["n"][kind][index]
    return allow


def mask_certain(attribute: Attribute, doc: MutableDocument) -> int:
    """Return the bits of the purposes for which a customer's address is certain enough."""
    if doc.get("h", {}).get(str(attribute.number)) != ANONYMOUS:
        return -1
    wanting = [use for use in attribute.uses if use.purpose.key == ACCOUNT_ADDRESSES.get(attribute.path)]
    return ~sum(1 << use.purpose.bit for use in wanting)


def list_expired(declaration: Attribute | EventType, observed: int, now: int) -> list[bool]:
    """Return whether an observation is past the retention of the declaration and of each of its purposes."""
    purpose_retentions = [use.purpose.retention for use in declaration.uses if use.purpose.retention]
    return [
        observed < subtract_duration(retention, now)
        for retention in (declaration.retention, *purpose_retentions)
    ]


def mask_unexpired(declaration: Attribute | EventType, observed: int, now: int) -> int:
    """Return the bits of the purposes whose retention has not ended for an observation."""
    if observed < subtract_duration(declaration.retention, now):
        return 0
    mask = -1
    for use in declaration.uses:
        if use.purpose.retention and observed < subtract_duration(use.purpose.retention, now):
            mask &= ~(1 << use.purpose.bit)
    return mask


class TwinMaker:
    """Builds the second twin of documents for one token holder."""

    def __init__(self, catalogue: Catalogue, revealer: Revealer, holder: TokenHolder, now: int) -> None:
        self._catalogue = catalogue
        self._buckets = revealer.buckets
        self._forms: FormRenderer = revealer.forms
        self._holder = holder
        self.now = now
        self.changed = 0

    def change_customer(self, doc: MutableDocument) -> MutableDocument:
        """Return a customer whose withheld attributes are changed, removed or added."""
        if doc["_id"] == self._holder.own_customer:
            return doc
        key = self._buckets.unwrap(doc["_id"], doc[WRAPPED_KEY])
        values = CustomerValues(doc, key)
        for attribute in self._catalogue.attributes.values():
            value, observed = values.get(attribute)
            permitted = read_permitted_bits(doc, self.now, attribute.kinds) & mask_certain(attribute, doc)
            if value is None and self._holder.find_form(attribute, permitted) is not None:
                continue
            form = self._holder.find_form(
                attribute, permitted & mask_unexpired(attribute, observed, self.now)
            )
            if self._holder.find_form(attribute, permitted) is None:
                self._change_value(values, attribute, value, observed)
            elif form is None:
                values.set(attribute, build_other_value(attribute, value), observed)
                values.note_source(attribute, "another-source")
                self.changed += 1
            elif form is not Form.CLEAR:
                values.set(
                    attribute,
                    self._find_lookalike(attribute, form, value),
                    self._move_observed(attribute, observed),
                )
                values.note_source(attribute, "another-source")
            else:
                values.set(attribute, value, self._move_within_month(attribute, observed))
                values.note_source(attribute)
        return values.doc

    def list_hidden_identifiers(self, doc: MutableDocument) -> list[str]:
        """Return the identifier types by which the holder may not find this customer."""
        if doc["_id"] == self._holder.own_customer:
            return []
        return [
            attribute.identifier
            for attribute in self._catalogue.attributes.values()
            if attribute.identifier is not None
            and self._holder.find_form(attribute, read_permitted_bits(doc, self.now, attribute.kinds))
            is not Form.CLEAR
        ]

    def change_event(self, event: MutableDocument, allow: int) -> MutableDocument | None:
        """Return an event as the holder may see it: complete, without its properties, or None."""
        if event[events.CUSTOMER] == self._holder.own_customer:
            return event
        kind = self._catalogue.events[event[events.TYPE]]
        allow &= mask_unexpired(kind, event[events.AT], self.now)
        uses = [
            use
            for use in self._holder.list_justified_uses(kind.category, kind.uses)
            if allow >> use.purpose.bit & 1
        ]
        if not uses:
            return None
        if any(use.form is Form.CLEAR for use in uses):
            return event
        return {name: value for name, value in event.items() if name != events.PROPERTIES}

    def _change_value(self, values: CustomerValues, attribute: Attribute, value: Any, observed: int) -> None:
        choice = hashlib.sha256(values.doc["_id"] + attribute.key.encode()).digest()[0] % 3
        self.changed += 1
        values.note_source(attribute, "another-source")
        if value is None:
            values.set(attribute, build_example_value(attribute), self.now - DAY)
        elif choice == 0:
            values.drop(attribute)
        else:
            values.set(attribute, build_other_value(attribute, value), observed - choice * DAY)

    def _move_observed(self, attribute: Attribute, observed: int) -> int:
        """Return another time on the same side of the retention limit."""
        earlier = observed - 40 * DAY
        same = list_expired(attribute, earlier, self.now) == list_expired(attribute, observed, self.now)
        return earlier if same and earlier > 0 else observed

    def _move_within_month(self, attribute: Attribute, observed: int) -> int:
        """Return another time of the same month on the same side of the retention limit, if there is one."""
        for candidate in (observed - 9 * DAY, observed + 9 * DAY):
            same = format_month(candidate) == format_month(observed) if candidate > 0 else False
            if same and list_expired(attribute, candidate, self.now) == list_expired(
                attribute, observed, self.now
            ):
                self.changed += 1
                return candidate
        return observed

    def _find_lookalike(self, attribute: Attribute, form: Form, value: Any) -> Any:
        """Return another value with the same rendering in this form; the value itself if there is none."""
        render = self._forms.build_render(attribute, form)
        if render is None:
            return value
        for candidate in _list_near_values(attribute, value):
            if candidate != value and render(candidate, self.now) == render(value, self.now):
                self.changed += 1
                return candidate
        return value


class CustomerValues:
    """The attribute values of a customer document, encrypted and open ones."""

    def __init__(self, doc: MutableDocument, key: bytes) -> None:
        self.doc = {**doc, "p": dict(doc.get("p") or {})}
        self._cipher = AESGCM(key)
        self._open = build_cell_decryptor(doc["_id"], key)

    def get(self, attribute: Attribute) -> tuple[Any, int]:
        """Return the value or None, and when it was observed (ms)."""
        if not attribute.sealed:
            return self.doc.get(attribute.key), self.doc.get(f"{attribute.key}t", 0)
        cell = self.doc.get(attribute.key)
        if cell is None:
            return None, 0
        return self._open(cell, attribute.key.encode()), int.from_bytes(cell[1:9])

    def note_source(self, attribute: Attribute, source: str = "") -> None:
        """Record that another source sent the value; without one, the source stays."""
        self.doc["p"][attribute.key] = source or self.doc["p"].get(attribute.key, source)

    def set(self, attribute: Attribute, value: Any, observed: int) -> None:
        """Store a value."""
        if not attribute.sealed:
            self.doc[attribute.key], self.doc[f"{attribute.key}t"] = value, observed
            return
        nonce = hashlib.sha256(repr((attribute.key, value, observed)).encode()).digest()[:12]
        key = attribute.key.encode()
        self.doc[attribute.key] = encrypt_cell(self._cipher, self.doc["_id"], key, observed, nonce, value)

    def drop(self, attribute: Attribute) -> None:
        """Remove a value."""
        self.doc.pop(attribute.key, None)
        self.doc.pop(f"{attribute.key}t", None)
        self.doc["p"].pop(attribute.key, None)


def build_other_value(attribute: Attribute, value: Any) -> Any:
    """Return another value of the same type."""
    if attribute.many:
        return [*value, build_example_value(attribute)[0]]
    if attribute.values:
        return next((candidate for candidate in attribute.values if candidate != value), value)
    if attribute.type is ValueType.BOOLEAN:
        return not value
    if attribute.type is ValueType.DATE:
        return "1971-02-03" if value != "1971-02-03" else "1972-03-04"
    if isinstance(value, str):
        return f"other {value}"
    return value + 12_345


def build_example_value(attribute: Attribute) -> Any:
    """Return an example value of the attribute's type."""
    if attribute.values:
        example: Any = attribute.values[0]
    else:
        example = {
            ValueType.STRING: "example",
            ValueType.BOOLEAN: True,
            ValueType.DATE: "1980-01-02",
            ValueType.DATETIME: 1_700_000_000_000,
            ValueType.FLOAT: 2.5,
            ValueType.MONEY: [4200, "JPY"] if attribute.many else 4200,
        }.get(attribute.type, 4200)
    return [example] if attribute.many else example


def _list_near_values(attribute: Attribute, value: Any) -> Iterator[Any]:
    if attribute.many:
        return
    if isinstance(value, str) and attribute.type is ValueType.DATE:
        year, month, day = value.split("-")
        yield f"{year}-{month}-{int(day) % 27 + 1:02}"
    elif isinstance(value, str):
        name, at, host = value.rpartition("@")
        yield f"{name[:1]}qq@{host[:1]}qq.example" if at else f"{value[:3]}777"
        yield f"{value[:1]}qq"
        yield f"{value[:2]}qq"
    elif not isinstance(value, bool):
        yield from (value + 1, value + DAY, value - 1, value - DAY)


def _is_below(key: str, node: str) -> bool:
    return key == node or key.startswith(f"{node}.")
