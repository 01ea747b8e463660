"""Joins of two logins that rest on claims: both are informed first, and either may object.

A steward proposes the join (``domain.identity.owner_notice`` says when one must). A message goes to every
address that logins of the two have proven. Only after the mail server has accepted all of them is the
proposal stored, so what is stored was announced. When the time for objections ends, a worker joins the two.
If their logins are others by then, such as after a split, the proposal ends: they were not informed.
Proposal, objection and join are each one transaction: of an objection and a join at the same moment, one
happens.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from discretion.domain.identity.personal_joins import CUSTOMER_ACTOR
from discretion.domain.identity.stewardship import LOGINS_CHANGED, Stewardship
from discretion.domain.kit.workflow.poll import run_polling
from discretion.domain.requests.mailer import Mailer
from discretion.errors import BadRequest, Conflict, NotFound
from discretion.store.proposed_joins import ProposalEnd, ProposalState, ProposedJoin, ProposedJoinStore
from discretion.store.suggestions import SuggestionStatus, SuggestionStore
from discretion.store.transactions import Session, Transactions

LEASE_MS = 60_000
"""How long a proposal is kept from other workers (ms); longer than a merge may take."""

POLL_S = 60.0

JOIN_OBJECTED = "JOIN_OBJECTED"
"""Code of the error about a join to which one of the customers has objected."""

NOTICE_SUBJECT = "Your account and another one"
NOTICE_TEXT = """Our privacy office believes that your account and another one are of one person. The two are
joined on {ends}. Then each login shows what is stored under both.

