"""Lets every outside party of the map learn of Ann, erases her, and says where the map is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import jwt
import orjson

from discretion.domain.backup.dump import write_dump
from discretion.law.jurisdiction import Right
from discretion.plan.customer_members import WRAPPED_KEY
from discretion.store.dump import DumpStore, read_bson_file
from discretion.store.places.place import Departure, PlaceKind
from discretion.store.places.place_map import list_places
from tests.fixtures.agency import AgentClient, register_agent
from tests.fixtures.clock import Clock
from tests.fixtures.mail_server import MailServer, run_mail_server
from tests.fixtures.mongo import CommandRecorder, borrow_database
from tests.fixtures.package import file_request, find_customer_id
from tests.fixtures.platform import ROOT_KEY, PlatformUnderTest, build_test_platform
from tests.fixtures.waiting import WAIT_S
from tests.properties.erasure.wrapped_key_attack import can_unwrap, list_candidate_keys
from tests.unit.domain.kit.servers import StubServer, run_stub_server

PARTNER = "marketing.advertising.third_party.targeted"
READ_TIERS = "{ customers(first: 10) { nodes { id commerce { loyaltyTier } } } }"
PARTIES = frozenset(
    {
        *("recipients", "agents and controllers", "mail server", "copies of backups"),
        "receivers of a portability transfer",
    }
)
"""The parties that learn of Ann here."""
TIERS = {"ann": "gold", "bob": "silver"}
MAX_ROUNDS = 20


@dataclass(frozen=True)
class _Parties:
    """A platform with Ann and Bob, and the parties that it sends to."""

    platform: PlatformUnderTest
    clock: Clock
    folder: Path
    mail_server: MailServer
    partner: StubServer
    agent: StubServer
    receiver: StubServer

    @property
    def copy(self) -> Path:
        """Where the operator stores a dump."""
        return self.folder / "elsewhere"

    @property
    def keys(self) -> set[bytes]:
        """Every sequence of bytes in the key file that may be a key."""
        return list_candidate_keys(self.folder / "data" / "keys" / "buckets.keys", ROOT_KEY)


@dataclass(frozen=True)
class _Planted:
    """What identifies Ann, and the request of her agent to erase her."""

    customer: bytes
    ids_at_partner: Mapping[str, str]
    key: bytes = field(repr=False)
    client: AgentClient
    request: str
    verification_path: str
    code: str


async def find_faults_of_parties(mongo_url: str, folder: Path) -> list[str]:
    """Let all parties learn of Ann and Bob, erase Ann, and compare what each learns with the map."""
    async with _open_parties(mongo_url, folder) as parties:
        ann = await _plant(parties)
        sent = len(parties.receiver.requests)
        can_open = can_unwrap(ann.key, ann.customer, parties.keys)
        await _erase(parties, ann)
        observed = {
            "recipients": _observe_partner(parties, ann),
            "agents and controllers": _observe_agent(parties),
            "mail server": await _observe_mail_server(parties, ann),
            "copies of backups": _observe_copy(parties, ann) if can_open else None,
            "receivers of a portability transfer": _observe_receiver(parties) if sent == 1 else None,
        }
    return [
        f"{place.name}: {observed.get(place.name)}, not {place.departure}"
        for place in list_places(PlaceKind.OUTSIDE)
        if place.departure is not observed.get(place.name)
    ]


@asynccontextmanager
async def _open_parties(mongo_url: str, folder: Path) -> AsyncIterator[_Parties]:
    clock, commands = Clock("2027-03-01T12:00:00"), CommandRecorder()
    async with (
        borrow_database(mongo_url) as database,
        run_mail_server() as mail_server,
        run_stub_server() as partner,
        run_stub_server() as agent,
        run_stub_server() as receiver,
    ):
        platform = await build_test_platform(
            *(database, folder / "data", commands),
            clock=clock,
            outward_loopback=True,
            mail_url=mail_server.url,
        )
        async with platform.http:
            yield _Parties(platform, clock, folder, mail_server, partner, agent, receiver)


async def _plant(parties: _Parties) -> _Planted:
    platform = parties.platform
    for name, tier in TIERS.items():
        traits = {"firstName": name, "email": f"{name}@shop.example", "loyaltyTier": tier}
        outcome = await platform.send_messages(
            "web-shop",
            {
                "type": "identify",
                "messageId": f"{name}-1",
                "userId": f"w-{name}",
                "traits": {**traits, "emailVerified": True, "address": {"country": "DE"}},
                "context": {"consent": {"categoryPreferences": {PARTNER: True}}},
            },
        )
        assert outcome["accepted"] == 1, outcome
    customer = await find_customer_id(platform, "email", "ann@shop.example")
    await platform.internals.recipients.recipient_register.add("ad-partner", _url(parties.partner))
    token = platform.issue_token(client="ad-partner", subject="ad-partner", purposes=[PARTNER])
    answer = await platform.query(READ_TIERS, token)
    ids = {node["commerce"]["loyaltyTier"]: node["id"] for node in answer["data"]["customers"]["nodes"]}
    await file_request(platform, customer, Right.PORTABILITY, _url(parties.receiver))
    await platform.run_due_requests()
    client = await register_agent(platform, "AGENT_1", hosts=("127.0.0.1", "agent.example"))
    filed = await client.file_request(
        "deletion", email="ann@shop.example", email_verified=True, status_callback=_url(parties.agent)
    )
    path = urlsplit(filed.json()["user_verification_url"]).path
    mail_count = len(parties.mail_server.mails)
    await _submit(platform, path, email="ann@shop.example")
    async with asyncio.timeout(WAIT_S):
        while len(parties.mail_server.mails) == mail_count:  # noqa: ASYNC110 - no answer waits for its mail
            await asyncio.sleep(0.01)
    await write_dump(
        DumpStore(platform.internals.database), parties.copy, 1, ("0", "0"), lambda _name, _more: None
    )
    stored = [item for batch in read_bson_file(parties.copy / "customers.bson") for item in batch]
    key = next(document[WRAPPED_KEY] for document in stored if document["_id"] == customer)
    code = parties.mail_server.read_code()
    return _Planted(customer, ids, key, client, filed.json()["request_id"], path, code)


async def _erase(parties: _Parties, ann: _Planted) -> None:
    """Let Ann prove who she is, and run her request, with all notifications, to its end."""
    status = await _submit(parties.platform, ann.verification_path, code=ann.code)
    assert status == 303, parties.mail_server.mails
    internals = parties.platform.internals
    for _ in range(MAX_ROUNDS):
        await internals.requests.workflow_runner.run_due()
        await internals.recipients.delivery_worker.run_once()
        await internals.agents.callbacks.run_once()
        if (await ann.client.read_status(ann.request))["status"] == "fulfilled":
            parties.clock.advance(60_000)
            await internals.agents.callbacks.run_once()
            return
        parties.clock.advance(60_000)


def _observe_partner(parties: _Parties, ann: _Planted) -> Departure | None:
    """Return ``NOTIFIED`` if the partner got one notice, about Ann and by its own id of her."""
    bodies = [request.partition(b"\r\n\r\n")[2].decode() for request in parties.partner.requests]
    claims = [jwt.decode(body, options={"verify_signature": False}) for body in bodies]
    notices = [(claim["notice"]["right"], claim["notice"]["subjects"]) for claim in claims]
    return Departure.NOTIFIED if notices == [("erasure", [ann.ids_at_partner[TIERS["ann"]]])] else None


def _observe_agent(parties: _Parties) -> Departure | None:
    """Return ``NOTIFIED`` if the agent's last status is that the request was fulfilled, and has no value."""
    bodies = [request.partition(b"\r\n\r\n")[2] for request in parties.agent.requests]
    if not bodies or any(b"ann@shop.example" in body or TIERS["ann"].encode() in body for body in bodies):
        return None
    return Departure.NOTIFIED if orjson.loads(bodies[-1])["status"] == "fulfilled" else None


