"""What a person says is wrong is put right and stays so, whatever a source sends again (GDPR Art. 16, 18)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from discretion.catalogue.load import load
from discretion.domain.correction.proposed_change import check
from discretion.domain.recipients.delivery import State as Delivered
from discretion.domain.requests.model import Asked, Asker, Assurance, Kind
from discretion.errors import BadRequest
from discretion.law.jurisdiction import Right
from discretion.seal.open import opener
from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import Commands
from tests.fixtures.platform import House, build
from tests.journeys.rights import CORRECTION, DECIDE, ONE, REFUSAL, WITHDRAW, asked, listed, own

STATISTICS, PARTNER = "analytics.reporting", "marketing.advertising.third_party.targeted"
YES = {"consent": {"categoryPreferences": {STATISTICS: True, PARTNER: True, "personalize": True}}}
BORN = "{ customers(first: 50) { nodes { id demographics { birthDate } } } }"
MERGE = "mutation($ids: [ID!]!) { merge(customers: $ids) { id } }"


class Desk:
    """A house whose clock is ours, and the privacy office that takes corrections there."""

    def __init__(self, house: House, clock: Clock) -> None:
        self.house = house
        self.clock = clock
        self.rights = house.platform.rights
        self.database: Database = house.platform.database

    async def tells(
        self, source: str, number: int, user: str, traits: Mapping[str, Any], **more: Any
    ) -> None:
        """A source's word, at the minute of its number."""
        message = {
            "type": "identify",
            "messageId": f"{source}-{user}-{number}",
            "userId": user,
            "traits": dict(traits),
            "timestamp": f"2026-11-01T10:{number:02}:00Z",
            **more,
        }
        answer = await self.house.tell(source, message)
        assert answer["results"][0]["status"] in {"accepted", "duplicate"}, answer

    async def customer(self, email: str) -> bytes:
        """The id of whoever has this address."""
        token = self.house.token("steward")
        find = f'{{ customer(identifier: {{type: "email", value: "{email}"}}) {{ id }} }}'
        answer = await self.house.ask(find, token)
        revealer = self.house.platform.conductor.revealer
        known = revealer.pairwise.open("privacy-office", b"customer", answer["data"]["customer"]["id"])
        assert known is not None
        return known

    async def asks(self, email: str, changes: Mapping[str, Any], why: str | None = None) -> bytes:
        """A person's request for correction; its id."""
        customer = await self.customer(email)
        proposal = await self.rights.propose(customer, check(self.house.platform.catalogue, changes), why)
        asked = Asked(Right.CORRECTION, proposal.scope, proposal.sealed, proposal.decides)
        asker = Asker(Kind.PERSON, "self:customer-app", "customer-app", "someone", Assurance.FRESH)
        filed = await self.rights.file(customer, asked, asker)
        if proposal.decides:
            assert await self.rights.contest(await self.request(filed.id))
        return filed.id

    async def corrects(self, email: str, changes: Mapping[str, Any], why: str | None = None) -> bytes:
        """A correction, carried out."""
        request = await self.asks(email, changes, why)
        document = await self.request(request)
        if document["state"] == "acknowledged":
            accepted = {"state": "accepted", "next": self.clock()}
            assert await self.rights.requests.change(request, document["v"], accepted)
        await self.rights.engine.once()
        assert (await self.request(request))["state"] == "fulfilled"
        self.clock.forward(60_000)
        return request

    async def request(self, request: bytes) -> dict[str, Any]:
        """A request as it is kept."""
        found = await self.rights.requests.get(request)
        assert found is not None
        return found

    async def own(self, email: str, selection: str) -> Any:
        """What a person reads about themselves."""
        answer = await self.house.ask(
            f"{{ me {{ {selection} }} }}", await self.house.own_token("email", email)
        )
        assert "errors" not in answer, answer
        return answer["data"]["me"]

    async def met(self, purpose: str, query: str, client: str = "reporting") -> list[dict[str, Any]]:
        """What a client reads of everybody."""
        token = self.house.token(client=client, subject=client, purposes=[purpose])
        answer = await self.house.ask(query, token)
        assert "errors" not in answer, answer
        nodes: list[dict[str, Any]] = answer["data"]["customers"]["nodes"]
        return nodes


@pytest_asyncio.fixture
async def desk(database: Database, tmp_path: Path, commands: Commands) -> AsyncIterator[Desk]:
    clock = Clock("2026-11-02T10:00")
    house = await build(database, tmp_path, commands, clock=clock)
    async with house.http:
        yield Desk(house, clock)


GRETA = "greta@post.example"
GRETA_SAYS = {
    "email": GRETA,
    "firstName": "Grete",
    "birthday": "1985-03-04",
    "address": {"country": "DE", "state": "Bayern"},
}


