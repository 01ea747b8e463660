"""Builds the endpoints and the callbacks of authorised agents and controllers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import orjson
from starlette.routing import Route

from discretion.app.wiring.context import WiringContext
from discretion.app.wiring.subject_rights import SubjectRightsComponents
from discretion.domain.agents.agent_register import AgentRegister
from discretion.domain.agents.agent_request import AgentRequestStatus
from discretion.domain.agents.callbacks import CallbackMessage, CallbackSender
from discretion.domain.agents.delegated_requests import DelegatedRequests
from discretion.domain.kit.graphql.context import ResolverResources
from discretion.edge.drp.directory import build_directory_entry
from discretion.edge.drp.endpoints import DrpEndpoints
from discretion.edge.drp.identity_verification import IdentityVerificationPage
from discretion.edge.drp.status import build_drp_status
from discretion.edge.opendsr import certificate
from discretion.edge.opendsr.certificate import SigningCertificate
from discretion.edge.opendsr.endpoints import OpenDsrEndpoints
from discretion.edge.opendsr.status import build_callback
from discretion.settings import Settings
from discretion.store.agent_requests import AgentRequestStore
from discretion.store.agents import AgentKind, AgentStore, ReplayStore

_JSON = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class AgentComponents:
    """The register of agents, their requests, the callbacks to them, and the routes of their endpoints.

    ``load_certificate`` returns the certificate under which answers to controllers are signed.
    """

    agent_register: AgentRegister
    delegated_requests: DelegatedRequests
    callbacks: CallbackSender
    routes: tuple[Route, ...]
    load_certificate: Callable[[], SigningCertificate]


def build_agents(
    context: WiringContext, resources: ResolverResources, rights: SubjectRightsComponents
) -> AgentComponents:
    """Build the components of agents. A certificate that an authority issued is checked now.

    Raises:
        Misconfigured: ``CERTIFICATE_UNFIT``.
    """
    settings, database, clock = context.settings, context.database, context.clock
    egress = rights.recipients.egress
    api_base = settings.issuer.rstrip("/")
    load_certificate = build_certificate_loader(
        settings=settings, root=context.root, clock=clock, entropy=context.entropy
    )
    # A self-signed certificate is made when it is first needed: making its key takes a second.
    if settings.processor_certificate is not None:
        load_certificate()
    register = AgentRegister(agents=AgentStore(database), entropy=context.entropy, now_ms=clock)
    delegated_requests = _build_delegated_requests(context, resources=resources, rights=rights)
    opendsr = OpenDsrEndpoints(
        delegated_requests=delegated_requests,
        agent_register=register,
        egress=egress,
        catalogue=context.catalogue,
        load_certificate=load_certificate,
        api_base=api_base,
        now_ms=clock,
    )
    routes = opendsr.routes()
    # Agents of the Data Rights Protocol find a business by its directory entry; without one it serves none.
    if context.notices.office.listing is not None:
        routes += _build_drp_routes(
            context,
            delegated_requests=delegated_requests,
            register=register,
            rights=rights,
            api_base=api_base,
        )

    def build_agent_callback(request_status: AgentRequestStatus, _url: str) -> CallbackMessage:
        return CallbackMessage(
            body=orjson.dumps(build_drp_status(request_status=request_status, api_base=api_base)),
            headers=_JSON,
        )

    def build_controller_callback(request_status: AgentRequestStatus, url: str) -> CallbackMessage:
        body = orjson.dumps(build_callback(request_status=request_status, url=url))
        return CallbackMessage(body=body, headers={**_JSON, **opendsr.signature_headers(body)})

    builders = {AgentKind.AGENT: build_agent_callback, AgentKind.CONTROLLER: build_controller_callback}
    return AgentComponents(
        agent_register=register,
        delegated_requests=delegated_requests,
        callbacks=CallbackSender(
            delegated_requests=delegated_requests,
            register=register,
            egress=egress,
            message_builders=builders,
            now_ms=clock,
        ),
        routes=tuple(routes),
        load_certificate=load_certificate,
    )


def _build_delegated_requests(
    context: WiringContext, *, resources: ResolverResources, rights: SubjectRightsComponents
) -> DelegatedRequests:
    requests = rights.requests
    return DelegatedRequests(
        submission=requests.submission,
        immediate_rights=requests.immediate_rights,
        decisions=requests.decisions,
        requests=requests.store,
        agent_requests=AgentRequestStore(context.database),
        download_links=rights.access.download_links,
        identities=resources.identities,
        identifier_types=resources.catalogue.identifiers,
        blind_index=context.blind_index,
        entropy=context.entropy,
        now_ms=context.clock,
    )


def _build_drp_routes(
    context: WiringContext,
    delegated_requests: DelegatedRequests,
    register: AgentRegister,
    rights: SubjectRightsComponents,
    api_base: str,
) -> list[Route]:
    """Build the endpoints of the Data Rights Protocol and its page for identity verification."""
    office, controller = context.notices.office, context.catalogue.controller
    egress = rights.recipients.egress
    assert office.listing is not None
    entry = build_directory_entry(
        listing=office.listing, business_name=controller, api_base=api_base, policy_url=office.rights
    )
    replays = ReplayStore(context.database)
    endpoints = DrpEndpoints(
        delegated_requests=delegated_requests,
        agent_register=register,
        replays=replays,
        egress=egress,
        directory_entry=entry,
        api_base=api_base,
        now_ms=context.clock,
    )
    page = IdentityVerificationPage(
        delegated_requests=delegated_requests,
        agent_register=register,
        egress=egress,
        identity_proofing=rights.requests.identity_proofing,
        business_name=controller,
    )
    return [*endpoints.routes(), *page.routes()]


def build_certificate_loader(
    settings: Settings, root: bytes, clock: Callable[[], int], entropy: Callable[[int], bytes]
) -> Callable[[], SigningCertificate]:
    """Build a function that returns the certificate for answers to controllers, loaded on first use."""
    domain = _domain(settings)

    @cache
    def load_certificate() -> SigningCertificate:
        key = certificate.load_or_create_key(path=processor_key_path(settings), root=root, entropy=entropy)
        if settings.processor_certificate is None:
            return SigningCertificate(
                domain=domain,
                chain=certificate.build_self_signed(key=key, domain=domain, now_ms=clock()),
                key=key,
            )
        chain = settings.processor_certificate.read_bytes()
        return SigningCertificate(
            domain=domain,
            chain=certificate.check_issued_chain(chain=chain, key=key, domain=domain, now_ms=clock()),
            key=key,
        )

    return load_certificate


def processor_key_path(settings: Settings) -> Path:
    """Return the path of the key that signs answers to controllers."""
    return settings.data_dir / "keys" / "processor.key"


def build_processor_signing_request(
    settings: Settings, root: bytes, entropy: Callable[[int], bytes]
) -> bytes:
    """Build the request for a certificate, in PEM, for an authority to sign."""
    key = certificate.load_or_create_key(path=processor_key_path(settings), root=root, entropy=entropy)
    return certificate.build_signing_request(key=key, domain=_domain(settings))


def _domain(settings: Settings) -> str:
    return urlsplit(settings.issuer).hostname or "localhost"
