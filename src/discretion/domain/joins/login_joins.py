"""Joining of two logins by their own tokens.

Whoever can log in to two accounts at the same time is one person. The second token is verified like a bearer
token. Both logins must be fresh: within ten minutes of the join, and so of each other. Each of the two tokens
joins once, because somebody else may have read it where it was passed on, and both were issued to one client.
Every address that the logins of either have proven is informed before the join: a thief of two tokens does
not join their owners without their knowledge.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from discretion.domain.identity.personal_joins import PersonalJoins, ProvenRecord
from discretion.domain.requests.mailer import Mailer
from discretion.errors import BadRequest, Conflict, DiscretionError, Forbidden, NotFound, Unauthenticated
from discretion.reveal.login_reach import LoginReach, LoginReachResolver
from discretion.seal.blind_index import BlindIndex
from discretion.store.agents import ReplayStore
from discretion.token.grant import Grant

LOGIN_REASON = "The person logged in to both within ten minutes."

JOIN_SUBJECT = "Your account and another one"
JOIN_TEXT = """Somebody has logged in to your account and to another one within ten minutes, and joins
the two. Then each login shows what is stored under both.

If it was you, you need not do anything. If it was not, change the password of your account and write to our
privacy office: it can separate the two again.
"""

FindRecipients = Callable[[Sequence[bytes]], Awaitable[Sequence[str]]]
"""``customer ids -> every address that their logins have proven``"""

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
        mailer: Sends the notices.
        now_ms: The present (ms).
    """

    verify: Callable[[str], Grant] = field(repr=False)
    login_reaches: LoginReachResolver
    joins: PersonalJoins
    replays: ReplayStore
    blind_index: BlindIndex = field(repr=False)
    mailer: Mailer
    now_ms: Callable[[], int]

    async def join(
        self, grant: Grant, reach: LoginReach, token: str, find_recipients: FindRecipients
    ) -> None:
        """Join the login of a grant with the login of a second token. A repetition changes nothing.

        Args:
            grant: A customer's own grant.
            reach: What it reaches.
            token: The second token.
            find_recipients: Finds whom to inform.

        Raises:
            Forbidden: ``LOGIN_NOT_FRESH``; one of the two logins is older than ten minutes.
                ``TOKEN_LIMITED``; one of the two tokens is for some data categories only.
            BadRequest: ``JOIN_TOKEN_INVALID``; the second token is not accepted as a bearer token.
                ``JOIN_TOKEN_KIND``; it is no customer's own. ``JOIN_SAME_LOGIN``.
                ``JOIN_CLIENTS_DIFFER``; the tokens were issued to different clients.
            NotFound: ``LOGIN_UNKNOWN``; one of the logins reaches nobody.
            Conflict: ``JOIN_TOKEN_USED``, ``JOIN_SEPARATED``.
            Unavailable: ``MAIL_UNAVAILABLE``; nothing is joined, and some may have been informed.
        """
        require_joining_login(grant, self.now_ms(), "Log in again to both, then join them.")
        other = self._verify_other(token)
        other_reach = await self._resolve_other(grant, other)
        own = require_login_record(reach)
        joined = require_login_record(other_reach)
        # Also the answer to a repetition, whose token has been used.
        if reach.customer == other_reach.customer:
            return
        digests = await self._use_tokens(grant, other)
        try:
            await self.joins.check(own, joined)
            customers = [each.customer for each in (reach, other_reach) if each.customer is not None]
            for recipient in await find_recipients(customers):
                await self.mailer.send(recipient, JOIN_SUBJECT, JOIN_TEXT)
            await self.joins.join(own, joined, LOGIN_REASON)
        except DiscretionError:
            await self._forget_tokens(digests)
            raise

    async def _use_tokens(self, *grants: Grant) -> list[bytes]:
        """Remember that tokens have joined; return their digests."""
        expires = {
            self.blind_index.index(_TOKEN_DIGEST_KIND, grant.client, grant.token_id): grant.expires
            for grant in grants
        }
        digests: list[bytes] = []
        # In one order, so that of two joins of the same tokens at the same moment one gets both.
        for digest in sorted(expires):
            # A token may be accepted for some seconds after its end (``TokenVerifier``), so a minute longer.
            if not await self.replays.remember(digest, (expires[digest] + 60) * 1000):
                await self._forget_tokens(digests)
                raise Conflict(
                    "JOIN_TOKEN_USED", "One of the two tokens has joined before.", "Log in to both again."
                )
            digests.append(digest)
        return digests

    async def _forget_tokens(self, digests: Sequence[bytes]) -> None:
        for digest in digests:
            await self.replays.forget(digest)

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
        if other.client != grant.client:
            raise BadRequest(
                "JOIN_CLIENTS_DIFFER",
                "The two tokens were issued to different clients.",
                "Log in to both in one app or shop.",
            )
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
