"""An organisation that files requests for people.

An *agent* is authorised by a person and speaks the Data Rights Protocol; it signs what it sends. A
*controller* has us process its customers' data and speaks OpenDSR; it has verified the person itself, and
answers for that.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from discretion.errors import BadRequest, Misconfigured
from discretion.token.keys import KeySet

_IDS = {"agent": re.compile(r"[A-Z0-9_]{1,64}"), "controller": re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")}
_HOST = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
MAX_HOSTS = 20
MAX_TEXT = 200


class Kind(StrEnum):
    """Which protocol an organisation speaks."""

    AGENT = "agent"
    CONTROLLER = "controller"


@dataclass(frozen=True, slots=True)
class Agent:
    """A registered organisation; ``hosts`` are the only ones that its callback URLs may lead to.

    ``verify_key`` is the 32 bytes of an Ed25519 key, and empty for a controller. ``contact`` is a mailbox
    of the organisation, ``assurance`` a page on how it makes sure of whom it speaks for (DRP 1.0, 3.05.1).
    """

    id: str
    kind: Kind
    name: str
    hosts: tuple[str, ...] = ()
    verify_key: bytes = b""
    web: str = ""
    assurance: str = ""
    contact: str = ""


def agent(
    id: str,  # noqa: A002
    kind: Kind,
    name: str,
    hosts: tuple[str, ...] = (),
    verify_key: str = "",
    *,
    web: str = "",
    assurance: str = "",
    contact: str = "",
) -> Agent:
    """An organisation as an operator describes it; ``verify_key`` is base64, as in the directory of agents.

    Raises:
        BadRequest: ``AGENT_ID``, ``AGENT_NAME``, ``AGENT_HOST``, ``AGENT_KEY``.
    """
    if not _IDS[kind].fullmatch(id):
        raise BadRequest("AGENT_ID", f"{kind.value} ids are written as {_IDS[kind].pattern}.")
    for text in (name, web, assurance, contact):
        if len(text) > MAX_TEXT or not text.isprintable():
            raise BadRequest("AGENT_NAME", f"A text has more than {MAX_TEXT} characters, or odd ones.")
    if not name.strip():
        raise BadRequest("AGENT_NAME", "It has no name.", "Give the one that people know it by.")
    spelled = tuple(dict.fromkeys(one.strip().rstrip(".").lower() for one in hosts))
    if len(spelled) > MAX_HOSTS or not all(_HOST.fullmatch(one) for one in spelled):
        raise BadRequest(
            "AGENT_HOST",
            f"Callbacks go to at most {MAX_HOSTS} hosts, each a name without scheme, port or path.",
            "Such as agent.example.",
        )
    return Agent(id, kind, name.strip(), spelled, _key(kind, verify_key), web, assurance, contact)


def public_key(one: Agent) -> Ed25519PublicKey:
    """The key that an agent signs with."""
    return Ed25519PublicKey.from_public_bytes(one.verify_key)


def _key(kind: Kind, text: str) -> bytes:
    """The bytes of a key under which not everybody can sign: canonical, and not of small order."""
    if kind is Kind.CONTROLLER:
        return b""
    try:
        raw = base64.b64decode(text, validate=True)
        x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        jwk = {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "agent", "x": x}
        KeySet.from_public_jwks({"keys": [jwk]})
    except (binascii.Error, ValueError, Misconfigured):
        raise BadRequest(
            "AGENT_KEY",
            "The verify key is not an Ed25519 public key in base64.",
            "It is 'verify_key' in the agent's directory document.",
        ) from None
    return raw
