"""A person who can log in to two accounts joins them by the tokens of both logins."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from discretion.store.driver.database import Database
from discretion.token.grant import FRESH_LOGIN_S
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform
from tests.fixtures.proofs import confirm_card
from tests.journeys.test_login_reach import (
    MERGE,
    UNMERGE,
    build_account,
    read_me,
    run_as_steward,
)

JOIN = "mutation($token: String!) { joinLogins(token: $token) { id } }"
HISTORY = """{ me { identityHistory { nodes {
  id kind by reason evidence { type value source assurance }
} } } }"""
CUSTOMERS = "{ customers { nodes { id } } }"
BY_NUMBER = """query($type: String!, $value: String!) {
  customer(identifier: {type: $type, value: $value}) { id }
}"""


@dataclass(frozen=True)
class Accounts:
    """A platform with accounts of Ann, Anna (the same person) and Mallory, and its clock."""

    platform: PlatformUnderTest
    clock: Clock

    def log_in(self, account: str, ago_s: int = 0, **members: Any) -> str:
        """Return the token of a login some seconds ago."""
        login = self.clock() // 1000 - ago_s
        return self.platform.issue_token("customer", subject=account, authenticated=login, **members)

    async def join(self, own: str | None, other: str) -> str | None:
        """Join a login with another one; return the code of the error."""
        answer = await self.platform.query(JOIN, own, {"token": other})
        if "errors" not in answer:
            return None
        code: str = answer["errors"][0]["extensions"]["code"]
        return code

    async def count_customers(self) -> int:
        """Return how many customers there are."""
        return len((await run_as_steward(self.platform, CUSTOMERS))["customers"]["nodes"])


@pytest_asyncio.fixture
async def accounts(database: Database, tmp_path: Path, commands: CommandRecorder) -> AsyncIterator[Accounts]:
    """Yield three accounts, each a customer of its own."""
    clock = Clock("2026-11-02T10:00")
    platform = await build_test_platform(database, tmp_path, commands, clock=clock)
    async with platform.http:
        for account, name in (("w-ann", "Ann"), ("w-anna", "Anna"), ("w-mallory", "Mallory")):
            await platform.send_messages("web-shop", build_account(account, name))
        clock.advance(86_400_000)
        yield Accounts(platform, clock)


async def test_both_logins_reach_what_either_of_them_reached(accounts: Accounts) -> None:
    assert await accounts.join(accounts.log_in("w-ann"), accounts.log_in("w-anna")) is None
    ann, anna = [await read_me(accounts.platform, account) for account in ("w-ann", "w-anna")]
    assert ann == anna
    assert ann is not None
    assert await accounts.count_customers() == 2, "Mallory is a customer of her own"


async def test_the_answer_is_the_joined_customer(accounts: Accounts) -> None:
    """Whichever of the two logins asks, and whichever id the customer has afterwards."""
    names = "mutation($token: String!) { joinLogins(token: $token) { id identity { givenName } } }"
    answer = await accounts.platform.query(
        names, accounts.log_in("w-anna"), {"token": accounts.log_in("w-ann")}
    )
    me = await read_me(accounts.platform, "w-ann")
    assert me is not None
    assert answer["data"]["joinLogins"] == {"id": me["id"], "identity": me["identity"]}


async def test_the_history_says_who_joined_and_by_what(accounts: Accounts) -> None:
    await accounts.join(accounts.log_in("w-ann"), accounts.log_in("w-anna"))
    answer = await accounts.platform.query(HISTORY, accounts.log_in("w-anna"))
    (event,) = answer["data"]["me"]["identityHistory"]["nodes"]
    assert (event["kind"], event["by"]) == ("merged", "customer")
    assert event["reason"] == "The person logged in to both within ten minutes."
    assert sorted((item["type"], item["value"], item["assurance"]) for item in event["evidence"]) == [
        ("user_id", "w-ann", "PROVEN"),
        ("user_id", "w-anna", "PROVEN"),
    ]


async def test_a_repetition_answers_the_same(accounts: Accounts) -> None:
    """A client whose answer was lost sends the same tokens again."""
    own, other = accounts.log_in("w-ann"), accounts.log_in("w-anna")
    answers = [await accounts.platform.query(JOIN, own, {"token": other}) for _ in range(2)]
    assert answers[0]["data"] == answers[1]["data"]
    answer = await accounts.platform.query(HISTORY, own)
    assert len(answer["data"]["me"]["identityHistory"]["nodes"]) == 1


Refused = Callable[[Accounts], str]
REFUSED: dict[str, tuple[Refused, str]] = {
    "no token": (lambda _: "not a token", "JOIN_TOKEN_INVALID"),
    "a changed signature": (lambda at: at.log_in("w-anna")[:-8] + "AAAAAAAA", "JOIN_TOKEN_INVALID"),
    "the own token": (lambda at: at.log_in("w-ann"), "JOIN_SAME_LOGIN"),
    "another token of the own login": (
        lambda at: at.log_in("w-ann", ago_s=5, client="app"),
        "JOIN_SAME_LOGIN",
    ),
    "the own login spelled otherwise": (lambda at: at.log_in(" w-ann "), "JOIN_SAME_LOGIN"),
    "staff": (lambda at: at.platform.issue_token("support"), "JOIN_TOKEN_KIND"),
    "a steward": (lambda at: at.platform.issue_token("steward"), "JOIN_TOKEN_KIND"),
    "a partner": (lambda at: at.platform.issue_token("partner"), "JOIN_TOKEN_KIND"),
    "a token for some categories": (
        lambda at: at.log_in("w-anna", categories=["user.contact"]),
        "TOKEN_LIMITED",
    ),
    "an old login": (lambda at: at.log_in("w-anna", ago_s=FRESH_LOGIN_S + 1), "LOGIN_NOT_FRESH"),
    "a session without the time of its login": (
        lambda at: at.platform.issue_token("customer", subject="w-anna"),
        "LOGIN_NOT_FRESH",
    ),
    "a token of another client": (lambda at: at.log_in("w-anna", client="other"), "JOIN_CLIENTS_DIFFER"),
    "a login that reaches nobody": (lambda at: at.log_in("w-nobody"), "LOGIN_UNKNOWN"),
}


@pytest.mark.parametrize("kind", REFUSED)
async def test_a_second_token_is_refused(accounts: Accounts, kind: str) -> None:
    build_token, code = REFUSED[kind]
    assert await accounts.join(accounts.log_in("w-ann"), build_token(accounts)) == code
    assert await accounts.count_customers() == 3


async def test_an_expired_token_joins_nobody(accounts: Accounts) -> None:
    """Although its login is fresh: the token is verified as a bearer token is."""
    short = accounts.log_in("w-anna", lifetime_s=60)
    accounts.clock.advance(120_000)
    assert await accounts.join(accounts.log_in("w-ann"), short) == "JOIN_TOKEN_INVALID"


async def test_a_limited_token_joins_nothing(accounts: Accounts) -> None:
    """An app that may see contact data only does not change what a login reaches."""
    limited = accounts.log_in("w-ann", categories=["user.contact"])
    assert await accounts.join(limited, accounts.log_in("w-anna")) == "TOKEN_LIMITED"


async def test_the_own_login_must_be_fresh_too(accounts: Accounts) -> None:
    """A session that was stolen an hour ago does not become the thief's for good."""
    stale = accounts.log_in("w-ann", ago_s=3600)
    assert await accounts.join(stale, accounts.log_in("w-mallory")) == "LOGIN_NOT_FRESH"
    assert await accounts.count_customers() == 3


