"""The one way to change what is stored about people: read their evidence, decide, write what follows from it.

Whoever changes source records, statements, rulings or identity in a transaction does it like this::

    rewrite = rewriter.begin(session)
    await rewrite.reader.read_customers([customer])
    for record in rewrite.evidence.records.values():
        rewrite.evidence.edit(replace(record, restricted=True))
    await rewrite.write()

``write`` saves edited records, applies messages, resolves again who is one person where evidence is new,
computes the profiles of everybody concerned, and puts refusals in force for the records of others that they
reach. ``PersonRewriter.edit_records`` is a shortcut for edits of all
records of one customer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from discretion.domain.identity.assignment import ResolvedPerson, resolve_persons
from discretion.domain.identity.evidence_reader import EvidenceReader, IdentityEvidence
from discretion.domain.identity.identity_events import build_identity_events
from discretion.domain.identity.refusal_changes import RefusalChanges
from discretion.domain.identity.refusal_reach import edit_reached_records
from discretion.domain.identity.ruling import NO_GROUNDS, Grounds
from discretion.domain.identity.unit_of_work import StampedMessage, UnitOfWork, WriteContext
from discretion.store.identity_events import IdentityChangeKind
from discretion.store.person_stores import PersonStores
from discretion.store.source_record import SourceRecord
from discretion.store.transactions import PendingWrite, Session

RecordEdit = Callable[[SourceRecord], SourceRecord]
"""``record -> edited record``; it must not change its argument."""


@dataclass(frozen=True, slots=True)
class RewriteOutcome:
    """The result of a rewrite.

    Attributes:
        persons: Resolved persons by their customer id now.
        minimised_counts: By message digest, how many of its values and events are not stored because the
            person refused every purpose that they could serve.
    """

    persons: Mapping[bytes, ResolvedPerson]
    minimised_counts: Mapping[bytes, int]


class PersonRewrite:
    """One attempt of a transaction that changes people.

    Attributes:
        stores: The repositories.
        session: The transaction.
        context: Catalogue, permission engine, keys and the present.
        reader: Reads what the change depends on.
    """

    def __init__(self, stores: PersonStores, session: Session, context: WriteContext) -> None:
        self.stores = stores
        self.session = session
        self.context = context
        self.reader = EvidenceReader(stores, session, context.catalogue.identifiers)

    @property
    def evidence(self) -> IdentityEvidence:
        """What was read so far, and the edits of it."""
        return self.reader.evidence

    async def write(
        self,
        actor: str = "",
        messages: Sequence[StampedMessage] = (),
        extra_writes: Iterable[PendingWrite] = (),
        grounds: Grounds = NO_GROUNDS,
    ) -> RewriteOutcome:
        """Write everything that edits, messages and new evidence change.

        Args:
            actor: Who supplied new evidence, such as ``source:tills``; with several sources, all of them.
            messages: Messages to apply to the source records that they address.
            extra_writes: Writes that belong to the same change.
            grounds: Why a ruling joins records.

        Raises:
            TransactionAborted: A customer changed meanwhile; the transaction runs again from its reads.
        """
        outcome, changes = await self._write_changes(actor, messages, extra_writes, grounds)
        if changes:
            await PersonRewrite(self.stores, self.session, self.context).spread_refusals(changes)
        return outcome

    async def spread_refusals(self, changes: RefusalChanges) -> None:
        """Put refusals in force for the records of others that they reach; those reach no further."""
        writes = await edit_reached_records(
            self.reader, self.stores.identifiers, self.context.catalogue, changes, self.context.now_ms
        )
        await self._write_changes("", (), writes, NO_GROUNDS)

    async def _write_changes(
        self,
        actor: str,
        messages: Sequence[StampedMessage],
        extra_writes: Iterable[PendingWrite],
        grounds: Grounds,
    ) -> tuple[RewriteOutcome, RefusalChanges]:
        evidence, context = self.evidence, self.context
        messages_by_record: dict[bytes, list[StampedMessage]] = {}
        for message in messages:
            messages_by_record.setdefault(message.index.record, []).append(message)
        unit_of_work = UnitOfWork(self.stores, self.session, context, evidence)
        persons: dict[bytes, ResolvedPerson] = {}
        resolved = resolve_persons(
            evidence, context.catalogue.identifiers, [*messages_by_record, *evidence.edits]
        )
        # Before all persons: of a split, the parts must be known.
        await unit_of_work.close_ledger_periods(resolved)
        for person in resolved:
            person_messages = [
                message for record in sorted(person.records) for message in messages_by_record.get(record, ())
            ]
            persons[await unit_of_work.write_person(person, person_messages)] = person
        unit_of_work.write_identifiers()
        # After all persons: only now is it known which customers have no records left.
        unit_of_work.delete_merged_customers()
        for change in build_identity_events(
            evidence, persons, context.catalogue.identifiers, actor, context.now_ms, context.entropy, grounds
        ):
            unit_of_work.add(self.stores.identity_events.plan_add(change))
            if change.kind is IdentityChangeKind.PARTED:
                # A package that was made of records which are separated now has data of several people.
                await self.stores.packages.delete_of(change.customers, self.session)
        for write in extra_writes:
            unit_of_work.add(write)
        await unit_of_work.send()
        return RewriteOutcome(persons, unit_of_work.minimised_counts), unit_of_work.refusal_changes


@dataclass(frozen=True, slots=True)
class PersonRewriter:
    """Begins rewrites. ``write_context`` builds the context of each transaction."""

    stores: PersonStores
    write_context: Callable[[], WriteContext]

    def begin(self, session: Session) -> PersonRewrite:
        """Return a rewrite within a transaction, at the current time. Nothing is read yet."""
        return PersonRewrite(self.stores, session, self.write_context())

    async def spread_refusals(self, customer: bytes) -> None:
        """Put what a customer refuses now in force for the records of others that it reaches."""

        async def spread(session: Session) -> None:
            # Written too, so that a statement which the person makes meanwhile conflicts with this.
            await self.edit_records(session, customer, lambda record: record)
            await self.begin(session).spread_refusals(RefusalChanges(refusing_customers={customer}))

        await self.stores.transactions.run(spread)

    async def edit_records(self, session: Session, customer: bytes, edit: RecordEdit) -> PersonRewrite | None:
        """Edit all source records of a customer and compute the profile again.

        Args:
            session: The transaction.
            customer: The customer's id, or a former id.
            edit: The edit of each record.

        Returns:
            The rewrite after its write; None if there is no such customer.
        """
        current = await self.stores.people.current(customer, session)
        if current is None:
            return None
        rewrite = self.begin(session)
        await rewrite.reader.read_customers([current.id])
        for record in list(rewrite.evidence.records.values()):
            rewrite.evidence.edit(edit(record))
        await rewrite.write()
        return rewrite
