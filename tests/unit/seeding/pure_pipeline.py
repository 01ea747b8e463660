"""What sown messages come to by the pure stages alone: validated, linked, folded, decided. No store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from discretion.catalogue.model import Catalogue
from discretion.domain.identity.clustering import resolve
from discretion.domain.ingest.message import Fact
from discretion.domain.ingest.message_index import marks_of
from discretion.domain.profiles.fold import Profile, fold
from discretion.domain.profiles.minimisation import minimised
from discretion.domain.profiles.person_state import state_of
from discretion.domain.profiles.source_record import empty, hear, tell
from discretion.law.jurisdiction import Lawbook
from discretion.purpose.decide import decide, reach
from discretion.purpose.decision import EVERY_BIT, Allow
from discretion.purpose.permissions import Bits, permitted
from discretion.reveal.forms import Forms
from discretion.seal.blind_index import BlindIndex
from discretion.seeding.message import Message
from discretion.token.grant import SELF, Grant
from tests.fixtures.validator import validator


def facts(catalogue: Catalogue, messages: Iterable[Message], now_ms: int) -> list[tuple[Message, Fact]]:
    """Every message as the platform understands it; none is refused and nothing in it is dropped."""
    reads = validator(catalogue)
    found = []
    for message in messages:
        fact = reads.fact(catalogue.sources[message.source], message.body, now_ms)
        assert isinstance(fact, Fact), (fact, message)
        assert fact.dropped == 0, message
        found.append((message, fact))
    return found


def record_name(fact: Fact) -> str:
    """``source:id``, the record a message is told to."""
    return f"{fact.source.key}:{fact.identifiers[0].value.value}"


def linked(catalogue: Catalogue, told: list[tuple[Message, Fact]]) -> set[frozenset[str]]:
    """Records that identifiers put together."""
    blind = BlindIndex(bytes(32))
    marks = [(record_name(fact), marks_of(fact, blind)) for _, fact in told]
    names = {one.record: name for name, one in marks}
    mentions = [mention for _, one in marks for mention in one.mentions]
    persons = resolve(names, mentions, catalogue.identifiers)
    return {frozenset(names[record] for record in person.records) for person in persons}


def profile(
    catalogue: Catalogue, lawbook: Lawbook, told: list[tuple[Message, Fact]], now_ms: int
) -> tuple[Profile, Bits]:
    """The profile of the one person these facts are about, and what they permit; nothing is sealed."""
    records: dict[str, list[Fact]] = defaultdict(list)
    for _, fact in told:
        records[record_name(fact)].append(fact)
    documents = []
    for name, heard in records.items():
        document = empty(name.encode(), heard[0], b"")
        for fact in heard:
            hear(document, fact)
            tell(document, minimised(fact, document)[0], catalogue, _unsealed)
        documents.append(document)
    state = state_of(catalogue, lawbook.of_place, documents)
    return fold(catalogue, documents), permitted(catalogue, lawbook.law, state, now_ms)


def seen(
    catalogue: Catalogue,
    whose: tuple[Profile, Bits],
    purposes: frozenset[str],
    attributes: Mapping[str, str],
    now_ms: int,
) -> dict[str, Any] | None:
    """What a token with ``purposes`` sees of ``attributes``, without nulls; None if it meets nobody."""
    grant = Grant("client", "", frozenset(), purposes, None, 2**40, "")
    whom, permits = whose
    allow = EVERY_BIT if SELF in purposes else permits.allow
    if not reach(catalogue, grant, purposes) & allow:
        return None
    values = {**whom.sealed, **whom.open}
    shown: dict[str, Any] = {}
    for name, path in attributes.items():
        attribute = catalogue.attributes[path]
        decision = decide(catalogue, grant, purposes, attribute.category, attribute.uses)
        if attribute.key not in values or not isinstance(decision, Allow):
            continue
        form = next((way.form for way in decision.ways if way.mask & allow), None)
        if form is not None:
            render = Forms(bytes(32)).render(attribute, form)
            value = values[attribute.key]
            shown[name] = render(value, now_ms) if render else value
    return shown


def _unsealed(_key: bytes, _at: int, value: Any) -> Any:
    return value
