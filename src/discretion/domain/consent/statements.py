"""What somebody says about purposes -> the words their records are told, the events that go on record.

A yes is to what is known now, so it is to each purpose by itself. A no to a node of the tree is to all that
is below it, also to what may yet come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from discretion.catalogue.model import Basis, Catalogue, Channel, Family
from discretion.catalogue.nearest_name import nearest
from discretion.domain.consent.statement_record import (
    AGREEING,
    MAX_SIGNAL,
    ConsentEvent,
    State,
    record_id,
)
from discretion.domain.ingest.message import Said
from discretion.domain.ingest.purpose_tree import about, askable, below
from discretion.domain.ingest.statement_context import Saying
from discretion.errors import BadRequest, Conflict

MAX_NAME = 100
"""Characters of an unknown purpose that are compared with those there are."""


class Act(StrEnum):
    """What somebody does. Only an opt-out is more than the word yes or no."""

    CHOOSE = "choose"
    WITHDRAW = "withdraw"
    OBJECT = "object"
    OPT_OUT = "opt_out"


@dataclass(frozen=True, slots=True)
class Occasion:
    """When and how something was said; see ``ConsentEvent``. ``message`` tells it from every other word."""

    message: bytes
    act: Act
    by: str
    saying: Saying
    at: int
    received: int
    channel: Channel | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom it is about: the records that hear it, the customer they are now, and their jurisdictions.

    ``stood`` is what counted about each purpose just before, ``last`` the latest event about it.
    """

    records: tuple[bytes, ...] = field(repr=False)
    customer: bytes = field(repr=False)
    laws: tuple[str, ...]
    stood: Mapping[str, bool | None] = field(default_factory=dict, repr=False)
    last: Mapping[str, ConsentEvent] = field(default_factory=dict, repr=False)


def choice(catalogue: Catalogue, said: Iterable[tuple[str, Said]]) -> dict[str, Said]:
    """What records are told, from what was said about nodes of the tree.

    Raises:
        BadRequest: ``PURPOSE_UNKNOWN``, ``CONSENT_CONTRADICTORY``; Conflict: ``CONSENT_NOT_ASKED``.
    """
    words: dict[str, Said] = {}
    for node, word in said:
        covered = below(catalogue, node)
        if not covered:
            raise unknown(catalogue, node)
        asked = askable(catalogue, covered, node)
        if not asked:
            raise _not_asked(exact=node in catalogue.purposes)
        for name in about(node, asked, given=word.given):
            if words.setdefault(name, word) != word:
                raise BadRequest(
                    "CONSENT_CONTRADICTORY",
                    "Two different things are said of the same purpose at once.",
                    "Name each purpose once; a node of the tree covers everything below it.",
                )
    return words


def shared(catalogue: Catalogue) -> list[str]:
    """The purposes that an opt-out of sale, sharing and targeted advertising is about."""
    sharing = (one for _, one in sorted(catalogue.purposes.items()) if one.family is Family.SHARING)
    return askable(catalogue, sharing)


def events(
    catalogue: Catalogue,
    digests: Mapping[str, bytes],
    occasion: Occasion,
    subject: Subject,
    words: Mapping[str, Said],
) -> Iterator[ConsentEvent]:
    """One event for each purpose that ``words`` are about. ``digests`` are those of the terms now."""
    saying = occasion.saying
    for key, word in sorted(words.items()):
        purpose = catalogue.purposes.get(key)
        if purpose is None:
            continue
        last = subject.last.get(key)
        before = None if last is None else last.state
        agreed = subject.stood.get(key) is True or before in AGREEING
        yield ConsentEvent(
            id=record_id(occasion.message, key),
            records=subject.records,
            customer=subject.customer,
            purpose=key,
            catalogue=catalogue.version,
            basis=purpose.basis,
            laws=subject.laws,
            state=state(occasion.act, purpose.basis, before, agreed=agreed, given=word.given),
            at=occasion.at,
            received=occasion.received,
            method=saying.method,
            by=occasion.by,
            terms=digests[key],
            until=word.until if word.given else None,
            notice=saying.notice,
            channel=occasion.channel,
            signal=None if saying.signal is None else saying.signal[:MAX_SIGNAL],
            guardian=saying.guardian,
            conflict=_contrary(last, occasion.by, given=word.given),
        )


def state(act: Act, basis: Basis, last: State | None, *, agreed: bool, given: bool) -> State:
    """What a purpose comes to when somebody says yes or no to it, after ``last``."""
    if given and last is State.OBJECTED:
        return State.UNOBJECTED
    if given:
        return State.RENEWED if agreed or last is State.EXPIRED else State.GIVEN
    if act is Act.OPT_OUT:
        return State.OPTED_OUT
    if act is Act.OBJECT or basis is Basis.LEGITIMATE_INTEREST:
        return State.OBJECTED
    return State.WITHDRAWN if agreed else State.REFUSED


def _contrary(last: ConsentEvent | None, by: str, *, given: bool) -> bytes | None:
    """The latest event, if another voice said the contrary in it."""
    if last is None or last.by == by or (last.state in AGREEING) is given:
        return None
    return last.id


def unknown(catalogue: Catalogue, node: str) -> BadRequest:
    """The refusal of a purpose that there is not."""
    return BadRequest(
        "PURPOSE_UNKNOWN",
        "A purpose is named that the catalogue does not have.",
        f"{nearest(node[:MAX_NAME], catalogue.purposes)} `{{ purposes {{ key }} }}` lists them.",
    )


def _not_asked(*, exact: bool) -> Conflict:
    what = "This purpose rests" if exact else "All purposes below this node rest"
    return Conflict(
        "CONSENT_NOT_ASKED",
        f"{what} on the law or on a contract, and not on consent.",
        "It can be neither given nor refused; `{ purposes { key legalBasis } }` lists what can be.",
    )
