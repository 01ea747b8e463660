"""Two databases that differ only in what one asker may not see.

What may be seen is worked out here a second time, from the catalogue's words and a person's
``allow`` bits, and by other code than the platform's: the law compares the two.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.catalogue.duration import lapse
from discretion.catalogue.model import Attribute, Catalogue, EventType, Form, Use, ValueType
from discretion.reveal.forms import Forms, month
from discretion.reveal.revealer import Revealer
from discretion.seal.cell import shut
from discretion.seal.open import opener
from discretion.token.grant import SELF

Document = dict[str, Any]
DAY = 24 * 3600 * 1000


@dataclass(frozen=True)
class Asker:
    """Somebody with a token; ``own`` is the customer they are, if they are one."""

    name: str
    client: str
    purposes: tuple[str, ...]
    categories: tuple[str, ...] | None = None
    own: bytes | None = None

    def justified(self, category: str, uses: tuple[Use, ...]) -> list[Use]:
        """The declared uses that this token's purposes and categories cover."""
        if self.categories is not None and not any(_below(category, one) for one in self.categories):
            return []
        return [use for use in uses if any(_below(use.purpose.key, one) for one in self.purposes)]

    def form(self, attribute: Attribute, allow: int) -> Form | None:
        """The most revealing form that a person with these ``allow`` bits lets this asker see."""
        shown = [
            u.form for u in self.justified(attribute.category, attribute.uses) if allow >> u.purpose.bit & 1
        ]
        return min(shown, key=list(Form).index, default=None)

    def askable(self, attribute: Attribute, form: Form | None = None) -> bool:
        """Whether anything at all could justify asking MongoDB for the attribute, or this form of it."""
        uses = self.justified(attribute.category, attribute.uses)
        return SELF in self.purposes or any(form in (None, use.form) for use in uses)


def bits(doc: Document, now: int, kinds: tuple[str, ...] = ()) -> int:
    """What a customer permits now, for data of these sensitive kinds."""
    turn = 0 if now < doc["until"] else 1
    allow: int = (doc["allow"], doc["later"])[turn]
    for kind in kinds:
        allow &= doc["kinds"][kind][turn]
    return allow


def over(thing: Attribute | EventType, observed: int, now: int) -> list[bool]:
    """Whether an observation is past the retention of the thing, and of each of its purposes that has one."""
    own = [use.purpose.retention for use in thing.uses if use.purpose.retention]
    return [observed < lapse(one, now) for one in (thing.retention, *own)]


def served(thing: Attribute | EventType, observed: int, now: int) -> int:
    """The purposes, as bits, that have not lapsed for an observation."""
    if observed < lapse(thing.retention, now):
        return 0
    mask = -1
    for use in thing.uses:
        if use.purpose.retention and observed < lapse(use.purpose.retention, now):
            mask &= ~(1 << use.purpose.bit)
    return mask


