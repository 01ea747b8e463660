"""Where the doors for organisations that act for people are put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import orjson
from starlette.routing import Route

from discretion.app.wiring.subject_rights import Asking, Ground
from discretion.domain.agents.agent import Kind
from discretion.domain.agents.agent_register import Register
from discretion.domain.agents.agent_request import Standing
from discretion.domain.agents.callbacks import Message, Tell
from discretion.domain.agents.delegated_requests import Desk
from discretion.domain.kit.graphql.context import Records
from discretion.domain.notices.privacy_office import Office
from discretion.edge.drp.directory import business
from discretion.edge.drp.endpoints import DataRights
from discretion.edge.drp.identity_verification import Verification
from discretion.edge.drp.status import status
from discretion.edge.opendsr import certificate
from discretion.edge.opendsr.certificate import Seal
from discretion.edge.opendsr.endpoints import OpenDSR
from discretion.edge.opendsr.status import callback
from discretion.settings import Settings
from discretion.store.agent_requests import Mandates
from discretion.store.agents import Agents, Replays

_JSON = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Acting:
    """Who may act for people, what they filed, telling them, and the doors they come through."""

    register: Register
    desk: Desk
    tell: Tell
    routes: tuple[Route, ...]
    seal: Callable[[], Seal]


def acting(on: Ground, records: Records, asking: Asking, office: Office) -> Acting:
    """Put the parts together. The certificate is looked at now, if an authority issued it.

    Raises:
        Misconfigured: ``CERTIFICATE_UNFIT``.
    """
    database, clock, entropy = on.database, on.clock, on.entropy
    asked, outward = asking.rights, asking.telling.outward
    base = on.settings.issuer.rstrip("/")
    seal = sealing(on.settings, on.root, clock, entropy)
    if on.settings.processor_certificate is not None:
        seal()
    register = Register(Agents(database), entropy, clock)
    desk = Desk(
        asked.file,
        asked.once,
        asked.decide,
        asked.requests,
        Mandates(database),
        asking.access.hand_out,
        records.customers,
        records.blind,
        entropy,
        clock,
    )
    controllers = OpenDSR(desk, register, outward, records.catalogue, seal, base, clock)
    routes = controllers.routes()
    if office.listing is not None:
        document = business(office.listing, records.catalogue.controller, base, office.rights)
        agents = DataRights(desk, register, Replays(database), outward, document, base, clock)
        pages = Verification(desk, register, outward, asked.prove, records.catalogue.controller)
        routes += [*agents.routes(), *pages.routes()]

    def to_agent(standing: Standing, _url: str) -> Message:
        return Message(orjson.dumps(status(standing, base)), _JSON)

    def to_controller(standing: Standing, url: str) -> Message:
        body = orjson.dumps(callback(standing, url))
        return Message(body, {**_JSON, **controllers.headers(body)})

    say = {Kind.AGENT: to_agent, Kind.CONTROLLER: to_controller}
    return Acting(register, desk, Tell(desk, register, outward, say, clock), tuple(routes), seal)


def sealing(
    settings: Settings, root: bytes, clock: Callable[[], int], entropy: Callable[[int], bytes]
) -> Callable[[], Seal]:
    """What answers to controllers are signed with, made ready when it is first needed."""
    domain = _domain(settings)

    @cache
    def seal() -> Seal:
        key = certificate.kept_key(processor_key(settings), root, entropy)
        if settings.processor_certificate is None:
            return Seal(domain, certificate.own(key, domain, clock()), key)
        chain = settings.processor_certificate.read_bytes()
        return Seal(domain, certificate.issued(chain, key, domain, clock()), key)

    return seal


def processor_key(settings: Settings) -> Path:
    """Where the key for answers to controllers is kept."""
    return settings.data_dir / "keys" / "processor.key"


def wanted(settings: Settings, root: bytes, entropy: Callable[[int], bytes]) -> bytes:
    """The request for a certificate, in PEM, for an authority to sign."""
    return certificate.wanted(certificate.kept_key(processor_key(settings), root, entropy), _domain(settings))


def _domain(settings: Settings) -> str:
    return urlsplit(settings.issuer).hostname or "localhost"
