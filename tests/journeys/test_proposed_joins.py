"""Two logins that agree only on what one of them claims are informed before a steward joins them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from discretion.domain.identity.duplicates.match_rules import MATCH_MODEL
from discretion.domain.joins.proposals import LEASE_MS
from discretion.store.driver.database import Database
from discretion.store.suggestions import LikelyPair, SuggestionStore
from tests.fixtures.clock import Clock
from tests.fixtures.mail_server import MailServer
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform
from tests.fixtures.proofs import add_external_id
from tests.journeys.test_joined_logins import JOIN

ANN, OTTO, EVE = "ann@shop.example", "otto@shop.example", "eve@shop.example"
MERGE = """mutation($ids: [ID!]!, $ownersInformed: Boolean! = false) {
  merge(customers: $ids, reason: "D-17", ownersInformed: $ownersInformed) { id }
}"""
PROPOSE = """mutation($ids: [ID!]!, $reason: String! = "D-17") {
  proposeJoin(customers: $ids, reason: $reason) { id state customers by reason until decidedAt }
}"""
OBJECT = "mutation($id: ID!) { objectToJoin(join: $id) { state customers } }"
OWN = "{ me { id proposedJoins { id state customers until } } }"
PROPOSED = "query($state: ProposedJoinState!) { proposedJoins(state: $state) { id customers decidedAt } }"
ACCEPT = """mutation($id: ID!, $ownersInformed: Boolean! = false) {
  acceptSuggestion(id: $id, ownersInformed: $ownersInformed) { id state by until customers { id } }
}"""
SUGGESTIONS = """query($state: SuggestionState!) {
  suggestions(state: $state) { nodes { id state by restsOnClaims } }
}"""
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Office:
    """A platform as the privacy office sees it: Ann and Otto, who typed her address, and a stranger."""

    platform: PlatformUnderTest
    clock: Clock
    mail_server: MailServer

    async def run(self, caller: str, query: str, **variables: Any) -> dict[str, Any]:
        """Run an operation that must succeed and return its data."""
        answer = await self.platform.query(query, caller, variables)
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    async def refuse(self, caller: str, query: str, **variables: Any) -> str:
        """Run an operation that must fail and return the code of its error."""
        answer = await self.platform.query(query, caller, variables)
        code: str = answer["errors"][0]["extensions"]["code"]
        return code

    def issue_steward(self) -> str:
        """Return a steward's token."""
        return self.platform.issue_token("steward")

    def log_in(self, account: str) -> str:
        """Return the token of a login."""
        return self.platform.issue_token(
            "customer", subject=account, client="privacy-office", authenticated=self.clock() // 1000
        )

    async def find_customers(self, *accounts: str) -> list[str]:
        """Return the customers of accounts, by the ids that the steward knows."""
        return [(await self.run(self.log_in(account), OWN))["me"]["id"] for account in accounts]

    async def propose(self, *accounts: str) -> dict[str, Any]:
        """Propose to join accounts."""
        ids = await self.find_customers(*(accounts or ("w-ann", "w-otto")))
        proposal: dict[str, Any] = (await self.run(self.issue_steward(), PROPOSE, ids=ids))["proposeJoin"]
        return proposal

    async def wait(self, days: float = 3) -> None:
        """Let time pass, and the worker do what is due."""
        self.clock.advance(round(days * DAY_MS))
        while await self.platform.internals.join_proposals.join_due():
            continue

    async def are_joined(self, *accounts: str) -> bool:
        """Return whether accounts are one customer."""
        return len(set(await self.find_customers(*(accounts or ("w-ann", "w-otto"))))) == 1

    def list_recipients(self) -> list[str]:
        """Return who was informed."""
        return sorted(recipient for recipients, _ in self.mail_server.mails for recipient in recipients)


def build_account(account: str, email: str | None, *, is_verified: bool = True) -> dict[str, Any]:
    """Return a message of an account."""
    traits = {} if email is None else {"email": email, "emailVerified": is_verified}
    return {"type": "identify", "messageId": f"{account}-{email}", "userId": account, "traits": traits}


def claim(message: dict[str, Any], email: str = ANN) -> dict[str, Any]:
    """Return a message that types an address besides."""
    return add_external_id({**message, "messageId": f"{message['messageId']}-claim"}, "email", email)


