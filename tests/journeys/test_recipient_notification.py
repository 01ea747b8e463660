"""Whoever was given a person's data is told what became of it, once they know it for sure (GDPR Art. 19)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import pytest_asyncio
from jwt.types import Options

from discretion.domain.kit.workflow.runner import Engine
from discretion.domain.recipients.delivery import DAY_MS, KEPT_MS, TRIED_MS, State
from discretion.domain.recipients.disclosed_attributes import names_of
from discretion.domain.recipients.notification import HEADER
from discretion.domain.recipients.notification_steps import NAMES, snapshot
from discretion.domain.requests.workflows import fulfilled
from discretion.store.driver.database import Database, update
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import Commands
from tests.fixtures.platform import House, build
from tests.unit.domain.kit.servers import OK, Somebody, somebody

PARTNER = "marketing.advertising.third_party.targeted"
EMAIL = "greta.albrecht@post.example"
LATER = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n"
AWAY = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
MERGE = "mutation($ids: [ID!]!) { merge(customers: $ids) { id } }"
FIND = f'{{ customer(identifier: {{type: "email", value: "{EMAIL}"}}) {{ id }} }}'
TIERS = "{ customers(first: 10) { nodes { id commerce { loyaltyTier } } } }"
REGIONS = "{ customers(first: 10) { nodes { id contact { address { region } } } } }"


class Told:
    """A house in which requests are carried out when asked to, and whose clock is ours."""

    def __init__(self, house: House, clock: Clock) -> None:
        self.house = house
        self.clock = clock
        self.database: Database = house.platform.database
        telling = house.platform.telling
        self.telling = telling
        self.engine = Engine(house.platform.rights.requests, telling.acts, fulfilled, clock)

    async def meets(self, query: str, client: str, purpose: str) -> list[dict[str, Any]]:
        """What a client is answered."""
        token = self.house.token(client=client, subject=client, purposes=[purpose])
        answer = await self.house.ask(query, token)
        assert "errors" not in answer, answer
        nodes: list[dict[str, Any]] = answer["data"]["customers"]["nodes"]
        return nodes

    async def person(self) -> bytes:
        """The id of the one customer there is."""
        found = await self.database.find_one("customers", {}, {"_id": 1})
        assert found is not None
        customer: bytes = found["_id"]
        return customer

    async def request(
        self, right: str = "erasure", number: int = 1, scope: dict[str, Any] | None = None, **more: Any
    ) -> bytes:
        """A request in which recipients are told, accepted now."""
        request = bytes([number]) * 16
        await self.house.platform.rights.requests.add(
            {
                "_id": request,
                "v": 1,
                "right": right,
                "state": "accepted",
                "client": "customer-app",
                "subject": "someone",
                "kind": "person",
                "by": "self:customer-app",
                "assurance": 3,
                "laws": ["eu"],
                "received": self.clock(),
                "scope": scope or {},
                "sealed": {},
                "decides": False,
                "steps": [{"name": one, "state": "open", "attempts": 0} for one in ("tell", "told")],
                "fence": 0,
                "until": 0,
                "next": self.clock(),
                "history": [{"state": "accepted", "at": self.clock(), "by": "self:customer-app"}],
                **(more or {"customer": await self.person()}),
            }
        )
        await self.engine.once()
        return request

    async def states(self, request: bytes) -> dict[str, State]:
        """Where the deliveries of a request stand, by client."""
        return {one.client: one.state for one in await self.telling.tell.of_request(request)}

    async def outcome(self, request: bytes) -> dict[str, Any] | None:
        """What a request's last step came to; None while it is not over."""
        await self.engine.once()
        found = await self.house.platform.rights.requests.get(request)
        assert found is not None
        told: dict[str, Any] | None = found["steps"][1].get("told")
        assert (told is not None) == (found["state"] == "fulfilled")
        return told


@pytest_asyncio.fixture
async def told(database: Database, tmp_path: Path, commands: Commands) -> AsyncIterator[Told]:
    """Greta, whom a partner and two of the shop's own people have met."""
    clock = Clock("2026-11-02T10:00")
    house = await build(database, tmp_path, commands, clock=clock, outward_loopback=True)
    async with house.http:
        await house.tell(
            "web-shop",
            {
                "type": "identify",
                "messageId": "m1",
                "userId": "u1",
                "traits": {
                    "email": EMAIL,
                    "birthday": "1985-03-04",
                    "loyaltyTier": "gold",
                    "address": {"country": "DE", "state": "Bayern"},
                },
                "context": {"consent": {"categoryPreferences": {PARTNER: True}}},
                "timestamp": "2026-11-01T10:00:00Z",
            },
        )
        yield Told(house, clock)


