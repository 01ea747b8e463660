"""Writing of a customer's own statement to all their source records. It is in force when the call returns.

The statement is stored in each record, so that it stays with the record through merges and unmerges. After a
merge, the person has the statements of all their records, of which the most restrictive counts. After an
unmerge, each person still has their own.

An acceptance is the own statement only of the login under which it is made: the other records are covered by
it while they are joined with that login (``profiles.joined_choices``). A refusal stays with every record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.model import Catalogue
from discretion.catalogue.reserved_source import CORRECTION_SOURCE
from discretion.domain.identity.person_rewrite import PersonRewriter
from discretion.domain.identity.unit_of_work import StampedMessage
from discretion.domain.ingest.message import ExplicitChoice, Fact
from discretion.domain.ingest.message_index import MessageIndex
from discretion.domain.profiles.person_state import build_person_state
from discretion.errors import NotFound
from discretion.purpose.effective_choice import compute_effective_choice
from discretion.purpose.permissions import PersonState
from discretion.store.source_record import SourceRecord
from discretion.store.transactions import PendingWrite, Session


@dataclass(frozen=True, slots=True)
class CustomerStatement:
    """Choices about purposes, and signals such as ``gpc``.

    Attributes:
        message: Unique for each statement.
        choices: The choices by purpose.
        signals: The signals.
        login: Blind index of the identifier under which the person logged in; None if a steward states it
            for the whole customer, or if nothing is accepted.
        spares_logins: Whether it leaves out the purposes that a login of the customer has agreed to.
    """

    message: str
    choices: Mapping[str, ExplicitChoice] = field(default_factory=dict)
    signals: frozenset[str] = frozenset()
    login: bytes | None = field(default=None, repr=False)
    spares_logins: bool = False


@dataclass(frozen=True, slots=True)
class CustomerStateBefore:
    """A customer's state just before a statement.

    Attributes:
        customer: The current customer id.
        records: Ids of their source records.
        stating: Ids of those whose own statement it is; see ``CustomerStatement.login``.
        state: What their records stated about purposes, laws and age.
        at: When the statement is made (ms).
        choices: The choices that are put in force, by purpose.
    """

    customer: bytes
    records: tuple[bytes, ...]
    stating: tuple[bytes, ...]
    state: PersonState
    at: int
    choices: Mapping[str, ExplicitChoice] = field(default_factory=dict)


ExtraWrites = Callable[[CustomerStateBefore], Sequence[PendingWrite]]
"""Builds writes for the same transaction; called once for each attempt of it."""


@dataclass(frozen=True, slots=True)
class StatementWriter:
    """Writes statements to source records."""

    rewriter: PersonRewriter

    async def write_statement(
        self, customer: bytes, statement: CustomerStatement, extra_writes: ExtraWrites = lambda _: ()
    ) -> CustomerStateBefore:
        """Put a statement in force; the next read in any process obeys it.

        Args:
            customer: The customer's id, or a former id.
            statement: What the customer states.
            extra_writes: Further writes of the same transaction.

        Returns:
            The customer's state before the statement.

        Raises:
            NotFound: ``CUSTOMER_NOT_FOUND``; Conflict: ``DUPLICATE`` for a repeated message.
        """

        async def work(session: Session) -> CustomerStateBefore:
            return await self._write_in_transaction(session, customer, statement, extra_writes)

        return await self.rewriter.stores.transactions.run(work)

    async def _write_in_transaction(
        self, session: Session, customer: bytes, statement: CustomerStatement, extra_writes: ExtraWrites
    ) -> CustomerStateBefore:
        # Resolved in the transaction: a merge or an unmerge in between gives the id to another customer.
        current = await self.rewriter.stores.people.current(customer, session)
        if current is None:
            raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
        rewrite = self.rewriter.begin(session)
        context, evidence = rewrite.context, rewrite.evidence
        await rewrite.reader.read_customers([current.id])
        records = sorted(evidence.records_of_customer(current.id))
        stating = [record for record in records if _is_of_login(evidence.records[record], statement.login)]
        if not stating:
            # The login was separated from this customer after the caller resolved it.
            raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
        # Read in the transaction that writes the statement: evidence must name the state that it really
        # changed.
        state = build_person_state(
            context.catalogue, context.jurisdiction, [evidence.records[record_id] for record_id in records]
        )
        if statement.spares_logins:
            choices = _select_unagreed(context.catalogue, statement.choices, state, context.now_ms)
            statement = replace(statement, choices=choices)
        state_before = CustomerStateBefore(
            current.id, tuple(records), tuple(stating), state, context.now_ms, statement.choices
        )
        covering = _build_covering_statement(statement)
        messages = [
            _build_message(record, statement if record in stating else covering, context.now_ms)
            for record in records
        ]
        await rewrite.write(CORRECTION_SOURCE.key, messages=messages, extra_writes=extra_writes(state_before))
        return state_before


def _is_of_login(record: SourceRecord, login: bytes | None) -> bool:
    return login is None or any(
        identifier.entry == login and identifier.assurance is Assurance.PROVEN
        for identifier in record.identifiers
    )


def _select_unagreed(
    catalogue: Catalogue, choices: Mapping[str, ExplicitChoice], state: PersonState, now_ms: int
) -> dict[str, ExplicitChoice]:
    """Return the choices about purposes that no login of the person has agreed to."""
    logins = [record for record in state.statements if record.is_login]
    return {
        key: choice
        for key, choice in choices.items()
        if not compute_effective_choice(catalogue.purposes[key], logins, now_ms).accepted
    }


def _build_covering_statement(statement: CustomerStatement) -> CustomerStatement:
    """Return the statement as the records of other logins store it."""
    choices = {
        purpose: replace(choice, joined=choice.permits) for purpose, choice in statement.choices.items()
    }
    return replace(statement, choices=choices)


def _build_message(record: bytes, statement: CustomerStatement, now_ms: int) -> StampedMessage:
    fact = Fact(
        CORRECTION_SOURCE,
        statement.message,
        now_ms,
        now_ms,
        (),
        explicit_choices=statement.choices,
        signals=statement.signals,
    )
    # A statement is one message for each record: each needs its own digest.
    digest = hashlib.sha256(record + statement.message.encode()).digest()[:16]
    return StampedMessage(fact, MessageIndex(record, (), digest, {}))
