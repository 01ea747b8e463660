"""A customer's correction persists, whatever a source sends again (GDPR Art. 16, 18)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest_asyncio

from discretion.domain.correction.proposed_change import check_changes
from discretion.domain.requests.model import RequestDetails, Requester
from discretion.law.jurisdiction import Right
from discretion.plan.customer_members import LAWS, WRAPPED_KEY
from discretion.seal.open import build_cell_decryptor
from discretion.store.deliveries import DeliveryState
from discretion.store.driver.database import Database
from discretion.store.request_state import RequesterAssurance, RequesterRole, RequestState
from discretion.store.subject_request import SubjectRequest
from tests.fixtures.attribute_keys import KEYS
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform
from tests.fixtures.proofs import confirm_card
from tests.journeys.rights import (
    CORRECTION,
    DECIDE,
    READ_REQUEST,
    REFUSAL,
    WITHDRAW,
    issue_own_token,
    list_requests,
    run_operation,
)

STATISTICS, PARTNER = "analytics.reporting", "marketing.advertising.third_party.targeted"
CONSENTED = {"consent": {"categoryPreferences": {STATISTICS: True, PARTNER: True, "personalize": True}}}
BIRTH_DATES = "{ customers(first: 50) { nodes { id demographics { birthDate } } } }"
TIERS = "{ customers(first: 5) { nodes { commerce { loyaltyTier } } } }"
MERGE = 'mutation($ids: [ID!]!) { merge(customers: $ids, reason: "D-17") { id } }'


class CorrectionOffice:
    """A platform with a test clock, and the operations on corrections that the tests need."""

    def __init__(self, platform: PlatformUnderTest, clock: Clock) -> None:
        self.platform = platform
        self.clock = clock
        self.rights = platform.internals.requests
        self.database: Database = platform.internals.database

    async def send_traits(
        self, source: str, minute: int, user: str, traits: Mapping[str, Any], **extra: Any
    ) -> None:
        """Send traits of a user from a source, with a timestamp in the given minute."""
        message = {
            "type": "identify",
            "messageId": f"{source}-{user}-{minute}",
            "userId": user,
            "traits": dict(traits),
            "timestamp": f"2026-11-01T10:{minute:02}:00Z",
            **extra,
        }
        answer = await self.platform.send_messages(source, message)
        assert answer["results"][0]["status"] in {"accepted", "duplicate"}, answer

    async def find_customer(self, email: str) -> bytes:
        """Return the customer id behind an e-mail address."""
        token = self.platform.issue_token("steward")
        find = f'{{ customer(identifier: {{type: "email", value: "{email}"}}) {{ id }} }}'
        answer = await self.platform.query(find, token)
        revealer = self.platform.internals.discloser.revealer
        customer_id = revealer.pairwise.decode(
            "privacy-office", b"customer", answer["data"]["customer"]["id"]
        )
        assert customer_id is not None
        return customer_id

    async def file_correction(self, email: str, changes: Mapping[str, Any], why: str | None = None) -> bytes:
        """File a correction for a customer and return the request's id."""
        customer = await self.find_customer(email)
        proposal = await self.rights.correction_proposals.build(
            customer, check_changes(self.platform.internals.catalogue, changes, self.clock()), why
        )
        details = RequestDetails(Right.CORRECTION, proposal.scope, proposal.sealed, proposal.needs_decision)
        requester = Requester(
            RequesterRole.PERSON, "self:customer-app", "customer-app", "someone", RequesterAssurance.FRESH
        )
        return (await self.rights.submission.submit(customer, details, requester)).id

    async def correct(self, email: str, changes: Mapping[str, Any], why: str | None = None) -> bytes:
        """File a correction, accept it if it waits for a decision, and run it to its end."""
        request = await self.file_correction(email, changes, why)
        document = await self.read_request(request)
        if document["state"] == "acknowledged":
            await self.accept(request)
        await self.rights.workflow_runner.run_due()
        assert (await self.read_request(request))["state"] == "fulfilled"
        self.clock.advance(60_000)
        return request

    async def accept(self, request: bytes) -> None:
        """Accept a request without the proofs that its decision needs."""
        stored = await self.find_request(request)
        accepted = replace(stored, state=RequestState.ACCEPTED, next_run=self.clock())
        await self.rights.store.change(stored, accepted)

    async def set_flags(self, request: bytes, *, contested: bool = True) -> bool:
        """Set or lift the flags of a request; return whether its customer exists."""
        stored = await self.find_request(request)
        return await self.rights.submission.transactions.run(
            lambda session: self.rights.contest_flags.set_flags(stored, session, contested=contested)
        )

    async def find_request(self, request: bytes) -> SubjectRequest:
        """Return a request."""
        stored = await self.rights.store.find(request)
        assert stored is not None
        return stored

    async def read_request(self, request: bytes) -> dict[str, Any]:
        """Return a request as it is stored."""
        document = await self.database.find_one("requests", {"_id": request})
        assert document is not None
        return document

    async def read_own(self, email: str, selection: str) -> Any:
        """Return what a customer reads about themselves."""
        answer = await self.platform.query(
            f"{{ me {{ {selection} }} }}", await self.platform.issue_customer_token("email", email)
        )
        assert "errors" not in answer, answer
        return answer["data"]["me"]

    async def read_customers(
        self, purpose: str, query: str, client: str = "reporting"
    ) -> list[dict[str, Any]]:
        """Return what a client reads of all customers for a purpose."""
        token = self.platform.issue_token(client=client, subject=client, purposes=[purpose])
        answer = await self.platform.query(query, token)
        assert "errors" not in answer, answer
        nodes: list[dict[str, Any]] = answer["data"]["customers"]["nodes"]
        return nodes


