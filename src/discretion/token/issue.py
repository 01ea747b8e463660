"""Issuing access tokens (RFC 9068), for operators and for the demo."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jwt

from discretion.errors import BadRequest
from discretion.token.keys import KeySet
from discretion.token.token_syntax import MAX_TOKEN
from discretion.token.verify import MAX_LIST, MAX_TEXT

MAX_LIFE_S = 24 * 3600


def _any(_: str) -> bool:
    return True


class Issuer:
    """Signs tokens with the active key of a set."""

    def __init__(
        self,
        keys: KeySet,
        issuer: str,
        audience: str,
        now_ms: Callable[[], int],
        entropy: Callable[[int], bytes],
        known_purposes: Callable[[str], bool] = _any,
        known_categories: Callable[[str], bool] = _any,
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._now_ms = now_ms
        self._entropy = entropy
        self._known_purposes = known_purposes
        self._known_categories = known_categories

    def issue(
        self,
        client: str,
        subject: str,
        scopes: Sequence[str],
        purposes: Sequence[str],
        categories: Sequence[str] | None = None,
        *,
        lifetime_s: int = 3600,
        authenticated: int | None = None,
    ) -> str:
        """A signed token. ``authenticated`` is when the subject logged in, in seconds since 1970.

        Raises:
            BadRequest: ``TOKEN_REQUEST_INVALID``; it would not be accepted.
        """
        for text in (client, subject, *scopes, *purposes, *(categories or ())):
            if not 0 < len(text) <= MAX_TEXT or not text.isprintable():
                raise _invalid("a name is empty, too long or not printable")
        if any(" " in scope or not scope.isascii() for scope in scopes):
            raise _invalid("a scope holds a space or is not ASCII")
        if len(" ".join(scopes)) > MAX_TEXT:
            raise _invalid("the scopes are too long together")
        if max(len(purposes), len(categories or ())) > MAX_LIST:
            raise _invalid("a list is too long")
        if not 0 < lifetime_s <= MAX_LIFE_S:
            raise _invalid("the lifetime is not between 1 second and a day")
        for purpose in purposes:
            if not self._known_purposes(purpose):
                raise _invalid(f"the catalogue has no purpose {purpose!r}")
        for category in categories or ():
            if not self._known_categories(category):
                raise _invalid(f"Fideslang has no data category {category!r}")
        now = self._now_ms() // 1000
        claims: dict[str, object] = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": subject,
            "client_id": client,
            "scope": " ".join(scopes),
            "purposes": list(dict.fromkeys(purposes)),
            "iat": now,
            "exp": now + lifetime_s,
            "jti": self._entropy(16).hex(),
        }
        if authenticated is not None:
            if not 0 <= authenticated <= now:
                raise _invalid("nobody logs in after now")
            claims["auth_time"] = authenticated
        if categories is not None:
            claims["categories"] = list(dict.fromkeys(categories))
        active = self._keys.active
        token = jwt.encode(
            claims,
            active.key,
            algorithm=active.verifying.algorithm,
            headers={"typ": "at+jwt", "kid": active.verifying.kid},
        )
        if len(token) > MAX_TOKEN:
            raise _invalid(f"it would be longer than {MAX_TOKEN} bytes")
        return token


def _invalid(why: str) -> BadRequest:
    return BadRequest("TOKEN_REQUEST_INVALID", f"No token is issued: {why}.")
