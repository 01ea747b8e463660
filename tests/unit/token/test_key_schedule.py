"""Signing keys in time: published before they sign, retired after the last token, kept for receipts."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm

from discretion.errors import Misconfigured
from discretion.token.issue import MAX_LIFETIME_S, TokenIssuer
from discretion.token.key_schedule import (
    JWKS_MAX_AGE_S,
    PUBLICATION_MS,
    RETIREMENT_MS,
    KeySchedule,
    KeyState,
)
from discretion.token.keys import generate_signing_key
from tests.unit.token.forged_tokens import (
    AUDIENCE,
    ED,
    ISSUER,
    NOW,
    STRANGER,
    Clock,
    build_verifier,
    read_outcome,
)

START = NOW * 1000
P384 = json.loads(ECAlgorithm.to_jwk(generate_private_key(SECP384R1()).public_key()))
NEW_KEYS = [generate_signing_key() for _ in range(8)]
SCHEDULE = KeySchedule.start(NEW_KEYS[0], START)
ROTATED = SCHEDULE.rotate(NEW_KEYS[1], START)
SIGNS_AT = START + PUBLICATION_MS
GONE_AT = SIGNS_AT + RETIREMENT_MS


def read_states(schedule: KeySchedule, now: int) -> list[str]:
    """Return the state of each key, oldest first."""
    return [status.state.value for status in schedule.list_statuses(now)]


def issue_token(schedule: KeySchedule, now: int, lifetime_s: int = 3600) -> str:
    """Return a token that the schedule's key signs at a time."""
    issuer = TokenIssuer(lambda: schedule.select(now), ISSUER, AUDIENCE, Clock(now), bytes)
    return issuer.issue_token(
        "campaigns", "staff@shop.example", (), ("marketing.communications.email",), lifetime_s=lifetime_s
    )


def list_published(schedule: KeySchedule, now: int) -> list[str]:
    """Return the ids of the published keys."""
    return [jwk["kid"] for jwk in schedule.select(now).public_jwks()["keys"]]


def test_the_first_key_signs_at_once() -> None:
    """Nobody can have cached an older set of keys."""
    assert read_states(SCHEDULE, START) == ["signing"]
    assert SCHEDULE.select(START).active is NEW_KEYS[0]
    assert SCHEDULE.list_statuses(START)[0].until is None


def test_each_key_passes_through_its_states() -> None:
    """Bounds are to the millisecond, and nobody has to do anything when a state changes."""
    assert read_states(ROTATED, START) == ["signing", "published"]
    assert read_states(ROTATED, SIGNS_AT - 1) == ["signing", "published"]
    assert read_states(ROTATED, SIGNS_AT) == ["retiring", "signing"]
    assert read_states(ROTATED, GONE_AT - 1) == ["retiring", "signing"]
    assert read_states(ROTATED, GONE_AT) == ["retired", "signing"]
    assert [status.until for status in ROTATED.list_statuses(START)] == [SIGNS_AT, SIGNS_AT]
    assert [status.until for status in ROTATED.list_statuses(SIGNS_AT)] == [GONE_AT, None]


def test_a_key_is_published_longer_than_clients_may_cache_the_set() -> None:
    """A client that fetched the set just before the rotation fetches it again before it meets the key."""
    assert PUBLICATION_MS > JWKS_MAX_AGE_S * 1000
    first, second = (key.verifying.kid for key in NEW_KEYS[:2])
    assert list_published(ROTATED, START) == [first, second]
    assert ROTATED.select(SIGNS_AT - 1).active is NEW_KEYS[0]
    assert ROTATED.select(SIGNS_AT).active is NEW_KEYS[1]
    assert list_published(ROTATED, SIGNS_AT) == [second, first]