@pytest_asyncio.fixture
async def office(
    database: Database, tmp_path: Path, commands: CommandRecorder
) -> AsyncIterator[CorrectionOffice]:
    clock = Clock("2026-11-02T10:00")
    platform = await build_test_platform(database, tmp_path, commands, clock=clock)
    async with platform.http:
        yield CorrectionOffice(platform, clock)


GRETA = "greta@post.example"
GRETA_TRAITS = {
    "email": GRETA,
    "firstName": "Grete",
    "birthday": "1985-03-04",
    "address": {"country": "DE", "state": "Bayern"},
}


async def test_a_correction_survives_source_messages_in_any_order(office: CorrectionOffice) -> None:
    """Older, younger and repeated messages of two sources, before and after it: all orders end the same."""
    messages = [
        ("web-shop", 1, {"firstName": "Grete", "nickname": "G"}),
        ("tills", 30, {"firstName": "Greet"}),
        ("self", 0, {}),
        ("web-shop", 1, {"firstName": "Grete", "nickname": "G"}),
    ]
    orders = sorted(set(permutations(range(4))))[::2]
    for number, order in enumerate(orders):
        email = f"g{number}@post.example"
        card = confirm_card({}, f"L-{number}")
        await office.send_traits("web-shop", 0, f"u{number}", {"email": email}, **card)
        for source, minute, traits in (messages[index] for index in order):
            if source == "self":
                await office.correct(email, {"identity.givenName": "Greta", "identity.preferredName": None})
            else:
                user = f"L-{number}" if source == "tills" else f"u{number}"
                await office.send_traits(source, minute, user, traits)
        answer = await office.read_own(
            email, "identity { givenName preferredName } provenance { attribute source }"
        )
        assert answer["identity"] == {"givenName": "Greta", "preferredName": None}, order
        sources = {entry["attribute"]: entry["source"] for entry in answer["provenance"]}
        assert sources["identity.givenName"] == "self"
        assert sources["contact.email"] == "web-shop"
        assert "identity.preferredName" not in sources
    assert await office.database.count("customers", {}) == len(orders)


async def test_the_latest_correction_applies_for_all_readers(office: CorrectionOffice) -> None:
    await office.send_traits("web-shop", 1, "u1", GRETA_TRAITS)
    await office.correct(GRETA, {"identity.givenName": "Gretel"})
    await office.correct(GRETA, {"identity.givenName": "Greta", "contact.address.city": "Bonn"})
    query = "{ customers(first: 5) { nodes { identity { givenName } contact { address { city } } } } }"
    customers = await office.read_customers("essential.service.operations.support", query, "support-desk")
    assert customers == [{"identity": {"givenName": "Greta"}, "contact": {"address": {"city": "Bonn"}}}]