@pytest.mark.parametrize(
    ("role", "code"), [("support", "CUSTOMER_ONLY"), ("steward", "CUSTOMER_ONLY"), (None, "TOKEN_MISSING")]
)
async def test_only_a_customer_joins_logins(accounts: Accounts, role: str | None, code: str) -> None:
    own = None if role is None else accounts.platform.issue_token(role)
    assert await accounts.join(own, accounts.log_in("w-anna")) == code


async def test_a_token_joins_once(accounts: Accounts) -> None:
    """Mallory has read Anna's token where it was passed on, within its ten minutes."""
    token = accounts.log_in("w-anna")
    assert await accounts.join(accounts.log_in("w-ann"), token) is None
    assert await accounts.join(accounts.log_in("w-mallory"), token) == "JOIN_TOKEN_USED"
    mallory = await read_me(accounts.platform, "w-mallory")
    assert mallory is not None
    assert mallory["identity"]["givenName"] == "Mallory"


async def test_the_first_token_joins_once_too(accounts: Accounts) -> None:
    """Mallory has read the token that asked for the join; in either role it joins nobody else."""
    own = accounts.log_in("w-ann")
    assert await accounts.join(own, accounts.log_in("w-anna")) is None
    assert await accounts.join(accounts.log_in("w-mallory"), own) == "JOIN_TOKEN_USED"
    assert await accounts.join(own, accounts.log_in("w-mallory")) == "JOIN_TOKEN_USED"
    assert await accounts.count_customers() == 2