def test_the_longest_token_outlives_its_key_not() -> None:
    """It is accepted until it expires, and its key is gone afterwards."""
    last = SIGNS_AT - 1
    token = issue_token(ROTATED, last, MAX_LIFETIME_S)
    expires = (last // 1000 + MAX_LIFETIME_S) * 1000
    for now in (last, SIGNS_AT, expires - 1):
        assert build_verifier(ROTATED.select(now), Clock(now)).verify(token)
    assert list_published(ROTATED, GONE_AT) == [NEW_KEYS[1].verifying.kid]
    gone = build_verifier(ROTATED.select(GONE_AT), Clock(GONE_AT))
    assert read_outcome(gone, token) == "TOKEN_KEY_UNKNOWN"
    assert expires < GONE_AT


def test_a_second_rotation_waits_until_the_first_key_signs() -> None:
    """Two operators, or two timers, rotate once."""
    assert ROTATED.rotate(NEW_KEYS[2], SIGNS_AT - 1) is ROTATED
    again = ROTATED.rotate(NEW_KEYS[2], SIGNS_AT)
    assert read_states(again, SIGNS_AT) == ["retiring", "signing", "published"]


def test_only_the_private_part_of_a_retired_key_is_destroyed() -> None:
    """Its public part verifies receipts for as long as somebody keeps them."""
    assert ROTATED.destroy_retired(GONE_AT - 1) == ROTATED
    destroyed = ROTATED.destroy_retired(GONE_AT)
    assert [key.signing for key in destroyed.keys] == [None, NEW_KEYS[1]]
    assert destroyed.receipt_jwks() == ROTATED.receipt_jwks()
    assert [jwk["kid"] for jwk in destroyed.receipt_jwks()["keys"]] == [
        key.verifying.kid for key in NEW_KEYS[:2]
    ]
    assert destroyed.destroy_retired(GONE_AT) == destroyed


def test_leaked_keys_are_retired_at_once() -> None:
    """All that the file held: a key that only was published has signed nothing and is dropped."""
    again = ROTATED.rotate(NEW_KEYS[2], SIGNS_AT)
    token = issue_token(again, SIGNS_AT)
    replaced = again.replace_leaked(NEW_KEYS[3], SIGNS_AT + 1)
    assert read_states(replaced, SIGNS_AT + 1) == ["retired", "retired", "signing"]
    assert [status.until for status in replaced.list_statuses(SIGNS_AT + 1)][:2] == [SIGNS_AT + 1] * 2
    assert list_published(replaced, SIGNS_AT + 1) == [NEW_KEYS[3].verifying.kid]
    assert [key.signing for key in replaced.keys] == [None, None, NEW_KEYS[3]]
    verifier = build_verifier(replaced.select(SIGNS_AT + 1), Clock(SIGNS_AT + 1))
    assert read_outcome(verifier, token) == "TOKEN_KEY_UNKNOWN"
    assert replaced.installation_id == SCHEDULE.installation_id
    loaded = KeySchedule.from_private_json(replaced.to_private_json())
    assert loaded.receipt_jwks() == replaced.receipt_jwks()
    revoked = [jwk.get("revoked") for jwk in replaced.receipt_jwks()["keys"]]
    at = {"revoked_at": (SIGNS_AT + 1) // 1000, "reason": "compromised"}
    assert revoked == [at, at, None]


def test_a_key_that_retired_before_a_leak_is_not_revoked() -> None:
    """Its private part was destroyed, so nobody can know it."""
    replaced = ROTATED.destroy_retired(GONE_AT).replace_leaked(NEW_KEYS[2], GONE_AT)
    assert ["revoked" in jwk for jwk in replaced.receipt_jwks()["keys"]] == [False, True, False]


def test_keys_for_receipts_say_when_each_signed() -> None:
    """Nothing private is published."""
    first, second = ROTATED.receipt_jwks()["keys"]
    assert (first["iat"], first["exp"]) == (START // 1000, SIGNS_AT // 1000)
    assert second["iat"] == SIGNS_AT // 1000
    assert "exp" not in second
    assert "d" not in first
    assert "d" not in second


def test_a_clock_that_is_set_back_finds_a_key_that_can_sign() -> None:
    """The key that should sign then no longer can."""
    destroyed = ROTATED.destroy_retired(GONE_AT)
    assert destroyed.select(START).active is NEW_KEYS[1]
    assert SCHEDULE.select(0).active is NEW_KEYS[0]


def test_the_id_of_an_installation_survives_rotations() -> None:
    """It is the id of the first key."""
    assert ROTATED.destroy_retired(GONE_AT).installation_id == SCHEDULE.installation_id


def test_a_schedule_survives_saving_and_loading() -> None:
    """Also with a destroyed key."""
    for schedule in (SCHEDULE, ROTATED, ROTATED.destroy_retired(GONE_AT)):
        loaded = KeySchedule.from_private_json(schedule.to_private_json())
        assert loaded.to_private_json() == schedule.to_private_json()
        assert loaded.list_statuses(GONE_AT) == schedule.list_statuses(GONE_AT)
        assert loaded.receipt_jwks() == schedule.receipt_jwks()
        token = issue_token(loaded, GONE_AT)
        assert build_verifier(schedule.select(GONE_AT), Clock(GONE_AT)).verify(token)


@given(pauses=st.lists(st.integers(0, 2 * RETIREMENT_MS), min_size=1, max_size=7))
def test_at_any_time_one_key_signs_and_its_tokens_verify(pauses: list[int]) -> None:
    """Whenever rotations happen: what was signed before is accepted for a day, and each key was published
    for longer than clients cache the set before it signed.
    """
    schedule, now = SCHEDULE, START
    for pause, key in zip(pauses, NEW_KEYS[1:], strict=False):
        before = schedule.select(now).active
        now += pause
        schedule = schedule.destroy_retired(now).rotate(key, now)
        states = read_states(schedule, now)
        assert states.count("signing") == 1
        assert states == sorted(states, key=["retired", "retiring", "signing", "published"].index)
        if pause < MAX_LIFETIME_S * 1000:
            assert before.verifying.kid in schedule.select(now).verifying
    for earlier, later in pairwise(schedule.keys):
        assert later.signs_from - earlier.signs_from >= PUBLICATION_MS
    assert schedule.list_statuses(now + 2**40)[-1].state is KeyState.SIGNING


def encode(*keys: dict[str, Any]) -> bytes:
    """Return the content of a file of keys."""
    return json.dumps({"keys": keys}).encode()


SOUND = {**ED.jwk, "signs_from": START, "leaked_at": None}
PUBLIC_ONLY = {**NEW_KEYS[0].verifying.jwk, "signs_from": START, "leaked_at": None}
DAMAGED_FILES = [
    ("no JSON", b"\xff{"),
    ("no object", b"[]"),
    ("no list", b'{"keys": 1}'),
    ("no key", encode()),
    ("no keys", b"{}"),
    ("no time", encode(ED.jwk)),
    ("a text as time", encode({**SOUND, "signs_from": "1"})),
    ("a text as time of a leak", encode({**SOUND, "leaked_at": "1"})),
    ("only a public key", encode(PUBLIC_ONLY)),
    ("no alg", encode({**SOUND, "alg": None})),
    ("another alg", encode({**SOUND, "alg": "RS256"})),
    ("the other alg", encode({**SOUND, "alg": "ES256"})),
    ("another curve", encode({**SOUND, **P384, "alg": "ES256", "d": "AQ"})),
    ("a secret that is not its key's", encode({**SOUND, "d": STRANGER.jwk["d"]})),
    ("the same key twice", encode(SOUND, SOUND)),
    ("times that go back", encode(SOUND, {**SOUND, **STRANGER.jwk, "signs_from": START - 1})),
]


@pytest.mark.parametrize(("case", "body"), DAMAGED_FILES, ids=[case for case, _ in DAMAGED_FILES])
def test_damaged_signing_keys_stop_the_start(case: str, body: bytes) -> None:
    """The operator gets a code at the start, not during a request."""
    with pytest.raises(Misconfigured) as refusal:
        KeySchedule.from_private_json(body)
    assert refusal.value.code == "SIGNING_KEYS_DAMAGED", case
    assert ED.jwk["d"] not in str(refusal.value)


def test_sound_signing_keys_are_read() -> None:
    """So the damaged files above are refused for their damage."""
    assert KeySchedule.from_private_json(encode(SOUND)).select(START).active.verifying.kid == ED.kid


def test_no_text_form_of_a_schedule_shows_a_secret() -> None:
    """Its representation has key ids only."""
    schedule = KeySchedule.from_private_json(encode(SOUND))
    assert ED.jwk["d"] not in f"{schedule!r}{schedule.list_statuses(START)!r}"