async def test_a_correction_stays_in_every_order_of_what_sources_send(desk: Desk) -> None:
    """Older, younger and repeated words of two sources, before and after it: everybody ends the same."""
    words = [
        ("web-shop", 1, {"firstName": "Grete", "nickname": "G"}),
        ("tills", 30, {"firstName": "Greet"}),
        ("self", 0, {}),
        ("web-shop", 1, {"firstName": "Grete", "nickname": "G"}),
    ]
    orders = sorted(set(permutations(range(4))))[::2]
    for number, order in enumerate(orders):
        email = f"g{number}@post.example"
        await desk.tells("web-shop", 0, f"u{number}", {"email": email, "loyaltyId": f"L-{number}"})
        for source, minute, traits in (words[index] for index in order):
            if source == "self":
                await desk.corrects(email, {"identity.givenName": "Greta", "identity.preferredName": None})
            else:
                user = f"L-{number}" if source == "tills" else f"u{number}"
                await desk.tells(source, minute, user, traits)
        found = await desk.own(email, "identity { givenName preferredName } provenance { attribute source }")
        assert found["identity"] == {"givenName": "Greta", "preferredName": None}, order
        sources = {one["attribute"]: one["source"] for one in found["provenance"]}
        assert sources["identity.givenName"] == "self"
        assert sources["contact.email"] == "web-shop"
        assert "identity.preferredName" not in sources
    assert await desk.database.count("customers", {}) == len(orders)


async def test_the_later_correction_counts_and_everybody_sees_it(desk: Desk) -> None:
    await desk.tells("web-shop", 1, "u1", GRETA_SAYS)
    await desk.corrects(GRETA, {"identity.givenName": "Gretel"})
    await desk.corrects(GRETA, {"identity.givenName": "Greta", "contact.address.city": "Bonn"})
    query = "{ customers(first: 5) { nodes { identity { givenName } contact { address { city } } } } }"
    seen = await desk.met("essential.service.operations.support", query, "support-desk")
    assert seen == [{"identity": {"givenName": "Greta"}, "contact": {"address": {"city": "Bonn"}}}]


async def test_old_new_and_why_are_on_record_and_shut(desk: Desk) -> None:
    """Under the person's key, with which all of it dies; nothing of it is readable without."""
    await desk.tells("web-shop", 1, "u1", GRETA_SAYS)
    request = await desk.request(
        await desk.corrects(
            GRETA, {"identity.givenName": "Greta", "contact.address.region": "Tirol"}, "I moved."
        )
    )
    customer = await desk.customer(GRETA)
    stored = await desk.database.find_one("customers", {"_id": customer})
    assert stored is not None
    open_cell = opener(
        customer, desk.house.platform.conductor.revealer.buckets.unwrap(customer, stored["key"])
    )
    assert {
        name: open_cell(cell, name.removeprefix("old:").encode()) for name, cell in request["sealed"].items()
    } == {
        "identity/givenName": "Greta",
        "old:identity/givenName": "Grete",
        "contact/address/region": "Tirol",
        "old:contact/address/region": "Bayern",
        "why": "I moved.",
    }
    readable = repr({name: value for name, value in request.items() if name != "sealed"})
    assert not any(word in readable for word in ("Greta", "Grete", "Tirol", "Bayern", "I moved"))
    assert request["steps"][0]["told"] == {
        "found": True,
        "corrected": ["identity.givenName", "contact.address.region"],
        "removed": [],
    }


async def test_what_is_contested_is_nobodys_to_use_until_it_is_settled(
    desk: Desk, commands: Commands
) -> None:
    """Only the person and what the law demands reach it; a partner's query does not even ask for it."""
    await desk.tells("web-shop", 1, "u1", GRETA_SAYS, context=YES)
    (before,) = await desk.met(STATISTICS, BORN)
    assert before["demographics"]["birthDate"] is not None
    request = await desk.asks(GRETA, {"demographics.birthDate": "1986-03-04"})
    assert await desk.rights.contest(await desk.request(request))
    await desk.tells("web-shop", 2, "u1", {**GRETA_SAYS, "nickname": "G"}, context=YES)
    commands.clear()
    (during,) = await desk.met(STATISTICS, BORN)
    (asked,) = [one for one in commands.named("find") if one["find"] == "customers"]
    assert not any("contested" in name for name in asked["projection"])
    assert during["demographics"]["birthDate"] is None
    assert (await desk.own(GRETA, "demographics { birthDate }"))["demographics"]["birthDate"] == "1985-03-04"
    office = await desk.met("essential.legal_obligation", BORN, "privacy-office")
    assert office[0]["demographics"]["birthDate"] == "1985-03-04"
    both = desk.house.token(client="c", purposes=["essential.legal_obligation", STATISTICS])
    mixed = await desk.house.ask(BORN, both)
    assert mixed["data"]["customers"]["nodes"][0]["demographics"]["birthDate"] is None
    await desk.rights.contest(await desk.request(request), contested=False)
    (after,) = await desk.met(STATISTICS, BORN)
    assert after == before


