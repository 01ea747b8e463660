"""The grant: what a verified token allows."""

from __future__ import annotations

from dataclasses import dataclass, field

SELF = "self"
"""The purpose of a customer who reads their own data; it covers no other customer (GDPR Art. 15)."""

FRESH_LOGIN_S = 600
"""Maximum age of a login that counts as fresh (s)."""


@dataclass(frozen=True, slots=True)
class Login:
    """The login of a customer: what an issuer authenticated them by.

    Attributes:
        issuer: The issuer that authenticated the customer.
        type: The identifier type, such as ``user_id``.
        value: The identifier as the issuer spells it.
    """

    issuer: str
    type: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Grant:
    """The most a request may do.

    Attributes:
        client: The client the token was issued to.
        subject: The ``sub`` claim; in a customer's own token the identifier they logged in with.
        scopes: Scopes such as ``steward`` or ``ingest``.
        purposes: The purposes data may be used for.
        categories: The data categories the token is limited to; None without a limit.
        expires: In seconds since 1970.
        token_id: The ``jti`` claim.
        authenticated: When the subject logged in, in seconds since 1970; None if unknown.
        login: In a customer's own token, what they logged in with.
    """

    client: str
    subject: str
    scopes: frozenset[str]
    purposes: frozenset[str]
    categories: frozenset[str] | None
    expires: int
    token_id: str
    authenticated: int | None = None
    login: Login | None = None

    @property
    def is_self(self) -> bool:
        """Whether this is a customer who reads their own data."""
        return SELF in self.purposes

    @property
    def is_steward(self) -> bool:
        """Whether the caller is a steward of the retailer's privacy office."""
        return "steward" in self.scopes

    def has_fresh_login(self, now_ms: int) -> bool:
        """Return whether the subject logged in within ``FRESH_LOGIN_S`` before a time (ms)."""
        return self.authenticated is not None and 0 <= now_ms // 1000 - self.authenticated <= FRESH_LOGIN_S

    @property
    def is_self_or_steward(self) -> bool:
        """Whether the caller may know all about the person asked for: they themselves, or a steward."""
        return self.is_self or self.is_steward
