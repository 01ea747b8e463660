"""The ``agents`` and ``replays`` collections: registered agents, and signed requests already received.

An *agent* is authorised by a person. It uses the Data Rights Protocol (DRP) and signs its requests. A
*controller* has this installation process its customers' data. It uses OpenDSR, and is responsible for having
verified the person's identity.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from discretion.errors import Conflict
from discretion.store.document import Document, MutableDocument, build_date
from discretion.store.driver.database import Database

AGENTS = "agents"
REPLAYS = "replays"


class AgentKind(StrEnum):
    """Kind of an organisation, which decides the protocol that it uses."""

    AGENT = "agent"  # Data Rights Protocol 1.0
    CONTROLLER = "controller"  # OpenDSR 2.0


@dataclass(frozen=True, slots=True)
class Agent:
    """A registered organisation.

    Attributes:
        id: Id in the protocol, such as ``CR_AGENT_1``.
        kind: Agent or controller.
        name: Name that people know it by.
        hosts: The only hosts that its callback URLs may name.
        verify_key: The 32 bytes of an agent's Ed25519 public key; empty for a controller.
        web: URL of the home page.
        assurance: URL of a page on how the agent verifies the people it acts for (DRP 1.0, 3.05.1).
        contact: Mailbox of the organisation.
    """

    id: str
    kind: AgentKind
    name: str
    hosts: tuple[str, ...] = ()
    verify_key: bytes = b""
    web: str = ""
    assurance: str = ""
    contact: str = ""


class AgentStore:
    """Reads and writes of agents and of the digests of their tokens."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, agent: Agent) -> None:
        """Save the data of an agent; an existing token stays valid."""
        document = build_agent_document(agent)
        await self._database.update_one(AGENTS, {"_id": document.pop("_id")}, {"$set": document}, upsert=True)

    async def set_token(self, agent: str, kind: AgentKind, digest: bytes, issued_at: int) -> bool:
        """Replace an agent's token by the one with this digest.

        Return False if there is no such agent.
        """
        # Only the digest is stored, so no usable token can be read from the database or from a backup.
        change = {"$set": {"digest": digest, "issued": issued_at}}
        result = await self._database.update_one(AGENTS, {"_id": agent, "kind": kind.value}, change)
        return result.matched == 1

    async def find(self, agent: str, kind: AgentKind) -> Agent | None:
        """Return the agent with this id."""
        return await self._find({"_id": agent, "kind": kind.value})

    async def find_by_token(self, digest: bytes, kind: AgentKind) -> Agent | None:
        """Return the agent whose token has this digest."""
        return await self._find({"digest": digest, "kind": kind.value})

    async def list_all(self) -> list[Agent]:
        """List all agents, sorted by id."""
        documents = await self._database.find(AGENTS, {}, sort=[("_id", 1)])
        return [parse_agent(document) for document in documents]

    async def remove(self, agent: str) -> bool:
        """Delete an agent, and return False if it did not exist."""
        return await self._database.delete_many(AGENTS, {"_id": agent}) == 1

    async def _find(self, query: Document) -> Agent | None:
        document = await self._database.find_one(AGENTS, query)
        return None if document is None else parse_agent(document)


class ReplayStore:
    """The ``replays`` collection: digests of signed requests that must not be accepted a second time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def remember(self, digest: bytes, until_ms: int) -> bool:
        """Store a digest durably until it expires, and return False if it is already stored."""
        # MongoDB deletes an expired document some time after its date and never before. So no replay is
        # accepted while its signature is valid.
        # The unique ``_id`` decides between processes that receive the same bytes at the same time. A read
        # before the insert would let both accept them.
        try:
            await self._database.insert_many(REPLAYS, [{"_id": digest, "expires": build_date(until_ms)}])
        except Conflict:
            return False
        return True

    async def forget(self, digest: bytes) -> None:
        """Delete a digest, because its request had no effect and may be sent again."""
        await self._database.delete_many(REPLAYS, {"_id": digest})


def parse_agent(document: Document) -> Agent:
    """Parse the stored document of an agent."""
    return Agent(
        id=document["_id"],
        kind=AgentKind(document["kind"]),
        name=document["name"],
        hosts=tuple(document["hosts"]),
        verify_key=document["verify_key"],
        web=document["web"],
        assurance=document["assurance"],
        contact=document["contact"],
    )


def build_agent_document(agent: Agent) -> MutableDocument:
    """Build the stored document of an agent, without its token."""
    return {
        "_id": agent.id,
        "kind": agent.kind.value,
        "name": agent.name,
        "hosts": list(agent.hosts),
        "verify_key": agent.verify_key,
        "web": agent.web,
        "assurance": agent.assurance,
        "contact": agent.contact,
    }
