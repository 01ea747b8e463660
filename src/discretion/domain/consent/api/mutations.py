"""``setConsent``, ``withdrawConsent``, ``objectTo`` and ``optOut``: a receipt for each purpose.

Taking back is as easy as giving (GDPR Art. 7(3)): the same call without a notice, and no reason is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import strawberry
from strawberry import UNSET
from strawberry.types.field import StrawberryField

from discretion.domain.consent.api.permissions import OptOutSignal, Permission, permitted, signal
from discretion.domain.consent.api.records import person
from discretion.domain.consent.api.representation import Where, speaker
from discretion.domain.consent.objection_hook import Exercise, Voice
from discretion.domain.consent.receipt import Receipts
from discretion.domain.consent.record_statement import Say
from discretion.domain.consent.statement_record import ConsentEvent
from discretion.domain.consent.statement_writer import Also, Before
from discretion.domain.consent.statements import Act, choice, shared
from discretion.domain.ingest.message import Said
from discretion.domain.ingest.rejection import No
from discretion.domain.ingest.statement_context import Method, Saying, guardian, notice
from discretion.domain.ingest.value_parsing import WrongType, moment
from discretion.domain.kit.graphql.field import field
from discretion.domain.kit.graphql.loading import load
from discretion.domain.kit.graphql.scalars import DateTime
from discretion.domain.profiles.api.customer_types import object_type
from discretion.errors import BadRequest, Forbidden, NotFound
from discretion.reveal.forms import iso
from discretion.reveal.revealer import Reading, Row
from discretion.store.driver.database import Operation

MAX_PURPOSES = 100
"""Purposes that one call names."""


@strawberry.input(description="A word about a purpose, or about all purposes below a node of their tree.")
class ConsentInput:
    """Yes or no."""

    purpose: str = strawberry.field(description="Such as `marketing.communications.email`, or `marketing`.")
    given: bool
    valid_until: DateTime | None = strawberry.field(
        default=UNSET, description="Until when a yes counts; never longer than the purpose lasts."
    )


@strawberry.input(description="The privacy notice that was shown before the word was said.")
class NoticeInput:
    """See ``channels.saying.Notice``."""

    version: str
    language: str = strawberry.field(description="BCP 47, such as `de`.")
    sha256: str = strawberry.field(description="SHA-256 of its text, in hexadecimal.")


@strawberry.input(description="Who agreed for a child.")
class GuardianInput:
    """See ``channels.saying.guardian``."""

    reference: str = strawberry.field(description="The number of your own file on it. No name.")


@strawberry.type(description="Proof that a word is on record, signed.")
class ConsentReceipt:
    """See ``consent.receipt``."""

    id: strawberry.ID = strawberry.field(description="A UUID; `consents` lists the record under it.")
    purpose: str
    state: str
    at: DateTime
    jws: str = strawberry.field(
        description="A JSON Web Signature of the whole record; `/.well-known/jwks.json` verifies it."
    )


@dataclass(frozen=True, slots=True)
class Done:
    """What a word came to: the customer, and a receipt for each purpose."""

    row: Row
    receipts: list[ConsentReceipt]


def consent_mutations(customer: Any) -> list[StrawberryField]:
    """The mutations; ``customer`` is the GraphQL type of customers."""
    payload: Any = object_type(
        "ConsentPayload",
        [
            field(_receipts, "receipts", list[ConsentReceipt], "One for each purpose it was about."),
            field(_permissions, "permissions", list[Permission], "What is permitted from now on."),
            field(_signal, "optOutSignal", OptOutSignal | None, "The opt-out signal that is honoured."),
            field(_customer, "customer", customer | None, "Whom it was about, as they are now."),
        ],
        "What a word about purposes came to. It is in force when this is answered.",
    )
    gives = (
        "Says yes or no to purposes. By the customer, or by a steward on behalf of one; for a child a "
        "steward names the guardian's word."
    )
    withdraws = (
        "Takes back consent to purposes; a node of the tree takes back all below it. No reason is needed."
    )
    objects = (
        "Objects to purposes that rest on a legitimate interest, and to any marketing (GDPR Art. 21). It is "
        "among `rightsRequests`, fulfilled."
    )
    opts_out = "Opts out of sale, sharing and targeted advertising, all at once. No reason is needed."
    return [
        field(_set_consent, "setConsent", payload | None, gives),
        field(_withdraw, "withdrawConsent", payload | None, withdraws),
        field(_object_to, "objectTo", payload | None, objects),
        field(_opt_out, "optOut", payload | None, opts_out),
    ]


async def _set_consent(
    root: Any,
    info: Where,
    purposes: list[ConsentInput],
    notice: NoticeInput | None = UNSET,
    customer: strawberry.ID | None = UNSET,
    guardian: GuardianInput | None = UNSET,
) -> Done:
    del root
    named, by, method = await speaker(info, customer)
    if guardian and method is Method.CLICK:
        raise Forbidden(
            "GUARDIAN_NOT_OWN",
            "Nobody agrees for themselves as their own guardian.",
            "A steward puts a guardian's consent on record, or a source at /v1/consent.",
        )
    saying = _saying(method, notice or None, guardian or None)
    words = [
        (one.purpose, Said(one.given, _until(info, one), guardian=saying.guardian is not None))
        for one in _bounded(purposes)
    ]
    return await _say(info, named, by, Act.CHOOSE, saying, words)


async def _withdraw(
    root: Any, info: Where, purposes: list[str], customer: strawberry.ID | None = UNSET
) -> Done:
    del root
    return await _refuse(info, customer, Act.WITHDRAW, _bounded(purposes))


async def _object_to(
    root: Any, info: Where, purposes: list[str], customer: strawberry.ID | None = UNSET
) -> Done:
    del root
    return await _refuse(info, customer, Act.OBJECT, _bounded(purposes))


async def _opt_out(root: Any, info: Where, customer: strawberry.ID | None = UNSET) -> Done:
    del root
    return await _refuse(info, customer, Act.OPT_OUT, shared(info.context.records.catalogue))


async def _refuse(info: Where, customer: Any, act: Act, purposes: Sequence[str]) -> Done:
    named, by, method = await speaker(info, customer)
    return await _say(info, named, by, act, Saying(method), [(one, Said(False)) for one in purposes])


async def _say(
    info: Where, named: bytes, by: str, act: Act, saying: Saying, said: Iterable[tuple[str, Said]]
) -> Done:
    records, reading = info.context.records, info.context.meeting()
    words = choice(records.catalogue, said)
    beside = _beside(info, by, words) if act is Act.OBJECT else _nothing
    made = await records.verbs[Say](named, act, by, saying, words, beside=beside)
    reading.note("consents")
    row = await load(info, named)
    if row is None:
        raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
    return Done(row, [_receipt(info, reading, row, one) for one in made])


def _beside(info: Where, by: str, words: Iterable[str]) -> Also:
    """What goes on record as the exercise of a right."""
    grant = info.context.meeting().grant
    voice = Voice(by, grant.client, grant.subject, grant.is_steward)
    return info.context.records.verbs[Exercise].objected(voice, sorted(words))


def _nothing(_: Before) -> Sequence[tuple[str, Operation]]:
    return ()


def _receipt(info: Where, reading: Reading, row: Row, made: ConsentEvent) -> ConsentReceipt:
    verbs = info.context.records.verbs
    terms = verbs[Say].agreed.documents[made.terms]
    return ConsentReceipt(
        id=strawberry.ID(made.name),
        purpose=made.purpose,
        state=made.state.value,
        at=DateTime(iso(made.at)),
        jws=verbs[Receipts].sign(made, terms, person(reading, row)),
    )


def _bounded(purposes: list[Any]) -> list[Any]:
    if not 0 < len(purposes) <= MAX_PURPOSES:
        raise BadRequest("PURPOSES_COUNT", f"A call names from 1 to {MAX_PURPOSES} purposes.")
    return purposes


def _saying(method: Method, shown: NoticeInput | None, by_guardian: GuardianInput | None) -> Saying:
    try:
        told = None if shown is None else notice(vars(shown), "notice")
        reference = None if by_guardian is None else guardian(vars(by_guardian), "guardian")
    except No as no:
        raise BadRequest(no.code, f"'{no.place}' is not what it should be.", no.reason) from None
    return Saying(Method.GUARDIAN if reference else method, told, reference)


def _until(info: Where, one: ConsentInput) -> int | None:
    if not one.valid_until:
        return None
    try:
        until = moment(one.valid_until)
    except WrongType as wrong:
        raise BadRequest("CONSENT_UNTIL", "'validUntil' is no time.", f"It takes {wrong.wanted}.") from None
    if until <= info.context.meeting().now_ms:
        raise BadRequest("CONSENT_UNTIL", "'validUntil' is over.", "Give a time to come, or none.")
    return until


def _receipts(root: Any) -> list[ConsentReceipt]:
    return root.receipts  # type: ignore[no-any-return]


async def _permissions(root: Any, info: Where) -> list[Permission]:
    info.context.meeting().note("permissions")
    return await permitted(info, root.row.id)


async def _signal(root: Any, info: Where) -> OptOutSignal | None:
    info.context.meeting().note("optOutSignal")
    return await signal(info, root.row.id)


def _customer(root: Any) -> Any:
    return root.row
