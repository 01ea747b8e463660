"""Joining of two logins by their own tokens.

Whoever can log in to two accounts at the same time is one person. The second token is verified like a bearer
token. Both logins must be fresh: within ten minutes of the join, and so of each other. A token joins once,
because somebody else may have read it where it was passed on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from discretion.domain.identity.personal_joins import PersonalJoins, ProvenRecord
from discretion.errors import BadRequest, Conflict, DiscretionError, Forbidden, NotFound, Unauthenticated
from discretion.reveal.login_reach import LoginReach, LoginReachResolver
from discretion.seal.blind_index import BlindIndex
from discretion.store.agents import ReplayStore
from discretion.token.grant import Grant

LOGIN_REASON = "The person logged in to both within ten minutes."

_TOKEN_DIGEST_KIND = "join-token"  # noqa: S105 - the name of a kind of digest


@dataclass(frozen=True, slots=True)
class LoginJoins:
    """Joins two logins.

    Attributes:
        verify: Verifies a token like a bearer token and returns its grant.
        login_reaches: What logins reach.
        joins: The joins of records.
        replays: Tokens that have joined.
        blind_index: For the digests of those tokens.
        now_ms: The present (ms).
    """

    verify: Callable[[str], Grant] = field(repr=False)
    login_reaches: LoginReachResolver
    joins: PersonalJoins
    replays: ReplayStore
    blind_index: BlindIndex = field(repr=False)
    now_ms: Callable[[], int]

    async def join(self, grant: Grant, reach: LoginReach, token: str) -> None:
        """Join the login of a grant with the login of a second token. A repetition changes nothing.

        Args:
            grant: A customer's own grant.
            reach: What it reaches.
            token: The second token.

        Raises:
            Forbidden: ``LOGIN_NOT_FRESH``; one of the two logins is older than ten minutes.
                ``TOKEN_LIMITED``; one of the two tokens is for some data categories only.
            BadRequest: ``JOIN_TOKEN_INVALID``; the second token is not accepted as a bearer token.
                ``JOIN_TOKEN_KIND``; it is no customer's own. ``JOIN_SAME_LOGIN``.
            NotFound: ``LOGIN_UNKNOWN``; one of the logins reaches nobody.
            Conflict: ``JOIN_TOKEN_USED``, ``JOIN_SEPARATED``.
        """
        require_joining_login(grant, self.now_ms(), "Log in again to both, then join them.")
        other = self._verify_other(token)
        other_reach = await self._resolve_other(grant, other)
        own = require_login_record(reach)
        joined = require_login_record(other_reach)
        # Also the answer to a repetition, whose token has been used.
        if reach.customer == other_reach.customer:
            return
        digest = self.blind_index.index(_TOKEN_DIGEST_KIND, other.client, other.token_id)
        # A token may be accepted for some seconds after its end (``TokenVerifier``), so a minute longer.
        if not await self.replays.remember(digest, (other.expires + 60) * 1000):
            raise Conflict(
                "JOIN_TOKEN_USED", "The second token has joined logins before.", "Log in to it again."
            )
        try:
            await self.joins.join(own, joined, LOGIN_REASON)
        except DiscretionError:
            await self.replays.forget(digest)
            raise

    def _verify_other(self, token: str) -> Grant:
        try:
            return self.verify(token)
        except Unauthenticated as error:
            # Not as Unauthenticated: that would say that the caller's own token is refused.
            raise BadRequest(
                "JOIN_TOKEN_INVALID",
                f"The second token: {error.message}",
                "Log in to the other account again.",
            ) from None

    async def _resolve_other(self, grant: Grant, other: Grant) -> LoginReach:
        if other.login is None:
            raise BadRequest(
                "JOIN_TOKEN_KIND",
                "The second token is not a customer's own.",
                "Give the token of the person's other login.",
            )
        if other.login == grant.login:
            raise _build_same_login_error()
        require_joining_login(other, self.now_ms(), "Log in again to both, then join them.")
        reach = await self.login_reaches.resolve(other.login)
        if grant.login is not None and reach.entry == (await self.login_reaches.resolve(grant.login)).entry:
            raise _build_same_login_error()
        return reach


def require_joining_login(grant: Grant, now_ms: int, advice: str) -> None:
    """Check that a token may join what its login reaches with something else.

    Raises:
        Forbidden: ``TOKEN_LIMITED``; the token is limited to some categories, and a join would give others
            more. ``LOGIN_NOT_FRESH``; the login is older than ten minutes.
    """
    if grant.categories is not None:
        raise Forbidden(
            "TOKEN_LIMITED",
            "A token that is limited to some data categories joins nothing.",
            "Use a token of the customer without such a limit.",
        )
    if not grant.has_fresh_login(now_ms):
        raise Forbidden(
            "LOGIN_NOT_FRESH", "A token does not show that the person logged in within ten minutes.", advice
        )


def require_login_record(reach: LoginReach) -> ProvenRecord:
    """Return the record of a login.

    Raises:
        NotFound: ``LOGIN_UNKNOWN``; it reaches nobody.
    """
    if reach.record is None:
        raise NotFound(
            "LOGIN_UNKNOWN", "One of the logins has no data here.", "Use the shop with it once, then join."
        )
    return ProvenRecord(reach.record, reach.entry)


def _build_same_login_error() -> BadRequest:
    return BadRequest("JOIN_SAME_LOGIN", "Both tokens are of one login.", "Give the token of another login.")
