"""A customer joins a record that may be theirs by a code to an address that the record has proven."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from discretion.domain.requests.one_time_codes import CODE_LIFE_MS, MAX_TRIES
from discretion.store.driver.database import Database
from discretion.token.grant import FRESH_LOGIN_S
from tests.fixtures.clock import Clock
from tests.fixtures.mail_server import MailServer
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform
from tests.fixtures.proofs import add_external_id, confirm_card
from tests.journeys.test_login_reach import UNMERGE, run_as_steward

ANN, OLD, MALLORY = "ann@shop.example", "Ann.Old@Post.example", "mallory@evil.example"
CARD = "L-9001"
MERGE = """mutation($ids: [ID!]!) {
  merge(customers: $ids, reason: "One person.", ownersInformed: true) { identityHistory { nodes { id } } }
}"""
POSSIBLE = "{ me { id mayBeYours { id source by } } }"
SEND = "mutation($record: ID!) { sendRecordCode(record: $record) { sentTo until } }"
JOIN = "mutation($record: ID!, $code: String!) { joinRecord(record: $record, code: $code) { id } }"
HISTORY = "{ me { identityHistory { nodes { id by reason evidence { type source assurance } } } } }"


@dataclass(frozen=True)
class Shop:
    """A platform with Ann's account and an older one of hers, its clock and its mail server."""

    platform: PlatformUnderTest
    clock: Clock
    mail_server: MailServer

    def log_in(self, account: str = "w-ann", ago_s: int = 0, client: str = "customer-app") -> str:
        """Return the token of a login some seconds ago."""
        login = self.clock() // 1000 - ago_s
        return self.platform.issue_token("customer", subject=account, authenticated=login, client=client)

    async def send(self, message: dict[str, Any]) -> None:
        """Send a message of the web shop, which must be accepted."""
        answer = await self.platform.send_messages("web-shop", message)
        assert answer["results"][0]["status"] == "accepted", answer

    async def list_possible(self, token: str) -> list[str]:
        """Return the ids of the records that may be the customer's."""
        answer = await self.platform.query(POSSIBLE, token)
        return [record["id"] for record in answer["data"]["me"]["mayBeYours"]]

    async def run(self, token: str, query: str, **variables: Any) -> str | None:
        """Run an operation and return the code of its error; None if it succeeded."""
        answer = await self.platform.query(query, token, variables)
        if "errors" not in answer:
            return None
        code: str = answer["errors"][0]["extensions"]["code"]
        return code

    async def request_code(self, token: str, record: str) -> str:
        """Have a code sent and return it."""
        count = len(self.mail_server.mails)
        assert await self.run(token, SEND, record=record) is None
        await self.mail_server.wait_for_mails(count + 1)
        return self.mail_server.read_code()

    async def require_no_code(self, token: str, record: str) -> None:
        """Require that a code is said to be sent, and that nobody gets it."""
        assert await self.run(token, SEND, record=record) is None
        await asyncio.sleep(0.2)
        assert self.mail_server.mails == []

    async def find_customer(self, account: str) -> str:
        """Return the customer that a login reaches."""
        answer = await self.platform.query("{ me { id } }", self.log_in(account))
        customer: str = answer["data"]["me"]["id"]
        return customer


def build_message(account: str, message_id: str, **traits: Any) -> dict[str, Any]:
    """Return a message with traits of an account."""
    return {"type": "identify", "messageId": message_id, "userId": account, "traits": traits}


