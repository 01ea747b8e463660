"""Rights that take effect when they are exercised, in the transaction that records the request.

These are the opt-out of sale and sharing (Cal. Civ. Code 1798.120), the limit on the use of sensitive data
(1798.121) and the restriction of processing (GDPR Art. 18). They only protect the customer, so there is no
reason to wait. If the requester is not sufficiently identified, the caller files the request like any other
(``submission``), and a workflow step applies the right later. Its statement has the request's id as its
message id, so that a repeated step has no effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from discretion.domain.consent.objection_hook import ObjectionHook, StatementAuthor
from discretion.domain.consent.record_statement import StatementRecorder
from discretion.domain.consent.statement_writer import CustomerStatement, ExtraWrites, StatementWriter
from discretion.domain.consent.statements import ConsentAction, list_sharing_purposes
from discretion.domain.ingest.message import ExplicitChoice
from discretion.domain.ingest.statement_context import StatementContext
from discretion.domain.profiles.person_state import LIMIT_SIGNAL
from discretion.domain.requests.model import RequestDetails, Requester, build_requester
from discretion.domain.requests.restriction import ProcessingRestriction
from discretion.domain.requests.submission import RequestSubmission
from discretion.errors import Conflict, NotFound
from discretion.law.jurisdiction import Right
from discretion.store.consent_event import StatementMethod
from discretion.store.request_state import RequesterAssurance, RequesterRole
from discretion.store.requests import build_request_insert
from discretion.store.subject_request import RequestScope, SubjectRequest
from discretion.store.transactions import PendingWrite, Session

STATEMENT_METHODS = {
    RequesterRole.PERSON: StatementMethod.CLICK,
    RequesterRole.AGENT: StatementMethod.AGENT,
    RequesterRole.GUARDIAN: StatementMethod.GUARDIAN,
    RequesterRole.STEWARD: StatementMethod.AGENT,
}
"""How a statement was made, by the role of the requester."""


def build_objection_hook(submission: RequestSubmission) -> ObjectionHook:
    """Return the hook that records an objection as a rights request.

    Objections (GDPR Art. 21) are made through the consent API. The request is written in the same
    transaction.
    """

    def record_objection(author: StatementAuthor, purposes: Sequence[str]) -> ExtraWrites:
        role, assurance = (
            (RequesterRole.STEWARD, RequesterAssurance.OFFICE)
            if author.is_steward
            else (RequesterRole.PERSON, RequesterAssurance.SESSION)
        )
        requester = Requester(role, author.by, author.client, author.subject, assurance)
        details = RequestDetails(Right.OBJECTION, RequestScope(purposes=tuple(purposes)))
        return lambda committed: [
            build_request_insert(
                submission.build_fulfilled_request(author.customer, committed.state.laws, details, requester)
            )
        ]

    return ObjectionHook(record_objection)


@dataclass(frozen=True, slots=True)
class OptOutRecorder:
    """Puts the opt-out of sale and the limit on sensitive data in force, by a statement of the customer."""

    statement_recorder: StatementRecorder
    statement_writer: StatementWriter

    async def put_in_force(
        self,
        right: Right,
        customer: bytes,
        message_id: bytes,
        requester: Requester,
        extra_writes: ExtraWrites = lambda _: (),
    ) -> None:
        """Apply an opt-out or a limit.

        Args:
            right: ``OPT_OUT_SALE`` or ``LIMIT_SENSITIVE``.
            customer: The customer, by a current or former id.
            message_id: Id of the statement. A second statement with the same id is refused.
            requester: Who exercises the right.
            extra_writes: Writes for the same transaction.

        Raises:
            NotFound: ``CUSTOMER_NOT_FOUND``.
            Conflict: ``DUPLICATE``; the statement was recorded before.
        """
        if right is Right.LIMIT_SENSITIVE:
            signal_statement = CustomerStatement(
                f"{LIMIT_SIGNAL}-{message_id.hex()}", signals=frozenset({LIMIT_SIGNAL})
            )
            await self.statement_writer.write_statement(customer, signal_statement, extra_writes)
            return
        purpose_statements = {
            purpose: ExplicitChoice(False)
            for purpose in list_sharing_purposes(self.statement_recorder.terms_registry.catalogue)
        }
        guardian = requester.reference if requester.role is RequesterRole.GUARDIAN else None
        context = StatementContext(STATEMENT_METHODS[requester.role], guardian=guardian)
        await self.statement_recorder.record(
            customer,
            ConsentAction.OPT_OUT,
            requester.by,
            context,
            purpose_statements,
            message=message_id,
            # An opt-out needs no verification (11 CCR 7026(d)), so it is in force at once. But whoever typed
            # the address into the record may be somebody else: a claim voids nothing that a login agreed to.
            spares_logins=requester.is_claimed,
            extra_writes=extra_writes,
        )

    async def put_request_in_force(self, request: SubjectRequest) -> bool:
        """Apply the right of a request that was filed before. Return whether the customer exists.

        It may be repeated: a statement that an earlier attempt recorded is not recorded again.
        """
        if request.customer is None:
            return False
        requester = build_requester(request, request.by, request.client, request.subject)
        try:
            await self.put_in_force(request.right, request.customer, request.id, requester)
        except NotFound:
            # The customer was erased after the request was filed.
            return False
        except Conflict as conflict:
            # A duplicate was recorded by an attempt that crashed before it could complete the step.
            if conflict.code != "DUPLICATE":
                raise
        return True


@dataclass(frozen=True, slots=True)
class ImmediateRights:
    """Applies the immediate rights and records their requests."""

    submission: RequestSubmission
    opt_outs: OptOutRecorder
    restriction: ProcessingRestriction

    async def exercise(
        self, customer: bytes | None, details: RequestDetails, requester: Requester
    ) -> SubjectRequest:
        """Apply a right at once and return the recorded request.

        The caller has checked the assurance of the requester; it is not checked here. Each call records a new
        request. For a restriction, the workflow that notifies the recipients follows.

        Args:
            customer: The customer, by a current or former id; None if none was found. Then the request is
                recorded without effect, because the response must not show whether a customer was found.
            details: The right and its scope.
            requester: Who exercises it.

        Raises:
            NotFound: ``CUSTOMER_NOT_FOUND``.
        """
        if customer is None:
            unmatched_request = self.submission.build_fulfilled_request(None, (), details, requester)
            await self.submission.requests.add(unmatched_request)
            return unmatched_request
        if details.right is Right.RESTRICTION:
            return await self._restrict(customer, details, requester)
        filed: list[SubjectRequest] = []

        def build_write(laws: tuple[str, ...]) -> list[PendingWrite]:
            # Under the id as given, as in ``RequestSubmission.submit``: it is the filer's after a split.
            # Replaced, not extended: a transaction that runs again calls this function again.
            filed[:] = [self.submission.build_fulfilled_request(customer, laws, details, requester)]
            return [build_request_insert(filed[0])]

        await self.opt_outs.put_in_force(
            details.right,
            customer,
            self.submission.entropy(16),
            requester,
            lambda committed: build_write(committed.state.laws),
        )
        return filed[0]

    async def _restrict(
        self, customer: bytes, details: RequestDetails, requester: Requester
    ) -> SubjectRequest:
        async def restrict_and_file(session: Session) -> SubjectRequest:
            current = await self.submission.people.current(customer, session)
            if current is None or not await self.restriction.apply(
                customer, session, restricted=not details.scope.is_lifted
            ):
                raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
            request = self.submission.build_fulfilled_request(customer, current.laws, details, requester)
            await self.submission.requests.add(request, session)
            return request

        # One transaction: a restriction is never in force without its request, nor on record without effect.
        request = await self.submission.transactions.run(restrict_and_file)
        self.submission.wake_runner()
        return request