async def test_old_value_new_value_and_reason_are_stored_encrypted(office: CorrectionOffice) -> None:
    """They are encrypted under the customer's key and become unreadable with its destruction."""
    await office.send_traits("web-shop", 1, "u1", GRETA_TRAITS)
    changes = {"identity.givenName": "Greta", "contact.address.region": "Tirol"}
    request = await office.read_request(await office.correct(GRETA, changes, "I moved."))
    customer = await office.find_customer(GRETA)
    stored = await office.database.find_one("customers", {"_id": customer})
    assert stored is not None
    open_cell = build_cell_decryptor(
        customer, office.platform.internals.discloser.revealer.buckets.unwrap(customer, stored[WRAPPED_KEY])
    )
    assert {
        name: open_cell(cell, name.removeprefix("old:").encode()) for name, cell in request["sealed"].items()
    } == {
        KEYS["identity.givenName"]: "Greta",
        f"old:{KEYS['identity.givenName']}": "Grete",
        KEYS["contact.address.region"]: "Tirol",
        f"old:{KEYS['contact.address.region']}": "Bayern",
        "why": "I moved.",
    }
    readable = repr({name: value for name, value in request.items() if name != "sealed"})
    assert not any(value in readable for value in ("Greta", "Grete", "Tirol", "Bayern", "I moved"))
    assert request["steps"][0]["told"] == {
        "found": True,
        "corrected": ["identity.givenName", "contact.address.region"],
        "removed": [],
    }


async def test_a_contested_value_is_withheld_until_it_is_resolved(
    office: CorrectionOffice, commands: CommandRecorder
) -> None:
    """Only the customer and legal obligations may read it; a partner's query does not even fetch it."""
    await office.send_traits("web-shop", 1, "u1", GRETA_TRAITS, context=CONSENTED)
    (before,) = await office.read_customers(STATISTICS, BIRTH_DATES)
    assert before["demographics"]["birthDate"] is not None
    request = await office.file_correction(GRETA, {"demographics.birthDate": "1986-03-04"})
    await office.send_traits("web-shop", 2, "u1", {**GRETA_TRAITS, "nickname": "G"}, context=CONSENTED)
    commands.clear()
    (during,) = await office.read_customers(STATISTICS, BIRTH_DATES)
    (find,) = [command for command in commands.list_commands("find") if command["find"] == "customers"]
    assert not any(name.startswith("c.") for name in find["projection"])
    assert during["demographics"]["birthDate"] is None
    own = await office.read_own(GRETA, "demographics { birthDate }")
    assert own["demographics"]["birthDate"] == "1985-03-04"
    legal_view = await office.read_customers("essential.legal_obligation", BIRTH_DATES, "privacy-office")
    assert legal_view[0]["demographics"]["birthDate"] == "1985-03-04"
    broad_token = office.platform.issue_token(client="c", purposes=["essential.legal_obligation", STATISTICS])
    answer = await office.platform.query(BIRTH_DATES, broad_token)
    assert answer["data"]["customers"]["nodes"][0]["demographics"]["birthDate"] is None
    await office.set_flags(request, contested=False)
    (after,) = await office.read_customers(STATISTICS, BIRTH_DATES)
    assert after == before


async def test_a_contested_unsealed_value_cannot_be_filtered_on(office: CorrectionOffice) -> None:
    await office.send_traits("web-shop", 1, "u1", {**GRETA_TRAITS, "loyaltyTier": "gold"}, context=CONSENTED)
    query = '{ customers(first: 5, filter: {commerce: {loyaltyTier: {eq: "gold"}}}) { nodes { id } } }'
    assert len(await office.read_customers(STATISTICS, query)) == 1
    await office.file_correction(GRETA, {"commerce.loyaltyTier": "silver"})
    assert await office.read_customers(STATISTICS, query) == []
    assert (await office.read_own(GRETA, "commerce { loyaltyTier }"))["commerce"]["loyaltyTier"] == "gold"


