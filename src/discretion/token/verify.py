"""Strict verification of access tokens (RFC 9068), with a cache of verified tokens.

The order is: syntax, key, algorithm, signature, then every claim with its type. The algorithm is that of the
key, never that of the header. Keys come from the configured set, never from the token.
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
from discretion.token.grant import SELF, Grant, Login
from discretion.token.keys import KeySet
from discretion.token.token_syntax import build_malformed_error, split_token

TOKEN_TYPES = frozenset({"at+jwt", "application/at+jwt"})
MAX_TEXT_CHARS = 512
MAX_LIST_ITEMS = 64
_MAX_SECONDS = 2**53


class TokenVerifier:
    """Verifies tokens of one issuer for one audience.

    Args:
        select_keys: Returns the verifying keys of the present time.
        issuer: The expected ``iss`` claim.
        audience: The ``aud`` claim that must be present.
        now_ms: The present (ms since 1970).
        is_known_purpose: Whether the catalogue has a purpose.
        leeway_s: Tolerated clock difference in seconds.
        max_lifetime_s: Longest accepted lifetime of a token in seconds.
        capacity: Number of verified tokens that are cached.
    """

    def __init__(
        self,
        select_keys: Callable[[], KeySet],
        issuer: str,
        audience: str,
        now_ms: Callable[[], int],
        is_known_purpose: Callable[[str], bool],
        leeway_s: int = 5,
        max_lifetime_s: int = 24 * 3600,
        capacity: int = 10_000,
    ) -> None:
        self._select_keys = select_keys
        self._issuer = issuer
        self._audience = audience
        self._now_ms = now_ms
        self._is_known_purpose = is_known_purpose
        self._leeway_s = leeway_s
        self._max_lifetime_s = max_lifetime_s
        self._capacity = capacity
        self._verified: OrderedDict[bytes, tuple[Grant, int]] = OrderedDict()

    def parse_header(self, values: Sequence[str]) -> Grant | None:
        """Return the grant of an ``Authorization`` header (RFC 6750, section 2.1); None if there is none.

        Raises:
            Unauthenticated: More than one header, another scheme, or a token that ``verify`` refuses.
        """
        if not values:
            return None
        if len(values) > 1:
            raise build_malformed_error("there is more than one Authorization header")
        scheme, _, token = values[0].partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise build_malformed_error("the Authorization header is not 'Bearer <token>'")
        return self.verify(token)

    def forget_all(self) -> None:
        """Clear the cache. Every token is verified again when it is next used."""
        self._verified.clear()

    def verify(self, token: str) -> Grant:
        """Return the grant of a token.

        Raises:
            Unauthenticated: ``TOKEN_MALFORMED``, ``TOKEN_TYPE``, ``TOKEN_KEY_UNKNOWN``, ``TOKEN_ALGORITHM``,
                ``TOKEN_SIGNATURE``, ``TOKEN_CLAIMS``, ``TOKEN_ISSUER``, ``TOKEN_AUDIENCE``,
                ``TOKEN_EXPIRED``, ``TOKEN_NOT_YET_VALID``.
        """
        now = self._now_ms() // 1000
        # The cache is keyed by a digest, so it contains no usable token.
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        cached = self._verified.get(digest)
        if cached is not None:
            grant, not_before = cached
            # A cached token may have expired since it was verified.
            self._check_time(now, grant.expires, not_before)
            self._verified.move_to_end(digest)
            return grant
        claims = self._verify_signature(token)
        not_before = self._check_claims(claims, now)
        grant = self._build_grant(claims)
        # Only a token that passed every check is stored. A caller without a valid token cannot displace
        # others.
        self._verified[digest] = (grant, not_before)
        # Bounded: many valid tokens must not fill the memory.
        if len(self._verified) > self._capacity:
            self._verified.popitem(last=False)
        return grant

    def _verify_signature(self, token: str) -> dict[str, Any]:
        header, claims = split_token(token)
        # The type tells an access token from an ID token of the same issuer (RFC 9068, section 2.1). Media
        # types are compared without case.
        if header.get("typ", "").lower() not in TOKEN_TYPES:
            raise _build_token_error("TOKEN_TYPE", "its type is not at+jwt")
        key = self._select_keys().verifying.get(header.get("kid", ""))
        if key is None:
            raise _build_token_error("TOKEN_KEY_UNKNOWN", "its key is not known")
        if header.get("alg") != key.algorithm:
            raise _build_token_error("TOKEN_ALGORITHM", "its algorithm is not that of its key")
        # The algorithm is pinned to the key, against algorithm confusion (RFC 8725, section 2.1).
        try:
            jwt.decode(token, key.key, algorithms=[key.algorithm], options=_SIGNATURE_ONLY)
        except jwt.PyJWTError:
            raise _build_token_error("TOKEN_SIGNATURE", "its signature is invalid") from None
        return claims

    def _check_claims(self, claims: dict[str, Any], now: int) -> int:
        for name in ("iss", "sub", "client_id", "jti"):
            _read_text_claim(claims, name)
        if claims["iss"] != self._issuer:
            raise _build_token_error("TOKEN_ISSUER", "it has another issuer")
        audience = claims.get("aud")
        # ``aud`` is one text or a list of texts (RFC 7519, section 4.1.3).
        audiences = [audience] if isinstance(audience, str) else audience
        if not isinstance(audiences, list) or not audiences or len(audiences) > MAX_LIST_ITEMS:
            raise _build_claim_error("aud")
        if not all(isinstance(recipient, str) for recipient in audiences):
            raise _build_claim_error("aud")
        if self._audience not in audiences:
            raise _build_token_error("TOKEN_AUDIENCE", "it is for another audience")
        expires, issued = _read_time_claim(claims, "exp"), _read_time_claim(claims, "iat")
        not_before = _read_time_claim(claims, "nbf") if "nbf" in claims else issued
        self._check_time(now, expires, max(not_before, issued))
        if expires <= max(not_before, issued):
            raise _build_token_error("TOKEN_CLAIMS", "it expires before it is valid")
        # A stolen token stays usable until it expires. So its lifetime is limited here too, and not only by
        # the issuer.
        if expires - issued > self._max_lifetime_s:
            raise _build_token_error("TOKEN_CLAIMS", "its lifetime is too long")
        return max(not_before, issued)

    def _check_time(self, now: int, expires: int, not_before: int) -> None:
        """Check the validity period. At ``exp`` a token has expired (RFC 7519, section 4.1.4).

        The leeway allows for clocks that differ.
        """
        if now >= expires + self._leeway_s:
            raise _build_token_error("TOKEN_EXPIRED", "it has expired")
        if now < not_before - self._leeway_s:
            raise _build_token_error("TOKEN_NOT_YET_VALID", "it is not valid yet")

    def _build_grant(self, claims: dict[str, Any]) -> Grant:
        scope = claims.get("scope")
        if (
            not isinstance(scope, str)
            or len(scope) > MAX_TEXT_CHARS
            or not (scope.isascii() and scope.isprintable())
        ):
            raise _build_claim_error("scope")
        purposes = _read_text_set_claim(claims, "purposes")
        for purpose in sorted(purposes):
            if not self._is_known_purpose(purpose):
                # Only a plain name is quoted: the claim may contain anything.
                shown = purpose if re.fullmatch(r"[\w.-]{1,80}", purpose, re.ASCII) else "?"
                raise _build_token_error(
                    "TOKEN_CLAIMS", f"it names the purpose {shown!r}, which the catalogue does not have"
                )
        # Without the type of its identifier, a login would be looked up under every type.
        login = (
            Login(claims["iss"], _read_text_claim(claims, "login_type"), claims["sub"])
            if SELF in purposes
            else None
        )
        return Grant(
            client=claims["client_id"],
            subject=claims["sub"],
            scopes=frozenset(claims["scope"].split(" ")) - {""},
            purposes=purposes,
            categories=_read_text_set_claim(claims, "categories") if "categories" in claims else None,
            expires=claims["exp"],
            token_id=claims["jti"],
            authenticated=_read_time_claim(claims, "auth_time") if "auth_time" in claims else None,
            login=login,
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
"""PyJWT checks only the signature. This module checks the claims together with their types."""


def _read_text_claim(claims: dict[str, Any], name: str) -> str:
    text = claims.get(name)
    if not isinstance(text, str) or not 0 < len(text) <= MAX_TEXT_CHARS or not text.isprintable():
        raise _build_claim_error(name)
    return text


def _read_time_claim(claims: dict[str, Any], name: str) -> int:
    seconds = claims.get(name)
    # ``True`` is an ``int`` in Python, but no time.
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 <= seconds < _MAX_SECONDS:
        raise _build_claim_error(name)
    return seconds


def _read_text_set_claim(claims: dict[str, Any], name: str) -> frozenset[str]:
    texts = claims.get(name)
    if not isinstance(texts, list) or len(texts) > MAX_LIST_ITEMS:
        raise _build_claim_error(name)
    for text in texts:
        if not isinstance(text, str) or not 0 < len(text) <= MAX_TEXT_CHARS or not text.isprintable():
            raise _build_claim_error(name)
    if len(set(texts)) != len(texts):
        raise _build_claim_error(name)
    return frozenset(texts)


def _build_claim_error(name: str) -> Unauthenticated:
    return _build_token_error("TOKEN_CLAIMS", f"its claim {name!r} is missing or not as in RFC 9068")


def _build_token_error(code: str, reason: str) -> Unauthenticated:
    return Unauthenticated(code, f"The token is refused: {reason}.", "Get a new one.")
