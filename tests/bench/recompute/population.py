"""Generated customer documents in the form that ingestion stores; inserting a million of them takes minutes.

A few thousand persons are generated, and their permissions are computed under the shipped lawbook. Every
customer is a copy of one of them, shifted in time and with its own ids, so that no two states are equal.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from discretion.catalogue.model import Catalogue
from discretion.domain.profiles.permission_window import build_permission_window
from discretion.domain.profiles.person_state import build_person_state
from discretion.law.jurisdiction import Lawbook
from discretion.purpose.permission_engine import FOREVER, PermissionEngine
from discretion.store import source_record_codec as codec
from discretion.store.customer_codec import CustomerDocument, StoredPermissions, build_customer_document
from discretion.store.document import MutableDocument
from discretion.store.source_record_codec import parse_record
from tests.fixtures.attribute_keys import KEYS

PERSONS = 2_000
SEED = 20_261_124
DAY_MS = 86_400_000
YEAR_MS = 365 * DAY_MS
MAX_SHIFT_MS = 30 * DAY_MS
RECORD_COUNTS = ((1, 0.55), (2, 0.3), (3, 0.15))
"""Numbers of source records of a person and their shares: 1.6 records on average."""

SOURCES = ("web-shop", "tills", "ios-app")
PLACES = (("DE", None), ("FR", None), ("GB", None), ("US", "TX"), ("US", "CA"), ("US", "NY"), ("BR", None))
CHILD_SHARE = 0.03
CHOICE_SHARE, STATEMENT_SHARE, SIGNAL_SHARE, ADDRESS_SHARE, PLACE_SHARE = 0.5, 0.6, 0.05, 0.6, 0.8
PURPOSE_KEYS = ("marketing.communications.email", "personalize.content", "marketing.advertising", "analytics")


@dataclass(frozen=True, slots=True)
class GeneratedPerson:
    """The source records of a person and the permissions that follow from them."""

    records: tuple[MutableDocument, ...]
    permissions: StoredPermissions


class CustomerGenerator:
    """Generates customers; the same seed generates the same customers."""

    def __init__(self, catalogue: Catalogue, lawbook: Lawbook, now_ms: int, seed: int = SEED) -> None:
        self._catalogue = catalogue
        self._lawbook = lawbook
        self._permission_engine = PermissionEngine(catalogue, lawbook.consent_law)
        self._now_ms = now_ms
        self._random = random.Random(seed)
        self._persons = [self._build_person() for _ in range(PERSONS)]

    def generate_customers(self, count: int) -> Iterator[tuple[MutableDocument, list[MutableDocument]]]:
        """Yield customer documents, each with its source records."""
        for _ in range(count):
            person = self._random.choice(self._persons)
            yield self._build_customer(person)

    def _build_customer(self, person: GeneratedPerson) -> tuple[MutableDocument, list[MutableDocument]]:
        randomness, shift_ms = self._random, self._random.randrange(MAX_SHIFT_MS)
        customer = randomness.randbytes(16)
        until = person.permissions.until
        document = CustomerDocument(
            id=customer,
            version=1,
            wrapped_key=randomness.randbytes(60),
            permissions=replace(
                person.permissions,
                until=until if until == FOREVER else max(until - shift_ms, self._now_ms + DAY_MS),
            ),
            created=self._now_ms - shift_ms,
            updated=self._now_ms - shift_ms,
            sealed={
                name: randomness.randbytes(64) for name in (KEYS["identity.givenName"], KEYS["contact.email"])
            },
            open={
                KEYS["commerce.orderCount"]: randomness.randrange(40),
                KEYS["commerce.loyaltyTier"]: "gold",
            },
            observed=dict.fromkeys(
                (KEYS["commerce.orderCount"], KEYS["commerce.loyaltyTier"]), self._now_ms - shift_ms
            ),
            provenance={KEYS["contact.email"]: "web-shop"},
        )
        return build_customer_document(document), [
            self._copy_record(record, customer, shift_ms) for record in person.records
        ]

    def _copy_record(self, record: MutableDocument, customer: bytes, shift_ms: int) -> MutableDocument:
        copied: MutableDocument = {
            **record,
            "_id": self._random.randbytes(16),
            codec.CUSTOMER: customer,
        }
        for name in (codec.EXPLICIT_CHOICES, codec.CELLS):
            copied[name] = {key: {**cell, "t": cell["t"] - shift_ms} for key, cell in record[name].items()}
        copied[codec.AMBIENT_CHOICES] = {
            key: {name: at - shift_ms for name, at in times.items()}
            for key, times in record[codec.AMBIENT_CHOICES].items()
        }
        copied[codec.CELLS][KEYS["contact.email"]] = self._build_sealed_cell(shift_ms)
        first, ciphertext = copied[codec.FIRST], self._random.randbytes(60)
        copied[codec.IDENTIFIERS] = [
            {
                "e": self._random.randbytes(32),
                "k": "email",
                "p": first,
                "c": ciphertext,
            }
        ]
        return copied

    def _build_sealed_cell(self, shift_ms: int) -> MutableDocument:
        return {"t": self._now_ms - shift_ms, "m": f"m-{shift_ms}", "c": self._random.randbytes(64)}

    def _build_person(self) -> GeneratedPerson:
        (count,) = self._random.choices(
            [record_count for record_count, _ in RECORD_COUNTS], [share for _, share in RECORD_COUNTS]
        )
        place = self._random.choice(PLACES)
        birth_ms = None
        if self._random.random() < CHILD_SHARE:
            birth_ms = (self._now_ms - self._random.randrange(10, 18) * YEAR_MS) // DAY_MS * DAY_MS
        records = tuple(
            self._build_record(source, place, birth_ms) for source in self._random.sample(SOURCES, count)
        )
        state = build_person_state(
            self._catalogue, self._lawbook.find_key_of_place, [parse_record(record) for record in records]
        )
        return GeneratedPerson(records, build_permission_window(self._permission_engine, state, self._now_ms))

    def _build_record(
        self, source: str, place: tuple[str, str | None], birth_ms: int | None
    ) -> MutableDocument:
        seen_ms = self._now_ms - self._random.randrange(2 * YEAR_MS)
        record: MutableDocument = {
            "_id": self._random.randbytes(16),
            codec.SOURCE: source,
            codec.CUSTOMER: b"",
            codec.VERSION: 1,
            codec.IDENTIFIERS: [],
            codec.CELLS: self._build_cells(seen_ms, place, birth_ms),
            codec.TOTALS: {},
            codec.AMBIENT_CHOICES: self._build_ambient_choices(seen_ms),
            codec.EXPLICIT_CHOICES: self._build_choices(seen_ms + 1_000, STATEMENT_SHARE),
            codec.GUARDIAN_CHOICES: {},
            codec.SIGNALS: {},
            codec.FIRST: seen_ms,
            codec.LAST: seen_ms + DAY_MS,
            codec.BORN: seen_ms,
        }
        if self._random.random() < SIGNAL_SHARE:
            record[codec.SIGNALS] = {"gpc": {"f": seen_ms, "t": seen_ms}}
        if self._random.random() < PLACE_SHARE:
            record[codec.PLACE] = {"c": place[0], "t": seen_ms, "m": "m"}
        return record

    def _build_choices(self, seen_ms: int, share: float) -> MutableDocument:
        """Build statements, or none for the other share of people."""
        if self._random.random() >= share:
            return {}
        purpose_keys: Sequence[str] = self._random.sample(
            PURPOSE_KEYS, self._random.randint(1, len(PURPOSE_KEYS))
        )
        return {
            key.replace(".", "/"): {
                "g": self._random.random() < 0.7,
                "t": seen_ms + number,
                "m": f"m-{number}",
            }
            for number, key in enumerate(purpose_keys)
        }

    def _build_ambient_choices(self, seen_ms: int) -> MutableDocument:
        """Build what a source repeats: each acceptance was received once more a day later."""
        return {
            key: {"f": choice["t"], "l": choice["t"] + DAY_MS} if choice["g"] else {"n": choice["t"]}
            for key, choice in self._build_choices(seen_ms, CHOICE_SHARE).items()
        }

    def _build_cells(
        self, seen_ms: int, place: tuple[str, str | None], birth_ms: int | None
    ) -> MutableDocument:
        cells: MutableDocument = {
            KEYS["identity.givenName"]: {"t": seen_ms, "m": "m-0", "c": self._random.randbytes(48)}
        }
        if self._random.random() < ADDRESS_SHARE:
            cells[KEYS["contact.address.country"]] = {"t": seen_ms, "m": "m-0", "v": place[0]}
            if place[1] is not None:
                cells[KEYS["contact.address.region"]] = {"t": seen_ms, "m": "m-0", "v": place[1]}
        if birth_ms is not None:
            cells[KEYS["demographics.birthDate"]] = {
                "t": seen_ms,
                "m": "m-0",
                "b": birth_ms,
                "c": self._random.randbytes(40),
            }
        return cells