If the other account is not yours, object before that: log in and choose to object, or write to the privacy
office. Then nothing is joined. If it is yours, you need not do anything.
"""


@dataclass(frozen=True, slots=True)
class JoinDraft:
    """A join that a steward wants: whom it joins, who decides, why, and the suggestion that it accepts."""

    customers: tuple[bytes, ...]
    by: str
    reason: str
    suggestion: bytes | None = None


@dataclass(frozen=True, slots=True)
class JoinProposals:
    """Stores proposals after a notice, takes objections, and joins whom nobody objected for.

    Attributes:
        store: The proposals.
        suggestions: The suggestions that they accept.
        stewardship: Joins customers.
        transactions: Runs changes.
        mailer: Sends the notices.
        now_ms: The present (ms).
        entropy: Returns as many random bytes as it is asked for.
        objection_ms: How long the two may object (ms).
    """

    store: ProposedJoinStore
    suggestions: SuggestionStore
    stewardship: Stewardship
    transactions: Transactions = field(repr=False)
    mailer: Mailer
    now_ms: Callable[[], int]
    entropy: Callable[[int], bytes] = field(repr=False)
    objection_ms: int

    async def find_earlier(
        self, sides: Sequence[Collection[bytes]], logins: Collection[frozenset[bytes]]
    ) -> ProposedJoin | None:
        """Return the proposal that already waits for these customers and has informed the logins they have.

        Args:
            sides: All ids of each customer.
            logins: The records of the logins of each.

        Raises:
            Conflict: ``JOIN_OBJECTED``; one of them has objected to be joined with another of them.
        """
        ids = {customer for side in sides for customer in side}
        for earlier in await self.store.list_of(ids, [ProposalState.WAITING, ProposalState.OBJECTED]):
            named = [side for side in sides if not set(side).isdisjoint(earlier.customers)]
            if earlier.state is ProposalState.OBJECTED and len(named) > 1:
                raise Conflict(
                    JOIN_OBJECTED,
                    "One of them has objected to this join.",
                    "Settle it with both owners, then state that they were informed: "
                    "merge(customers:, reason:, ownersInformed: true).",
                )
            if (
                earlier.state is ProposalState.WAITING
                and len(named) == len(sides)
                and set(earlier.logins.values()) == set(logins)
            ):
                return earlier
        return None

    async def propose(
        self, draft: JoinDraft, logins: Mapping[bytes, frozenset[bytes]], recipients: Sequence[str]
    ) -> ProposedJoin:
        """Inform those whom a join concerns, and store the proposal.

        Args:
            draft: The join.
            logins: By customer id, the records of the logins that are informed.
            recipients: The addresses that their logins have proven.

        Raises:
            Unavailable: ``MAIL_UNAVAILABLE``; nothing is stored, and some may have been informed.
            Conflict: ``SUGGESTION_DECIDED``.
        """
        now = self.now_ms()
        ends = now + self.objection_ms
        shown_end = datetime.fromtimestamp(ends / 1000, UTC).strftime("%Y-%m-%d at %H:%M UTC")
        for recipient in recipients:
            await self.mailer.send(recipient, NOTICE_SUBJECT, NOTICE_TEXT.format(ends=shown_end))
        proposal = ProposedJoin(
            self.entropy(16),
            draft.customers,
            draft.by,
            draft.reason.strip(),
            now,
            ends,
            logins,
            draft.suggestion,
        )

        async def work(session: Session) -> None:
            await self.store.add(proposal, session)
            if draft.suggestion is not None and not await self.suggestions.await_objection(
                draft.suggestion, draft.by, ends, session
            ):
                raise Conflict("SUGGESTION_DECIDED", "This suggestion was already decided or dropped.")

        await self.transactions.run(work)
        return proposal

    async def object(self, proposal: ProposedJoin, by: str) -> None:
        """Record an objection, also to others that wait to join the same two; a repetition changes nothing.

        Raises:
            Conflict: ``JOIN_DECIDED``; the two were joined already.
        """

        async def work(session: Session) -> None:
            if not await self.store.object(proposal.id, self.now_ms(), session):
                raise Conflict(
                    "JOIN_DECIDED", "The two were joined already.", "Ask the privacy office to separate them."
                )
            similar = await self._list_similar(proposal, ProposalState.WAITING, session)
            for each in similar:
                await self.store.object(each.id, self.now_ms(), session)
            for each in (proposal, *similar):
                if each.suggestion is not None:
                    await self.suggestions.end_wait(each.suggestion, SuggestionStatus.REFUSED, by, session)

        if proposal.state is not ProposalState.OBJECTED:
            await self.transactions.run(work)

    async def _list_similar(
        self, proposal: ProposedJoin, state: ProposalState, session: Session
    ) -> list[ProposedJoin]:
        """List other proposals in a state that join two of the same customers.

        There are several if a steward names more people, or calls again before the first call is answered.
        """
        return [
            each
            for each in await self.store.list_of(proposal.customers, [state], session)
            if each.id != proposal.id and len(set(each.customers) & set(proposal.customers)) > 1
        ]

    async def join_due(self) -> bool:
        """Join the customers of one proposal whose time for objections has ended; return whether one was due.

        What is interrupted is repeated when the lease has ended.
        """
        now = self.now_ms()
        proposal = await self.store.take(now, now + LEASE_MS)
        if proposal is None:
            return False

        async def decide(session: Session) -> None:
            # Stored at the same moment as the objection to another one, so that this did not reach it.
            if await self._list_similar(proposal, ProposalState.OBJECTED, session):
                raise Conflict(JOIN_OBJECTED, "One of them has objected to this join.")
            await self.store.decide_leased(proposal, ProposalState.JOINED, self.now_ms(), session)
            if proposal.suggestion is not None:
                await self.suggestions.end_wait(
                    proposal.suggestion, SuggestionStatus.ACCEPTED, proposal.by, session
                )

        try:
            await self.stewardship.merge(
                proposal.customers,
                proposal.by,
                proposal.reason,
                decide,
                owners_informed=True,
                informed_logins=proposal.logins,
            )
        except BadRequest:  # they became one otherwise
            await self._end(proposal, ProposalEnd.ALREADY_JOINED)
        except NotFound:
            await self._end(proposal, ProposalEnd.CUSTOMER_ERASED)
        except Conflict as error:
            if error.code == JOIN_OBJECTED:
                await self.object(proposal, CUSTOMER_ACTOR)
            elif error.code == LOGINS_CHANGED:
                await self._end(proposal, ProposalEnd.LOGINS_CHANGED)
            else:
                raise
        return True

    async def _end(self, proposal: ProposedJoin, end: ProposalEnd) -> None:
        """End a leased proposal that joins nobody; its suggestion can be decided again."""

        async def work(session: Session) -> None:
            await self.store.decide_leased(proposal, ProposalState.ENDED, self.now_ms(), session, end)
            if proposal.suggestion is not None:
                await self.suggestions.reopen(proposal.suggestion, session)

        await self.transactions.run(work)


@asynccontextmanager
async def run_join_proposals(proposals: JoinProposals) -> AsyncIterator[None]:
    """Join in the background, while the block runs, whom nobody objected for."""
    async with run_polling("joining customers who were informed", proposals.join_due, POLL_S):
        yield
