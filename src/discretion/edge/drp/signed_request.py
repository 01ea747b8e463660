"""A signed request: base64 of an Ed25519 signature and the JSON that it signs (DRP 1.0, 2.01 and 3.07).

What is checked is checked in the order of section 3.07, and the first that does not hold is the answer. Each
check is a function of what it is given; the clock is handed in.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from discretion.domain.ingest.value_parsing import WrongType, moment
from discretion.edge.strict_json import strict_json
from discretion.errors import BadRequest, Forbidden

SIGNATURE_BYTES = 64
LONGEST_MS = 24 * 3600 * 1000
"""The longest that a request may hold; ten minutes are recommended. It is remembered for as long."""


@dataclass(frozen=True, slots=True, repr=False)
class Envelope:
    """A signature, and the bytes that it is of. Prints as nothing: the bytes name a person."""

    signature: bytes
    message: bytes


@dataclass(frozen=True, slots=True)
class Window:
    """When a request was issued and when it expires, in ms since 1970."""

    issued: int
    expires: int


def opened(body: bytes) -> Envelope:
    """The first check: the body decodes.

    Raises:
        BadRequest: ``DRP_NOT_BASE64``.
    """
    try:
        raw = base64.b64decode(body.strip(), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) <= SIGNATURE_BYTES:
        raise BadRequest(
            "DRP_NOT_BASE64",
            "The body is not base64 of a signature and a message.",
            "Send base64(signature + JSON), as libsodium's crypto_sign gives it.",
        )
    return Envelope(raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:])


def verified(envelope: Envelope, key: Ed25519PublicKey) -> dict[str, Any]:
    """The second: the signature is the agent's. Only then is the message read.

    Raises:
        Forbidden: ``DRP_SIGNATURE``.
        BadRequest: ``DRP_MESSAGE``: signed, and no JSON object that can be read in one way only.
    """
    try:
        key.verify(envelope.signature, envelope.message)
    except InvalidSignature:
        raise Forbidden(
            "DRP_SIGNATURE",
            "The signature is not of this message with the key that is registered.",
            "Sign the bytes of the JSON as they are sent, with the key in the directory.",
        ) from None
    try:
        claims = strict_json(envelope.message)
    except BadRequest:
        claims = None
    if not isinstance(claims, dict):
        raise BadRequest("DRP_MESSAGE", "The signed message is not a JSON object, or names a member twice.")
    return claims


def addressed(claims: Mapping[str, Any], agent: str, business: str) -> None:
    """The third and fourth: it is from this agent, and meant for us.

    Raises:
        Forbidden: ``DRP_AGENT``, ``DRP_BUSINESS``.
    """
    if claims.get("agent-id") != agent:
        raise Forbidden("DRP_AGENT", "'agent-id' is not the agent who signed.")
    if claims.get("business-id") != business:
        raise Forbidden("DRP_BUSINESS", "'business-id' is not ours.", f"Ours is {business}.")


def timely(claims: Mapping[str, Any], now_ms: int) -> Window:
    """The fifth and sixth: it is issued already, and has not expired. Both moments themselves are in time.

    Raises:
        BadRequest: ``DRP_ISSUED_AT``, ``DRP_EXPIRES_AT``: no time, or too long a one; ``DRP_NOT_YET_ISSUED``,
            ``DRP_EXPIRED``.
    """
    issued = _time(claims, "issued-at", "DRP_ISSUED_AT")
    if now_ms < issued:
        raise BadRequest(
            "DRP_NOT_YET_ISSUED", "'issued-at' is in the future.", "Set the clock, and send it again later."
        )
    expires = _time(claims, "expires-at", "DRP_EXPIRES_AT")
    if now_ms > expires:
        raise BadRequest("DRP_EXPIRED", "The request has expired.", "Make and sign a new one.")
    if expires - issued > LONGEST_MS:
        raise BadRequest(
            "DRP_EXPIRES_AT", "A request holds for a day at most.", "Ten minutes are recommended."
        )
    return Window(issued, expires)


def _time(claims: Mapping[str, Any], name: str, code: str) -> int:
    try:
        return moment(claims.get(name))
    except WrongType as wrong:
        raise BadRequest(code, f"'{name}' takes {wrong.wanted}.") from None
