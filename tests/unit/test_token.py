"""The verifier's cache of tokens: it saves work and never changes a result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discretion.token.grant import Grant
from discretion.token.keys import KeySet, VerifyingKey
from discretion.token.verify import TokenVerifier
from tests.fixtures.examples import scale_examples
from tests.unit.token.forged_tokens import (
    EC,
    KEYS,
    LEEWAY,
    NOW,
    P256_ORDER,
    STRANGER,
    Clock,
    b64,
    build_claims,
    build_header,
    build_token,
    build_verifier,
    encode_raw_signature,
    read_outcome,
    sign_token,
    unb64,
)


class CountingKeys(Mapping[str, VerifyingKey]):
    """Keys that count their lookups, one for each verified token."""

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
def keys() -> CountingKeys:
    """Return the known keys with a counter."""
    return CountingKeys()


def build_twin(text: str) -> str:
    """Return a token with the other ECDSA signature of the same message: (r, n - s)."""
    signing_input, _, signature = text.rpartition(".")
    raw = unb64(signature)
    other_signature = encode_raw_signature(int.from_bytes(raw[:32]), P256_ORDER - int.from_bytes(raw[32:]))
    return f"{signing_input}.{b64(other_signature)}"


def build_counting_verifier(
    keys: CountingKeys, clock: Clock | None = None, capacity: int = 10_000
) -> TokenVerifier:
    """Return a verifier with counting keys."""
    return build_verifier(KeySet((), keys), clock, capacity)


def test_a_repeated_token_is_verified_once(keys: CountingKeys) -> None:
    """The second result is the first one, without a key lookup."""
    verifier = build_counting_verifier(keys)
    text = build_token()
    assert verifier.verify(text) is verifier.verify(text)
    assert keys.lookups == 1


def test_a_cached_token_expires_on_time(keys: CountingKeys) -> None:
    """It expires to the millisecond, as an uncached token would, and stays expired."""
    clock = Clock()
    verifier = build_counting_verifier(keys, clock)
    text = build_token(exp=NOW + 60)
    for ms in (0, 60_000, (60 + LEEWAY) * 1000 - 1):
        clock.ms = NOW * 1000 + ms
        assert isinstance(read_outcome(verifier, text), Grant)
    for ms in ((60 + LEEWAY) * 1000, 3_600_000, 2**50):
        clock.ms = NOW * 1000 + ms
        assert read_outcome(verifier, text) == "TOKEN_EXPIRED"
    assert keys.lookups == 1


def test_a_cached_token_does_not_become_valid_early(keys: CountingKeys) -> None:
    """The start is checked again after the clock was set back."""
    clock = Clock((NOW + 60) * 1000)
    verifier = build_counting_verifier(keys, clock)
    text = build_token(nbf=NOW + 60)
    verifier.verify(text)
    clock.ms = (NOW + 60 - LEEWAY) * 1000 - 1
    assert read_outcome(verifier, text) == "TOKEN_NOT_YET_VALID"


def test_a_refused_token_is_not_cached(keys: CountingKeys) -> None:
    """Many forgeries take no memory and evict no valid token."""
    verifier = build_counting_verifier(keys, capacity=2)
    good = build_token()
    verifier.verify(good)
    for n in range(50):
        assert (
            read_outcome(verifier, sign_token(build_header(), build_claims(jti=str(n)), STRANGER.sign))
            == "TOKEN_SIGNATURE"
        )
        assert (
            read_outcome(verifier, build_token(jti=str(n), exp=NOW - 3600, iat=NOW - 7200)) == "TOKEN_EXPIRED"
        )
    assert len(verifier._verified) == 1
    looked_up = keys.lookups
    verifier.verify(good)
    assert keys.lookups == looked_up


def test_the_token_cache_is_bounded_and_keeps_frequent_tokens(keys: CountingKeys) -> None:
    """Any number of valid tokens stays within the capacity; the least recently used are evicted."""
    verifier = build_counting_verifier(keys, capacity=4)
    frequent = build_token(jti="often")
    for n in range(40):
        verifier.verify(frequent)
        verifier.verify(build_token(jti=str(n)))
        assert len(verifier._verified) <= 4
    assert keys.lookups == 41


def test_the_token_cache_holds_no_token() -> None:
    """The cache has digests and grants, which are no credentials."""
    verifier = build_verifier()
    text = build_token()
    verifier.verify(text)
    cached = repr(verifier._verified)
    assert not any(part in cached for part in text.split("."))


def test_the_other_signature_of_es256_gains_nothing(keys: CountingKeys) -> None:
    """ECDSA has two signatures for a message; both have the same grant, and each is verified by itself."""
    verifier = build_counting_verifier(keys)
    first = build_token(EC)
    twin = build_twin(first)
    assert twin != first
    assert verifier.verify(first) == verifier.verify(twin)
    assert keys.lookups == 2


POOL = [
    *(
        build_token(jti=str(n), client_id=f"client-{n}", exp=NOW + 1 + 7 * n, nbf=NOW - 9 + 5 * n)
        for n in range(6)
    ),
    sign_token(build_header(), build_claims(jti="0", client_id="client-0"), STRANGER.sign),
    build_token(jti="0", aud="another"),
    build_token(jti="0", purposes=["no such purpose"]),
    "no token",
]


@given(
    st.lists(st.tuples(st.sampled_from(POOL), st.integers(-20_000, 40_000)), min_size=1, max_size=25),
    st.integers(0, 4),
)
@settings(derandomize=True, max_examples=scale_examples(150))
def test_the_token_cache_never_changes_a_result(requests: list[tuple[str, int]], capacity: int) -> None:
    """At any time and in any order, the result equals that of a verifier with an empty cache."""
    clock = Clock()
    verifier = build_verifier(clock=clock, capacity=capacity)
    for text, ms in requests:
        clock.ms = NOW * 1000 + ms
        assert read_outcome(verifier, text) == read_outcome(build_verifier(clock=clock), text)
        assert len(verifier._verified) <= capacity