async def test_a_token_that_joined_second_does_not_ask(accounts: Accounts) -> None:
    token = accounts.log_in("w-anna")
    assert await accounts.join(accounts.log_in("w-ann"), token) is None
    assert await accounts.join(token, accounts.log_in("w-mallory")) == "JOIN_TOKEN_USED"


async def test_whom_a_steward_separated_stays_separate(accounts: Accounts) -> None:
    """The tokens are not used up: the steward may decide otherwise within their ten minutes."""
    own, other = accounts.log_in("w-ann"), accounts.log_in("w-anna")
    await accounts.join(accounts.log_in("w-ann", ago_s=1), accounts.log_in("w-anna", ago_s=1))
    history = await accounts.platform.query(HISTORY, accounts.log_in("w-ann", client="customer-app"))
    merge = history["data"]["me"]["identityHistory"]["nodes"][0]["id"]
    parted = (await run_as_steward(accounts.platform, UNMERGE, merge=merge))["unmerge"]
    for _ in range(2):
        assert await accounts.join(own, other) == "JOIN_SEPARATED"
    assert await read_me(accounts.platform, "w-ann") != await read_me(accounts.platform, "w-anna")
    await run_as_steward(accounts.platform, MERGE, ids=[customer["id"] for customer in parted])
    assert await accounts.join(own, other) is None


async def test_a_card_that_a_steward_separated_counts_too(accounts: Accounts) -> None:
    """The steward separated Ann from a card that Anna has confirmed since: a join would bring it back."""
    bought = {"type": "identify", "userId": "L-1", "messageId": "L-1", "traits": {"firstName": "Card"}}
    await accounts.platform.send_messages("tills", bought)
    ids = [
        (await run_as_steward(accounts.platform, BY_NUMBER, type=number_type, value=number))["customer"]["id"]
        for number_type, number in (("user_id", "w-ann"), ("loyalty_id", "L-1"))
    ]
    merged = (await run_as_steward(accounts.platform, MERGE, ids=ids))["merge"]
    await run_as_steward(accounts.platform, UNMERGE, merge=merged["identityHistory"]["nodes"][0]["id"])
    confirmed = {**build_account("w-anna", "Anna"), "messageId": "card"}
    await accounts.platform.send_messages("web-shop", confirm_card(confirmed, "L-1"))
    assert await accounts.join(accounts.log_in("w-ann"), accounts.log_in("w-anna")) == "JOIN_SEPARATED"


async def test_a_refusal_of_either_login_covers_both(accounts: Accounts) -> None:
    """Anna's no stands, and Ann's yes becomes none of Anna's."""
    purpose = "marketing.communications.email"
    for account, is_accepted in (("w-ann", True), ("w-anna", False)):
        consent = {"type": "consent", "userId": account, "messageId": f"c-{account}"}
        await accounts.platform.send_messages("web-shop", {**consent, "purposes": {purpose: is_accepted}})
    query = "{ me { permissions { purpose { key } permitted } } }"
    await accounts.join(accounts.log_in("w-ann"), accounts.log_in("w-anna"))
    answer = await accounts.platform.query(query, accounts.log_in("w-ann"))
    permitted = {entry["purpose"]["key"]: entry["permitted"] for entry in answer["data"]["me"]["permissions"]}
    assert permitted[purpose] is False
