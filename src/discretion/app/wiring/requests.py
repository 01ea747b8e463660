"""Builds the components that file, decide and execute rights requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from discretion.app.wiring.consent import ConsentComponents
from discretion.app.wiring.context import WiringContext
from discretion.disclose import Discloser
from discretion.domain.consent.objection_hook import ObjectionHook
from discretion.domain.correction.contest_flags import ContestFlags
from discretion.domain.correction.proposal import ProposalBuilder
from discretion.domain.kit.workflow.lease import Checkpoint
from discretion.domain.kit.workflow.runner import WorkflowRunner
from discretion.domain.kit.workflow.step import list_actions
from discretion.domain.requests.address_proofing import AddressProofing
from discretion.domain.requests.code_addresses import CodeAddresses
from discretion.domain.requests.contested_data import ContestTracker
from discretion.domain.requests.deadline_monitor import DeadlineMonitor
from discretion.domain.requests.deadlines import DeadlineClock
from discretion.domain.requests.decisions import RequestDecisions
from discretion.domain.requests.identity_proofing import IdentityProofing
from discretion.domain.requests.immediate_rights import ImmediateRights, OptOutRecorder, build_objection_hook
from discretion.domain.requests.mailer import Mailer
from discretion.domain.requests.messages import RequestMessages
from discretion.domain.requests.one_time_codes import CodeRateLimiter, OneTimeCodes
from discretion.domain.requests.proven_spelling import AddressSpellings
from discretion.domain.requests.reach_check import ReachCheck
from discretion.domain.requests.restriction import ProcessingRestriction
from discretion.domain.requests.sealed_fields import RequestSealer
from discretion.domain.requests.submission import AfterFiling, RequestSubmission
from discretion.domain.requests.subscription import RequestWatcher
from discretion.domain.requests.text_messenger import TextMessenger
from discretion.domain.requests.workflows import Workflows, fulfil_request
from discretion.store.identities import IdentityStore
from discretion.store.packages import PackageStore
from discretion.store.requests import RequestStore


@dataclass(frozen=True, slots=True)
class RequestComponents:
    """Filing requests, deciding them, and carrying them out."""

    store: RequestStore
    deadlines: DeadlineClock
    submission: RequestSubmission
    workflows: Workflows
    workflow_runner: WorkflowRunner
    correction_proposals: ProposalBuilder
    contest_flags: ContestFlags
    immediate_rights: ImmediateRights
    decisions: RequestDecisions
    reach_check: ReachCheck
    sealer: RequestSealer
    messages: RequestMessages
    identity_proofing: IdentityProofing
    address_proofing: AddressProofing
    deadline_monitor: DeadlineMonitor
    watcher: RequestWatcher
    objection_hook: ObjectionHook


def build_requests(
    context: WiringContext,
    discloser: Discloser,
    consent: ConsentComponents,
    workflows: Workflows,
    on_checkpoint: Checkpoint,
) -> RequestComponents:
    """Build the components; ``on_checkpoint`` gets the name of each point at which a step may be cut off."""
    clock, entropy, open_write_context = context.clock, context.entropy, context.open_write_context
    store, deadlines = RequestStore(context.database), DeadlineClock(context.lawbook)
    wake_event = asyncio.Event()
    contest_flags = ContestFlags(context.rewriter)
    contests = ContestTracker(contest_flags)
    submission = _build_submission(
        context,
        requests=store,
        deadlines=deadlines,
        workflows=workflows,
        wake_runner=wake_event.set,
        after_filing=contests.update,
    )
    opt_outs = OptOutRecorder(
        statement_recorder=consent.statement_recorder, statement_writer=consent.statement_writer
    )
    immediate_rights = ImmediateRights(
        submission=submission, opt_outs=opt_outs, restriction=ProcessingRestriction(context.rewriter)
    )
    decisions = RequestDecisions(
        requests=store,
        deadline_clock=deadlines,
        submission=submission,
        now_ms=clock,
        wake_runner=wake_event.set,
        after_change=contests.update,
    )
    reach_check = _build_reach_check(context, decisions)
    runner = _build_runner(reach_check, workflows, on_checkpoint, wake_event)
    sealer = RequestSealer(
        people=context.stores.people, buckets=context.buckets, entropy=entropy, now_ms=clock
    )
    codes, mailer = _build_codes(context), _build_mailer(context)
    return RequestComponents(
        store=store,
        deadlines=deadlines,
        submission=submission,
        workflows=workflows,
        workflow_runner=runner,
        correction_proposals=ProposalBuilder(people=context.stores.people, write_context=open_write_context),
        contest_flags=contest_flags,
        immediate_rights=immediate_rights,
        decisions=decisions,
        reach_check=reach_check,
        sealer=sealer,
        messages=RequestMessages(requests=store, sealer=sealer, decisions=decisions, now_ms=clock),
        identity_proofing=_build_identity_proofing(
            context, discloser, reach_check, codes=codes, mailer=mailer
        ),
        address_proofing=_build_address_proofing(context, decisions, codes=codes, mailer=mailer),
        deadline_monitor=DeadlineMonitor(requests=store, decisions=decisions, now_ms=clock),
        watcher=RequestWatcher(store),
        objection_hook=build_objection_hook(submission),
    )


def _build_submission(
    context: WiringContext,
    *,
    requests: RequestStore,
    deadlines: DeadlineClock,
    workflows: Workflows,
    wake_runner: Callable[[], None],
    after_filing: AfterFiling,
) -> RequestSubmission:
    return RequestSubmission(
        transactions=context.stores.transactions,
        people=context.stores.people,
        requests=requests,
        login_reaches=context.login_reaches,
        deadline_clock=deadlines,
        steps={right: [step.name for step in steps] for right, steps in workflows.items()},
        entropy=context.entropy,
        now_ms=context.clock,
        wake_runner=wake_runner,
        after_filing=after_filing,
    )


def _build_runner(
    reach_check: ReachCheck, workflows: Workflows, on_checkpoint: Checkpoint, wake_event: asyncio.Event
) -> WorkflowRunner:
    return WorkflowRunner(
        requests=reach_check.decisions.requests,
        step_actions=list_actions(workflows.values()),
        end_request=fulfil_request,
        now_ms=reach_check.decisions.now_ms,
        on_checkpoint=on_checkpoint,
        check_request=reach_check.check,
        require_same_reach=reach_check.require_same_reach,
        wake_event=wake_event,
    )


def _build_reach_check(context: WiringContext, decisions: RequestDecisions) -> ReachCheck:
    return ReachCheck(
        people=context.stores.people,
        login_reaches=context.login_reaches,
        decisions=decisions,
        packages=PackageStore(context.database),
        identity_events=context.stores.identity_events,
    )


def _build_codes(context: WiringContext) -> OneTimeCodes:
    clock = context.clock
    return OneTimeCodes(entropy=context.entropy, now_ms=clock, rate_limiter=CodeRateLimiter(clock))


def _build_address_proofing(
    context: WiringContext, decisions: RequestDecisions, *, codes: OneTimeCodes, mailer: Mailer
) -> AddressProofing:
    url = context.settings.text_message_url
    return AddressProofing(
        codes=codes,
        decisions=decisions,
        mailer=mailer,
        text_messenger=None if url is None else TextMessenger(url),
    )


def _build_identity_proofing(
    context: WiringContext,
    discloser: Discloser,
    reach_check: ReachCheck,
    *,
    codes: OneTimeCodes,
    mailer: Mailer,
) -> IdentityProofing:
    return IdentityProofing(
        codes=codes,
        decisions=reach_check.decisions,
        reach_check=reach_check,
        mailer=mailer,
        code_addresses=CodeAddresses(
            people=context.stores.people,
            source_records=context.stores.source_records,
            identity_events=context.stores.identity_events,
            types=context.catalogue.identifiers,
        ),
        spellings=AddressSpellings(IdentityStore(context.database), context.catalogue),
        people=context.stores.people,
        discloser=discloser,
    )


def _build_mailer(context: WiringContext) -> Mailer:
    settings = context.settings
    outbox = settings.data_dir / "outbox"
    return Mailer(
        url=settings.mail_url,
        sender=settings.mail_from,
        outbox=outbox,
        entropy=context.entropy,
        now_ms=context.clock,
    )
