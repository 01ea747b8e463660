"""``discretion agent``: who may file requests for people."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from discretion.domain.agents.agent import Kind, agent
from discretion.domain.agents.agent_register import Register
from discretion.domain.agents.terminal import registered
from discretion.settings import Settings, read

Registering = Callable[[Settings], AbstractAsyncContextManager[Register]]
Run = Callable[[Coroutine[Any, Any, None]], None]
Wanted = Callable[[Settings], bytes]

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Where MongoDB's data and the keys are kept.")
]
Id = Annotated[str, typer.Argument(help="Its id, such as CR_AGENT_1.")]


def commands(registering: Registering, run: Run, wanted: Wanted) -> typer.Typer:
    """The commands; ``wanted`` makes the request for a certificate."""
    agents = typer.Typer(help="Who may file requests for people.", no_args_is_help=True)
    agents.command("register")(_register(registering, run))

    @agents.command("list")
    def listed(data_dir: DataDir = None) -> None:
        """List who may file requests. Tokens are kept as digests and cannot be shown."""

        async def work() -> None:
            async with registering(_settings(data_dir)) as book:
                Console().print(registered(await book.all()))

        run(work())

    @agents.command("remove")
    def remove(id: Id, data_dir: DataDir = None) -> None:  # noqa: A002
        """Take an agent out of the register; its token stops working at once.

        What it filed goes on. Nobody is told of it there any more.
        """

        async def work() -> None:
            async with registering(_settings(data_dir)) as book:
                await book.strike(id)

        run(work())

    @agents.command("certificate")
    def certificate(data_dir: DataDir = None) -> None:
        """Print the request for a certificate (PKCS #10) under which answers to controllers are signed.

        OpenDSR wants it signed by an authority that controllers trust. Put
        what the authority gives, with its issuers, into a file that
        DISCRETION_PROCESSOR_CERTIFICATE names. Until then answers are signed
        under a certificate of our own, which is for evaluation. The key stays
        in the folder of keys.
        """
        sys.stdout.write(wanted(_settings(data_dir)).decode())

    return agents


def _register(registering: Registering, run: Run) -> Callable[..., None]:
    def register(
        id: Id,  # noqa: A002
        name: Annotated[str, typer.Option(help="The name people know it by.")],
        kind: Annotated[
            Kind, typer.Option(help="An agent of people, or a controller whose processor we are.")
        ] = Kind.AGENT,
        verify_key: Annotated[
            str, typer.Option(help="An agent's Ed25519 public key, in base64, from its directory document.")
        ] = "",
        host: Annotated[
            list[str] | None, typer.Option(help="A host that its callback URLs lead to; repeat for several.")
        ] = None,
        web: Annotated[str, typer.Option(help="Its home page.")] = "",
        assurance: Annotated[
            str, typer.Option(help="A page on how it makes sure of whom it speaks for.")
        ] = "",
        contact: Annotated[str, typer.Option(help="A mailbox of its office.")] = "",
        data_dir: DataDir = None,
    ) -> None:
        """Register who may file requests, or change what is known of them.

        An AGENT speaks the Data Rights Protocol 1.0. It signs what it sends
        with the key of --verify-key and fetches its token itself, from POST
        /v1/agent/ID. What it files for a person waits until they have proven
        who they are.

        A CONTROLLER speaks OpenDSR 2.0, at /opendsr/v2/requests. Its token is
        printed, once; registering it again makes a new one. It answers for
        having verified the person.

        Callbacks go by HTTPS to the hosts named here and to no other.

        With MongoDB of our own, stop the server first.
        """
        described = agent(
            id, kind, name, tuple(host or ()), verify_key, web=web, assurance=assurance, contact=contact
        )

        async def work() -> None:
            async with registering(_settings(data_dir)) as book:
                await book.enter(described)
                if kind is Kind.CONTROLLER:
                    sys.stdout.write(await book.entrust(id, kind) + "\n")

        run(work())

    return register


def _settings(data_dir: Path | None) -> Settings:
    settings = read(os.environ)
    return settings if data_dir is None else replace(settings, data_dir=data_dir)