def claim_card(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message that types the number of Ann's card."""
    return add_external_id(message, "loyalty_id", CARD)


@pytest_asyncio.fixture
async def shop(
    database: Database, tmp_path: Path, commands: CommandRecorder, mail_server: MailServer
) -> AsyncIterator[Shop]:
    """Yield a shop. Ann has proven an address and a card; her older account typed the card's number."""
    clock = Clock("2026-11-02T10:00")
    platform = await build_test_platform(database, tmp_path, commands, clock=clock, mail_url=mail_server.url)
    async with platform.http:
        shop = Shop(platform, clock, mail_server)
        ann = build_message("w-ann", "ann", email=ANN, emailVerified=True, firstName="Ann")
        await shop.send(confirm_card(ann, CARD))
        await shop.send(claim_card(build_message("w-old", "old", email=OLD, emailVerified=True)))
        clock.advance(2 * 86_400_000)
        yield shop


async def test_a_code_to_the_proven_address_joins_the_record(shop: Shop) -> None:
    token = shop.log_in()
    (record,) = await shop.list_possible(token)
    sent = (await shop.platform.query(SEND, token, {"record": record}))["data"]["sendRecordCode"]
    assert sent == {"sentTo": "email", "until": "2026-11-04T10:10:00.000Z"}, "the address is not shown"
    await shop.mail_server.wait_for_mails(1)
    assert [recipients for recipients, _ in shop.mail_server.mails] == [["Ann.Old@post.example"]]
    assert await shop.run(token, JOIN, record=record, code=shop.mail_server.read_code()) is None
    assert await shop.find_customer("w-old") == await shop.find_customer("w-ann")
    assert await shop.list_possible(token) == []


async def test_the_history_names_what_proved_it(shop: Shop) -> None:
    token = shop.log_in()
    (record,) = await shop.list_possible(token)
    code = await shop.request_code(token, record)
    await shop.run(token, JOIN, record=record, code=code)
    answer = await shop.platform.query(HISTORY, token)
    (event,) = answer["data"]["me"]["identityHistory"]["nodes"]
    assert event["by"] == "customer"
    assert event["reason"].startswith("The person entered a code")
    assert {"type": "email", "source": "web-shop", "assurance": "PROVEN"} in event["evidence"]


async def test_a_repetition_answers_the_same(shop: Shop) -> None:
    token = shop.log_in()
    (record,) = await shop.list_possible(token)
    code = await shop.request_code(token, record)
    answers = [await shop.platform.query(JOIN, token, {"record": record, "code": code}) for _ in range(2)]
    assert "errors" not in answers[0]
    assert answers[0]["data"] == answers[1]["data"]
    assert await shop.run(token, SEND, record=record) == "RECORD_JOINED"


@pytest.mark.parametrize(
    "traits",
    [{}, {"email": MALLORY}, {"email": MALLORY, "emailVerified": False}, {"phone": "+49 30 23125001"}],
)
async def test_no_code_goes_to_an_address_that_is_only_claimed(shop: Shop, traits: dict[str, Any]) -> None:
    """Mallory types Ann's card number and her own address into a record: no code goes to her."""
    before = set(await shop.list_possible(shop.log_in()))
    await shop.send(claim_card(build_message("w-typed", "typed", **traits)))
    (record,) = set(await shop.list_possible(shop.log_in())) - before
    await shop.require_no_code(shop.log_in(), record)


async def test_no_code_goes_to_an_address_that_was_proven_long_ago(shop: Shop) -> None:
    """Mailboxes are given up and assigned again."""
    (record,) = await shop.list_possible(shop.log_in())
    shop.clock.advance(91 * 86_400_000)
    await shop.require_no_code(shop.log_in(), record)


async def test_no_code_goes_to_an_address_that_the_record_has_replaced(shop: Shop) -> None:
    (record,) = await shop.list_possible(shop.log_in())
    await shop.send(build_message("w-old", "new", email="other@post.example"))
    await shop.require_no_code(shop.log_in(), record)


async def test_a_code_ends_with_the_address_that_it_was_sent_to(shop: Shop) -> None:
    token = shop.log_in()
    (record,) = await shop.list_possible(token)
    code = await shop.request_code(token, record)
    shop.clock.advance(60_000)
    await shop.send(build_message("w-old", "new", email="other@post.example"))
    assert await shop.run(token, JOIN, record=record, code=code) == "CODE_WRONG"


async def test_guesses_use_the_code_up(shop: Shop) -> None:
    token = shop.log_in()
    (record,) = await shop.list_possible(token)
    code = await shop.request_code(token, record)
    for number in range(MAX_TRIES):
        wrong = f"{(int(code) + 1 + number) % 10**8:08}"
        assert await shop.run(token, JOIN, record=record, code=wrong) == "CODE_WRONG"
    assert await shop.run(token, JOIN, record=record, code=code) == "CODE_WRONG"
    assert await shop.find_customer("w-old") != await shop.find_customer("w-ann")


@pytest.mark.parametrize("code", ["", "12345678", "0" * 100, "\u00b4"])
async def test_without_a_code_nothing_is_joined(shop: Shop, code: str) -> None:
    (record,) = await shop.list_possible(shop.log_in())
    assert await shop.run(shop.log_in(), JOIN, record=record, code=code) == "CODE_WRONG"


async def test_a_code_expires_after_ten_minutes(shop: Shop) -> None:
    (record,) = await shop.list_possible(shop.log_in())
    code = await shop.request_code(shop.log_in(), record)
    shop.clock.advance(CODE_LIFE_MS)
    assert await shop.run(shop.log_in(), JOIN, record=record, code=code) == "CODE_WRONG"


async def test_an_old_session_joins_nothing(shop: Shop) -> None:
    """The record may be of the thief's own login, who would reach Ann for good. The code stays good."""
    (record,) = await shop.list_possible(shop.log_in())
    stale = shop.log_in(ago_s=FRESH_LOGIN_S + 1)
    code = await shop.request_code(stale, record)
    assert await shop.run(stale, JOIN, record=record, code=code) == "LOGIN_NOT_FRESH"
    assert await shop.run(shop.log_in(), JOIN, record=record, code=code) is None


async def test_a_limited_token_joins_nothing(shop: Shop) -> None:
    (record,) = await shop.list_possible(shop.log_in())
    code = await shop.request_code(shop.log_in(), record)
    limited = shop.platform.issue_token(
        "customer", subject="w-ann", authenticated=shop.clock() // 1000, categories=["user.contact"]
    )
    assert await shop.run(limited, JOIN, record=record, code=code) == "TOKEN_LIMITED"


async def test_a_stolen_code_is_of_no_use_to_another_login(shop: Shop) -> None:
    """Mallory reads Ann's code over her shoulder, and the record may be Mallory's as well."""
    mallory = build_message("w-mallory", "mallory", email=MALLORY, emailVerified=True)
    await shop.send(mallory)
    await shop.send(add_external_id(build_message("w-old", "both"), "email", MALLORY))
    shop.clock.advance(60_000)
    (record,) = await shop.list_possible(shop.log_in())
    code = await shop.request_code(shop.log_in(), record)
    stranger = shop.log_in("w-mallory")
    (seen,) = await shop.list_possible(stranger)
    assert seen == record, "ids of one client are the same"
    assert await shop.run(stranger, JOIN, record=record, code=code) == "CODE_WRONG"
    assert await shop.run(shop.log_in(), JOIN, record=record, code=code) is None


async def test_a_record_of_another_login_is_unknown(shop: Shop) -> None:
    """Mallory knows the id of a record that may be Ann's, or an id of another client, or invents one."""
    await shop.send(build_message("w-mallory", "mallory", email=MALLORY, emailVerified=True))
    (of_ann,) = await shop.list_possible(shop.log_in())
    (of_client,) = await shop.list_possible(shop.log_in(client="other-app"))
    stranger = shop.log_in("w-mallory")
    answers = [
        await shop.platform.query(SEND, stranger, {"record": record})
        for record in (of_ann, of_client, "AAAA", "")
    ]
    assert answers[0]["errors"][0]["extensions"]["code"] == "RECORD_UNKNOWN"
    assert all(answer["errors"] == answers[0]["errors"] for answer in answers)
    assert await shop.run(shop.log_in(), SEND, record=of_client) == "RECORD_UNKNOWN"
    assert await shop.run(stranger, JOIN, record=of_ann, code="12345678") == "RECORD_UNKNOWN"
    assert shop.mail_server.mails == []


async def test_a_steward_who_separated_the_record_is_obeyed(shop: Shop) -> None:
    ids = [await shop.find_customer(account) for account in ("w-ann", "w-old")]
    merged = (await run_as_steward(shop.platform, MERGE, ids=ids))["merge"]
    await run_as_steward(shop.platform, UNMERGE, merge=merged["identityHistory"]["nodes"][0]["id"])
    shop.clock.advance(2 * 86_400_000)
    token = shop.log_in()
    (record,) = await shop.list_possible(token)
    code = await shop.request_code(token, record)
    assert await shop.run(token, JOIN, record=record, code=code) == "JOIN_SEPARATED"
    assert await shop.find_customer("w-old") != await shop.find_customer("w-ann")


async def test_a_steward_can_undo_it(shop: Shop) -> None:
    """The same code does not join the two again."""
    token = shop.log_in()
    (record,) = await shop.list_possible(token)
    code = await shop.request_code(token, record)
    await shop.run(token, JOIN, record=record, code=code)
    history = await shop.platform.query(HISTORY, token)
    merge = history["data"]["me"]["identityHistory"]["nodes"][0]["id"]
    await run_as_steward(shop.platform, UNMERGE, merge=merge)
    assert await shop.find_customer("w-old") != await shop.find_customer("w-ann")
    assert await shop.run(token, JOIN, record=record, code=code) == "CODE_WRONG"


@pytest.mark.parametrize("role", ["support", "steward"])
@pytest.mark.parametrize(("query", "code"), [(SEND, {}), (JOIN, {"code": "12345678"})])
async def test_only_a_customer_joins_records(shop: Shop, role: str, query: str, code: dict[str, str]) -> None:
    (record,) = await shop.list_possible(shop.log_in())
    token = shop.platform.issue_token(role, client="customer-app")
    assert await shop.run(token, query, record=record, **code) == "CUSTOMER_ONLY"


async def test_both_customers_read_in_the_ledger_that_an_address_was_used(shop: Shop) -> None:
    token = shop.log_in()
    (record,) = await shop.list_possible(token)
    await shop.run(token, SEND, record=record)
    for account in ("w-ann", "w-old"):
        answer = await shop.platform.query(
            "{ me { disclosures(first: 9) { nodes { also } } } }", shop.log_in(account)
        )
        entries = answer["data"]["me"]["disclosures"]["nodes"]
        assert any("contact" in entry["also"] for entry in entries), account


BROWSER = {"anonymousId": "shared-browser"}
DAY_MS = 86_400_000


async def create_mallory(shop: Shop) -> None:
    """Create the account of Mallory, who has proven an address."""
    await shop.send(build_message("w-mallory", "mallory", email=MALLORY, emailVerified=True))


async def log_in_at_browser(shop: Shop) -> None:
    """Let Ann log in once at the browser, whose record is attached to her."""
    await shop.send({**build_message("w-ann", "visit", firstName="Ann"), **BROWSER})
    shop.clock.advance(2 * DAY_MS)


async def confirm_at_browser(shop: Shop) -> None:
    """Let Mallory confirm another mailbox at the browser, logged out, and type her account's address."""
    confirmed = {"email": "mallory.2@evil.example", "emailVerified": True}
    message = {"type": "identify", "messageId": "evil", "traits": confirmed, **BROWSER}
    await shop.send(add_external_id(message, "email", MALLORY))
    shop.clock.advance(2 * DAY_MS)


async def test_the_record_of_a_shared_browser_does_not_take_its_owner_along(shop: Shop) -> None:
    await create_mallory(shop)
    await log_in_at_browser(shop)
    await confirm_at_browser(shop)
    assert await shop.list_possible(shop.log_in("w-mallory")) == []
    assert await shop.find_customer("w-ann") != await shop.find_customer("w-mallory")


async def test_a_code_ends_when_somebody_logs_in_at_the_browser(shop: Shop) -> None:
    """The record stood alone when Mallory's code was sent, and is attached to Ann when it is entered."""
    await create_mallory(shop)
    await confirm_at_browser(shop)
    (record,) = await shop.list_possible(shop.log_in("w-mallory"))
    code = await shop.request_code(shop.log_in("w-mallory"), record)
    await shop.send({**build_message("w-ann", "visit", firstName="Ann"), **BROWSER})
    assert await shop.run(shop.log_in("w-mallory"), JOIN, record=record, code=code) == "RECORD_UNKNOWN"
    assert await shop.find_customer("w-ann") != await shop.find_customer("w-mallory")


async def test_a_browser_that_was_joined_does_not_join_who_logs_in_there_later(shop: Shop) -> None:
    await create_mallory(shop)
    await confirm_at_browser(shop)
    (record,) = await shop.list_possible(shop.log_in("w-mallory"))
    code = await shop.request_code(shop.log_in("w-mallory"), record)
    assert await shop.run(shop.log_in("w-mallory"), JOIN, record=record, code=code) is None
    assert await shop.list_possible(shop.log_in("w-mallory")) == []
    await log_in_at_browser(shop)
    assert await shop.find_customer("w-ann") != await shop.find_customer("w-mallory")


async def test_what_a_shared_browser_proved_shows_the_customer_no_records_of_others(shop: Shop) -> None:
    """Mallory's other account has typed the mailbox: that is not Ann's, who only used the same browser."""
    before = await shop.list_possible(shop.log_in())
    await log_in_at_browser(shop)
    await confirm_at_browser(shop)
    await shop.send(build_message("w-mallory-2", "typed", email="mallory.2@evil.example"))
    assert await shop.list_possible(shop.log_in()) == before
