"""What a verified token allows."""

from __future__ import annotations

from dataclasses import dataclass

SELF = "self"
"""The purpose of a person reading their own data; covers nobody else (GDPR Art. 15)."""


@dataclass(frozen=True, slots=True)
class Grant:
    """The most a request may do.

    ``categories`` is None when the token does not narrow them. ``expires`` is in seconds
    since 1970, as is ``authenticated``, when the subject last logged in, if that is known.
    ``subject`` is the ``sub`` claim as it stands in the token: for a customer's own token it is
    their pairwise id for ``client``.
    """

    client: str
    subject: str
    scopes: frozenset[str]
    purposes: frozenset[str]
    categories: frozenset[str] | None
    expires: int
    token_id: str
    authenticated: int | None = None

    @property
    def is_self(self) -> bool:
        """Whether this is a customer reading their own data."""
        return SELF in self.purposes

    @property
    def is_steward(self) -> bool:
        """Whether the retailer's privacy office is asking."""
        return "steward" in self.scopes
