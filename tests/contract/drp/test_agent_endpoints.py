"""The endpoints of the Data Rights Protocol 1.0 (section 2), and what an agent cannot find out by them."""

from __future__ import annotations

import base64
import secrets
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from discretion.domain.agents.status_map import DRP_FINAL, DRP_OPEN, drp
from discretion.domain.requests.model import Reason, State
from discretion.reveal.forms import iso
from discretion.store.driver.database import connect
from tests.fixtures.agency import REQUESTS, Agency, register
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import Commands
from tests.fixtures.platform import House, build

KNOWN, NOBODY = "ada@known.example", "eve@nowhere.example"
MINUTE = 60_000


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def clock() -> Clock:
    """Later than today, so that MongoDB deletes nothing that has yet to expire."""
    return Clock("2027-03-01T12:00:00")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    mongo_url: str, tmp_path_factory: pytest.TempPathFactory, clock: Clock
) -> AsyncIterator[House]:
    """A house that knows one person, in Sweden."""
    commands = Commands()
    database = await connect(mongo_url, f"agents_{secrets.token_hex(6)}", "pymongo", [commands])
    built = await build(database, tmp_path_factory.mktemp("house"), commands, clock=clock)
    async with built.http:
        traits = {"email": KNOWN, "address": {"country": "SE"}}
        person = {"type": "identify", "userId": "u-1", "traits": traits}
        assert (await built.tell("web-shop", person))["accepted"] == 1
        yield built
    await database.command({"dropDatabase": 1})
    await database.close()


@pytest_asyncio.fixture(loop_scope="module")
async def agency(house: House) -> Agency:
    """An agent of the test's own, with a token."""
    return await register(house, f"AGENT_{secrets.token_hex(4).upper()}", hosts=("agent.example",))


def code(response: Any, status: int) -> str:
    """The stable code of an error in the protocol's form (section 3.06)."""
    said = response.json()
    assert (response.status_code, said["code"]) == (status, str(status))
    assert said["message"]
    assert isinstance(said["fatal"], bool)
    return str(said["error"]["code"])


async def test_a_token_is_made_by_a_signed_message(house: House, agency: Agency) -> None:
    """Sections 2.05 and 2.06; it holds for one agent."""
    other = await register(house, "OTHER_1", seed=7)
    good = await agency.send("GET", f"/v1/agent/{agency.id}")
    assert (good.status_code, good.json()) == (200, {})
    assert (await agency.send("GET", f"/v1/agent/{agency.id}/")).status_code == 200
    assert code(await agency.send("GET", "/v1/agent/OTHER_1"), 403) == "DRP_AGENT"
    assert code(await agency.send("GET", f"/v1/agent/{agency.id}", token="x" * 43), 403) == "DRP_AGENT"
    assert code(await agency.send("GET", f"/v1/agent/{agency.id}", token=""), 401) == "AGENT_TOKEN"
    assert other.token != agency.token


async def test_a_new_token_ends_the_one_before(agency: Agency, clock: Clock) -> None:
    """An agent has one."""
    clock.forward(1000)
    here = f"/v1/agent/{agency.id}"
    response = await agency.send("POST", here, agency.signed(agency.claims()))
    assert response.json()["agent-id"] == agency.id
    assert (await agency.send("GET", here, token=response.json()["token"])).status_code == 200
    assert (await agency.send("GET", here)).status_code == 403


async def test_whatever_does_not_hold_no_token_is_made_and_nothing_is_said(agency: Agency) -> None:
    """Section 2.05.1: 403 with an empty body; a message that was heard is not heard again, by anybody."""
    claims, here = agency.claims(), f"/v1/agent/{agency.id}"
    once = agency.signed({**claims, "jti": "1"})
    assert (await agency.send("POST", f"{here}/", once, token="")).status_code == 200
    other = replace(agency, key=Ed25519PrivateKey.from_private_bytes(bytes(32)))
    for path, body in (
        (here, once),
        (here, b"%"),
        (here, agency.signed({**claims, "agent-id": "OTHER"})),
        (here, agency.signed({**claims, "business-id": "OTHER"})),
        (here, agency.signed({**claims, "issued-at": "2099-01-01T00:00:00Z"})),
        (here, agency.signed({**claims, "expires-at": "2020-01-01T00:00:00Z"})),
        (here, agency.signed({**claims, "drp.version": "0.9.4"})),
        ("/v1/agent/NOBODY", agency.signed({**claims, "agent-id": "NOBODY"})),
        (here, other.signed(claims)),
    ):
        refused = await agency.send("POST", path, body)
        assert (refused.status_code, refused.content) == (403, b"")


