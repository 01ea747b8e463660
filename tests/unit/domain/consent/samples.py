"""A statement, a consent event and its terms, of the shipped catalogue; tests change single fields."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from discretion.catalogue.load import load_catalogue
from discretion.catalogue.model import Channel
from discretion.domain.consent.statement_record import build_record_id
from discretion.domain.consent.statements import ConsentAction, StatementOccasion, StatementSubject
from discretion.domain.consent.terms import build_terms
from discretion.domain.ingest.statement_context import StatementContext
from discretion.domain.notices.load import load_notice_templates
from discretion.store.consent_event import ConsentEvent, ConsentState, NoticeReference, StatementMethod

CATALOGUE = load_catalogue(None)
OFFICE = load_notice_templates(CATALOGUE, None).office
EMAIL = "marketing.communications.email"
PARTNERS = "marketing.advertising.third_party.targeted"
STATISTICS = "analytics.reporting"
SUPPORT = "essential.service.operations.support"
NOTICE = NoticeReference("2026-09", "de", "ab" * 32)
NOW = 1_790_000_000_000
TERMS = {key: build_terms(CATALOGUE, OFFICE, purpose) for key, purpose in CATALOGUE.purposes.items()}
DIGESTS = {key: terms.compute_digest() for key, terms in TERMS.items()}
SUBJECT = StatementSubject(records=(b"r" * 16, b"s" * 16), customer=b"c" * 16, laws=("eu", "ca"))


def build_occasion(**changes: Any) -> StatementOccasion:
    """Build the occasion of a customer's own statement in the app."""
    occasion = StatementOccasion(
        message=b"m" * 16,
        action=ConsentAction.CHOOSE,
        by="self:customer-app",
        context=StatementContext(StatementMethod.CLICK, NOTICE),
        at=NOW - 5_000,
        received=NOW,
    )
    return replace(occasion, **changes)


def build_event(**changes: Any) -> ConsentEvent:
    """Build the event of a given consent, with every field that an event may have."""
    purpose = changes.get("purpose", EMAIL)
    event = ConsentEvent(
        id=build_record_id(b"m" * 16, purpose),
        records=SUBJECT.records,
        customer=SUBJECT.customer,
        purpose=purpose,
        catalogue=CATALOGUE.version,
        basis=CATALOGUE.purposes[purpose].basis,
        laws=SUBJECT.laws,
        state=ConsentState.GIVEN,
        at=NOW - 5_000,
        received=NOW,
        method=StatementMethod.GUARDIAN,
        by="source:web-shop",
        terms=DIGESTS[purpose],
        until=NOW + 86_400_000,
        notice=NOTICE,
        channel=Channel.WEB,
        signal="DBABMA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA",
        guardian="parents/2026-17",
        conflict=b"k" * 16,
    )
    return replace(event, **changes)
