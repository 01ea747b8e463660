"""All errors of the platform, as one tree with stable codes.

    DiscretionError
    ├── Refusal          the caller can correct it; code, message and advice are sent to the caller
    │   ├── BadRequest        400   malformed or contradictory input
    │   ├── Unauthenticated   401   no token, or an invalid one
    │   ├── Forbidden         403   a valid token that does not cover the operation
    │   ├── NotFound          404
    │   ├── Conflict          409
    │   ├── TooLarge          413
    │   └── TooMany           429
    ├── Fault            the platform failed; the caller receives the code and nothing else
    │   ├── Unavailable       503   a required component is unavailable; the caller can retry
    │   └── Broken            500   an invariant is violated
    └── Misconfigured    detected at start; tells the operator what to do next

A code is a stable interface: new codes may be added, but an existing code never changes its meaning. The
class determines the HTTP status.
"""

from __future__ import annotations

from typing import ClassVar


class DiscretionError(Exception):
    """Base class of all errors of the platform.

    Args:
        code: Stable upper-case identifier, such as ``TOKEN_EXPIRED``.
        message: One sentence that says what is wrong. It never contains personal data.
        advice: One sentence that says what to do next, or the empty string.
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
    """A request that the caller can correct; the message is written for the caller."""

    status = 400


class BadRequest(Refusal):
    """Malformed or contradictory input."""


class Unauthenticated(Refusal):
    """A request without an access token, or with an invalid one (RFC 6750, section 3.1)."""

    status = 401


class Forbidden(Refusal):
    """A request that a valid token does not cover."""

    status = 403


class NotFound(Refusal):
    """A request for something that does not exist or is not visible to this caller.

    Both are answered alike.
    """

    status = 404


class Conflict(Refusal):
    """A change that the current state of the object does not allow."""

    status = 409


class TooLarge(Refusal):
    """A request with more bytes or items than a published limit allows."""

    status = 413


class TooMany(Refusal):
    """More requests than the caller may send at present."""

    status = 429


class Fault(DiscretionError):
    """A failure of the platform. The caller receives the code; the message goes to the logs only."""


class Unavailable(Fault):
    """A required component is unavailable; the same request may succeed later."""

    status = 503


class Broken(Fault):
    """A violated invariant. It is never retried and always reported."""


class Misconfigured(DiscretionError):
    """An error in the configuration or the environment, found at start; the message is for the operator."""