async def test_a_request_is_answered_with_its_status(agency: Agency, clock: Clock) -> None:
    """Section 3.03, and a slash at the end of every path."""
    told = await agency.exercise("deletion", email=KNOWN, email_verified=True, **{"agent-request-id": "r-1"})
    assert (told.status_code, told.headers["cache-control"]) == (200, "no-store")
    body = told.json()
    request = body["request_id"]
    assert uuid.UUID(request).version == 4
    assert body == {
        "request_id": request,
        "status": "in_progress",
        "reason": "need_user_verification",
        "received_at": iso(clock.now),
        "expected_by": body["expected_by"],
        "expires_at": iso(clock.now + 45 * 24 * 60 * MINUTE),
        "agent_request_id": "r-1",
        "user_verification_url": f"http://127.0.0.1:8000/v1/data-rights-request/{request}/verify",
    }
    assert await agency.status(request) == body
    assert await agency.status(f"{request}/") == body
    slash = agency.signed(agency.claims(exercise="access", email=KNOWN))
    assert (await agency.send("POST", f"{REQUESTS}/", slash)).status_code == 200


async def test_somebody_and_nobody_are_answered_alike(agency: Agency, clock: Clock) -> None:
    """At once and ever after, though the one is protected by another law than nobody."""
    pairs = []
    for right in ("deletion", "access", "access:categories", "access:specific", "sale:opt-out"):
        for verified in (True, False):
            if (right, verified) == ("sale:opt-out", True):
                continue  # takes no proof: the next test
            told = [
                (await agency.exercise(right, email=one, email_verified=verified)).json()
                for one in (KNOWN, NOBODY)
            ]
            assert _unnamed(told[0]) == _unnamed(told[1])
            pairs.append([one["request_id"] for one in told])
    for after in (MINUTE, 30 * 24 * 60 * MINUTE):
        clock.forward(after)
        await agency.house.platform.rights.engine.once()
        for pair in pairs:
            some, none = [_unnamed(await agency.status(one)) for one in pair]
            assert some == none
            assert some["status"] == "in_progress"


async def test_an_opt_out_needs_no_proof_and_shows_nobody(agency: Agency) -> None:
    """11 CCR 7026(d). What the agent verified is taken at its word; who is not here is not sold."""
    some, none = [
        (await agency.exercise("sale:opt-out", email=one, email_verified=True)).json()
        for one in (KNOWN, NOBODY)
    ]
    assert _unnamed(some) == _unnamed(none)
    assert (none["status"], none.get("reason")) == ("fulfilled", None)
    own = await agency.house.own_token("email", KNOWN)
    told = await agency.house.ask("{ me { signals { kind } permissions { purpose permitted } } }", own)
    assert told


async def test_what_was_made_once_is_refused_the_second_time(agency: Agency) -> None:
    """The protocol has no nonce: the message itself is remembered until it expires."""
    body = agency.signed(agency.claims(exercise="deletion", email=KNOWN))
    assert (await agency.send("POST", REQUESTS, body)).status_code == 200
    again = await agency.send("POST", REQUESTS, body)
    assert code(again, 409) == "DRP_REPLAYED"
    assert again.json()["fatal"] is True


async def test_an_expired_request_is_fatal_and_an_early_one_is_not(agency: Agency, clock: Clock) -> None:
    """Section 2.01: what expired is discarded."""
    body = agency.signed(agency.claims(exercise="deletion", email=KNOWN))
    clock.forward(-1000)
    early = await agency.send("POST", REQUESTS, body)
    assert (code(early, 400), early.json()["fatal"]) == ("DRP_NOT_YET_ISSUED", False)
    clock.forward(1000 + 10 * MINUTE + 1)
    late = await agency.send("POST", REQUESTS, body)
    assert (code(late, 400), late.json()["fatal"]) == ("DRP_EXPIRED", True)