async def test_exactly_the_clients_in_the_ledger_are_told(told: Told) -> None:
    """Not the person, not the privacy office, not the shop's own people, nobody who got nothing."""
    own = await told.house.own_token("email", EMAIL)
    await told.house.ask("{ me { identity { givenName } contact { email } } }", own)
    elsewhere = await told.house.own_token("email", EMAIL, client="somebody-elses-app")
    await told.house.ask("{ me { contact { email } } }", elsewhere)
    await told.house.ask(FIND, told.house.token("steward"))
    for role in ("frontend", "support", "marketing", "analytics"):
        await told.house.ask(
            "{ customers(first: 10) { nodes { id commerce { loyaltyTier } } } }", told.house.token(role)
        )
    await told.meets("{ customers(first: 10) { nodes { id } } }", "ids-only", PARTNER)
    (met,) = await told.meets(TIERS, "ad-partner", PARTNER)
    await told.meets(REGIONS, "unknown-client", PARTNER)
    request = await told.request()
    assert await told.states(request) == {"ad-partner": State.BY_HAND, "unknown-client": State.BY_HAND}
    first, second = await told.telling.tell.of_request(request)
    assert met["commerce"]["loyaltyTier"] == "gold"
    assert (first.subjects, first.attributes) == ((met["id"],), ("commerce.loyaltyTier",))
    assert second.attributes == ("contact.address.region",)
    assert first.subjects != second.subjects
    assert first.purposes == second.purposes == (PARTNER,)


async def test_a_recipient_gets_a_signed_notice_with_its_own_name_of_the_person(told: Told) -> None:
    (met,) = await told.meets(TIERS, "ad-partner", PARTNER)
    async with somebody(OK) as partner:
        await told.telling.register.add("ad-partner", f"http://127.0.0.1:{partner.port}/privacy")
        request = await told.request()
        assert await told.outcome(request) is None
        assert await told.telling.deliver.once() == 1
        claims, headers = await notice(told, partner)
    assert headers["typ"] == "rights-notice+jwt"
    assert claims["sub"] == met["id"]
    assert claims["exp"] > claims["iat"] == told.clock() // 1000
    assert claims["notice"]["right"] == "erasure"
    assert claims["notice"]["subjects"] == [met["id"]]
    assert claims["notice"]["attributes"] == ["commerce.loyaltyTier"]
    told.clock.forward(2 * DAY_MS)
    assert await told.outcome(request) == {"told": 1, "by_hand": 0, "not_told": []}
    assert await ids_left(told) == 0


async def test_what_is_not_acknowledged_comes_again_with_the_same_id_and_later_and_later(told: Told) -> None:
    await told.meets(TIERS, "ad-partner", PARTNER)
    async with somebody(AWAY) as partner:
        await told.telling.register.add("ad-partner", f"http://127.0.0.1:{partner.port}/")
        request = await told.request()
        pauses = []
        for _ in range(6):
            assert await told.telling.deliver.once() == 1
            (one,) = await told.telling.tell.of_request(request)
            assert (one.state, one.why) == (State.OPEN, "HTTP_503")
            assert one.next is not None
            pauses.append(one.next - told.clock())
            assert await told.telling.deliver.once() == 0
            told.clock.forward(pauses[-1])
        assert all(
            least <= pause < 2 * least
            for pause, least in zip(pauses, (15_000 << n for n in range(6)), strict=True)
        )
        assert len({(await notice(told, partner, n))[0]["jti"] for n in range(6)}) == 1


