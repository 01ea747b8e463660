"""A word, an event and its terms, of the shipped catalogue; tests change what they are about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from discretion.catalogue.load import load
from discretion.catalogue.model import Channel
from discretion.domain.consent.statement_record import ConsentEvent, State, record_id
from discretion.domain.consent.statements import Act, Occasion, Subject
from discretion.domain.consent.terms import terms
from discretion.domain.ingest.statement_context import Method, Notice, Saying
from discretion.domain.notices.load import load as load_notices

CATALOGUE = load(None)
OFFICE = load_notices(CATALOGUE, None).office
EMAIL = "marketing.communications.email"
PARTNERS = "marketing.advertising.third_party.targeted"
STATISTICS = "analytics.reporting"
SUPPORT = "essential.service.operations.support"
NOTICE = Notice("2026-09", "de", "ab" * 32)
NOW = 1_790_000_000_000
TERMS = {key: terms(CATALOGUE, OFFICE, one) for key, one in CATALOGUE.purposes.items()}
DIGESTS = {key: one.digest() for key, one in TERMS.items()}
SUBJECT = Subject(records=(b"r" * 16, b"s" * 16), customer=b"c" * 16, laws=("eu", "ca"))


def occasion(**change: Any) -> Occasion:
    """A customer's own word in the app."""
    said = Occasion(
        message=b"m" * 16,
        act=Act.CHOOSE,
        by="self:customer-app",
        saying=Saying(Method.CLICK, NOTICE),
        at=NOW - 5_000,
        received=NOW,
    )
    return replace(said, **change)


def event(**change: Any) -> ConsentEvent:
    """A consent that was given, with everything an event may have."""
    purpose = change.get("purpose", EMAIL)
    told = ConsentEvent(
        id=record_id(b"m" * 16, purpose),
        records=SUBJECT.records,
        customer=SUBJECT.customer,
        purpose=purpose,
        catalogue=CATALOGUE.version,
        basis=CATALOGUE.purposes[purpose].basis,
        laws=SUBJECT.laws,
        state=State.GIVEN,
        at=NOW - 5_000,
        received=NOW,
        method=Method.GUARDIAN,
        by="source:web-shop",
        terms=DIGESTS[purpose],
        until=NOW + 86_400_000,
        notice=NOTICE,
        channel=Channel.WEB,
        signal="DBABMA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA",
        guardian="parents/2026-17",
        conflict=b"k" * 16,
    )
    return replace(told, **change)