class Withheld:
    """Makes the other twin of documents, for one asker."""

    def __init__(self, catalogue: Catalogue, revealer: Revealer, asker: Asker, now: int) -> None:
        self._catalogue = catalogue
        self._buckets = revealer.buckets
        self._forms: Forms = revealer.forms
        self._asker = asker
        self.now = now
        self.changed = 0

    def customer(self, doc: Document) -> Document:
        """A customer whose withheld attributes are others, gone, or new."""
        if doc["_id"] == self._asker.own:
            return doc
        key = self._buckets.unwrap(doc["_id"], doc["key"])
        held = Values(doc, key)
        for attribute in self._catalogue.attributes.values():
            value, observed = held.get(attribute)
            permitted = bits(doc, self.now, attribute.kinds)
            if value is None and self._asker.form(attribute, permitted) is not None:
                continue
            form = self._asker.form(attribute, permitted & served(attribute, observed, self.now))
            if self._asker.form(attribute, permitted) is None:
                self._change(held, attribute, value, observed)
            elif form is None:
                held.set(attribute, other(attribute, value), observed)
                held.tell(attribute, "another-source")
                self.changed += 1
            elif form is not Form.CLEAR:
                held.set(attribute, self._lookalike(attribute, form, value), self._moved(attribute, observed))
                held.tell(attribute, "another-source")
            else:
                held.set(attribute, value, self._within_month(attribute, observed))
                held.tell(attribute)
        return held.doc

    def hidden_identifiers(self, doc: Document) -> list[str]:
        """Identifier types by which the asker may not find this customer."""
        if doc["_id"] == self._asker.own:
            return []
        return [
            one.identifier
            for one in self._catalogue.attributes.values()
            if one.identifier is not None
            and self._asker.form(one, bits(doc, self.now, one.kinds)) is not Form.CLEAR
        ]

    def event(self, event: Document, allow: int) -> Document | None:
        """An event as the asker may know of it: whole, without its properties, or not at all."""
        if event["customer"] == self._asker.own:
            return event
        kind = self._catalogue.events[event["type"]]
        allow &= served(kind, event["at"], self.now)
        uses = [u for u in self._asker.justified(kind.category, kind.uses) if allow >> u.purpose.bit & 1]
        if not uses:
            return None
        if any(use.form is Form.CLEAR for use in uses):
            return event
        return {name: value for name, value in event.items() if name != "props"}

    def _change(self, held: Values, attribute: Attribute, value: Any, observed: int) -> None:
        choice = hashlib.sha256(held.doc["_id"] + attribute.key.encode()).digest()[0] % 3
        self.changed += 1
        held.tell(attribute, "another-source")
        if value is None:
            held.set(attribute, example(attribute), self.now - DAY)
        elif choice == 0:
            held.drop(attribute)
        else:
            held.set(attribute, other(attribute, value), observed - choice * DAY)

    def _moved(self, attribute: Attribute, observed: int) -> int:
        """Another time that is within retention, or past it, as this one is."""
        earlier = observed - 40 * DAY
        same = over(attribute, earlier, self.now) == over(attribute, observed, self.now)
        return earlier if same and earlier > 0 else observed

    def _within_month(self, attribute: Attribute, observed: int) -> int:
        """Another time of the same month, on the same side of retention, if there is one."""
        for candidate in (observed - 9 * DAY, observed + 9 * DAY):
            same = month(candidate) == month(observed) if candidate > 0 else False
            if same and over(attribute, candidate, self.now) == over(attribute, observed, self.now):
                self.changed += 1
                return candidate
        return observed

    def _lookalike(self, attribute: Attribute, form: Form, value: Any) -> Any:
        """Another value that looks the same in this form; the value itself where there is none."""
        render = self._forms.render(attribute, form)
        if render is None:
            return value
        for candidate in _near(attribute, value):
            if candidate != value and render(candidate, self.now) == render(value, self.now):
                self.changed += 1
                return candidate
        return value


class Values:
    """The attribute values of a customer document, sealed and open alike."""

    def __init__(self, doc: Document, key: bytes) -> None:
        self.doc = {**doc, **{part: dict(doc.get(part) or {}) for part in "sotp"}}
        self._cipher = AESGCM(key)
        self._open = opener(doc["_id"], key)

    def get(self, attribute: Attribute) -> tuple[Any, int]:
        """Value, or None, and when it was observed."""
        if not attribute.sealed:
            return self.doc["o"].get(attribute.key), self.doc["t"].get(attribute.key, 0)
        cell = self.doc["s"].get(attribute.key)
        if cell is None:
            return None, 0
        return self._open(cell, attribute.key.encode()), int.from_bytes(cell[1:9])

    def tell(self, attribute: Attribute, source: str = "") -> None:
        """Say that a source, by default the one that did, told it in another message."""
        known, _ = self.doc["p"].get(attribute.key, (source, ""))
        self.doc["p"][attribute.key] = [source or known, "another message"]

    def set(self, attribute: Attribute, value: Any, observed: int) -> None:
        """Put a value in its place."""
        if not attribute.sealed:
            self.doc["o"][attribute.key], self.doc["t"][attribute.key] = value, observed
            return
        nonce = hashlib.sha256(repr((attribute.key, value, observed)).encode()).digest()[:12]
        key = attribute.key.encode()
        self.doc["s"][attribute.key] = shut(self._cipher, self.doc["_id"], key, observed, nonce, value)

    def drop(self, attribute: Attribute) -> None:
        """Leave no value."""
        for part in "sotp":
            self.doc[part].pop(attribute.key, None)


def other(attribute: Attribute, value: Any) -> Any:
    """A value of the same type that is another one."""
    if attribute.many:
        return [*value, example(attribute)[0]]
    if attribute.values:
        return next((one for one in attribute.values if one != value), value)
    if attribute.type is ValueType.BOOLEAN:
        return not value
    if attribute.type is ValueType.DATE:
        return "1971-02-03" if value != "1971-02-03" else "1972-03-04"
    if isinstance(value, str):
        return f"other {value}"
    return value + 12_345


def example(attribute: Attribute) -> Any:
    """Some value of the attribute's type."""
    if attribute.values:
        one: Any = attribute.values[0]
    else:
        one = {
            ValueType.STRING: "example",
            ValueType.BOOLEAN: True,
            ValueType.DATE: "1980-01-02",
            ValueType.DATETIME: 1_700_000_000_000,
            ValueType.FLOAT: 2.5,
        }.get(attribute.type, 4200)
    return [one] if attribute.many else one


def _near(attribute: Attribute, value: Any) -> Iterator[Any]:
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


def _below(key: str, node: str) -> bool:
    return key == node or key.startswith(f"{node}.")
