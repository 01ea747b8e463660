"""Issuing of access tokens (RFC 9068), for operators and for the demo."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from discretion.errors import BadRequest
from discretion.token.grant import SELF
from discretion.token.keys import KeySet
from discretion.token.token_syntax import MAX_TOKEN_BYTES
from discretion.token.verify import MAX_LIST_ITEMS, MAX_TEXT_CHARS

MAX_LIFETIME_S = 24 * 3600


def _accept_any(_: str) -> bool:
    return True


class TokenIssuer:
    """Signs tokens with the active key. ``select_keys`` returns the keys of the present time."""

    def __init__(
        self,
        select_keys: Callable[[], KeySet],
        issuer: str,
        audience: str,
        now_ms: Callable[[], int],
        entropy: Callable[[int], bytes],
        is_known_purpose: Callable[[str], bool] = _accept_any,
        is_known_category: Callable[[str], bool] = _accept_any,
        is_login_type: Callable[[str], bool] = _accept_any,
    ) -> None:
        self._select_keys = select_keys
        self._issuer = issuer
        self._audience = audience
        self._now_ms = now_ms
        self._entropy = entropy
        self._is_known_purpose = is_known_purpose
        self._is_known_category = is_known_category
        self._is_login_type = is_login_type

    def issue_token(
        self,
        client: str,
        subject: str,
        scopes: Sequence[str],
        purposes: Sequence[str],
        categories: Sequence[str] | None = None,
        *,
        lifetime_s: int = 3600,
        authenticated: int | None = None,
        login_type: str | None = None,
    ) -> str:
        """Return a signed token.

        Args:
            client: The client it is issued to.
            subject: The ``sub`` claim.
            scopes: Its scopes.
            purposes: Its purposes.
            categories: The data categories it is limited to; None for no limit.
            lifetime_s: Its lifetime in seconds, at most a day.
            authenticated: When the subject logged in, in seconds since 1970.
            login_type: For a customer's own token, the identifier type of ``subject``.

        Raises:
            BadRequest: ``TOKEN_REQUEST_INVALID``; the verifier would refuse such a token.
        """
        for text in (client, subject, *scopes, *purposes, *(categories or ())):
            if not 0 < len(text) <= MAX_TEXT_CHARS or not text.isprintable():
                raise _build_request_error("a name is empty, too long or not printable")
        if any(" " in scope or not scope.isascii() for scope in scopes):
            raise _build_request_error("a scope contains a space or is not ASCII")
        if len(" ".join(scopes)) > MAX_TEXT_CHARS:
            raise _build_request_error("the scopes are too long together")
        if max(len(purposes), len(categories or ())) > MAX_LIST_ITEMS:
            raise _build_request_error("a list is too long")
        if not 0 < lifetime_s <= MAX_LIFETIME_S:
            raise _build_request_error("the lifetime is not between 1 second and a day")
        for purpose in purposes:
            if not self._is_known_purpose(purpose):
                raise _build_request_error(f"the catalogue has no purpose {purpose!r}")
        for category in categories or ():
            if not self._is_known_category(category):
                raise _build_request_error(f"Fideslang has no data category {category!r}")
        self._check_login(purposes, login_type)
        now = self._now_ms() // 1000
        claims: dict[str, object] = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": subject,
            "client_id": client,
            "scope": " ".join(scopes),
            "purposes": list(dict.fromkeys(purposes)),  # the verifier refuses duplicates
            "iat": now,
            "exp": now + lifetime_s,
            "jti": self._entropy(16).hex(),
        }
        if authenticated is not None:
            if not 0 <= authenticated <= now:
                raise _build_request_error("the login is in the future")
            claims["auth_time"] = authenticated
        if login_type is not None:
            claims["login_type"] = login_type
        if categories is not None:
            claims["categories"] = list(dict.fromkeys(categories))
        token = self._select_keys().active.sign_jwt(claims, "at+jwt")
        if len(token) > MAX_TOKEN_BYTES:
            raise _build_request_error(f"it would be longer than {MAX_TOKEN_BYTES} bytes")
        return token

    def _check_login(self, purposes: Sequence[str], login_type: str | None) -> None:
        if (login_type is None) is (SELF in purposes):
            raise _build_request_error("a customer's own token, and no other, names the type of its login")
        if login_type is not None and not (
            0 < len(login_type) <= MAX_TEXT_CHARS and login_type.isprintable()
        ):
            raise _build_request_error("the type of the login is empty, too long or not printable")
        if login_type is not None and not self._is_login_type(login_type):
            raise _build_request_error(f"no source proves identifiers of the type {login_type!r}")


def _build_request_error(reason: str) -> BadRequest:
    return BadRequest("TOKEN_REQUEST_INVALID", f"No token is issued: {reason}.")