async def test_a_decided_correction_is_used_again(office: CorrectionOffice) -> None:
    await office.send_traits("web-shop", 1, "u1", GRETA_TRAITS, context=CONSENTED)
    await office.correct(GRETA, {"demographics.birthDate": "1986-03-04"})
    await office.send_traits("web-shop", 5, "u1", GRETA_TRAITS, context=CONSENTED)
    answer = await office.read_own(GRETA, "demographics { birthDate }")
    assert answer["demographics"]["birthDate"] == "1986-03-04"
    (customer,) = await office.read_customers(STATISTICS, BIRTH_DATES)
    assert customer["demographics"]["birthDate"] == "35-44"


async def test_corrected_birth_date_and_residence_decide_the_law(office: CorrectionOffice) -> None:
    await office.send_traits("web-shop", 1, "u1", GRETA_TRAITS, context=CONSENTED)
    assert len(await office.read_customers(PARTNER, BIRTH_DATES, "ad-partner")) == 1
    await office.correct(GRETA, {"contact.residence": "US-TX", "demographics.birthDate": "2015-03-04"})
    assert await office.read_customers(PARTNER, BIRTH_DATES, "ad-partner") == []
    (stored,) = await office.database.find("customers", {}, {LAWS: 1, KEYS["contact.residence"]: 1})
    assert stored[LAWS] == ["us-tx"]
    assert stored[KEYS["contact.residence"]] == "US-TX"


async def test_only_recipients_of_the_wrong_value_are_notified(office: CorrectionOffice) -> None:
    await office.send_traits("web-shop", 1, "u1", {**GRETA_TRAITS, "loyaltyTier": "gold"}, context=CONSENTED)
    await office.read_customers(PARTNER, TIERS, "tiers")
    await office.read_customers(
        PARTNER, "{ customers(first: 5) { nodes { contact { address { country } } } } }", "countries"
    )
    request = await office.correct(GRETA, {"contact.address.country": "AT", "identity.givenName": "Greta"})
    notifications = await office.platform.internals.recipients.notifier.list_of_request(request)
    assert [
        (notification.client, notification.right, notification.attributes, notification.state)
        for notification in notifications
    ] == [("countries", "correction", ("contact.address.country",), DeliveryState.BY_HAND)]


async def test_a_correction_follows_merge_and_unmerge(office: CorrectionOffice) -> None:
    """It is filed before the merge and applied after it; an unmerge leaves it with its author."""
    await office.send_traits("web-shop", 1, "u1", GRETA_TRAITS, context=CONSENTED)
    office.clock.advance(1)
    await office.send_traits(
        "web-shop", 2, "u2", {"email": "other@post.example", "firstName": "Ole", "loyaltyTier": "gold"}
    )
    request = await office.file_correction("other@post.example", {"commerce.loyaltyTier": "bronze"})
    steward = office.platform.issue_token("steward", purposes=["essential"])
    listing = await office.platform.query("{ customers(first: 10) { nodes { id } } }", steward)
    ids = [customer["id"] for customer in listing["data"]["customers"]["nodes"]]
    merge_answer = await office.platform.query(MERGE, steward, {"ids": ids})
    assert "errors" not in merge_answer
    await office.accept(request)
    await office.rights.workflow_runner.run_due()
    await office.correct(GRETA, {"identity.givenName": "Greta"})
    answer = await office.read_own(GRETA, "commerce { loyaltyTier } identity { givenName }")
    assert answer == {"commerce": {"loyaltyTier": "bronze"}, "identity": {"givenName": "Greta"}}
    history = await office.platform.query(
        f'{{ customer(identifier: {{type: "email", value: "{GRETA}"}}) '
        "{ identityHistory { nodes { id kind } } } }",
        steward,
    )
    (merge,) = history["data"]["customer"]["identityHistory"]["nodes"]
    unmerge_answer = await office.platform.query(
        "mutation($merge: ID!) { unmerge(merge: $merge) { id } }", steward, {"merge": merge["id"]}
    )
    assert "errors" not in unmerge_answer, unmerge_answer
    await office.send_traits("web-shop", 9, "u2", {"email": "other@post.example", "firstName": "Ole"})
    names = "identity { givenName } commerce { loyaltyTier }"
    greta, other = await office.read_own(GRETA, names), await office.read_own("other@post.example", names)
    assert greta == {"identity": {"givenName": "Greta"}, "commerce": {"loyaltyTier": None}}
    assert other == {"identity": {"givenName": "Ole"}, "commerce": {"loyaltyTier": "bronze"}}