@pytest_asyncio.fixture
async def office(
    database: Database, tmp_path: Path, commands: CommandRecorder, mail_server: MailServer
) -> AsyncIterator[Office]:
    """Yield a platform with a mail server."""
    clock = Clock("2026-11-02T10:00")
    platform = await build_test_platform(database, tmp_path, commands, clock=clock, mail_url=mail_server.url)
    async with platform.http:
        accounts = [
            build_account("w-ann", ANN),
            claim(build_account("w-otto", OTTO)),
            build_account("w-eve", EVE),
        ]
        await platform.send_messages("web-shop", *accounts)
        clock.advance(DAY_MS)
        yield Office(platform, clock, mail_server)


async def test_a_merge_on_claims_is_refused_until_both_owners_are_informed(office: Office) -> None:
    ids = await office.find_customers("w-ann", "w-otto")
    assert await office.refuse(office.issue_steward(), MERGE, ids=ids) == "OWNERS_NOT_INFORMED"
    assert not await office.are_joined()
    await office.run(office.issue_steward(), MERGE, ids=ids, ownersInformed=True)
    assert await office.are_joined()


async def test_a_merge_on_the_stewards_own_evidence_needs_no_notice(office: Office) -> None:
    """Ann and Eve have nothing in common; what shows that they are one person is in the steward's file."""
    ids = await office.find_customers("w-ann", "w-eve")
    await office.run(office.issue_steward(), MERGE, ids=ids)
    assert await office.are_joined("w-ann", "w-eve")


async def test_a_merge_on_what_both_have_proven_needs_no_notice(office: Office) -> None:
    await office.platform.send_messages("web-shop", {**build_account("w-otto", ANN), "messageId": "both"})
    ids = await office.find_customers("w-ann", "w-otto")
    await office.run(office.issue_steward(), MERGE, ids=ids)
    assert await office.are_joined()


async def test_both_are_informed_and_joined_after_the_time_for_objections(office: Office) -> None:
    proposal = await office.propose()
    assert (proposal["state"], proposal["until"]) == ("WAITING", "2026-11-06T10:00:00.000Z")
    assert office.list_recipients() == [ANN, OTTO]
    for _, mail in office.mail_server.mails:
        assert_informs(mail)
    await office.wait(2.9)
    assert not await office.are_joined()
    await office.wait(0.1)
    assert await office.are_joined()
    (joined,) = (await office.run(office.issue_steward(), PROPOSED, state="JOINED"))["proposedJoins"]
    assert joined["id"] == proposal["id"]
    history = "{ me { identityHistory { nodes { by reason } } } }"
    events = (await office.run(office.log_in("w-otto"), history))["me"]["identityHistory"]["nodes"]
    assert events == [{"by": "steward:privacy-office", "reason": "D-17"}]


def assert_informs(mail: Message) -> None:
    """Assert that a notice says until when to object, and nothing about the other account."""
    text = str(mail.get_payload())
    assert "2026-11-06 at 10:00 UTC" in text
    assert not any(secret in text for secret in (ANN, OTTO, "w-ann", "w-otto", "D-17"))


@pytest.mark.parametrize("account", ["w-ann", "w-otto"])
async def test_an_objection_of_either_stops_the_join(office: Office, account: str) -> None:
    """Also for later proposals; a steward who has informed both owners may still join them."""
    await office.propose()
    token = office.log_in(account)
    me = (await office.run(token, OWN))["me"]
    (shown,) = me["proposedJoins"]
    assert shown["customers"] == [me["id"]], "not the other one"
    objected = [(await office.run(token, OBJECT, id=shown["id"]))["objectToJoin"] for _ in range(2)]
    assert objected == [{"state": "OBJECTED", "customers": [me["id"]]}] * 2
    await office.wait(4)
    assert not await office.are_joined()
    assert (await office.run(office.log_in(account), OWN))["me"]["proposedJoins"] == []
    ids = await office.find_customers("w-ann", "w-otto")
    assert await office.refuse(office.issue_steward(), PROPOSE, ids=ids) == "JOIN_OBJECTED"
    await office.run(office.issue_steward(), MERGE, ids=ids, ownersInformed=True)
    assert await office.are_joined()


async def test_a_steward_objects_for_somebody_who_called(office: Office) -> None:
    proposal = await office.propose()
    await office.run(office.issue_steward(), OBJECT, id=proposal["id"])
    await office.wait(4)
    assert not await office.are_joined()


async def test_an_objection_after_the_join_is_too_late(office: Office) -> None:
    proposal = await office.propose()
    await office.wait()
    assert await office.refuse(office.log_in("w-ann"), OBJECT, id=proposal["id"]) == "JOIN_DECIDED"