async def test_after_the_last_try_a_human_is_left_with_it_and_the_request_ends(told: Told) -> None:
    """The law asks to tell everybody unless it is impossible: the request says who could not be."""
    await told.meets(TIERS, "ad-partner", PARTNER)
    async with somebody(AWAY) as partner:
        await told.telling.register.add("ad-partner", f"http://127.0.0.1:{partner.port}/")
        request = await told.request()
        for _ in range(40):
            told.clock.forward(DAY_MS // 2)
            await told.telling.deliver.once()
        assert len(partner.asked) < 60
    assert await told.states(request) == {"ad-partner": State.STUCK}
    expected = {"told": 0, "by_hand": 0, "not_told": [{"client": "ad-partner", "why": "HTTP_503"}]}
    assert await told.outcome(request) == expected
    (one,) = await told.telling.tell.by_hand(10)
    done = await told.telling.confirm.by_steward(one.id, "steward:privacy-office")
    assert (done.state, done.by, done.subjects) == (State.TOLD, "steward:privacy-office", ())
    assert await told.telling.confirm.by_steward(one.id, "steward:another") == done


async def test_one_without_a_webhook_is_told_by_hand_and_holds_nothing_up(told: Told) -> None:
    (met,) = await told.meets(TIERS, "ad-partner", PARTNER)
    request = await told.request()
    assert await told.outcome(request) == {"told": 0, "by_hand": 1, "not_told": []}
    assert [one.subjects for one in await told.telling.tell.by_hand(10)] == [(met["id"],)]
    async with somebody(OK) as partner:
        _, sent = await told.telling.register.add("ad-partner", f"http://127.0.0.1:{partner.port}/")
        assert sent == 1
        await told.telling.deliver.once()
        assert (await notice(told, partner))[0]["sub"] == met["id"]
    assert await told.states(request) == {"ad-partner": State.TOLD}


async def test_nobody_keeps_a_name_for_ever_for_a_human_who_never_tells(told: Told) -> None:
    await told.meets(TIERS, "ad-partner", PARTNER)
    request = await told.request()
    told.clock.forward(KEPT_MS - 1)
    await told.telling.deliver.once()
    assert await ids_left(told) == 1
    told.clock.forward(2)
    await told.telling.deliver.once()
    assert await told.states(request) == {"ad-partner": State.LAPSED}
    assert await ids_left(told) == 0


async def test_who_answers_later_is_reminded_until_it_says_that_it_acted(told: Told) -> None:
    await told.meets(TIERS, "ad-partner", PARTNER)
    async with somebody(LATER) as partner:
        await told.telling.register.add("ad-partner", f"http://127.0.0.1:{partner.port}/")
        request = await told.request()
        await told.telling.deliver.once()
        assert await told.states(request) == {"ad-partner": State.RECEIVED}
        assert await told.telling.deliver.once() == 0
        told.clock.forward(DAY_MS)
        assert await told.telling.deliver.once() == 1
        claims, _ = await notice(told, partner)
    assert await told.outcome(request) is None
    url, body = "/v1/recipients/acknowledgements", {"delivery": claims["jti"]}
    for wrong, token in (
        (404, told.house.token(client="other-partner", subject="other-partner", purposes=[PARTNER])),
        (403, await told.house.own_token("email", EMAIL)),
        (401, None),
        (401, "not.a.token"),
    ):
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        assert (await told.house.http.post(url, json=body, headers=headers)).status_code == wrong
    token = told.house.token(client="ad-partner", subject="ad-partner", purposes=[PARTNER])
    headers = {"authorization": f"Bearer {token}"}
    for bad, status in (({}, 400), ({"delivery": "zz"}, 400), ({"delivery": "00" * 16}, 404)):
        assert (await told.house.http.post(url, json=bad, headers=headers)).status_code == status
    first = await told.house.http.post(url, json=body, headers=headers)
    told.clock.forward(1000)
    again = await told.house.http.post(url, json=body, headers=headers)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    told.clock.forward(DAY_MS)
    assert await told.outcome(request) == {"told": 1, "by_hand": 0, "not_told": []}
    assert await ids_left(told) == 0


async def test_telling_twice_is_telling_once(told: Told) -> None:
    """A step that was cut off after its transaction, and runs again, adds nobody and resets nothing."""
    await told.meets(TIERS, "ad-partner", PARTNER)
    async with somebody(OK) as partner:
        await told.telling.register.add("ad-partner", f"http://127.0.0.1:{partner.port}/")
        request = await told.request()
        await told.telling.deliver.once()
        again = update({"_id": request}, {"$set": {"steps.0.state": "open", "next": told.clock()}})
        await told.database.bulk_write("requests", [again])
        await told.engine.once()
        assert await told.telling.deliver.once() == 0
        assert len(partner.asked) == 1
    assert await told.states(request) == {"ad-partner": State.TOLD}


async def test_two_processes_send_a_notice_once(told: Told) -> None:
    await told.meets(TIERS, "ad-partner", PARTNER)
    async with somebody(OK, pause_s=0.05) as partner:
        await told.telling.register.add("ad-partner", f"http://127.0.0.1:{partner.port}/")
        request = await told.request()
        (one,) = await told.telling.tell.of_request(request)
        deliver = told.telling.deliver
        assert await deliver.deliveries.take(one.id, 0, told.clock() + 60_000)
        assert not await deliver.deliveries.take(one.id, 0, told.clock() + 60_000)
        await deliver.once()
        assert partner.asked == []
        told.clock.forward(60_000)
        await deliver.once()
        assert len(partner.asked) == 1


async def test_whose_keys_are_gone_is_still_told_about_under_every_name(told: Told) -> None:
    """Two profiles that two partners met, merged, erased: the snapshot has the names, nobody needs a key."""
    await told.house.tell(
        "tills",
        {"type": "identify", "messageId": "m2", "userId": "card-7", "traits": {"loyaltyTier": "silver"}},
    )
    await told.house.tell(
        "tills",
        {"type": "consent", "messageId": "m3", "userId": "card-7", "purposes": {PARTNER: True}},
    )
    met = {
        one["commerce"]["loyaltyTier"]: one["id"] for one in await told.meets(TIERS, "ad-partner", PARTNER)
    }
    assert set(met) == {"gold", "silver"}
    now = await merge(told)
    customer = await told.database.find_one("customers", {"_id": now}, {"key": 1, "merged": 1})
    assert customer is not None
    buckets = told.house.platform.conductor.revealer.buckets
    kept = {NAMES: snapshot(names_of(buckets, customer))}
    await told.database.delete_many("customers", {})
    request = await told.request(customer=now, snapshot=kept)
    (one,) = await told.telling.tell.of_request(request)
    assert set(one.subjects) == set(met.values())


async def test_of_a_correction_only_those_are_told_who_had_what_was_corrected(told: Told) -> None:
    await told.meets(TIERS, "ad-partner", PARTNER)
    await told.meets(REGIONS, "unknown-client", PARTNER)
    scope = {"attributes": ["contact.address.region", "contact.phone"]}
    request = await told.request("correction", scope=scope)
    (one,) = await told.telling.tell.of_request(request)
    assert (one.client, one.what, one.attributes) == (
        "unknown-client",
        "correction",
        ("contact.address.region",),
    )


async def test_a_webhook_that_was_taken_away_leaves_its_notices_to_a_human(told: Told) -> None:
    await told.meets(TIERS, "ad-partner", PARTNER)
    await told.telling.register.add("ad-partner", "http://127.0.0.1:9/")
    request = await told.request()
    await told.telling.register.remove("ad-partner")
    await told.telling.deliver.once()
    assert await told.states(request) == {"ad-partner": State.BY_HAND}


@pytest.mark.parametrize("days", [1, 13])
async def test_a_request_waits_as_long_as_there_is_a_try_left(told: Told, days: int) -> None:
    await told.meets(TIERS, "ad-partner", PARTNER)
    await told.telling.register.add("ad-partner", "http://127.0.0.1:9/")
    request = await told.request()
    told.clock.forward(days * DAY_MS)
    await told.telling.deliver.once()
    assert days * DAY_MS < TRIED_MS
    assert await told.outcome(request) is None


async def merge(told: Told) -> bytes:
    """Have a steward say that everybody there is is one person."""
    steward = told.house.token("steward", purposes=["essential"])
    known = await told.house.ask("{ customers(first: 10) { nodes { id } } }", steward)
    ids = [one["id"] for one in known["data"]["customers"]["nodes"]]
    merged = await told.house.ask(MERGE, steward, {"ids": ids})
    assert "errors" not in merged, merged
    return await told.person()


async def ids_left(told: Told) -> int:
    """How many deliveries still name somebody."""
    return await told.database.count("deliveries", {"subjects": {"$exists": True}})


async def notice(told: Told, partner: Somebody, number: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Claims and header of what a recipient got, verified by a library with the keys that are published."""
    head, _, body = partner.asked[number].partition(b"\r\n\r\n")
    assert b"content-type: application/rights-notice+jwt\r\n" in head + b"\r\n"
    header = jwt.get_unverified_header(body.decode())
    published = (await told.house.http.get("/.well-known/jwks.json")).json()["keys"]
    (key,) = (jwt.PyJWK(one) for one in published if one["kid"] == header["kid"])
    timeless: Options = {"verify_exp": False, "verify_iat": False}  # the clock is ours
    issuer = "http://127.0.0.1:8000"
    claims = jwt.decode(body.decode(), key, ["EdDSA"], audience="ad-partner", issuer=issuer, options=timeless)
    assert f"{HEADER}: {claims['jti']}\r\n".encode() in head
    return claims, header