async def test_an_open_value_that_is_contested_cannot_be_found_by(desk: Desk) -> None:
    await desk.tells("web-shop", 1, "u1", {**GRETA_SAYS, "loyaltyTier": "gold"}, context=YES)
    query = '{ customers(first: 5, filter: {commerce: {loyaltyTier: {eq: "gold"}}}) { nodes { id } } }'
    assert len(await desk.met(STATISTICS, query)) == 1
    await desk.asks(GRETA, {"commerce.loyaltyTier": "silver"})
    assert await desk.met(STATISTICS, query) == []
    assert (await desk.own(GRETA, "commerce { loyaltyTier }"))["commerce"]["loyaltyTier"] == "gold"


async def test_settled_with_evidence_it_is_used_again_as_corrected(desk: Desk) -> None:
    await desk.tells("web-shop", 1, "u1", GRETA_SAYS, context=YES)
    await desk.corrects(GRETA, {"demographics.birthDate": "1986-03-04"})
    await desk.tells("web-shop", 5, "u1", GRETA_SAYS, context=YES)
    found = await desk.own(GRETA, "demographics { birthDate }")
    assert found["demographics"]["birthDate"] == "1986-03-04"
    (seen,) = await desk.met(STATISTICS, BORN)
    assert seen["demographics"]["birthDate"] == "35-44"


async def test_a_corrected_birthday_and_home_count_for_the_law(desk: Desk) -> None:
    await desk.tells("web-shop", 1, "u1", GRETA_SAYS, context=YES)
    assert len(await desk.met(PARTNER, BORN, "ad-partner")) == 1
    await desk.corrects(GRETA, {"contact.residence": "US-TX", "demographics.birthDate": "2015-03-04"})
    assert await desk.met(PARTNER, BORN, "ad-partner") == []
    (kept,) = await desk.database.find("customers", {}, {"laws": 1, "o": 1})
    assert kept["laws"] == ["us-tx"]
    assert kept["o"]["contact/residence"] == "US-TX"


async def test_those_who_had_the_wrong_value_are_told_and_no_others(desk: Desk) -> None:
    await desk.tells("web-shop", 1, "u1", {**GRETA_SAYS, "loyaltyTier": "gold"}, context=YES)
    await desk.met(PARTNER, "{ customers(first: 5) { nodes { commerce { loyaltyTier } } } }", "tiers")
    await desk.met(
        PARTNER, "{ customers(first: 5) { nodes { contact { address { country } } } } }", "countries"
    )
    request = await desk.corrects(GRETA, {"contact.address.country": "AT", "identity.givenName": "Greta"})
    told = await desk.house.platform.telling.tell.of_request(request)
    assert [(one.client, one.what, one.attributes, one.state) for one in told] == [
        ("countries", "correction", ("contact.address.country",), Delivered.BY_HAND)
    ]


async def test_a_correction_goes_with_the_person_through_merge_and_parting(desk: Desk) -> None:
    """Proposed before a merge it is applied after it; parted again it stays with whom it is of."""
    await desk.tells("web-shop", 1, "u1", GRETA_SAYS, context=YES)
    desk.clock.forward(1)
    await desk.tells(
        "web-shop", 2, "u2", {"email": "other@post.example", "firstName": "Ole", "loyaltyTier": "gold"}
    )
    request = await desk.asks("other@post.example", {"commerce.loyaltyTier": "bronze"})
    steward = desk.house.token("steward", purposes=["essential"])
    known = await desk.house.ask("{ customers(first: 10) { nodes { id } } }", steward)
    ids = [one["id"] for one in known["data"]["customers"]["nodes"]]
    merged = await desk.house.ask(MERGE, steward, {"ids": ids})
    assert "errors" not in merged
    document = await desk.request(request)
    await desk.rights.requests.change(request, document["v"], {"state": "accepted", "next": desk.clock()})
    await desk.rights.engine.once()
    await desk.corrects(GRETA, {"identity.givenName": "Greta"})
    found = await desk.own(GRETA, "commerce { loyaltyTier } identity { givenName }")
    assert found == {"commerce": {"loyaltyTier": "bronze"}, "identity": {"givenName": "Greta"}}
    history = await desk.house.ask(
        f'{{ customer(identifier: {{type: "email", value: "{GRETA}"}}) '
        "{ identityHistory { nodes { id kind } } } }",
        steward,
    )
    (merge,) = history["data"]["customer"]["identityHistory"]["nodes"]
    parted = await desk.house.ask(
        "mutation($merge: ID!) { unmerge(merge: $merge) { id } }", steward, {"merge": merge["id"]}
    )
    assert "errors" not in parted, parted
    await desk.tells("web-shop", 9, "u2", {"email": "other@post.example", "firstName": "Ole"})
    names = "identity { givenName } commerce { loyaltyTier }"
    greta, other = await desk.own(GRETA, names), await desk.own("other@post.example", names)
    assert greta == {"identity": {"givenName": "Greta"}, "commerce": {"loyaltyTier": None}}
    assert other == {"identity": {"givenName": "Ole"}, "commerce": {"loyaltyTier": "bronze"}}


