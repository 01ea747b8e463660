"""Customers as ingest leaves them, from a seed, put straight into MongoDB: a million take minutes, not hours.

Some thousand persons are made and judged by the law that is shipped; every customer is one of them at
another moment, under ids of their own, so that no two states are alike.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from discretion.catalogue.model import Catalogue
from discretion.domain.profiles.permission_window import standing
from discretion.domain.profiles.person_state import COUNTRY, REGION, state_of
from discretion.law.jurisdiction import Lawbook
from discretion.purpose.permission_engine import FOREVER, Judge

PERSONS = 2_000
SEED = 20_261_124
DAY_MS = 86_400_000
YEAR_MS = 365 * DAY_MS
SHIFT_MS = 30 * DAY_MS
RECORDS = ((1, 0.55), (2, 0.3), (3, 0.15))
"""How many sources know a person, and how often that is so: 1.6 on average."""

SOURCES = ("web-shop", "tills", "ios-app")
PLACES = (("DE", None), ("FR", None), ("GB", None), ("US", "TX"), ("US", "CA"), ("US", "NY"), ("BR", None))
CHILDREN = 0.03
STAMPED, SPOKEN, SIGNALLED, ADDRESSED, SEEN = 0.5, 0.6, 0.05, 0.6, 0.8
ASKED = ("marketing.communications.email", "personalize.content", "marketing.advertising", "analytics")

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """Source records, and what a customer document says of them."""

    records: tuple[Document, ...]
    standing: Mapping[str, Any]


class People:
    """As many customers as are asked for; the same seed makes the same."""

    def __init__(self, catalogue: Catalogue, book: Lawbook, now_ms: int, seed: int = SEED) -> None:
        self._catalogue = catalogue
        self._book = book
        self._judge = Judge(catalogue, book.law)
        self._now = now_ms
        self._dice = random.Random(seed)
        self._persons = [self._person() for _ in range(PERSONS)]

    def some(self, count: int) -> Iterator[tuple[Document, list[Document]]]:
        """Customers, each with their records."""
        for _ in range(count):
            person = self._dice.choice(self._persons)
            yield self._customer(person)

    def _customer(self, person: Person) -> tuple[Document, list[Document]]:
        dice, earlier = self._dice, self._dice.randrange(SHIFT_MS)
        customer = dice.randbytes(16)
        until = person.standing["until"]
        doc = {
            "_id": customer,
            "v": 1,
            **person.standing,
            "until": until if until == FOREVER else max(until - earlier, self._now + DAY_MS),
            "key": dice.randbytes(60),
            "s": {name: dice.randbytes(64) for name in ("identity/givenName", "contact/email")},
            "o": {"commerce/orderCount": dice.randrange(40), "commerce/loyaltyTier": "gold"},
            "t": dict.fromkeys(("identity/givenName", "contact/email"), self._now - earlier),
            "p": {"contact/email": ["web-shop"]},
            "created": self._now - earlier,
            "updated": self._now - earlier,
            "merged": [],
        }
        return doc, [self._copy(one, customer, earlier) for one in person.records]

    def _copy(self, record: Document, customer: bytes, earlier: int) -> Document:
        moved: Document = {**record, "_id": self._dice.randbytes(16), "customer": customer}
        for name in ("choices", "words", "cells"):
            moved[name] = {key: {**one, "t": one["t"] - earlier} for key, one in record[name].items()}
        moved["cells"]["contact/email"] = self._sealed(earlier)
        sealed = self._dice.randbytes(60)
        moved["ids"] = [
            {"e": self._dice.randbytes(32), "k": "email", "t": moved["first"], "w": 0, "c": sealed}
        ]
        return moved

    def _sealed(self, earlier: int) -> Document:
        return {"t": self._now - earlier, "m": f"m-{earlier}", "c": self._dice.randbytes(64)}

    def _person(self) -> Person:
        (count,) = self._dice.choices([many for many, _ in RECORDS], [often for _, often in RECORDS])
        place = self._dice.choice(PLACES)
        born = None
        if self._dice.random() < CHILDREN:
            born = (self._now - self._dice.randrange(10, 18) * YEAR_MS) // DAY_MS * DAY_MS
        records = tuple(self._record(source, place, born) for source in self._dice.sample(SOURCES, count))
        state = state_of(self._catalogue, self._book.of_place, records)
        return Person(records, standing(self._judge, state, self._now))

    def _record(self, source: str, place: tuple[str, str | None], born: int | None) -> Document:
        at = self._now - self._dice.randrange(2 * YEAR_MS)
        record: Document = {
            "_id": self._dice.randbytes(16),
            "source": source,
            "customer": b"",
            "v": 1,
            "ids": [],
            "cells": self._cells(at, place, born),
            "folds": {},
            "choices": self._words(at) if self._dice.random() < STAMPED else {},
            "words": self._words(at + 1_000) if self._dice.random() < SPOKEN else {},
            "guards": {},
            "signals": {"gpc": {"f": at, "t": at}} if self._dice.random() < SIGNALLED else {},
            "first": at,
            "last": at + DAY_MS,
            "born": at,
        }
        if self._dice.random() < SEEN:
            record["place"] = {"c": place[0], "t": at, "m": "m"}
        return record

    def _words(self, at: int) -> Document:
        asked: Sequence[str] = self._dice.sample(ASKED, self._dice.randint(1, len(ASKED)))
        return {
            key.replace(".", "/"): {"g": self._dice.random() < 0.7, "t": at + number, "m": f"m-{number}"}
            for number, key in enumerate(asked)
        }

    def _cells(self, at: int, place: tuple[str, str | None], born: int | None) -> Document:
        cells: Document = {"identity/givenName": {"t": at, "m": "m-0", "c": self._dice.randbytes(48)}}
        if self._dice.random() < ADDRESSED:
            cells[COUNTRY] = {"t": at, "m": "m-0", "v": place[0]}
            if place[1] is not None:
                cells[REGION] = {"t": at, "m": "m-0", "v": place[1]}
        if born is not None:
            cells["demographics/birthDate"] = {"t": at, "m": "m-0", "b": born, "c": self._dice.randbytes(40)}
        return cells
