"""Signed requests: base64 of an Ed25519 signature and the JSON that it signs (DRP 1.0, 2.01 and 3.07).

The checks are made in the order of section 3.07, and the first that fails decides the response. Each check
is a pure function; the time is a parameter.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from discretion.domain.ingest.value_parsing import WrongType, parse_timestamp
from discretion.domain.kit.strict_json import parse_strict_json
from discretion.errors import BadRequest, Forbidden

SIGNATURE_BYTES = 64
MAX_VALIDITY_MS = 24 * 3600 * 1000
"""The longest validity of a request; ten minutes are recommended. Replays are remembered for as long."""


@dataclass(frozen=True, slots=True, repr=False)
class SignedEnvelope:
    """A signature and the bytes that it signs. It has no ``repr``, because the bytes name a person."""

    signature: bytes
    message: bytes


@dataclass(frozen=True, slots=True)
class ValidityWindow:
    """When a request was issued and when it expires, in ms since 1970."""

    issued: int
    expires: int


def decode_envelope(body: bytes) -> SignedEnvelope:
    """Make the first check: the body decodes.

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
    return SignedEnvelope(raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:])


def verify_envelope(envelope: SignedEnvelope, key: Ed25519PublicKey) -> dict[str, object]:
    """Make the second check, the signature of the agent, and only then parse the message.

    Raises:
        Forbidden: ``DRP_SIGNATURE``.
        BadRequest: ``DRP_MESSAGE``: the signed message is no JSON object, or has duplicate names.
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
        claims = parse_strict_json(envelope.message)
    except BadRequest:
        claims = None
    if not isinstance(claims, dict):
        raise BadRequest("DRP_MESSAGE", "The signed message is not a JSON object, or names a member twice.")
    return claims


def check_parties(claims: Mapping[str, object], agent: str, business: str) -> None:
    """Make the third and fourth check: the message names this agent and this business.

    Raises:
        Forbidden: ``DRP_AGENT``, ``DRP_BUSINESS``.
    """
    if claims.get("agent-id") != agent:
        raise Forbidden("DRP_AGENT", "'agent-id' is not the agent who signed.")
    if claims.get("business-id") != business:
        raise Forbidden("DRP_BUSINESS", "'business-id' is not ours.", f"Ours is {business}.")


def check_validity(claims: Mapping[str, object], now_ms: int) -> ValidityWindow:
    """Make the fifth and sixth check: the message is issued and not expired; both limits are included.

    Raises:
        BadRequest: ``DRP_ISSUED_AT`` or ``DRP_EXPIRES_AT``, no time or too long a validity;
            ``DRP_NOT_YET_ISSUED``, ``DRP_EXPIRED``.
    """
    issued = _parse_time(claims, "issued-at", "DRP_ISSUED_AT")
    if now_ms < issued:
        raise BadRequest(
            "DRP_NOT_YET_ISSUED", "'issued-at' is in the future.", "Set the clock, and send it again later."
        )
    expires = _parse_time(claims, "expires-at", "DRP_EXPIRES_AT")
    if now_ms > expires:
        raise BadRequest("DRP_EXPIRED", "The request has expired.", "Make and sign a new one.")
    if expires - issued > MAX_VALIDITY_MS:
        raise BadRequest(
            "DRP_EXPIRES_AT", "A request holds for a day at most.", "Ten minutes are recommended."
        )
    return ValidityWindow(issued, expires)


def _parse_time(claims: Mapping[str, object], name: str, code: str) -> int:
    try:
        return parse_timestamp(claims.get(name))
    except WrongType as error:
        raise BadRequest(code, f"'{name}' takes {error.expected}.") from None
