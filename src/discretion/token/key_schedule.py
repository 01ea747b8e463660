"""When each signing key is published, signs, retires and is gone.

A rotation only adds a key that signs later: from then on every state follows from the clock, and no process
has to run at the moment when a state changes.

* published: ``/.well-known/jwks.json`` has it, and nothing is signed with it. This lasts longer than clients
  may cache the published keys, so none of them meets a signature of a key that it does not know.
* signing: new tokens, receipts and certificates are signed with it.
* retiring: its successor signs. It is published, and its tokens are accepted, until the last has expired.
* retired: its tokens are refused, and its private part is destroyed. Its public part is kept, because
  receipts and erasure certificates are evidence for years: ``/.well-known/receipt-keys.json`` has it.

Keys that others know are retired at once (``replace_leaked``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from discretion.errors import Misconfigured
from discretion.token.issue import MAX_LIFETIME_S
from discretion.token.keys import (
    KeySet,
    SigningKey,
    VerifyingKey,
    describe_private_key,
    parse_private_jwk,
    parse_public_jwk,
)

JWKS_MAX_AGE_S = 300
"""Seconds for which clients may cache the published keys."""
MARGIN_S = 60
"""Seconds for clocks that differ, and for servers to notice the changed file."""
PUBLICATION_MS = (JWKS_MAX_AGE_S + MARGIN_S) * 1000
"""Time (ms) from the publication of a key to its first signature."""
RETIREMENT_MS = (MAX_LIFETIME_S + MARGIN_S) * 1000
"""Time (ms) for which a key verifies tokens after its last signature."""
_SIGNS_FROM = "signs_from"
_LEAKED_AT = "leaked_at"


class KeyState(StrEnum):
    """Where a key stands; see the module."""

    PUBLISHED = "published"
    SIGNING = "signing"
    RETIRING = "retiring"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class ScheduledKey:
    """A key and its times.

    Attributes:
        verifying: The public part.
        signing: The private part, None once it is destroyed.
        signs_from: When it begins to sign (ms since 1970).
        leaked_at: When it was retired because others know it (ms since 1970), else None.
    """

    verifying: VerifyingKey
    signing: SigningKey | None
    signs_from: int
    leaked_at: int | None = None


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """The state of a key at one time.

    Attributes:
        kid: The key id.
        state: The state.
        until: When the state ends (ms since 1970), None if nothing ends it; of a retired key, when it
            retired.
    """

    kid: str
    state: KeyState
    until: int | None


@dataclass(frozen=True, slots=True)
class KeySchedule:
    """The keys of an installation, oldest first; each signs until the next one does."""

    keys: tuple[ScheduledKey, ...]

    @classmethod
    def start(cls, key: SigningKey, now: int) -> KeySchedule:
        """Return the schedule of a new installation, whose first key signs at once."""
        return cls((ScheduledKey(key.verifying, key, now),))

    @property
    def installation_id(self) -> str:
        """The id of the first key. It stays the same through all rotations."""
        return self.keys[0].verifying.kid

    def list_statuses(self, now: int) -> list[KeyStatus]:
        """Return the state of each key at ``now`` (ms), oldest first."""
        active = self._find_active(now)
        ends = [key.signs_from for key in self.keys[1:]]
        statuses = []
        until: int | None
        for index, key in enumerate(self.keys):
            if index > active:
                state, until = KeyState.PUBLISHED, key.signs_from
            elif index == active:
                state, until = KeyState.SIGNING, ends[index] if index < len(ends) else None
            else:
                until = ends[index] + RETIREMENT_MS if key.leaked_at is None else key.leaked_at
                state = KeyState.RETIRING if now < until and key.signing else KeyState.RETIRED
            statuses.append(KeyStatus(key.verifying.kid, state, until))
        return statuses

    def select(self, now: int) -> KeySet:
        """Return the keys that sign and verify at ``now`` (ms), the active one first."""
        active = self.keys[self._find_active(now)]
        assert active.signing is not None
        verifying = {active.verifying.kid: active.verifying}
        for key, status in zip(self.keys, self.list_statuses(now), strict=True):
            if status.state is not KeyState.RETIRED:
                verifying[key.verifying.kid] = key.verifying
        return KeySet((active.signing,), verifying)

    def rotate(self, key: SigningKey, now: int) -> KeySchedule:
        """Return the schedule with a new key that signs ``PUBLICATION_MS`` after ``now`` (ms).

        If a key is published that does not sign yet, the schedule is returned unchanged: two rotations at
        once are one.
        """
        if self.keys[-1].signs_from > now:
            return self
        return KeySchedule((*self.keys, ScheduledKey(key.verifying, key, now + PUBLICATION_MS)))

    def replace_leaked(self, key: SigningKey, now: int) -> KeySchedule:
        """Return the schedule with a new key that signs at once, and without the private part of any other.

        Every private part was in the same file, so all of them are taken for known. A key that is only
        published is dropped: it has signed nothing.
        """
        # The first key names the installation, so it stays even if the clock was set back.
        used = (self.keys[0], *(other for other in self.keys[1:] if other.signs_from <= now))
        earlier = [
            other if other.signing is None else replace(other, signing=None, leaked_at=now) for other in used
        ]
        return KeySchedule((*earlier, ScheduledKey(key.verifying, key, max(now, used[-1].signs_from))))

    def destroy_retired(self, now: int) -> KeySchedule:
        """Return the schedule without the private parts of the keys that are retired at ``now`` (ms)."""
        keys = [
            replace(key, signing=None) if status.state is KeyState.RETIRED else key
            for key, status in zip(self.keys, self.list_statuses(now), strict=True)
        ]
        return KeySchedule(tuple(keys))

    def receipt_jwks(self) -> dict[str, list[dict[str, object]]]:
        """Return the public parts of all keys, also of those that are retired, as a JWK Set.

        ``iat`` and ``exp`` are from when and until when each signs, in seconds since 1970. ``revoked`` is as
        in OpenID Federation 1.0: who knew the key may have signed anything, and dated it back.
        """
        jwks: list[dict[str, object]] = [
            {**key.verifying.jwk, "iat": key.signs_from // 1000} for key in self.keys
        ]
        for jwk, successor in zip(jwks, self.keys[1:], strict=False):
            jwk["exp"] = successor.signs_from // 1000
        for jwk, key in zip(jwks, self.keys, strict=True):
            if key.leaked_at is not None:
                jwk["revoked"] = {"revoked_at": key.leaked_at // 1000, "reason": "compromised"}
        return {"keys": jwks}

    def to_private_json(self) -> bytes:
        """Return all keys with their private parts as JSON, to be stored sealed."""
        return json.dumps(
            {
                "keys": [
                    {
                        **(describe_private_key(key.signing) if key.signing else key.verifying.jwk),
                        _SIGNS_FROM: key.signs_from,
                        _LEAKED_AT: key.leaked_at,
                    }
                    for key in self.keys
                ]
            }
        ).encode()

    @classmethod
    def from_private_json(cls, body: bytes) -> KeySchedule:
        """Return the schedule that ``to_private_json`` wrote.

        Raises:
            Misconfigured: ``SIGNING_KEYS_DAMAGED``.
        """
        try:
            keys = tuple(_parse_key(jwk) for jwk in json.loads(body)["keys"])
        # Without the cause: the message of a parser may quote its input, which is the private key.
        except Exception:  # noqa: BLE001 - whatever is wrong, nothing can be signed with it
            raise _build_damaged_error() from None
        times = [key.signs_from for key in keys]
        kids = {key.verifying.kid for key in keys}
        if not keys or keys[-1].signing is None or len(kids) < len(keys) or times != sorted(times):
            raise _build_damaged_error()
        return cls(keys)

    def _find_active(self, now: int) -> int:
        """Return the position of the key that signs at ``now`` (ms).

        A clock that was set back must not lead to a key whose private part is destroyed.
        """
        usable = [index for index, key in enumerate(self.keys) if key.signing is not None]
        return next((index for index in reversed(usable) if self.keys[index].signs_from <= now), usable[0])


def _parse_key(jwk: Mapping[str, object]) -> ScheduledKey:
    members = dict(jwk)
    signs_from, leaked_at = members.pop(_SIGNS_FROM), members.pop(_LEAKED_AT)
    if not isinstance(signs_from, int) or not isinstance(leaked_at, int | None):
        raise TypeError("no time")
    if "d" not in members:
        return ScheduledKey(parse_public_jwk(members), None, signs_from, leaked_at)
    signing = parse_private_jwk(members)
    return ScheduledKey(signing.verifying, signing, signs_from)


def _build_damaged_error() -> Misconfigured:
    return Misconfigured(
        "SIGNING_KEYS_DAMAGED",
        "The file of signing keys is damaged, or another release wrote it.",
        "Restore DATA_DIR/keys from its backup, or start on another data folder. Servers start only with the "
        "keys that their database was set up with.",
    )