async def test_a_correction_of_somebody_who_is_gone_ends(desk: Desk) -> None:
    await desk.tells("web-shop", 1, "u1", GRETA_SAYS)
    request = await desk.asks(GRETA, {"identity.givenName": "Greta"})
    await desk.database.delete_many("customers", {})
    await desk.rights.engine.once()
    found = await desk.request(request)
    assert (found["state"], found["steps"][0]["told"]) == ("fulfilled", {"found": False})
    assert not await desk.rights.contest(found)


async def stands(desk: Desk) -> tuple[Any, Any]:
    """The tier that statistics see, and that Greta does."""
    (seen,) = await desk.met(STATISTICS, "{ customers(first: 5) { nodes { commerce { loyaltyTier } } } }")
    mine = await desk.own(GRETA, "commerce { loyaltyTier }")
    return seen["commerce"]["loyaltyTier"], mine["commerce"]["loyaltyTier"]


async def test_a_person_asks_and_the_office_decides(desk: Desk) -> None:
    """Their own word is enough for a name; for a tier the office looks, and meanwhile nobody uses it."""
    house = desk.house
    await desk.tells("web-shop", 1, "u1", {**GRETA_SAYS, "loyaltyTier": "gold"}, context=YES)
    mine, steward = await own(house, GRETA), house.token("steward")
    name = await asked(
        house, mine, CORRECTION, changes=[{"attribute": "identity.givenName", "value": "Greta"}]
    )
    assert name["state"] == "ACCEPTED"
    await desk.rights.engine.once()
    assert (await desk.own(GRETA, "identity { givenName }"))["identity"]["givenName"] == "Greta"
    tier = [{"attribute": "commerce.loyaltyTier", "value": "silver"}]
    stale = await own(house, GRETA, fresh=False)
    unproven = await asked(
        house, stale, CORRECTION, changes=[{"attribute": "commerce.loyaltyTier", "value": None}]
    )
    assert unproven["reason"] == "IDENTITY"
    assert await stands(desk) == ("gold", "gold")
    first = await asked(house, mine, CORRECTION, changes=tier)
    assert (first["state"], await stands(desk)) == ("ACKNOWLEDGED", (None, "gold"))
    await asked(house, mine, WITHDRAW, id=first["id"])
    assert await stands(desk) == ("gold", "gold")
    second = await asked(house, mine, CORRECTION, changes=tier)
    assert await stands(desk) == (None, "gold")
    waiting = {one["id"] for one in await listed(house, steward, states=["ACKNOWLEDGED"])}
    (theirs,) = waiting
    await asked(house, steward, DECIDE, id=theirs, accept=False, refusal=REFUSAL)
    assert await stands(desk) == ("gold", "gold")
    assert (await asked(house, mine, ONE, id=second["id"]))["state"] == "REJECTED"
    await asked(house, mine, CORRECTION, changes=tier)
    (theirs,) = [one["id"] for one in await listed(house, steward, states=["ACKNOWLEDGED"])]
    await asked(house, steward, DECIDE, id=theirs, accept=True)
    await desk.rights.engine.once()
    assert await stands(desk) == ("silver", "silver")


REFUSED = {
    "nothing": ({}, "CORRECTION_EMPTY"),
    "unknown": ({"contact.emial": "x"}, "ATTRIBUTE_UNKNOWN"),
    "computed": ({"commerce.orderCount": 3}, "CORRECTION_NEVER"),
    "device": ({"web.cookieId": "secret"}, "CORRECTION_NEVER"),
    "type": ({"demographics.birthDate": "secret"}, "TYPE_WRONG"),
    "value": ({"demographics.maritalStatus": "secret"}, "VALUE_UNDECLARED"),
    "address": ({"contact.email": "secret"}, "IDENTIFIER_INVALID"),
    "many": ({f"contact.x{n}": "secret" for n in range(101)}, "CORRECTION_TOO_MANY"),
}


@pytest.mark.parametrize(("changes", "code"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_and_not_repeated(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(BadRequest) as refused:
        check(load(None), changes)
    assert refused.value.code == code
    assert "secret" not in str(refused.value)
