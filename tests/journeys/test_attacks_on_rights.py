"""Malicious or careless requests neither obtain nor destroy the data of others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from discretion.app.clock import now_ms
from discretion.domain.requests.code_addresses import MERGE_MIN_AGE_MS
from discretion.domain.requests.one_time_codes import MAX_CODES
from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.fixtures.mail_server import MailServer
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.package import request_package
from tests.fixtures.platform import PlatformUnderTest, build_test_platform
from tests.journeys.rights import (
    ACCESS,
    APPEAL,
    CORRECTION,
    DECIDE,
    ERASURE,
    EXTEND,
    LIMIT,
    LIST_OWN_REQUESTS,
    MESSAGE,
    OPT_OUT,
    PAUSE,
    READ_REQUEST,
    REFUSAL,
    RESTRICTION,
    RESUME,
    WITHDRAW,
    create_customer,
    find_customer_id,
    issue_own_token,
    list_requests,
    run_operation,
    run_refused_operation,
)
from tests.journeys.test_identity_proofing import (
    PROVE,
    SEND,
    build_contact,
    file_by_contact,
    issue_page_token,
)

MERGE = (
    "mutation($ids: [ID!]!) { "
    'merge(customers: $ids, reason: "D-17") { identityHistory { nodes { id kind } } } }'
)
UNMERGE = "mutation($merge: ID!) { unmerge(merge: $merge) { id } }"


@pytest_asyncio.fixture
async def mailing_platform(
    database: Database, tmp_path: Path, commands: CommandRecorder, mail_server: MailServer
) -> AsyncIterator[PlatformUnderTest]:
    """A platform with a stopped clock and a mail server."""
    clock = Clock("2026-11-02T10:00")
    test_platform = await build_test_platform(
        database, tmp_path, commands, clock=clock, mail_url=mail_server.url
    )
    async with test_platform.http:
        yield test_platform


@pytest.mark.parametrize("scope", [{"channel": ""}, {"category": ""}, {"purpose": ""}, {"channel": None}, {}])
async def test_an_empty_erasure_scope_does_not_erase_everything(
    platform: PlatformUnderTest, scope: dict[str, Any]
) -> None:
    """A form sent without a choice must not erase a whole customer: an erasure cannot be undone."""
    token = await issue_own_token(platform, await create_customer(platform))
    assert await run_refused_operation(platform, token, ERASURE, scope=scope) in {
        "SCOPE_UNKNOWN",
        "SCOPE_EMPTY",
    }
    steward = platform.issue_token("steward")
    assert await list_requests(platform, steward) == []


TILDA, VERA = "tilda@shop.example", "vera@shop.example"
TAKEOVERS: dict[str, dict[str, Any]] = {
    "types the address of a customer of the tills": {"traits": {"email": TILDA}},
    "types her address in other letters": {"traits": {"email": TILDA.upper(), "emailVerified": False}},
    "types her phone number": {"traits": {"phone": "+49 30 23125001"}},
    "names the number on her receipts": {
        "context": {
            "externalIds": [
                {"id": "L-tilda", "type": "loyalty_id", "collection": "users", "encoding": "none"}
            ]
        }
    },
    "names it as a former id": {"type": "alias", "previousId": "L-tilda"},
    "types the address of an account, long ago": {
        "timestamp": "2001-01-01T00:00:00Z",
        "traits": {"email": VERA},
    },
    "names the number of the account, before its first message": {
        "timestamp": "2026-03-01T10:00:00Z",
        "context": {"externalIds": [{"id": "w-vera", "type": "user_id", "assurance": "proven"}]},
    },
}
VICTIMS = (("loyalty_id", "L-tilda"), ("user_id", "w-vera"))
READ_VICTIM = """query($t: String!, $v: String!) { customer(identifier: {type: $t, value: $v}) {
  id identity { givenName } contact { email address { street } } commerce { orderCount } } }"""


async def read_victims(platform: PlatformUnderTest, *identifiers: tuple[str, str]) -> list[Any]:
    """Return what the privacy office reads of both victims; by default by their numbers."""
    steward = platform.issue_token("steward", purposes=["essential"])
    return [
        (await platform.query(READ_VICTIM, steward, {"t": identifier_type, "v": value}))["data"]["customer"]
        for identifier_type, value in identifiers or VICTIMS
    ]


async def create_victims(platform: PlatformUnderTest) -> None:
    """Create a customer of the tills and an account of the web shop, with an order each."""
    home = {"address": {"street": "Geheimweg 1", "country": "DE"}}
    tilda = {"firstName": "Tilda", "email": TILDA, "phone": "+49 30 23125001", **home}
    vera = {"firstName": "Vera", "email": VERA, **home}
    for source, user, traits in (("tills", "L-tilda", tilda), ("web-shop", "w-vera", vera)):
        await platform.send_messages(source, {"type": "identify", "userId": user, "traits": traits})
        await send_order(platform, source, user, "o-1")


async def send_order(platform: PlatformUnderTest, source: str, user: str, order: str) -> None:
    """Send an order of a user."""
    properties = {"order_id": order, "total": 77}
    message = {"type": "track", "event": "Order Completed", "userId": user, "properties": properties}
    await platform.send_messages(source, message)


async def test_an_account_that_names_what_is_anothers_reads_and_erases_only_its_own(
    platform: PlatformUnderTest,
) -> None:
    """Neither the profile nor the access package has anything of the victim, and an erasure leaves her."""
    await create_victims(platform)
    before = await read_victims(platform)
    read_own = "{ me { identity { givenName familyName } commerce { orderCount } } }"
    own = {"identity": {"givenName": None, "familyName": "Evil"}, "commerce": {"orderCount": None}}
    for number, (name, takeover) in enumerate(TAKEOVERS.items()):
        attacker = f"attacker-{number}"
        account = {"type": "identify", "userId": attacker, "traits": {"lastName": "Evil"}}
        outcome = await platform.send_messages("web-shop", account, {**account, "traits": {}, **takeover})
        assert outcome["accepted"] == 2, name
        token = platform.issue_token("customer", subject=attacker, authenticated=now_ms() // 1000)
        assert (await platform.query(read_own, token))["data"]["me"] == own, name
        package = b"".join((await request_package(platform, "user_id", attacker)).files.values())
        assert b"Evil" in package
        assert not [secret for secret in (b"Tilda", b"Vera", b"Geheimweg", b"o-1") if secret in package], name
        await run_operation(platform, token, ERASURE)
        await platform.run_due_requests()
        assert (await platform.query("{ me { id } }", token))["data"]["me"] is None
        assert await read_victims(platform) == before, name
    await send_order(platform, "web-shop", "w-vera", "o-2")
    await send_order(platform, "tills", "L-tilda", "o-2")
    after = await read_victims(platform)
    assert [victim["commerce"]["orderCount"] for victim in after] == [2, 2]
    assert await read_victims(platform, ("email", TILDA), ("email", VERA)) == after


async def test_closed_requests_do_not_reveal_whether_a_customer_exists(
    mailing_platform: PlatformUnderTest,
) -> None:
    """After withdrawal or refusal, later messages and appeals get the same answers for an unknown contact."""
    token, known_email = issue_page_token(mailing_platform), await create_customer(mailing_platform)
    agent = mailing_platform.issue_token(client="partner", subject="agent", scopes=["agent"], purposes=[])
    behalf = {"requester": {"reference": "F-1"}}
    codes = []
    for email in (known_email, "axx@shop.example"):
        withdrawn_request = await file_by_contact(mailing_platform, token, email)
        await run_operation(mailing_platform, token, WITHDRAW, id=withdrawn_request["id"])
        by_agent = {"for": {"contact": build_contact(email), **behalf}}
        opt_out_request = await run_operation(mailing_platform, agent, OPT_OUT, **by_agent)
        refused_request = await file_by_contact(mailing_platform, token, email)
        steward = mailing_platform.issue_token("steward")
        open_requests = [
            request
            for request in await list_requests(mailing_platform, steward)
            if request["state"] == "ACTION_REQUIRED"
        ]
        await run_operation(
            mailing_platform, steward, DECIDE, id=open_requests[-1]["id"], accept=False, refusal=REFUSAL
        )
        codes.append(
            [
                await run_refused_operation(
                    mailing_platform, token, MESSAGE, id=withdrawn_request["id"], text="Hello."
                ),
                await run_refused_operation(
                    mailing_platform, agent, MESSAGE, id=opt_out_request["id"], text="Hello."
                ),
                await run_refused_operation(
                    mailing_platform, token, MESSAGE, id=refused_request["id"], text="Hello."
                ),
                await run_refused_operation(mailing_platform, token, APPEAL, id=refused_request["id"]),
            ]
        )
    assert codes[0] == codes[1]


async def test_an_erasure_after_an_unmerge_erases_only_the_requester(
    platform: PlatformUnderTest,
) -> None:
    """If a steward unmerges two people before the erasure runs, it erases the one who asked."""
    emails = [await create_customer(platform, name) for name in ("ann", "bob")]
    ids = [await find_customer_id(platform, email) for email in emails]
    tokens = {email: await issue_own_token(platform, email) for email in emails}
    steward = platform.issue_token("steward", purposes=["essential"])
    merged_customer = (await platform.query(MERGE, steward, {"ids": ids}))["data"]["merge"]
    merge = merged_customer["identityHistory"]["nodes"][0]["id"]
    surviving_id = await find_customer_id(platform, emails[0])
    merged_email = emails[0] if ids[0] != surviving_id else emails[1]
    surviving_email = emails[1] if merged_email == emails[0] else emails[0]
    request = await run_operation(platform, tokens[merged_email], ERASURE)
    answer = await platform.query(UNMERGE, steward, {"merge": merge})
    assert "errors" not in answer, answer
    await platform.run_due_requests()
    assert await find_customer_id(platform, surviving_email)
    with pytest.raises(TypeError):
        await find_customer_id(platform, merged_email)
    assert (await run_operation(platform, tokens[merged_email], READ_REQUEST, id=request["id"]))[
        "id"
    ] == request["id"]


async def test_a_paused_accepted_request_continues_when_resumed(mailing_platform: PlatformUnderTest) -> None:
    """A steward's question does not block a request for ever."""
    token = await issue_own_token(
        mailing_platform, await create_customer(mailing_platform, jurisdiction="gb")
    )
    request = await run_operation(mailing_platform, token, ACCESS)
    assert request["state"] == "ACCEPTED"
    steward = mailing_platform.issue_token("steward")
    (open_request,) = await list_requests(mailing_platform, steward)
    await run_operation(
        mailing_platform, steward, EXTEND, id=open_request["id"], reason="There is much of it.", length=None
    )
    paused = await run_operation(
        mailing_platform, steward, PAUSE, id=open_request["id"], reason="CLARIFICATION"
    )
    assert paused["state"] == "ACTION_REQUIRED"
    await mailing_platform.run_due_requests()
    assert (await run_operation(mailing_platform, token, READ_REQUEST, id=request["id"]))[
        "state"
    ] == "ACTION_REQUIRED"
    await run_operation(mailing_platform, steward, RESUME, id=open_request["id"])
    await mailing_platform.run_due_requests()
    assert (await run_operation(mailing_platform, token, READ_REQUEST, id=request["id"]))[
        "state"
    ] == "FULFILLED"