async def test_a_correction_of_a_deleted_customer_ends(office: CorrectionOffice) -> None:
    await office.send_traits("web-shop", 1, "u1", GRETA_TRAITS)
    request = await office.file_correction(GRETA, {"identity.givenName": "Greta"})
    await office.database.delete_many("customers", {})
    await office.rights.workflow_runner.run_due()
    document = await office.read_request(request)
    assert (document["state"], document["steps"][0]["told"]) == ("fulfilled", {"found": False})
    assert not await office.set_flags(request)


async def read_tiers(office: CorrectionOffice) -> tuple[Any, Any]:
    """Return Greta's tier as statistics see it and as she sees it."""
    (visible,) = await office.read_customers(STATISTICS, TIERS)
    own = await office.read_own(GRETA, "commerce { loyaltyTier }")
    return visible["commerce"]["loyaltyTier"], own["commerce"]["loyaltyTier"]


async def test_a_correction_that_needs_a_decision_waits_for_a_steward(office: CorrectionOffice) -> None:
    """A name is corrected on the customer's word; a tier waits for a steward and is withheld meanwhile."""
    platform = office.platform
    await office.send_traits("web-shop", 1, "u1", {**GRETA_TRAITS, "loyaltyTier": "gold"}, context=CONSENTED)
    token, steward = await issue_own_token(platform, GRETA), platform.issue_token("steward")
    name_request = await run_operation(
        platform, token, CORRECTION, changes=[{"attribute": "identity.givenName", "value": "Greta"}]
    )
    assert name_request["state"] == "ACCEPTED"
    await office.rights.workflow_runner.run_due()
    assert (await office.read_own(GRETA, "identity { givenName }"))["identity"]["givenName"] == "Greta"
    tier_changes = [{"attribute": "commerce.loyaltyTier", "value": "silver"}]
    stale_token = await issue_own_token(platform, GRETA, just_authenticated=False)
    unproven_request = await run_operation(
        platform, stale_token, CORRECTION, changes=[{"attribute": "commerce.loyaltyTier", "value": None}]
    )
    assert unproven_request["reason"] == "IDENTITY"
    assert await read_tiers(office) == ("gold", "gold")
    first_request = await run_operation(platform, token, CORRECTION, changes=tier_changes)
    assert (first_request["state"], await read_tiers(office)) == ("ACKNOWLEDGED", (None, "gold"))
    await run_operation(platform, token, WITHDRAW, id=first_request["id"])
    assert await read_tiers(office) == ("gold", "gold")
    second_request = await run_operation(platform, token, CORRECTION, changes=tier_changes)
    assert await read_tiers(office) == (None, "gold")
    open_ids = {request["id"] for request in await list_requests(platform, steward, states=["ACKNOWLEDGED"])}
    (request_id,) = open_ids
    await run_operation(platform, steward, DECIDE, id=request_id, accept=False, refusal=REFUSAL)
    assert await read_tiers(office) == ("gold", "gold")
    decided_request = await run_operation(platform, token, READ_REQUEST, id=second_request["id"])
    assert decided_request["state"] == "REJECTED"
    await run_operation(platform, token, CORRECTION, changes=tier_changes)
    (request_id,) = [
        request["id"] for request in await list_requests(platform, steward, states=["ACKNOWLEDGED"])
    ]
    await run_operation(platform, steward, DECIDE, id=request_id, accept=True)
    await office.rights.workflow_runner.run_due()
    assert await read_tiers(office) == ("silver", "silver")
