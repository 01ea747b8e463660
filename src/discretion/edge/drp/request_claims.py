"""What a request asks, read from its claims (DRP 1.0, sections 2.01, 3.01 and 3.04).

Kept is what the request needs: the right, the agent's number for it, where to tell how it goes, and the ids
by which the person can be found. Name, address and hints are left where they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from discretion.edge.drp.protocol_terms import ACTIONS, IDENTITIES, REGIMES, SUPPORTED, VERSION
from discretion.errors import BadRequest
from discretion.law.jurisdiction import Right
from discretion.seal.normalisation import RULES
from discretion.seal.redacted import Shut

MAX_URL = 2048
MAX_MANDATE = 2048
_REFERENCE = re.compile(r"[A-Za-z0-9._:-]{1,128}")
"""No '@' and no space: it is kept as it stands, and shall be nobody's address or name."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One id of the person; ``vouched``: the agent has verified it, by the rules of its network."""

    kind: str
    value: Shut[str]
    vouched: bool


@dataclass(frozen=True, slots=True)
class Exercise:
    """What is asked: a right, and what of it. Without a ``regime`` it is a favour (3.01).

    ``mandate`` refers to a document in which the person gives the agent power of attorney.
    """

    right: Right
    scope: Mapping[str, str]
    regime: str | None
    reference: str | None
    callback: str | None
    claims: tuple[Claim, ...]
    mandate: Shut[str] | None = field(default=None, repr=False)


def exercise(claims: Mapping[str, Any]) -> Exercise:
    """Read the claims of a request whose signature and address hold.

    Raises:
        BadRequest: ``DRP_VERSION``, ``DRP_EXERCISE``, ``DRP_REGIME``, ``DRP_REFERENCE``,
            ``DRP_RELATIONSHIPS``, ``DRP_CALLBACK``, ``DRP_IDENTITY``, ``DRP_MANDATE``.
    """
    version(claims)
    action, regime = claims.get("exercise"), claims.get("regime")
    told = ACTIONS.get(action) if isinstance(action, str) else None
    if told is None:
        raise BadRequest("DRP_EXERCISE", "Unsupported rights action.", f"There are {', '.join(SUPPORTED)}.")
    if regime is not None and regime not in REGIMES:
        raise BadRequest(
            "DRP_REGIME", "The regime is not one of the protocol's.", "It takes 'ccpa', or leave it out."
        )
    hints = claims.get("relationships", [])
    if not isinstance(hints, list) or not all(isinstance(one, str) for one in hints):
        raise BadRequest("DRP_RELATIONSHIPS", "'relationships' takes a list of texts.")
    return Exercise(
        *told,
        regime,
        _reference(claims.get("agent-request-id")),
        _callback(claims.get("status_callback")),
        _identity(claims),
        _mandate(claims.get("power_of_attorney")),
    )


def version(claims: Mapping[str, Any]) -> None:
    """That the protocol's version is ours.

    Raises:
        BadRequest: ``DRP_VERSION``.
    """
    if claims.get("drp.version") != VERSION:
        raise BadRequest(
            "DRP_VERSION", f"'drp.version' is not {VERSION!r}.", f"Version {VERSION} is spoken here."
        )


def _reference(given: Any) -> str | None:
    if given is None:
        return None
    if not isinstance(given, str) or not _REFERENCE.fullmatch(given):
        raise BadRequest(
            "DRP_REFERENCE",
            "'agent-request-id' takes up to 128 letters, digits and '._:-'.",
            "Such as a UUID.",
        )
    return given


def _callback(given: Any) -> str | None:
    if given is None:
        return None
    if not isinstance(given, str) or len(given) > MAX_URL:
        raise BadRequest("DRP_CALLBACK", "'status_callback' takes a URL.")
    return given


def _mandate(given: Any) -> Shut[str] | None:
    if given is None:
        return None
    if not isinstance(given, str) or not given.strip() or len(given) > MAX_MANDATE:
        raise BadRequest("DRP_MANDATE", "'power_of_attorney' takes a reference to a document.")
    return Shut(given)


def _identity(claims: Mapping[str, Any]) -> tuple[Claim, ...]:
    """The ids that claims name. What is said of a claim that is not there is not heard."""
    found = []
    for name, (kind, rule) in IDENTITIES.items():
        given, vouched = claims.get(name), claims.get(f"{name}_verified", False)
        if not isinstance(vouched, bool):
            raise BadRequest("DRP_IDENTITY", f"'{name}_verified' takes true or false.")
        if given is None:
            continue
        spelled = RULES[rule](given, None) if isinstance(given, str) else None
        if spelled is None:
            raise BadRequest(
                "DRP_IDENTITY", f"'{name}' is not valid.", "Phone numbers are written as in E.164."
            )
        found.append(Claim(kind, Shut(spelled), vouched))
    if not found:
        raise BadRequest(
            "DRP_IDENTITY",
            "The request names nobody.",
            f"Send {' or '.join(IDENTITIES)}, verified if you can.",
        )
    return tuple(found)
