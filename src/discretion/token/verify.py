"""Strict verification of access tokens (RFC 9068), and remembering those that held.

The order: shape, key, algorithm, signature, then every claim with its type. The algorithm is the
key's, never the header's; keys come from our set, never from the token.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import jwt
from jwt.types import Options

from discretion.errors import Unauthenticated
from discretion.token.grant import Grant
from discretion.token.keys import KeySet
from discretion.token.token_syntax import malformed, split

TYPES = frozenset({"at+jwt", "application/at+jwt"})
MAX_TEXT = 512
MAX_LIST = 64
_LATEST = 2**53


class Verifier:
    """Verifies tokens of one issuer for one audience."""

    def __init__(
        self,
        keys: KeySet,
        issuer: str,
        audience: str,
        now_ms: Callable[[], int],
        known_purposes: Callable[[str], bool],
        leeway_s: int = 5,
        max_life_s: int = 24 * 3600,
        capacity: int = 10_000,
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._now_ms = now_ms
        self._known_purpose = known_purposes
        self._leeway_s = leeway_s
        self._max_life_s = max_life_s
        self._capacity = capacity
        self._kept: OrderedDict[bytes, tuple[Grant, int]] = OrderedDict()

    def from_header(self, values: Sequence[str]) -> Grant | None:
        """The grant of an ``Authorization`` header (RFC 6750, section 2.1); None if there is none.

        Raises:
            Unauthenticated: more than one header, another scheme, or a token that does not hold.
        """
        if not values:
            return None
        if len(values) > 1:
            raise malformed("there is more than one Authorization header")
        scheme, _, token = values[0].partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise malformed("the Authorization header is not 'Bearer <token>'")
        return self.verify(token)

    def forget_all(self) -> None:
        """Let go of verified tokens and whose they are; each is verified anew when it comes."""
        self._kept.clear()

    def verify(self, token: str) -> Grant:
        """The grant of a token.

        Raises:
            Unauthenticated: ``TOKEN_MALFORMED``, ``TOKEN_TYPE``, ``TOKEN_KEY_UNKNOWN``,
                ``TOKEN_ALGORITHM``, ``TOKEN_SIGNATURE``, ``TOKEN_CLAIMS``, ``TOKEN_ISSUER``,
                ``TOKEN_AUDIENCE``, ``TOKEN_EXPIRED``, ``TOKEN_NOT_YET_VALID``.
        """
        now = self._now_ms() // 1000
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        kept = self._kept.get(digest)
        if kept is not None:
            grant, not_before = kept
            self._check_time(now, grant.expires, not_before)
            self._kept.move_to_end(digest)
            return grant
        claims = self._signed(token)
        not_before = self._check_claims(claims, now)
        grant = self._grant(claims)
        self._kept[digest] = (grant, not_before)
        if len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
        return grant

    def forget(self, token_id: str) -> None:
        """Drop what is remembered of a token, when it is revoked."""
        for digest in [digest for digest, (grant, _) in self._kept.items() if grant.token_id == token_id]:
            del self._kept[digest]

    def _signed(self, token: str) -> dict[str, Any]:
        header, claims = split(token)
        if header.get("typ", "").lower() not in TYPES:
            raise _refused("TOKEN_TYPE", "its type is not at+jwt")
        key = self._keys.verifying.get(header.get("kid", ""))
        if key is None:
            raise _refused("TOKEN_KEY_UNKNOWN", "its key is not one of ours")
        if header.get("alg") != key.algorithm:
            raise _refused("TOKEN_ALGORITHM", "its algorithm is not its key's")
        try:
            jwt.decode(token, key.key, algorithms=[key.algorithm], options=_SIGNATURE_ONLY)
        except jwt.PyJWTError:
            raise _refused("TOKEN_SIGNATURE", "its signature does not hold") from None
        return claims

    def _check_claims(self, claims: dict[str, Any], now: int) -> int:
        for name in ("iss", "sub", "client_id", "jti"):
            _text(claims, name)
        if claims["iss"] != self._issuer:
            raise _refused("TOKEN_ISSUER", "its issuer is another one")
        audience = claims.get("aud")
        audiences = [audience] if isinstance(audience, str) else audience
        if not isinstance(audiences, list) or not audiences or len(audiences) > MAX_LIST:
            raise _claim("aud")
        if not all(isinstance(one, str) for one in audiences):
            raise _claim("aud")
        if self._audience not in audiences:
            raise _refused("TOKEN_AUDIENCE", "it is meant for somebody else")
        expires, issued = _time(claims, "exp"), _time(claims, "iat")
        not_before = _time(claims, "nbf") if "nbf" in claims else issued
        self._check_time(now, expires, max(not_before, issued))
        if expires <= max(not_before, issued):
            raise _refused("TOKEN_CLAIMS", "it expires before it begins")
        if expires - issued > self._max_life_s:
            raise _refused("TOKEN_CLAIMS", "it holds for too long")
        return max(not_before, issued)

    def _check_time(self, now: int, expires: int, not_before: int) -> None:
        """At ``exp`` it has expired (RFC 7519, section 4.1.4); the leeway is for clocks that differ."""
        if now >= expires + self._leeway_s:
            raise _refused("TOKEN_EXPIRED", "it has expired")
        if now < not_before - self._leeway_s:
            raise _refused("TOKEN_NOT_YET_VALID", "it is not valid yet")

    def _grant(self, claims: dict[str, Any]) -> Grant:
        scope = claims.get("scope")
        if (
            not isinstance(scope, str)
            or len(scope) > MAX_TEXT
            or not (scope.isascii() and scope.isprintable())
        ):
            raise _claim("scope")
        purposes = _texts(claims, "purposes")
        for purpose in sorted(purposes):
            if not self._known_purpose(purpose):
                shown = purpose if re.fullmatch(r"[\w.-]{1,80}", purpose, re.ASCII) else "?"
                raise _refused(
                    "TOKEN_CLAIMS", f"it names the purpose {shown!r}, which the catalogue does not have"
                )
        return Grant(
            client=claims["client_id"],
            subject=claims["sub"],
            scopes=frozenset(claims["scope"].split(" ")) - {""},
            purposes=purposes,
            categories=_texts(claims, "categories") if "categories" in claims else None,
            expires=claims["exp"],
            token_id=claims["jti"],
            authenticated=_time(claims, "auth_time") if "auth_time" in claims else None,
        )


_SIGNATURE_ONLY: Options = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}
"""Claims are checked here, where their types are checked too."""


def _text(claims: dict[str, Any], name: str) -> str:
    text = claims.get(name)
    if not isinstance(text, str) or not 0 < len(text) <= MAX_TEXT or not text.isprintable():
        raise _claim(name)
    return text


def _time(claims: dict[str, Any], name: str) -> int:
    seconds = claims.get(name)
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 <= seconds < _LATEST:
        raise _claim(name)
    return seconds


def _texts(claims: dict[str, Any], name: str) -> frozenset[str]:
    texts = claims.get(name)
    if not isinstance(texts, list) or len(texts) > MAX_LIST:
        raise _claim(name)
    for text in texts:
        if not isinstance(text, str) or not 0 < len(text) <= MAX_TEXT or not text.isprintable():
            raise _claim(name)
    if len(set(texts)) != len(texts):
        raise _claim(name)
    return frozenset(texts)


def _claim(name: str) -> Unauthenticated:
    return _refused("TOKEN_CLAIMS", f"its claim {name!r} is missing or not what RFC 9068 says")


def _refused(code: str, why: str) -> Unauthenticated:
    return Unauthenticated(code, f"The token is refused: {why}.", "Get a new one.")
