"""Organisations that file requests for people, as an operator enters them; and their public keys."""

from __future__ import annotations

import base64
import binascii
import re

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from discretion.errors import BadRequest, Misconfigured
from discretion.store.agents import Agent, AgentKind
from discretion.token.keys import KeySet

_ID_PATTERNS = {
    "agent": re.compile(r"[A-Z0-9_]{1,64}"),
    "controller": re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"),
}
_HOST_PATTERN = re.compile(
    r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
)
MAX_HOSTS = 20
MAX_TEXT_LENGTH = 200


def build_agent(
    id: str,  # noqa: A002
    kind: AgentKind,
    name: str,
    hosts: tuple[str, ...] = (),
    verify_key: str = "",
    *,
    web: str = "",
    assurance: str = "",
    contact: str = "",
) -> Agent:
    """Return an organisation from an operator's input; ``verify_key`` is in base64, as in the directory.

    Raises:
        BadRequest: ``AGENT_ID``, ``AGENT_NAME``, ``AGENT_HOST``, ``AGENT_KEY``.
    """
    if not _ID_PATTERNS[kind].fullmatch(id):
        raise BadRequest(
            "AGENT_ID", f"The id of a {kind.value} has the pattern {_ID_PATTERNS[kind].pattern}."
        )
    for text in (name, web, assurance, contact):
        if len(text) > MAX_TEXT_LENGTH or not text.isprintable():
            raise BadRequest(
                "AGENT_NAME", f"A text has more than {MAX_TEXT_LENGTH} characters, or unprintable ones."
            )
    if not name.strip():
        raise BadRequest("AGENT_NAME", "The name is empty.", "Give the name that people know it by.")
    normalised_hosts = tuple(dict.fromkeys(host.strip().rstrip(".").lower() for host in hosts))
    if len(normalised_hosts) > MAX_HOSTS or not all(
        _HOST_PATTERN.fullmatch(host) for host in normalised_hosts
    ):
        raise BadRequest(
            "AGENT_HOST",
            f"There are at most {MAX_HOSTS} callback hosts, each a name without scheme, port or path.",
            "For example: agent.example.",
        )
    return Agent(
        id,
        kind,
        name.strip(),
        normalised_hosts,
        _decode_verify_key(kind, verify_key),
        web,
        assurance,
        contact,
    )


def load_agent_public_key(agent: Agent) -> Ed25519PublicKey:
    """Return the public key that verifies an agent's signatures."""
    return Ed25519PublicKey.from_public_bytes(agent.verify_key)


def _decode_verify_key(kind: AgentKind, text: str) -> bytes:
    """Return the bytes of a verify key; empty for a controller.

    The point must be canonical and must not have a small order: anybody could forge signatures for such a
    key.
    """
    if kind is AgentKind.CONTROLLER:
        return b""
    try:
        raw = base64.b64decode(text, validate=True)
        encoded_point = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        jwk = {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "agent", "x": encoded_point}
        KeySet.from_public_jwks({"keys": [jwk]})
    except (binascii.Error, ValueError, Misconfigured):
        raise BadRequest(
            "AGENT_KEY",
            "The verify key is not an Ed25519 public key in base64.",
            "It is 'verify_key' in the agent's directory document.",
        ) from None
    return raw
