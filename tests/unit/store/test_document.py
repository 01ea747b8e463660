"""Typed documents: what is built from a record satisfies its schema and is parsed to the same record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from discretion.store.agents import Agent, AgentKind, build_agent_document, parse_agent
from discretion.store.consent_event import build_consent_document, parse_consent_event
from discretion.store.consent_terms import build_terms_document, parse_terms
from discretion.store.dead_letters import DeadLetter, build_dead_letter_document, parse_dead_letter
from discretion.store.deliveries import (
    Delivery,
    DeliveryState,
    Webhook,
    build_delivery_document,
    build_webhook_document,
    parse_delivery,
    parse_webhook,
)
from discretion.store.document import parse_readable
from discretion.store.imports import (
    ImportProgress,
    StoredFault,
    build_import_document,
    parse_import_progress,
)
from discretion.store.retained_data import (
    RetainedData,
    RetainedKind,
    RetainedPart,
    build_retained_document,
    parse_retained_data,
)
from discretion.store.schema.collections import COLLECTIONS
from discretion.store.sweeps import SweepRun, build_sweep_document, parse_sweep_run
from tests.unit.domain.consent import samples

SCHEMAS = {collection.name: collection.schema for collection in COLLECTIONS}

DELIVERY = Delivery(
    id=b"d",
    request=b"r",
    client="ad-partner",
    right="erasure",
    subjects=("x",),
    attributes=("contact.email",),
    purposes=("marketing",),
    state=DeliveryState.STUCK,
    created=1,
    attempts=2,
    fence=3,
    next_attempt=4,
    acknowledged=5,
    acknowledged_by="webhook",
    failure="HTTP_503",
    warnings=("day",),
    informed=6,
    reason="By letter",
)
SENT_DELIVERY = replace(
    DELIVERY,
    subjects=(),
    next_attempt=None,
    acknowledged=None,
    acknowledged_by=None,
    failure=None,
    warnings=(),
    informed=None,
    reason=None,
)
CONSENT = samples.build_event()
SHORT_CONSENT = replace(
    CONSENT, until=None, notice=None, channel=None, signal=None, guardian=None, conflict=None
)
DEAD_LETTER = DeadLetter(
    id=b"l",
    source="tills",
    code="EVENT_UNDECLARED",
    place="event",
    received=1_790_000_000_123,
    expires=1_790_000_100_123,
    dropped=2,
    marks=(b"m", b"n"),
    sealed=b"s",
)
AGENT = Agent(
    "AGENT_1", AgentKind.AGENT, "An agent", ("a.example",), b"k" * 32, "https://a.example", "a", "mail"
)
RETAINED_EVENT = RetainedPart(
    id=b"e", kind=RetainedKind.EVENT, type="Order Completed", source="web-shop", at=1, properties=b"p"
)
RETAINED_RECORD = RetainedPart(
    id=b"r",
    kind=RetainedKind.RECORD,
    type="record",
    source="web-shop",
    at=2,
    cells={"email": b"c"},
    identifiers={"email/0": b"i"},
)
RETAINED = RetainedData(
    id=b"i",
    law="gb",
    provision="s",
    request=b"q",
    wrapped_key=b"k",
    parts=(RETAINED_EVENT, RETAINED_RECORD),
    until=3,
)
SWEEP_RUN = SweepRun(8, 1, 2, 3, b"c", 4, 5, 6, {"email": 7}, {"Order Completed": 8}, 9)
IMPORT = ImportProgress(
    b"i",
    "past",
    "tills",
    started=1,
    updated=2,
    row=3,
    outcomes={"accepted": 2},
    faults=(StoredFault("refused", "TYPE_WRONG", "amount", "It takes money.", 1, (3,)),),
    finished=2,
)
CASES: list[tuple[str, Any, Callable[[Any], Any], Callable[[Any], Any]]] = [
    ("agents", AGENT, build_agent_document, parse_agent),
    ("consents", CONSENT, build_consent_document, parse_consent_event),
    ("consents", SHORT_CONSENT, build_consent_document, parse_consent_event),
    ("consent_terms", samples.TERMS[samples.PARTNERS], build_terms_document, parse_terms),
    ("dead_letters", DEAD_LETTER, build_dead_letter_document, parse_dead_letter),
    ("held", RETAINED, build_retained_document, parse_retained_data),
    ("held", replace(RETAINED, until=None, hold=b"h"), build_retained_document, parse_retained_data),
    ("sweeps", SweepRun(7, 1, leased_until=2), build_sweep_document, parse_sweep_run),
    ("sweeps", SWEEP_RUN, build_sweep_document, parse_sweep_run),
    ("imports", ImportProgress(b"i", "past", "tills", 1, 2), build_import_document, parse_import_progress),
    ("imports", IMPORT, build_import_document, parse_import_progress),
    ("recipients", Webhook("c", "ad-partner", "https://a.example", 1), build_webhook_document, parse_webhook),
    ("recipients", Webhook("c", None, "https://a.example", 1), build_webhook_document, parse_webhook),
    ("deliveries", DELIVERY, build_delivery_document, parse_delivery),
    ("deliveries", SENT_DELIVERY, build_delivery_document, parse_delivery),
]


@pytest.mark.parametrize(("collection", "record", "build", "parse"), CASES)
def test_a_record_survives_its_document(
    collection: str, record: Any, build: Callable[[Any], Any], parse: Callable[[Any], Any]
) -> None:
    document = build(record)
    assert parse(document) == record
    assert document.keys() <= SCHEMAS[collection]["properties"].keys()


def test_a_document_that_cannot_be_read_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    readable = build_delivery_document(DELIVERY)
    unreadable = {**readable, "state": "a state of a later release", "client": "somebody"}
    assert parse_readable([unreadable, readable], parse_delivery) == [DELIVERY]
    assert "parse_delivery" in caplog.text
    assert "somebody" not in caplog.text
