"""What the verifier remembers: it saves work and never changes an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discretion.token.grant import Grant
from discretion.token.keys import KeySet, VerifyingKey
from discretion.token.verify import Verifier
from tests.unit.token.forged_tokens import (
    EC,
    ED,
    KEYS,
    LEEWAY,
    NOW,
    ORDER,
    STRANGER,
    Clock,
    b64,
    claims,
    header,
    outcome,
    raw_signature,
    signed,
    token,
    unb64,
    verifier,
)


class Counting(Mapping[str, VerifyingKey]):
    """Keys that count how often one is asked for: once for each token that is really verified."""

    def __init__(self) -> None:
        self.lookups = 0

    def __getitem__(self, kid: str) -> VerifyingKey:
        self.lookups += 1
        return KEYS.verifying[kid]

    def __iter__(self) -> Iterator[str]:
        return iter(KEYS.verifying)

    def __len__(self) -> int:
        return len(KEYS.verifying)


@pytest.fixture
def keys() -> Counting:
    """Ours, counted."""
    return Counting()


def twin(text: str) -> str:
    """The other signature that ECDSA allows for the same message: (r, n - s)."""
    signed, _, signature = text.rpartition(".")
    raw = unb64(signature)
    other = raw_signature(int.from_bytes(raw[:32]), ORDER - int.from_bytes(raw[32:]))
    return f"{signed}.{b64(other)}"


def remembering(keys: Counting, clock: Clock | None = None, capacity: int = 10_000) -> Verifier:
    """A verifier over counted keys."""
    return verifier(KeySet((), keys), clock, capacity)


def test_a_token_is_verified_once(keys: Counting) -> None:
    """The second answer is the first one, without a key."""
    remembers = remembering(keys)
    text = token()
    assert remembers.verify(text) is remembers.verify(text)
    assert keys.lookups == 1


def test_a_remembered_token_expires_on_time(keys: Counting) -> None:
    """To the millisecond, as if it had never been seen; and it does not come back."""
    clock = Clock()
    remembers = remembering(keys, clock)
    text = token(exp=NOW + 60)
    for ms in (0, 60_000, (60 + LEEWAY) * 1000 - 1):
        clock.ms = NOW * 1000 + ms
        assert isinstance(outcome(remembers, text), Grant)
    for ms in ((60 + LEEWAY) * 1000, 3_600_000, 2**50):
        clock.ms = NOW * 1000 + ms
        assert outcome(remembers, text) == "TOKEN_EXPIRED"
    assert keys.lookups == 1


def test_a_remembered_token_does_not_begin_early(keys: Counting) -> None:
    """A clock that is set back meets the same beginning."""
    clock = Clock((NOW + 60) * 1000)
    remembers = remembering(keys, clock)
    text = token(nbf=NOW + 60)
    remembers.verify(text)
    clock.ms = (NOW + 60 - LEEWAY) * 1000 - 1
    assert outcome(remembers, text) == "TOKEN_NOT_YET_VALID"


def test_a_refused_token_is_not_remembered(keys: Counting) -> None:
    """A flood of forgeries takes no memory and drives nobody out."""
    remembers = remembering(keys, capacity=2)
    good = token()
    remembers.verify(good)
    for n in range(50):
        assert outcome(remembers, signed(header(), claims(jti=str(n)), STRANGER.sign)) == "TOKEN_SIGNATURE"
        assert outcome(remembers, token(jti=str(n), exp=NOW - 3600, iat=NOW - 7200)) == "TOKEN_EXPIRED"
    assert len(remembers._kept) == 1
    looked_up = keys.lookups
    remembers.verify(good)
    assert keys.lookups == looked_up


def test_the_memory_is_bounded_and_keeps_what_is_used(keys: Counting) -> None:
    """Thousands of good tokens take no more than what was set aside; the least used go first."""
    remembers = remembering(keys, capacity=4)
    often = token(jti="often")
    for n in range(40):
        remembers.verify(often)
        remembers.verify(token(jti=str(n)))
        assert len(remembers._kept) <= 4
    assert keys.lookups == 41


def test_a_forgotten_token_is_verified_again(keys: Counting) -> None:
    """Forgetting takes every spelling of that token, and leaves the others."""
    remembers = remembering(keys)
    gone, stays = token(jti="gone"), token(jti="stays")
    spaced = signed(header(), claims(jti="gone", act={}), ED.sign)
    for text in (gone, stays, spaced):
        remembers.verify(text)
    remembers.forget("gone")
    remembers.forget("nobody's")
    for text in (gone, stays, spaced):
        remembers.verify(text)
    assert keys.lookups == 5


def test_the_memory_holds_no_token() -> None:
    """What lies in memory cannot be used to ask: digests and grants."""
    remembers = verifier()
    text = token()
    remembers.verify(text)
    kept = repr(remembers._kept)
    assert not any(part in kept for part in text.split("."))


def test_the_other_signature_of_es256_gains_nothing(keys: Counting) -> None:
    """ECDSA has two signatures for a message; both give one grant, and forgetting takes both."""
    remembers = remembering(keys)
    one = token(EC)
    other = twin(one)
    assert other != one
    assert remembers.verify(one) == remembers.verify(other)
    remembers.forget(remembers.verify(one).token_id)
    for text in (one, other):
        remembers.verify(text)
    assert keys.lookups == 4


POOL = [
    *(token(jti=str(n), client_id=f"client-{n}", exp=NOW + 1 + 7 * n, nbf=NOW - 9 + 5 * n) for n in range(6)),
    signed(header(), claims(jti="0", client_id="client-0"), STRANGER.sign),
    token(jti="0", aud="another"),
    token(jti="0", purposes=["no such purpose"]),
    "no token",
]


@given(
    st.lists(st.tuples(st.sampled_from(POOL), st.integers(-20_000, 40_000)), min_size=1, max_size=25),
    st.integers(0, 4),
)
@settings(derandomize=True, deadline=None, max_examples=150)
def test_memory_never_changes_an_answer(asked: list[tuple[str, int]], capacity: int) -> None:
    """At any time, in any order, whatever was seen before: what a verifier without a past would say."""
    clock = Clock()
    remembers = verifier(clock=clock, capacity=capacity)
    for text, ms in asked:
        clock.ms = NOW * 1000 + ms
        assert outcome(remembers, text) == outcome(verifier(clock=clock), text)
        assert len(remembers._kept) <= capacity