async def test_nobody_else_sees_or_stops_a_join(office: Office) -> None:
    proposal = await office.propose()
    assert (await office.run(office.log_in("w-eve"), OWN))["me"]["proposedJoins"] == []
    codes = [
        await office.refuse(office.log_in("w-eve"), OBJECT, id=proposal["id"]),
        await office.refuse(office.log_in("w-ann"), OBJECT, id="AAAA"),
        await office.refuse(office.platform.issue_token("support"), OBJECT, id=proposal["id"]),
        await office.refuse(office.log_in("w-ann"), PROPOSE, ids=["AAAA"]),
        await office.refuse(office.log_in("w-ann"), PROPOSED, state="WAITING"),
    ]
    assert codes == [
        "JOIN_UNKNOWN",
        "JOIN_UNKNOWN",
        "CUSTOMER_OR_STEWARD_ONLY",
        "STEWARD_ONLY",
        "STEWARD_ONLY",
    ]


async def test_a_repetition_informs_nobody_again(office: Office) -> None:
    assert await office.propose() == await office.propose("w-otto", "w-ann")
    assert office.list_recipients() == [ANN, OTTO]


async def test_nothing_waits_that_was_not_announced(office: Office) -> None:
    office.mail_server.is_refusing = True
    ids = await office.find_customers("w-ann", "w-otto")
    assert await office.refuse(office.issue_steward(), PROPOSE, ids=ids) == "MAIL_UNAVAILABLE"
    assert (await office.run(office.issue_steward(), PROPOSED, state="WAITING"))["proposedJoins"] == []
    await office.wait(4)
    assert not await office.are_joined()


@pytest.mark.parametrize(
    ("account", "email", "is_verified", "code"),
    [
        ("w-new", None, True, "LOGIN_WITHOUT_ADDRESS"),
        ("w-new", "new@shop.example", False, "LOGIN_WITHOUT_ADDRESS"),
        ("w-ann", ANN, True, "MERGE_OF_ONE"),
    ],
)
async def test_whoever_cannot_be_informed_is_not_joined(
    office: Office, account: str, email: str | None, is_verified: bool, code: str
) -> None:
    """An address that an account only typed is not that of its owner."""
    await office.platform.send_messages("web-shop", build_account(account, email, is_verified=is_verified))
    ids = await office.find_customers("w-ann", account)
    assert await office.refuse(office.issue_steward(), PROPOSE, ids=ids) == code
    assert office.mail_server.mails == []


async def test_a_proposal_needs_a_reason(office: Office) -> None:
    ids = await office.find_customers("w-ann", "w-otto")
    assert await office.refuse(office.issue_steward(), PROPOSE, ids=ids, reason=" ") == "MERGE_REASON"


async def test_a_join_by_the_two_themselves_ends_the_wait(office: Office) -> None:
    """Ann has two accounts, and logs in to both."""
    await office.propose()
    await office.run(office.log_in("w-ann"), JOIN, token=office.log_in("w-otto"))
    await office.wait()
    (ended,) = (await office.run(office.issue_steward(), PROPOSED, state="ENDED"))["proposedJoins"]
    assert ended["decidedAt"] is not None
    assert await office.are_joined()


async def test_a_worker_that_stops_is_replaced(office: Office) -> None:
    """The proposal is leased by a process that ends before it has joined the two."""
    await office.propose()
    office.clock.advance(3 * DAY_MS)
    proposals = office.platform.internals.join_proposals
    assert await proposals.store.take(office.clock(), office.clock() + LEASE_MS) is not None
    assert not await proposals.join_due()
    office.clock.advance(LEASE_MS + 1)
    assert await proposals.join_due()
    assert await office.are_joined()


async def test_an_objection_while_the_worker_runs_wins_or_comes_too_late(office: Office) -> None:
    """A worker that has leased the proposal joins nobody after the objection."""
    proposal = await office.propose()
    office.clock.advance(3 * DAY_MS)
    proposals = office.platform.internals.join_proposals
    real_take = proposals.store.take

    async def take_and_object(now: int, until: int) -> Any:
        taken = await real_take(now, until)
        await office.run(office.log_in("w-ann"), OBJECT, id=proposal["id"])
        return taken

    proposals.store.take = take_and_object  # type: ignore[method-assign]
    with pytest.raises(Exception, match="objected") as lost:
        await proposals.join_due()
    assert getattr(lost.value, "code", "") == "LEASE_LOST"
    assert not await office.are_joined()