@pytest.mark.parametrize("stolen", [True, False])
async def test_codes_are_limited_per_recipient(
    mailing_platform: PlatformUnderTest, mail_server: MailServer, *, stolen: bool
) -> None:
    """New requests give an attacker no more codes to guess and send no more mails to the recipient."""
    email = await create_customer(mailing_platform)
    token = (
        await issue_own_token(mailing_platform, email, just_authenticated=False)
        if stolen
        else issue_page_token(mailing_platform)
    )
    behalf = {} if stolen else {"for": {"contact": build_contact(email)}}
    contact_argument = {} if stolen else {"c": build_contact(email)}
    answers = []
    for number in range(MAX_CODES + 2):
        changes = [{"attribute": "identity.givenName", "value": f"Ann {number}"}]
        filed = await run_operation(mailing_platform, token, CORRECTION, changes=changes, **behalf)
        answer = await mailing_platform.query(SEND, token, {"id": filed["id"], **contact_argument})
        answers.append([error["extensions"]["code"] for error in answer.get("errors", ())])
    assert answers == [[]] * MAX_CODES + [["CODES_TOO_MANY"]] * 2
    await mail_server.wait_for_mails(MAX_CODES)
    await asyncio.sleep(0.1)
    assert len(mail_server.mails) == MAX_CODES