async def test_the_body_is_looked_at_before_the_token(agency: Agency) -> None:
    """Section 3.07's order; without a token there is no key to verify with."""
    body = agency.signed(agency.claims(exercise="deletion", email=KNOWN))
    assert code(await agency.send("POST", REQUESTS, b"%", token=""), 400) == "DRP_NOT_BASE64"
    missing = await agency.send("POST", REQUESTS, body, token="")
    assert code(missing, 401) == "AGENT_TOKEN"
    assert missing.headers["www-authenticate"].startswith("Bearer")
    assert code(await agency.send("POST", REQUESTS, body, token="x" * 43), 401) == "AGENT_TOKEN"
    assert code(await agency.send("POST", REQUESTS, base64.b64encode(bytes(70_000))), 413) == "BODY_TOO_LARGE"


async def test_nobody_learns_of_the_requests_of_others(house: House, agency: Agency) -> None:
    """One of another agent's, one that never was and what is no id are one answer, to both questions."""
    other = await register(house, "OTHER_2", seed=8)
    request = (await agency.exercise("deletion", email=KNOWN)).json()["request_id"]
    answers = []
    for one in (request, str(uuid.uuid4()), "1", request.upper()):
        for method, body in (("GET", None), ("DELETE", other.signed({"reason": "mine"}))):
            response = await other.send(method, f"{REQUESTS}/{one}", body)
            assert code(response, 403) == "DRP_REQUEST"
            answers.append(response.content)
    assert len(set(answers)) == 1
    assert (await agency.status(request))["status"] == "in_progress"


async def test_a_reference_is_of_one_request(agency: Agency, clock: Clock) -> None:
    """An agent whose answer was lost asks again, signed anew, and finds what it filed."""
    first = (await agency.exercise("deletion", email=KNOWN, **{"agent-request-id": "r-1"})).json()
    clock.forward(1000)
    again = (await agency.exercise("deletion", email=KNOWN, **{"agent-request-id": "r-1"})).json()
    assert again == first
    taken = await agency.exercise("access", email=KNOWN, **{"agent-request-id": "r-1"})
    assert code(taken, 409) == "AGENT_REFERENCE_TAKEN"


async def test_a_request_is_taken_back_by_a_signed_word(agency: Agency) -> None:
    """Section 2.04: the new status is in the answer; the second time it is the same."""
    request = (await agency.exercise("deletion", email=KNOWN)).json()["request_id"]
    unsigned = base64.b64encode(bytes(64) + b'{"reason": "no"}')
    assert code(await agency.send("DELETE", f"{REQUESTS}/{request}", unsigned), 403) == "DRP_SIGNATURE"
    for body in ({"reason": "I changed my mind"}, {}, agency.claims(reason="again")):
        told = await agency.send("DELETE", f"{REQUESTS}/{request}/", agency.signed(body))
        assert (told.status_code, told.json()["status"]) == (200, "revoked")
        assert told.json().keys() == {"request_id", "status", "received_at"}
    stale = agency.signed(agency.claims(**{"business-id": "OTHER"}))
    assert code(await agency.send("DELETE", f"{REQUESTS}/{request}", stale), 403) == "DRP_BUSINESS"
    odd = agency.signed({"reason": 1})
    assert code(await agency.send("DELETE", f"{REQUESTS}/{request}", odd), 400) == "DRP_REASON"


async def test_what_is_over_cannot_be_taken_back(agency: Agency) -> None:
    """Told as a conflict; the request stays what it is."""
    request = (await agency.exercise("deletion", email=KNOWN)).json()["request_id"]
    await _turn(agency.house, request, State.FULFILLED, None)
    told = await agency.send("DELETE", f"{REQUESTS}/{request}", agency.signed({"reason": "no"}))
    assert code(told, 409) == "REQUEST_STATE"
    assert (await agency.status(request))["status"] == "fulfilled"


