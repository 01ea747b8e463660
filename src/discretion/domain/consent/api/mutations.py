"""GraphQL mutations ``setConsent``, ``withdrawConsent``, ``objectTo`` and ``optOut``.

Each returns a receipt for each purpose. It is as easy to withdraw a consent as to give it (GDPR Art. 7(3)): a
similar call without a notice or a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import strawberry
from strawberry import UNSET
from strawberry.types.field import StrawberryField

from discretion.domain.consent.api.dependencies import ConsentServices
from discretion.domain.consent.api.permissions import (
    OptOutSignal,
    Permission,
    read_honoured_signal,
    read_permissions,
)
from discretion.domain.consent.api.records import encode_subject
from discretion.domain.consent.api.representation import authorise_statement
from discretion.domain.consent.objection_hook import StatementAuthor
from discretion.domain.consent.statement_writer import CustomerStateBefore, ExtraWrites
from discretion.domain.consent.statements import ConsentAction, list_sharing_purposes, resolve_choices
from discretion.domain.ingest.message import ExplicitChoice
from discretion.domain.ingest.rejection import MessageRejected
from discretion.domain.ingest.statement_context import (
    StatementContext,
    parse_guardian_reference,
    parse_notice_reference,
)
from discretion.domain.ingest.value_parsing import WrongType, parse_timestamp
from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.kit.graphql.field import bind_services, build_field
from discretion.domain.kit.graphql.loading import load_customer
from discretion.domain.kit.graphql.scalars import DateTime
from discretion.domain.notices.notice_register import UNKNOWN_NOTICE_ADVICE
from discretion.domain.profiles.api.customer_types import build_object_type
from discretion.errors import BadRequest, Forbidden, NotFound
from discretion.reveal.forms import format_timestamp
from discretion.reveal.revealer import CustomerRow, Reading
from discretion.store.consent_event import ConsentEvent, StatementMethod
from discretion.store.transactions import PendingWrite

PurposeT = TypeVar("PurposeT")
MAX_PURPOSES_PER_CALL = 100
"""Most purposes, or nodes of their tree, in one call."""


@strawberry.input(description="A word about a purpose, or about all purposes below a node of their tree.")
class ConsentInput:
    """A choice about a purpose or a node of the purpose tree."""

    purpose: str = strawberry.field(description="Such as `marketing.communications.email`, or `marketing`.")
    given: bool
    valid_until: DateTime | None = strawberry.field(
        default=UNSET, description="Until when a yes counts; never longer than the purpose lasts."
    )


@strawberry.input(description="The privacy notice that was shown before the word was said.")
class NoticeInput:
    """The privacy notice that was shown; see ``ingest.statement_context.NoticeReference``."""

    version: str
    language: str = strawberry.field(description="BCP 47, such as `de`.")
    sha256: str = strawberry.field(description="SHA-256 of its text, in hexadecimal.")


@strawberry.input(description="Who agreed for a child.")
class GuardianInput:
    """The guardian who agreed for a child; see ``ingest.statement_context.parse_guardian_reference``."""

    reference: str = strawberry.field(description="The number of your own file on it. No name.")


@strawberry.type(description="Proof that a word is on record, signed.")
class ConsentReceipt:
    """A signed receipt of one consent event; see ``consent.receipt``."""

    id: strawberry.ID = strawberry.field(description="A UUID; `consents` lists the record under it.")
    purpose: str
    state: str
    at: DateTime
    jws: str = strawberry.field(
        description="A JSON Web Signature of the whole record; `/.well-known/jwks.json` verifies it."
    )


@dataclass(frozen=True, slots=True)
class ConsentOutcome:
    """The result of a mutation: the customer, and a receipt for each purpose."""

    row: CustomerRow
    receipts: list[ConsentReceipt]


def consent_mutations(customer: Any, provide: Callable[[], ConsentServices]) -> list[StrawberryField]:
    """Build the mutations; ``customer`` is the GraphQL type of customers."""
    payload: Any = build_object_type(
        "ConsentPayload",
        [
            build_field(_receipts, "receipts", list[ConsentReceipt], "One for each purpose it was about."),
            build_field(
                bind_services(provide, _permissions),
                "permissions",
                list[Permission],
                "What is permitted from now on.",
            ),
            build_field(
                bind_services(provide, _signal),
                "optOutSignal",
                OptOutSignal | None,
                "The opt-out signal that is honoured.",
            ),
            build_field(_customer, "customer", customer | None, "Whom it was about, as they are now."),
        ],
        "What a word about purposes came to. It is in force when this is answered.",
    )
    set_description = (
        "Says yes or no to purposes. By the customer, or by a steward on behalf of one; for a child a "
        "steward names the guardian's word."
    )
    withdraw_description = (
        "Takes back consent to purposes; a node of the tree takes back all below it. No reason is needed."
    )
    object_description = (
        "Objects to purposes that rest on a legitimate interest, and to any marketing (GDPR Art. 21). It is "
        "among `rightsRequests`, fulfilled."
    )
    opt_out_description = (
        "Opts out of sale, sharing and targeted advertising, all at once. No reason is needed."
    )
    return [
        build_field(bind_services(provide, _set_consent), "setConsent", payload | None, set_description),
        build_field(
            bind_services(provide, _withdraw), "withdrawConsent", payload | None, withdraw_description
        ),
        build_field(bind_services(provide, _object_to), "objectTo", payload | None, object_description),
        build_field(bind_services(provide, _opt_out), "optOut", payload | None, opt_out_description),
    ]


async def _set_consent(
    services: ConsentServices,
    root: object,
    info: ResolverInfo,
    purposes: list[ConsentInput],
    notice: NoticeInput | None = UNSET,
    customer: strawberry.ID | None = UNSET,
    guardian: GuardianInput | None = UNSET,
) -> ConsentOutcome:
    del root
    customer_id, author, method = await authorise_statement(info, customer)
    if guardian and method is StatementMethod.CLICK:
        raise Forbidden(
            "GUARDIAN_NOT_OWN",
            "A customer cannot name a guardian for their own consent.",
            "A steward records a guardian's consent, or a source does at /v1/consent.",
        )
    context = _build_statement_context(method, notice or None, guardian or None)
    choices = [
        (
            choice.purpose,
            ExplicitChoice(
                choice.given, _parse_valid_until(info, choice), guardian=context.guardian is not None
            ),
        )
        for choice in _check_purpose_count(purposes)
    ]
    context, choices, notice_error = _require_shown_notice(services, context, choices)
    outcome = None
    if choices:
        outcome = await _record_choices(
            services, info, customer_id, author, ConsentAction.CHOOSE, context, choices
        )
    if notice_error is not None:
        # Raised last: refusals in the same call are in force, whatever becomes of the acceptances.
        raise notice_error
    assert outcome is not None
    return outcome


def _require_shown_notice(
    services: ConsentServices, context: StatementContext, choices: list[tuple[str, ExplicitChoice]]
) -> tuple[StatementContext, list[tuple[str, ExplicitChoice]], BadRequest | None]:
    """Return what counts of a call: without acceptances, and with their refusal, if the notice is unknown."""
    if context.notice is None or services.notice_register.is_known(context.notice):
        return context, choices, None
    refusals = [(purpose, choice) for purpose, choice in choices if not choice.permits]
    context = replace(context, notice=None)
    if len(refusals) == len(choices):
        return context, refusals, None
    in_force = " What was refused is in force." if refusals else ""
    return (
        context,
        refusals,
        BadRequest(
            "NOTICE_UNKNOWN",
            f"No edition of the privacy notice has this version, language and digest.{in_force}",
            UNKNOWN_NOTICE_ADVICE,
        ),
    )


async def _withdraw(
    services: ConsentServices,
    root: object,
    info: ResolverInfo,
    purposes: list[str],
    customer: strawberry.ID | None = UNSET,
) -> ConsentOutcome:
    del root
    return await _record_refusal(
        services, info, customer, ConsentAction.WITHDRAW, _check_purpose_count(purposes)
    )


async def _object_to(
    services: ConsentServices,
    root: object,
    info: ResolverInfo,
    purposes: list[str],
    customer: strawberry.ID | None = UNSET,
) -> ConsentOutcome:
    del root
    return await _record_refusal(
        services, info, customer, ConsentAction.OBJECT, _check_purpose_count(purposes)
    )


async def _opt_out(
    services: ConsentServices, root: object, info: ResolverInfo, customer: strawberry.ID | None = UNSET
) -> ConsentOutcome:
    del root
    return await _record_refusal(
        services,
        info,
        customer,
        ConsentAction.OPT_OUT,
        list_sharing_purposes(info.context.resources.catalogue),
    )


async def _record_refusal(
    services: ConsentServices,
    info: ResolverInfo,
    customer: strawberry.ID | None,
    action: ConsentAction,
    purposes: Sequence[str],
) -> ConsentOutcome:
    customer_id, author, method = await authorise_statement(info, customer)
    return await _record_choices(
        services,
        info,
        customer_id,
        author,
        action,
        StatementContext(method),
        [(purpose, ExplicitChoice(False)) for purpose in purposes],
    )


async def _record_choices(
    services: ConsentServices,
    info: ResolverInfo,
    customer_id: bytes,
    author: str,
    action: ConsentAction,
    context: StatementContext,
    node_choices: Iterable[tuple[str, ExplicitChoice]],
) -> ConsentOutcome:
    resources, reading = info.context.resources, info.context.require_reading()
    choices = resolve_choices(resources.catalogue, node_choices)
    extra_writes = (
        _objection_writes(services, info, customer_id, author, choices)
        if action is ConsentAction.OBJECT
        else _no_extra_writes
    )
    events = await services.statement_recorder.record(
        customer_id,
        action,
        author,
        context,
        choices,
        login=None if reading.login_reach is None else reading.login_reach.entry,
        extra_writes=extra_writes,
    )
    reading.record_extra("consents")
    # Loaded after the statement: the response shows the customer under the permissions that are now in force.
    # A customer's own statement is written under the id that stays with their login, which is not always the
    # id of the customer that the login reaches now.
    row = await load_customer(info, reading.own_customer if reading.grant.is_self else customer_id)
    if row is None:
        raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
    return ConsentOutcome(row, [_build_receipt(services, reading, row, event) for event in events])


def _objection_writes(
    services: ConsentServices, info: ResolverInfo, customer: bytes, author: str, purposes: Iterable[str]
) -> ExtraWrites:
    """Build the writes that record an objection as a rights request."""
    reading = info.context.require_reading()
    grant = reading.grant
    subject = reading.requester_subject
    statement_author = StatementAuthor(author, grant.client, subject, grant.is_steward, customer)
    return services.objection_hook.build_writes(statement_author, sorted(purposes))


def _no_extra_writes(_: CustomerStateBefore) -> Sequence[PendingWrite]:
    return ()


def _build_receipt(
    services: ConsentServices, reading: Reading, row: CustomerRow, event: ConsentEvent
) -> ConsentReceipt:
    terms = services.statement_recorder.terms_registry.terms[event.terms]
    return ConsentReceipt(
        id=strawberry.ID(event.record_uuid),
        purpose=event.purpose,
        state=event.state.value,
        at=DateTime(format_timestamp(event.at)),
        jws=services.receipts.sign(event, terms, encode_subject(reading, row)),
    )


def _check_purpose_count(purposes: list[PurposeT]) -> list[PurposeT]:
    if not 0 < len(purposes) <= MAX_PURPOSES_PER_CALL:
        raise BadRequest("PURPOSES_COUNT", f"A call takes from 1 to {MAX_PURPOSES_PER_CALL} purposes.")
    return purposes


def _build_statement_context(
    method: StatementMethod, notice_input: NoticeInput | None, guardian_input: GuardianInput | None
) -> StatementContext:
    try:
        shown_notice = None if notice_input is None else parse_notice_reference(vars(notice_input), "notice")
        guardian_reference = (
            None if guardian_input is None else parse_guardian_reference(vars(guardian_input), "guardian")
        )
    except MessageRejected as rejection:
        raise BadRequest(rejection.code, f"'{rejection.place}' is not valid.", rejection.reason) from None
    return StatementContext(
        StatementMethod.GUARDIAN if guardian_reference else method, shown_notice, guardian_reference
    )


def _parse_valid_until(info: ResolverInfo, choice: ConsentInput) -> int | None:
    if not choice.valid_until:
        return None
    try:
        valid_until = parse_timestamp(choice.valid_until)
    except WrongType as error:
        raise BadRequest(
            "CONSENT_UNTIL", "'validUntil' is not a valid time.", f"It takes {error.expected}."
        ) from None
    if valid_until <= info.context.require_reading().now_ms:
        raise BadRequest("CONSENT_UNTIL", "'validUntil' is in the past.", "Give a later time, or none.")
    return valid_until


def _receipts(root: ConsentOutcome) -> list[ConsentReceipt]:
    return root.receipts


async def _permissions(
    services: ConsentServices, root: ConsentOutcome, info: ResolverInfo
) -> list[Permission]:
    info.context.require_reading().record_extra("permissions")
    return await read_permissions(services, info, root.row.id)


async def _signal(services: ConsentServices, root: ConsentOutcome, info: ResolverInfo) -> OptOutSignal | None:
    info.context.require_reading().record_extra("optOutSignal")
    return await read_honoured_signal(services, info, root.row.id)


def _customer(root: ConsentOutcome) -> CustomerRow:
    return root.row