async def test_immediate_requests_end_the_same_for_unknown_contacts(
    mailing_platform: PlatformUnderTest,
) -> None:
    """An agent who watches the outcome does not learn whether a contact is a customer."""
    agent = mailing_platform.issue_token(client="partner", subject="agent", scopes=["agent"], purposes=[])
    outcomes = []
    for email in (await create_customer(mailing_platform), "axx@shop.example"):
        behalf = {"for": {"contact": build_contact(email), "requester": {"reference": "F-1"}}}
        filed_requests = [
            await run_operation(mailing_platform, agent, operation, **behalf)
            for operation in (OPT_OUT, LIMIT, RESTRICTION)
        ]
        await mailing_platform.run_due_requests()
        final_requests = [
            await run_operation(mailing_platform, agent, READ_REQUEST, id=request["id"])
            for request in filed_requests
        ]
        outcomes.append([{**request, "id": ""} for request in (*filed_requests, *final_requests)])
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("is_proven_first", [False, True])
async def test_a_request_by_an_address_ends_when_its_customer_is_separated(
    mailing_platform: PlatformUnderTest, mail_server: MailServer, *, is_proven_first: bool
) -> None:
    """Whoever proves the address of the one is not answered about the other, who has the common id."""
    emails = [await create_customer(mailing_platform, name) for name in ("ann", "bob")]
    ids = [await find_customer_id(mailing_platform, email) for email in emails]
    steward = mailing_platform.issue_token("steward", purposes=["essential"])
    merged = (await mailing_platform.query(MERGE, steward, {"ids": ids}))["data"]["merge"]
    clock = mailing_platform.internals.discloser.now_ms
    assert isinstance(clock, Clock)
    clock.advance(2 * MERGE_MIN_AGE_MS)
    surviving_id = await find_customer_id(mailing_platform, emails[0])
    asking, other = emails if ids[0] != surviving_id else emails[::-1]
    page = issue_page_token(mailing_platform)
    filed = await file_by_contact(mailing_platform, page, asking, ERASURE)
    await run_operation(mailing_platform, page, SEND, id=filed["id"], c=build_contact(asking))
    await mail_server.wait_for_mails(1)
    prove = {"id": filed["id"], "code": mail_server.read_code()}
    if is_proven_first:
        await run_operation(mailing_platform, page, PROVE, **prove)
    unmerge = {"merge": merged["identityHistory"]["nodes"][0]["id"]}
    steward = mailing_platform.issue_token("steward", purposes=["essential"])
    assert "errors" not in await mailing_platform.query(UNMERGE, steward, unmerge)
    if not is_proven_first:
        await run_operation(mailing_platform, page, PROVE, **prove)
    await mailing_platform.run_due_requests()
    ended = await run_operation(mailing_platform, page, READ_REQUEST, id=filed["id"])
    assert (ended["state"], ended["reason"]) == ("UNFULFILLED", "REACH_ENDED")
    own_requests = await run_operation(
        mailing_platform, await issue_own_token(mailing_platform, other), LIST_OWN_REQUESTS
    )
    assert own_requests["rightsRequests"]["nodes"] == []


