"""Everything that can go wrong, as one tree with stable codes.

    DiscretionError
    ├── Refusal          the caller can mend it; code, message and advice are meant for them
    │   ├── BadRequest        400   malformed or contradictory input
    │   ├── Unauthenticated   401   no token, or one that does not hold
    │   ├── Forbidden         403   the token holds, and does not cover this
    │   ├── NotFound          404
    │   ├── Conflict          409
    │   ├── TooLarge          413
    │   └── TooMany           429
    ├── Fault            our side failed; callers see the code and nothing else
    │   ├── Unavailable       503   a part we need is away; ask again
    │   └── Broken            500   something that must hold does not
    └── Misconfigured    found at start; for the operator, says what to do next

A code is a promise: it may gain siblings, it never changes meaning. The class fixes the
HTTP status.
"""

from __future__ import annotations

from typing import ClassVar


class DiscretionError(Exception):
    """Base of the tree.

    Args:
        code: Stable upper-case identifier, such as ``TOKEN_EXPIRED``.
        message: One sentence saying what is wrong. Never carries personal data.
        advice: One sentence saying what to do next, or the empty string.
    """

    status: ClassVar[int] = 500

    def __init__(self, code: str, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".strip()


class Refusal(DiscretionError):
    """The caller asked for something they can mend; the message is meant for them."""

    status = 400


class BadRequest(Refusal):
    """Malformed or contradictory input."""


class Unauthenticated(Refusal):
    """No access token, or one that does not hold (RFC 6750, section 3.1)."""

    status = 401


class Forbidden(Refusal):
    """The token holds and does not cover what was asked."""

    status = 403


class NotFound(Refusal):
    """Nothing there, or nothing there for this caller; the two look alike."""

    status = 404


class Conflict(Refusal):
    """The state of the thing does not allow the change asked for."""

    status = 409


class TooLarge(Refusal):
    """More bytes or items than a published limit allows."""

    status = 413


class TooMany(Refusal):
    """More requests than this caller may make now."""

    status = 429


class Fault(DiscretionError):
    """Our side failed. Callers get the code; the message stays in our logs."""


class Unavailable(Fault):
    """A part we need is away; asking again later may succeed."""

    status = 503


class Broken(Fault):
    """Something that must always hold does not. Never retried, always reported."""


class Misconfigured(DiscretionError):
    """Found while starting; speaks to the operator."""
