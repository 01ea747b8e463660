"""Statements about purposes: the choices that records store, and the consent events that are recorded. Pure.

A consent covers only what is known now, so a consent to a node of the purpose tree is stored for each purpose
below it. A refusal of a node is stored for the node and also covers purposes that are added below it later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from discretion.catalogue.model import Basis, Catalogue, Channel, Family
from discretion.catalogue.nearest_name import suggest_name
from discretion.domain.consent.statement_record import (
    AGREEING_STATES,
    MAX_SIGNAL_CHARS,
    build_record_id,
)
from discretion.domain.ingest.message import ExplicitChoice
from discretion.domain.ingest.purpose_tree import expand_choice, find_purposes_under, select_askable
from discretion.domain.ingest.statement_context import StatementContext
from discretion.errors import BadRequest, Conflict
from discretion.store.consent_event import ConsentEvent, ConsentState

MAX_NAME_CHARS = 100
"""Most characters of an unknown purpose that are compared with known ones, for a suggestion in the error."""


class ConsentAction(StrEnum):
    """What a person does; ``derive_state`` gives ``OBJECT`` and ``OPT_OUT`` states of their own."""

    CHOOSE = "choose"
    WITHDRAW = "withdraw"
    OBJECT = "object"
    OPT_OUT = "opt_out"


@dataclass(frozen=True, slots=True)
class StatementOccasion:
    """When and how a statement was made; see ``ConsentEvent``. ``message`` is unique for each statement."""

    message: bytes
    action: ConsentAction
    by: str
    context: StatementContext
    at: int
    received: int
    channel: Channel | None = None


@dataclass(frozen=True, slots=True)
class StatementSubject:
    """The customer and the source records that a statement is about.

    Attributes:
        records: Source records to which it applies.
        customer: The customer to whom they belong now.
        laws: Keys of that customer's jurisdictions.
        choices_before: By purpose, the choice in effect just before; None if there is none.
        last_events: By purpose, the latest event about it.
        stating: Those of the records to which an acceptance applies; None for all.
    """

    records: tuple[bytes, ...] = field(repr=False)
    customer: bytes = field(repr=False)
    laws: tuple[str, ...]
    choices_before: Mapping[str, bool | None] = field(default_factory=dict, repr=False)
    last_events: Mapping[str, ConsentEvent] = field(default_factory=dict, repr=False)
    stating: tuple[bytes, ...] | None = field(default=None, repr=False)


def resolve_choices(
    catalogue: Catalogue, node_choices: Iterable[tuple[str, ExplicitChoice]]
) -> dict[str, ExplicitChoice]:
    """Resolve choices about nodes of the purpose tree to the choices that records store.

    Returns:
        Choices by purpose, and refusals also by node.

    Raises:
        BadRequest: ``PURPOSE_UNKNOWN``, ``CONSENT_CONTRADICTORY``; Conflict: ``CONSENT_NOT_ASKED``.
    """
    choices: dict[str, ExplicitChoice] = {}
    for node, node_choice in node_choices:
        covered = find_purposes_under(catalogue, node)
        if not covered:
            raise unknown_purpose_error(catalogue, node)
        askable_purposes = select_askable(catalogue, covered, node)
        if not askable_purposes:
            raise _build_not_asked_error(is_exact=node in catalogue.purposes)
        for name in expand_choice(node, askable_purposes, permits=node_choice.permits):
            if choices.setdefault(name, node_choice) != node_choice:
                raise BadRequest(
                    "CONSENT_CONTRADICTORY",
                    "The call makes two different choices about the same purpose.",
                    "Name each purpose once; a node of the tree covers all purposes below it.",
                )
    return choices


def list_sharing_purposes(catalogue: Catalogue) -> list[str]:
    """Return the purposes that an opt-out of sale, sharing and targeted advertising covers."""
    sharing_purposes = (
        purpose for _, purpose in sorted(catalogue.purposes.items()) if purpose.family is Family.SHARING
    )
    return select_askable(catalogue, sharing_purposes)


def build_consent_events(
    catalogue: Catalogue,
    digests: Mapping[str, bytes],
    occasion: StatementOccasion,
    subject: StatementSubject,
    choices: Mapping[str, ExplicitChoice],
) -> Iterator[ConsentEvent]:
    """Build one event for each purpose among ``choices``; nodes of the tree that are no purpose get none.

    Args:
        catalogue: The purposes.
        digests: By purpose, the digest of its terms now.
        occasion: When and how the statement was made.
        subject: The customer and the records that it is about.
        choices: As ``resolve_choices`` returned them.
    """
    context = occasion.context
    for key, purpose_choice in sorted(choices.items()):
        purpose = catalogue.purposes.get(key)
        if purpose is None:
            continue
        # The latest event counts too: a consent that expired is no longer in effect, yet a new one renews it.
        last_event = subject.last_events.get(key)
        state_before = None if last_event is None else last_event.state
        was_agreed = subject.choices_before.get(key) is True or state_before in AGREEING_STATES
        yield ConsentEvent(
            id=build_record_id(occasion.message, key),
            records=subject.records
            if subject.stating is None or not purpose_choice.permits
            else subject.stating,
            customer=subject.customer,
            purpose=key,
            catalogue=catalogue.version,
            basis=purpose.basis,
            laws=subject.laws,
            state=derive_state(
                occasion.action,
                purpose.basis,
                state_before,
                was_agreed=was_agreed,
                is_given=purpose_choice.permits,
            ),
            at=occasion.at,
            received=occasion.received,
            method=context.method,
            by=occasion.by,
            terms=digests[key],
            # A refusal has no end: it stays in force until the person consents.
            until=purpose_choice.until if purpose_choice.permits else None,
            notice=context.notice,
            channel=occasion.channel,
            signal=None if context.signal is None else context.signal[:MAX_SIGNAL_CHARS],
            guardian=context.guardian,
            conflict=_find_conflict(last_event, occasion.by, is_given=purpose_choice.permits),
        )


def derive_state(
    action: ConsentAction,
    basis: Basis,
    state_before: ConsentState | None,
    *,
    was_agreed: bool,
    is_given: bool,
) -> ConsentState:
    """Return the state of a purpose after a choice about it.

    Args:
        action: What the person did.
        basis: The purpose's legal basis: a refusal of a legitimate interest is an objection (GDPR Art. 21).
        state_before: The state after the latest event, None if there is none.
        was_agreed: Whether a consent was in effect before.
        is_given: Whether the choice is a consent.
    """
    if is_given and state_before is ConsentState.OBJECTED:
        return ConsentState.UNOBJECTED
    if is_given:
        return (
            ConsentState.RENEWED if was_agreed or state_before is ConsentState.EXPIRED else ConsentState.GIVEN
        )
    if action is ConsentAction.OPT_OUT:
        return ConsentState.OPTED_OUT
    if action is ConsentAction.OBJECT or basis is Basis.LEGITIMATE_INTEREST:
        return ConsentState.OBJECTED
    return ConsentState.WITHDRAWN if was_agreed else ConsentState.REFUSED


def _find_conflict(last_event: ConsentEvent | None, author: str, *, is_given: bool) -> bytes | None:
    """Return the id of the latest event if another author stated the contrary in it."""
    if last_event is None or last_event.by == author or (last_event.state in AGREEING_STATES) is is_given:
        return None
    return last_event.id


def unknown_purpose_error(catalogue: Catalogue, node: str) -> BadRequest:
    """Build the error for a purpose that does not exist."""
    return BadRequest(
        "PURPOSE_UNKNOWN",
        "The catalogue does not have such a purpose.",
        f"{suggest_name(node[:MAX_NAME_CHARS], catalogue.purposes)} `{{ purposes {{ key }} }}` lists them.",
    )


def _build_not_asked_error(*, is_exact: bool) -> Conflict:
    subject = "This purpose rests" if is_exact else "All purposes under this node rest"
    return Conflict(
        "CONSENT_NOT_ASKED",
        f"{subject} on the law or on a contract, and not on consent.",
        "It can be neither given nor refused; `{ purposes { key legalBasis } }` lists what can be.",
    )