async def test_an_agent_lifts_no_restriction_before_the_customer_proves_it(
    mailing_platform: PlatformUnderTest, mail_server: MailServer
) -> None:
    """To restrict only protects, and to lift it gives the data free."""
    email = await create_customer(mailing_platform)
    own_token = await issue_own_token(mailing_platform, email)
    await run_operation(mailing_platform, own_token, RESTRICTION)
    agent = mailing_platform.issue_token(client="partner", subject="agent", scopes=["agent"], purposes=[])
    behalf = {"contact": build_contact(email), "requester": {"reference": "F-1"}}
    filed = await run_operation(mailing_platform, agent, RESTRICTION, lift=True, **{"for": behalf})
    assert (filed["state"], filed["reason"]) == ("ACTION_REQUIRED", "IDENTITY")
    await mailing_platform.run_due_requests()
    permissions = "{ me { permissions { why } } }"
    answer = await mailing_platform.query(permissions, own_token)
    assert "restricted" in {permission["why"] for permission in answer["data"]["me"]["permissions"]}
    await run_operation(mailing_platform, agent, SEND, id=filed["id"], c=build_contact(email))
    await mail_server.wait_for_mails(1)
    await run_operation(mailing_platform, agent, PROVE, id=filed["id"], code=mail_server.read_code())
    await mailing_platform.run_due_requests()
    answer = await mailing_platform.query(permissions, own_token)
    assert "restricted" not in {permission["why"] for permission in answer["data"]["me"]["permissions"]}


async def test_a_known_address_costs_no_other_queries_than_an_unknown_one(
    mailing_platform: PlatformUnderTest, commands: CommandRecorder
) -> None:
    """Otherwise whoever types addresses on a public page learns from the time which are known."""
    page, changes = issue_page_token(mailing_platform), [{"attribute": "identity.givenName", "value": "X"}]
    sent: dict[str, list[list[tuple[str, object]]]] = {}
    emails = ["axx@shop.example", await create_customer(mailing_platform)]
    await file_by_contact(mailing_platform, page, emails[0])  # the first one reads where the ledger ends
    for email in emails:
        behalf = {"for": {"contact": build_contact(email)}}
        for query, variables in ((ACCESS, {}), (CORRECTION, {"changes": changes}), (RESTRICTION, {})):
            commands.clear()
            await run_operation(mailing_platform, page, query, **behalf, **variables)
            queries = [next(iter(command.items())) for command in commands.sent]
            sent.setdefault(query, []).append(queries)
    for of_nobody, of_customer in sent.values():
        assert of_customer == of_nobody