async def test_every_state_is_told_in_the_words_of_the_protocol(agency: Agency) -> None:
    """A walk over all states and reasons (section 3.02), once the person has proven who they are."""
    words = set(DRP_OPEN.values()) | set(DRP_FINAL.values())
    request = (await agency.exercise("deletion", email=KNOWN)).json()["request_id"]
    for state in State:
        for reason in (None, *Reason):
            await _turn(agency.house, request, state, reason, identified=1)
            told = await agency.status(request)
            assert (told["status"], told.get("reason")) == drp(state, reason)
            asks = told.get("reason") == "need_user_verification"
            assert asks == ("user_verification_url" in told)
            assert asks or (told["status"], told.get("reason")) in words
            assert ("expected_by" in told) == (told["status"] in ("open", "in_progress"))


async def test_until_proven_nobody_is_not_told_from_somebody_who_failed(agency: Agency) -> None:
    """'no_match' would say who is a customer; whoever proved nothing reads 'insuf_verification'."""
    request = (await agency.exercise("deletion", email=KNOWN)).json()["request_id"]
    for reason in (Reason.NO_MATCH, Reason.NOT_VERIFIED):
        await _turn(agency.house, request, State.UNFULFILLED, reason)
        assert (await agency.status(request))["reason"] == "insuf_verification"


@pytest.mark.parametrize(
    "url",
    [
        "http://agent.example/status",
        "https://evil.example/status",
        "https://agent.example.evil.example/status",
        "https://agent.example@evil.example/status",
        "https://127.0.0.1/status",
        "https://[::ffff:169.254.169.254]/latest/meta-data",
        "https://localhost/status",
        "file:///etc/passwd",
        "gopher://agent.example/",
    ],
)
async def test_callbacks_lead_to_hosts_of_the_agent_and_nowhere_else(agency: Agency, url: str) -> None:
    """Whatever else is refused when it is filed, and nothing is filed."""
    refused = await agency.exercise("deletion", email=KNOWN, status_callback=url)
    assert code(refused, 400) == "DRP_CALLBACK"
    assert await agency.house.platform.database.count("mandates", {"agent": agency.id}) == 0


async def test_agents_find_us_by_our_entry_in_the_directory(agency: Agency) -> None:
    """Section 3.05.2, with exactly what is done."""
    entry = (await agency.house.http.get("/.well-known/data-rights.json")).json()
    assert (entry["id"], entry["api_base"]) == ("LINDGREN_MOSS", "http://127.0.0.1:8000")
    assert entry["supported_verifications"] == ["email", "phone_number"]
    for right in entry["supported_actions"]:
        assert (await agency.exercise(right, phone_number="+46701234567")).status_code == 200
    assert code(await agency.exercise("sale:opt-in", email=KNOWN), 400) == "DRP_EXERCISE"


async def test_what_is_kept_of_a_request_names_nobody(agency: Agency) -> None:
    """Neither the address nor the name nor the document, in no collection the doors write to."""
    told = await agency.exercise(
        "deletion", email="Zed@Nowhere.example", name="Zed Zulu", power_of_attorney="poa-of-zed"
    )
    assert told.status_code == 200
    database = agency.house.platform.database
    for name in ("mandates", "replays", "requests", "agents"):
        kept = repr(await database.find(name, {})).lower()
        assert "zed" not in kept
        assert "zulu" not in kept


def _unnamed(told: dict[str, Any]) -> dict[str, Any]:
    """A status without its ids."""
    ids = ("request_id", "user_verification_url")
    return {name: value for name, value in told.items() if name not in ids}


async def _turn(
    house: House, request: str, state: State, reason: Reason | None, identified: int | None = None
) -> None:
    """Put the requests of a mandate into a state, as stewards and the engine do."""
    database = house.platform.database
    mandate = await database.find_one("mandates", {"_id": uuid.UUID(request).bytes})
    assert mandate is not None
    change: dict[str, Any] = {"state": state.value}
    if identified is not None:
        change["identified"] = identified
    gone: dict[str, Any] = {}
    if reason is None:
        gone = {"$unset": {"reason": ""}}
    else:
        change["reason"] = reason.value
    for one in mandate["requests"]:
        await database.update_one("requests", {"_id": one}, {"$set": change, **gone})
