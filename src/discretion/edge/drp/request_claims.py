"""Parsing of the claims of a request (DRP 1.0, sections 2.01, 3.01 and 3.04).

Only what the request needs is kept: the right, the agent's reference, the callback URL, and the identifiers
by which the customer can be found. The claims of name, postal address and relationship hints are not read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from discretion.edge.drp.protocol_terms import ACTIONS, IDENTITIES, REGIMES, SUPPORTED, VERSION
from discretion.errors import BadRequest
from discretion.law.jurisdiction import Right
from discretion.seal.normalisation import NORMALISATION_RULES
from discretion.seal.redacted import Redacted
from discretion.store.subject_request import RequestScope

MAX_URL = 2048
MAX_POWER_OF_ATTORNEY = 2048
_REFERENCE = re.compile(r"[A-Za-z0-9._:-]{1,128}")
"""No '@' and no space: the reference is stored in clear and must not hold an address or a name."""


@dataclass(frozen=True, slots=True)
class IdentityClaim:
    """One identifier of the customer; ``is_verified``: the agent verified it by the rules of its network."""

    identifier_type: str
    value: Redacted[str]
    is_verified: bool


@dataclass(frozen=True, slots=True)
class ExerciseRequest:
    """A right to exercise and its scope. Without a ``regime`` the request has no legal basis (section 3.01).

    ``power_of_attorney`` refers to a document in which the customer authorises the agent.
    """

    right: Right
    scope: RequestScope
    regime: str | None
    reference: str | None
    callback: str | None
    claims: tuple[IdentityClaim, ...]
    power_of_attorney: Redacted[str] | None = field(default=None, repr=False)


def parse_exercise(claims: Mapping[str, object]) -> ExerciseRequest:
    """Parse the claims of a request whose signature and parties are checked.

    Raises:
        BadRequest: ``DRP_VERSION``, ``DRP_EXERCISE``, ``DRP_REGIME``, ``DRP_REFERENCE``,
            ``DRP_RELATIONSHIPS``, ``DRP_CALLBACK``, ``DRP_IDENTITY``, ``DRP_MANDATE``.
    """
    check_version(claims)
    action, regime = claims.get("exercise"), claims.get("regime")
    right_and_scope = ACTIONS.get(action) if isinstance(action, str) else None
    if right_and_scope is None:
        raise BadRequest("DRP_EXERCISE", "Unsupported rights action.", f"There are {', '.join(SUPPORTED)}.")
    # The type first: a list or an object cannot be looked up.
    if regime is not None and (not isinstance(regime, str) or regime not in REGIMES):
        raise BadRequest(
            "DRP_REGIME", "The regime is not one of the protocol's.", "It takes 'ccpa', or leave it out."
        )
    hints = claims.get("relationships", [])
    if not isinstance(hints, list) or not all(isinstance(hint, str) for hint in hints):
        raise BadRequest("DRP_RELATIONSHIPS", "'relationships' takes a list of texts.")
    return ExerciseRequest(
        *right_and_scope,
        regime,
        _parse_reference(claims.get("agent-request-id")),
        _parse_callback(claims.get("status_callback")),
        _parse_identity_claims(claims),
        _parse_power_of_attorney(claims.get("power_of_attorney")),
    )


def check_version(claims: Mapping[str, object]) -> None:
    """Check that a message has the supported version of the protocol.

    Raises:
        BadRequest: ``DRP_VERSION``.
    """
    if claims.get("drp.version") != VERSION:
        raise BadRequest(
            "DRP_VERSION", f"'drp.version' is not {VERSION!r}.", f"Version {VERSION} is supported."
        )


def _parse_reference(reference: object) -> str | None:
    if reference is None:
        return None
    if not isinstance(reference, str) or not _REFERENCE.fullmatch(reference):
        raise BadRequest(
            "DRP_REFERENCE",
            "'agent-request-id' takes up to 128 letters, digits and '._:-'.",
            "Such as a UUID.",
        )
    return reference


def _parse_callback(callback_url: object) -> str | None:
    if callback_url is None:
        return None
    if not isinstance(callback_url, str) or len(callback_url) > MAX_URL:
        raise BadRequest("DRP_CALLBACK", "'status_callback' takes a URL.")
    return callback_url


def _parse_power_of_attorney(document_reference: object) -> Redacted[str] | None:
    if document_reference is None:
        return None
    if (
        not isinstance(document_reference, str)
        or not document_reference.strip()
        or len(document_reference) > MAX_POWER_OF_ATTORNEY
    ):
        raise BadRequest("DRP_MANDATE", "'power_of_attorney' takes a reference to a document.")
    return Redacted(document_reference)


def _parse_identity_claims(claims: Mapping[str, object]) -> tuple[IdentityClaim, ...]:
    """Return the identifiers that claims name. ``…_verified`` without its claim has no effect."""
    identity_claims = []
    for name, (identifier_type, rule) in IDENTITIES.items():
        claimed_value, is_verified = claims.get(name), claims.get(f"{name}_verified", False)
        if not isinstance(is_verified, bool):
            raise BadRequest("DRP_IDENTITY", f"'{name}_verified' takes true or false.")
        if claimed_value is None:
            continue
        normalised = (
            NORMALISATION_RULES[rule](claimed_value, None) if isinstance(claimed_value, str) else None
        )
        if normalised is None:
            raise BadRequest(
                "DRP_IDENTITY", f"'{name}' is not valid.", "Phone numbers are written as in E.164."
            )
        identity_claims.append(IdentityClaim(identifier_type, Redacted(normalised), is_verified))
    if not identity_claims:
        raise BadRequest(
            "DRP_IDENTITY",
            "The request identifies no person.",
            f"Send {' or '.join(IDENTITIES)}, verified if you can.",
        )
    return tuple(identity_claims)