async def suggest(office: Office, *, rests_on_claims: bool, accounts: tuple[str, str]) -> str:
    """Store a suggestion about two accounts; return its id for the steward."""
    database = office.platform.internals.database
    login_reaches = office.platform.internals.discloser.login_reaches
    customers = []
    for account in accounts:
        customer = await login_reaches.find_customer(login_reaches.blind_index.index("user_id", account))
        assert customer is not None
        customers.append(customer)
    pair = LikelyPair((customers[0], customers[1]), 0.99, 6.6, (), rests_on_claims=rests_on_claims)
    await SuggestionStore(database, office.clock).propose([pair], MATCH_MODEL.version, None)
    listed = await office.run(office.issue_steward(), SUGGESTIONS, state="OPEN")
    suggestion: str = listed["suggestions"]["nodes"][0]["id"]
    return suggestion


async def list_states(office: Office, state: str) -> list[tuple[str, str]]:
    """Return the suggestions in a state, each with who decided."""
    listed = await office.run(office.issue_steward(), SUGGESTIONS, state=state)
    return [(node["state"], node["by"] or "nobody") for node in listed["suggestions"]["nodes"]]


async def test_an_accepted_suggestion_on_claims_awaits_an_objection(office: Office) -> None:
    suggestion = await suggest(office, rests_on_claims=True, accounts=("w-ann", "w-otto"))
    accepted = (await office.run(office.issue_steward(), ACCEPT, id=suggestion))["acceptSuggestion"]
    assert (accepted["state"], accepted["until"]) == ("AWAITING_OBJECTION", "2026-11-06T10:00:00.000Z")
    assert len(accepted["customers"]) == 2
    assert office.list_recipients() == [ANN, OTTO]
    assert await office.refuse(office.issue_steward(), ACCEPT, id=suggestion) == "SUGGESTION_DECIDED"
    await office.wait()
    assert await office.are_joined()
    assert await list_states(office, "ACCEPTED") == [("ACCEPTED", "steward:privacy-office")]


async def test_an_objection_refuses_the_suggestion(office: Office) -> None:
    suggestion = await suggest(office, rests_on_claims=True, accounts=("w-ann", "w-otto"))
    await office.run(office.issue_steward(), ACCEPT, id=suggestion)
    token = office.log_in("w-otto")
    (shown,) = (await office.run(token, OWN))["me"]["proposedJoins"]
    await office.run(token, OBJECT, id=shown["id"])
    assert await list_states(office, "REFUSED") == [("REFUSED", "customer")]
    await office.wait(4)
    assert not await office.are_joined()


@pytest.mark.parametrize(
    ("rests_on_claims", "owners_informed", "accounts"),
    [(True, True, ("w-ann", "w-otto")), (False, False, ("w-ann", "w-eve"))],
)
async def test_an_accepted_suggestion_joins_at_once(
    office: Office, rests_on_claims: bool, owners_informed: bool, accounts: tuple[str, str]
) -> None:
    """If the steward has informed both owners, or it rests on no claim."""
    suggestion = await suggest(office, rests_on_claims=rests_on_claims, accounts=accounts)
    await office.run(office.issue_steward(), ACCEPT, id=suggestion, ownersInformed=owners_informed)
    assert await office.are_joined(*accounts)
    assert office.mail_server.mails == []


async def test_an_objection_stops_every_proposal_that_joins_the_same_two(office: Office) -> None:
    """The steward's client sent the call twice at once, and another proposal names more people."""
    first, second = await asyncio.gather(office.propose(), office.propose())
    await office.propose("w-ann", "w-otto", "w-eve")
    assert first["id"] != second["id"]
    await office.run(office.log_in("w-ann"), OBJECT, id=first["id"])
    for account in ("w-ann", "w-otto"):
        assert (await office.run(office.log_in(account), OWN))["me"]["proposedJoins"] == []
    await office.wait()
    assert not await office.are_joined()


async def test_a_proposal_that_an_objection_did_not_reach_joins_nobody(office: Office) -> None:
    """It was stored at the same moment."""
    first, second = await asyncio.gather(office.propose(), office.propose())
    await office.run(office.log_in("w-ann"), OBJECT, id=first["id"])
    database = office.platform.internals.database
    waiting = {"$set": {"state": "waiting", "next": 0}, "$unset": {"decided": ""}}
    proposals = await database.find("proposed_joins", {}, sort=[("_id", 1)])
    assert second["id"] != first["id"]
    await database.update_one("proposed_joins", {"_id": proposals[0]["_id"]}, waiting)
    await office.wait()
    assert not await office.are_joined()
    states = {document["state"] for document in await database.find("proposed_joins", {})}
    assert states == {"objected"}
