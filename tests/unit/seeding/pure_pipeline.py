"""Seed messages run through the pure stages: validation, clustering, folding, decisions. No store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from discretion.catalogue.model import Catalogue
from discretion.domain.identity.clustering import cluster_records
from discretion.domain.identity.link import list_links
from discretion.domain.ingest.message import Fact
from discretion.domain.ingest.message_index import index_message
from discretion.domain.profiles.fold import Profile, fold_profile
from discretion.domain.profiles.minimisation import minimise_fact
from discretion.domain.profiles.person_state import build_person_state
from discretion.domain.profiles.source_record import (
    add_identifiers,
    apply_fact,
    apply_statements,
    build_source_record,
    leave_unsealed,
)
from discretion.law.jurisdiction import Lawbook
from discretion.purpose.decide import compute_reach, decide_reveal
from discretion.purpose.decision import EVERY_BIT, Allow
from discretion.purpose.permissions import PermissionBits, compute_permitted_bits
from discretion.reveal.forms import FormRenderer
from discretion.seal.blind_index import BlindIndex
from discretion.seeding.message import SeedMessage
from discretion.store.source_record import SourceRecord
from discretion.token.grant import SELF, Grant
from tests.fixtures.event_digests import digest_event
from tests.fixtures.money import is_money
from tests.fixtures.validator import build_validator


def validate_messages(
    catalogue: Catalogue, messages: Iterable[SeedMessage], now_ms: int
) -> list[tuple[SeedMessage, Fact]]:
    """Return each message with its validated fact; none may be refused or lose a value."""
    validator = build_validator(catalogue)
    pairs = []
    for message in messages:
        fact = validator.validate(catalogue.sources[message.source], message.body, now_ms)
        assert isinstance(fact, Fact), (fact, message)
        assert fact.dropped == 0, message
        pairs.append((message, fact))
    return pairs


def name_record(fact: Fact) -> str:
    """Return ``source:id``, the name of the source record that a message belongs to."""
    return f"{fact.source.key}:{fact.identifiers[0].value.value}"


def cluster_facts(catalogue: Catalogue, facts: list[tuple[SeedMessage, Fact]]) -> set[frozenset[str]]:
    """Return the sets of source records that identifiers link."""
    blind_index = BlindIndex(bytes(32))
    records: dict[bytes, SourceRecord] = {}
    names: dict[bytes, str] = {}
    for _, fact in facts:
        index = index_message(fact, blind_index)
        names[index.record] = name_record(fact)
        record = records.setdefault(index.record, build_source_record(index.record, fact, b""))
        add_identifiers(record, fact, index, catalogue.identifiers, leave_unsealed)
    links = [link for record in records.values() for link in list_links(record, catalogue.identifiers)]
    persons = cluster_records(records, links, catalogue.identifiers)
    return {frozenset(names[record] for record in person) for person in persons}


def build_profile(
    catalogue: Catalogue, lawbook: Lawbook, facts: list[tuple[SeedMessage, Fact]], now_ms: int
) -> tuple[Profile, PermissionBits]:
    """Return the profile of the person of these facts, unencrypted, and the permissions of the person."""
    records: dict[str, list[Fact]] = defaultdict(list)
    for _, fact in facts:
        records[name_record(fact)].append(fact)
    documents = []
    for name, record_facts in records.items():
        document = build_source_record(name.encode(), record_facts[0], b"")
        for fact in record_facts:
            index = index_message(fact, BlindIndex(bytes(32)))
            add_identifiers(document, fact, index, catalogue.identifiers, leave_unsealed)
            apply_statements(document, fact)
            stored_fact = minimise_fact(fact, document)[0]
            apply_fact(document, stored_fact, catalogue, _keep_open, digest_event(stored_fact))
        documents.append(document)
    state = build_person_state(catalogue, lawbook.find_key_of_place, documents)
    return fold_profile(catalogue, documents), compute_permitted_bits(
        catalogue, lawbook.consent_law, state, now_ms
    )


def render_attributes(
    catalogue: Catalogue,
    person: tuple[Profile, PermissionBits],
    purposes: frozenset[str],
    attributes: Mapping[str, str],
    now_ms: int,
) -> dict[str, Any] | None:
    """Return what a token with ``purposes`` sees of ``attributes``, without nulls.

    The result is None if the person permits none of the purposes.
    """
    grant = Grant("client", "", frozenset(), purposes, None, 2**40, "")
    profile, permissions = person
    permitted_bits = EVERY_BIT if SELF in purposes else permissions.allow
    if not compute_reach(catalogue, grant, purposes) & permitted_bits:
        return None
    values = {**profile.sealed, **profile.open}
    rendered: dict[str, Any] = {}
    for name, path in attributes.items():
        attribute = catalogue.attributes[path]
        decision = decide_reveal(catalogue, grant, purposes, attribute.category, attribute.uses)
        if attribute.key not in values or not isinstance(decision, Allow):
            continue
        form = next(
            (
                permitted_form.form
                for permitted_form in decision.permitted_forms
                if permitted_form.mask & permitted_bits
            ),
            None,
        )
        if form is not None:
            render = FormRenderer(bytes(32)).build_render(attribute, form)
            value = values[attribute.key]
            shown = render(value, now_ms) if render else value
            rendered[name] = " ".join(shown.values()) if is_money(shown) else shown
    return rendered


def _keep_open(_key: bytes, _at: int, value: Any) -> Any:
    return value