async def _observe_mail_server(parties: _Parties, ann: _Planted) -> Departure | None:
    """Return ``EXPIRES`` if what was mailed is worth nothing now, and no copy is kept here."""
    is_code_worthless = await _submit(parties.platform, ann.verification_path, code=ann.code) != 303
    files = [path.read_bytes() for path in (parties.folder / "data").rglob("*") if path.is_file()]
    has_copy = any(ann.code.encode() in content for content in files)
    return Departure.EXPIRES if is_code_worthless and not has_copy else None


def _observe_copy(parties: _Parties, ann: _Planted) -> Departure | None:
    """Return ``KEY_DESTROYED`` if the copy of a dump still has her key, and nothing opens it."""
    content = (parties.copy / "customers.bson").read_bytes()
    is_readable = can_unwrap(ann.key, ann.customer, parties.keys)
    return Departure.KEY_DESTROYED if ann.key in content and not is_readable else None


def _observe_receiver(parties: _Parties) -> Departure | None:
    """Return ``OTHER_LAW`` if the receiver has her readable package, and was sent nothing since."""
    is_readable = TIERS["ann"].encode() in parties.receiver.requests[0]
    return Departure.OTHER_LAW if is_readable and len(parties.receiver.requests) == 1 else None


async def _submit(platform: PlatformUnderTest, path: str, **fields: str) -> int:
    """Submit the form of the page on which a person proves who they are; return the HTTP status."""
    form = {"redirect_to": "https://agent.example/back", **fields}
    return (await platform.http.post(path, data=form)).status_code


def _url(server: StubServer) -> str:
    return f"http://127.0.0.1:{server.port}/inbox"
