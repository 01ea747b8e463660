"""GraphQL mutations ``joinLogins``, ``sendRecordCode`` and ``joinRecord``, for customers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import strawberry
from strawberry.types.field import StrawberryField

from discretion.domain.identity.api.unjoined import (
    RECORD_ID_KIND,
    find_possible_records,
    require_own_reading,
)
from discretion.domain.identity.personal_joins import build_unknown_record_error
from discretion.domain.identity.possible_records import PossibleRecord
from discretion.domain.joins.api.informed_logins import find_informed_logins
from discretion.domain.joins.login_joins import LoginJoins, require_joining_login, require_login_record
from discretion.domain.joins.proposals import JoinProposals
from discretion.domain.joins.record_joins import RecordJoins
from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.kit.graphql.field import bind_services, build_field
from discretion.domain.kit.graphql.loading import load_customer, load_subjects
from discretion.domain.kit.graphql.scalars import DateTime
from discretion.domain.requests.api.identity_proofing import SentCode, format_caller_key
from discretion.domain.requests.api.known_address import reveal_first_address
from discretion.domain.requests.code_addresses import EMAIL_TYPE
from discretion.domain.requests.one_time_codes import CODE_LIFE_MS
from discretion.domain.requests.proven_spelling import ADDRESS_LABEL
from discretion.errors import Conflict
from discretion.reveal.forms import format_timestamp
from discretion.reveal.login_reach import LoginReach, LoginReachResolver
from discretion.reveal.revealer import CustomerRow, Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinServices:
    """The services of the fields of joins."""

    login_joins: LoginJoins
    record_joins: RecordJoins
    login_reaches: LoginReachResolver
    proposals: JoinProposals


def join_mutations(customer: Any, provide: Callable[[], JoinServices]) -> list[StrawberryField]:
    """Build the mutations; ``customer`` is the GraphQL type that they return."""
    join_logins_description = (
        "Joins the customer's login with another login of theirs, by its own token: both logins are of the "
        "last ten minutes, in one client. Each token joins once; a repetition answers the same. Give it as a "
        "variable. Every address that the logins of the two have confirmed is informed first. "
        "Refused with `JOIN_SEPARATED` if the privacy office has separated records of the two."
    )
    send_description = (
        "Has a code sent to an e-mail address that a record of `me { mayBeYours }` has proven, lately. "
        "`sentTo` is the type of the address, `email`. The answer is the same if the record has no such "
        "address, because the record may be of somebody else. Say that a code arrives within minutes if the "
        "record has one, and that otherwise a till's confirmation of the card or the privacy office joins it."
    )
    join_record_description = (
        "Joins a record of `me { mayBeYours }` to the customer by the code, after a login of the last ten "
        "minutes. A repetition answers the same. Refused with `JOIN_SEPARATED` if the privacy office has "
        "separated it from the customer."
    )
    return [
        build_field(
            bind_services(provide, _join_logins), "joinLogins", customer | None, join_logins_description
        ),
        build_field(
            bind_services(provide, _send_record_code), "sendRecordCode", SentCode | None, send_description
        ),
        build_field(
            bind_services(provide, _join_record), "joinRecord", customer | None, join_record_description
        ),
    ]


async def _join_logins(
    services: JoinServices, root: object, info: ResolverInfo, token: str
) -> CustomerRow | None:
    del root
    reading, reach = _require_own_login(info)

    async def find_recipients(customers: Sequence[bytes]) -> list[str]:
        rows = (await load_subjects(info, customers)).values()
        informed = [await find_informed_logins(info, row) for row in rows]
        return list(dict.fromkeys(address for side in informed for address in side.addresses))

    await services.login_joins.join(reading.grant, reach, token, find_recipients)
    return await _load_joined(services, info, reading)


async def _send_record_code(
    services: JoinServices, root: object, info: ResolverInfo, record: strawberry.ID
) -> SentCode:
    del root
    reading, reach = _require_own_login(info)
    own, possible = require_login_record(reach), await _find_possible_record(info, reading, record)
    if possible is None:
        raise Conflict("RECORD_JOINED", "The record is joined to the customer already.")
    addresses = await services.record_joins.find_addresses(possible.record, possible.customer)
    # The code is about whoever has the record and whoever asks for it, so the ledger names both.
    subjects = [customer for customer in (possible.customer, reading.own_customer) if customer is not None]
    row = (await load_subjects(info, subjects)).get(possible.customer)
    records = await info.context.resources.identities.list_identifiers(possible.customer, {EMAIL_TYPE})
    named = [each for each in records if each.id == possible.record]
    # With and without an address: whoever asks reads this entry too, and must not learn which it was.
    reading.record_extra(ADDRESS_LABEL)
    recipient = None if row is None else await reveal_first_address(info, row, named, addresses)
    await services.record_joins.send_code(own, possible.record, addresses, recipient, format_caller_key(info))
    return SentCode(
        # Whoever asks may be a stranger to the record, so the answer shows no part of the address.
        sent_to=EMAIL_TYPE,
        until=DateTime(format_timestamp(reading.now_ms + CODE_LIFE_MS)),
    )


async def _join_record(
    services: JoinServices, root: object, info: ResolverInfo, record: strawberry.ID, code: str
) -> CustomerRow | None:
    del root
    reading, reach = _require_own_login(info)
    own, possible = require_login_record(reach), await _find_possible_record(info, reading, record)
    # None: it is joined already, as after a repetition of the same call.
    if possible is not None:
        # The record may be of a login of its own, which then reaches this customer for ever.
        require_joining_login(reading.grant, reading.now_ms, "Log in again, then enter the code.")
        await services.record_joins.join(
            own, possible.record, possible.customer, format_caller_key(info), code
        )
    return await _load_joined(services, info, reading)


def _require_own_login(info: ResolverInfo) -> tuple[Reading, LoginReach]:
    """Return the reading of a customer's own token, and what its login reaches.

    Raises:
        Unauthenticated: ``TOKEN_MISSING``; Forbidden: ``CUSTOMER_ONLY``; NotFound: ``LOGIN_UNKNOWN``.
    """
    reading = require_own_reading(info)
    assert reading.login_reach is not None  # every customer's own token has a login
    require_login_record(reading.login_reach)
    return reading, reading.login_reach


async def _find_possible_record(info: ResolverInfo, reading: Reading, record: str) -> PossibleRecord | None:
    """Return a record that may be the customer's; None if it is theirs already.

    Raises:
        NotFound: ``RECORD_UNKNOWN``; the same for an id of another client, for a record that does not exist,
            and for one of somebody else that claims nothing of this customer.
    """
    record_id, customer = reading.decode_id(RECORD_ID_KIND, record), reading.own_customer
    if record_id is None or customer is None:
        raise build_unknown_record_error()
    own_records = await info.context.resources.identities.list_identifiers(customer, ())
    if any(own.id == record_id for own in own_records):
        return None
    for possible in (await find_possible_records(info, customer)).records:
        if possible.record == record_id:
            return possible
    raise build_unknown_record_error()


async def _load_joined(services: JoinServices, info: ResolverInfo, reading: Reading) -> CustomerRow | None:
    """Load the customer that the login reaches after the join, which may have another id."""
    login = reading.grant.login
    assert login is not None
    reading.login_reach = await services.login_reaches.resolve(login)
    return await load_customer(info, reading.own_customer)
