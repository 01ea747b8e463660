"""``discretion agent``: the register of organisations that may file requests for people."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from discretion.background import RunCoroutine
from discretion.domain.agents.agent import build_agent
from discretion.domain.agents.agent_register import AgentRegister
from discretion.settings import Settings, read_settings
from discretion.store.agents import Agent, AgentKind

OpenAgentRegister = Callable[[Settings], AbstractAsyncContextManager[AgentRegister]]
BuildCertificateRequest = Callable[[Settings], bytes]

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="The folder of the MongoDB data and the keys.")
]
AgentArgument = Annotated[str, typer.Argument(help="The id of the organisation, such as CR_AGENT_1.")]


def build_commands(
    open_register: OpenAgentRegister, run: RunCoroutine, build_certificate_request: BuildCertificateRequest
) -> typer.Typer:
    """Return the commands.

    Args:
        open_register: Opens the register for some settings.
        run: Runs a coroutine to its end and prints errors.
        build_certificate_request: Returns a certificate signing request in PEM.
    """
    agents = typer.Typer(help="Organisations that may file requests for people.", no_args_is_help=True)
    agents.command("register")(_build_register_command(open_register, run))

    @agents.command("list")
    def list_agents(data_dir: DataDir = None) -> None:
        """List the organisations that may file requests.

        Tokens are stored as digests and cannot be shown.
        """

        async def show_agents() -> None:
            async with open_register(_load_settings(data_dir)) as register:
                Console().print(_render_agents(await register.list_all()))

        run(show_agents())

    @agents.command("remove")
    def remove_agent(id: AgentArgument, data_dir: DataDir = None) -> None:  # noqa: A002
        """Remove an organisation; its token stops working at once.

        Requests that it filed continue. It gets no callbacks any more.
        """

        async def remove_from_register() -> None:
            async with open_register(_load_settings(data_dir)) as register:
                await register.remove(id)

        run(remove_from_register())

    @agents.command("certificate")
    def print_certificate_request(data_dir: DataDir = None) -> None:
        """Print a certificate signing request (PKCS #10) for the key that signs answers to controllers.

        OpenDSR requires a certificate from an authority that controllers
        trust. Put the issued certificate and its chain into a file, and set
        DISCRETION_PROCESSOR_CERTIFICATE to its path. Until then answers are
        signed under a self-signed certificate, which is for evaluation only.
        The key stays in the folder of keys.
        """
        sys.stdout.write(build_certificate_request(_load_settings(data_dir)).decode())

    return agents


def _build_register_command(open_register: OpenAgentRegister, run: RunCoroutine) -> Callable[..., None]:
    def register_agent(
        id: AgentArgument,  # noqa: A002
        name: Annotated[str, typer.Option(help="The name that people know the organisation by.")],
        kind: Annotated[
            AgentKind,
            typer.Option(
                help="An authorised agent, or a controller for whom this installation is the processor."
            ),
        ] = AgentKind.AGENT,
        verify_key: Annotated[
            str, typer.Option(help="An agent's Ed25519 public key, in base64, from its directory document.")
        ] = "",
        host: Annotated[
            list[str] | None, typer.Option(help="A host that callback URLs may name; repeat for several.")
        ] = None,
        web: Annotated[str, typer.Option(help="URL of its home page.")] = "",
        assurance: Annotated[
            str, typer.Option(help="URL of a page on how it verifies the people it acts for.")
        ] = "",
        contact: Annotated[str, typer.Option(help="A mailbox of the organisation.")] = "",
        data_dir: DataDir = None,
    ) -> None:
        """Register an organisation, or replace its description.

        An AGENT uses the Data Rights Protocol 1.0. It signs its requests with
        the private key that belongs to --verify-key, and fetches its token
        from POST /v1/agent/ID. A request that it files waits until the person
        has proven their identity.

        A CONTROLLER uses OpenDSR 2.0, at /opendsr/v2/requests. Its token is
        printed once; registering it again issues a new one. The controller is
        responsible for having verified the person's identity.

        Callbacks are sent by HTTPS, and only to the hosts named here.

        With the embedded MongoDB, stop the server first.
        """
        agent = build_agent(
            id, kind, name, tuple(host or ()), verify_key, web=web, assurance=assurance, contact=contact
        )

        async def save_agent() -> None:
            async with open_register(_load_settings(data_dir)) as register:
                await register.register(agent)
                if kind is AgentKind.CONTROLLER:
                    sys.stdout.write(await register.issue_token(id, kind) + "\n")

        run(save_agent())

    return register_agent


def _render_agents(agents: Sequence[Agent]) -> Table:
    table = Table("id", "kind", "name", "callbacks to", "contact")
    for agent in agents:
        table.add_row(
            agent.id, agent.kind.value, agent.name, ", ".join(agent.hosts) or "nowhere", agent.contact
        )
    return table


def _load_settings(data_dir: Path | None) -> Settings:
    settings = read_settings(os.environ)
    return settings if data_dir is None else replace(settings, data_dir=data_dir)
