"""A token has one spelling: change one character, leave one out, cut it anywhere, and it is nothing."""

from __future__ import annotations

import base64
import string
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discretion.token.grant import Grant
from tests.unit.token.forged_tokens import EC, ED, STRANGER, outcome, signed, token, verifier

ALPHABET = string.ascii_letters + string.digits + "-_"
TOKENS = [token(ED), token(EC)]
VERIFIER = verifier()
for _text in TOKENS:
    assert isinstance(outcome(VERIFIER, _text), Grant)
LAW = settings(derandomize=True, deadline=None, max_examples=400)

texts = pytest.mark.parametrize("text", TOKENS, ids=["EdDSA", "ES256"])


def refused(changed: str) -> bool:
    """Whether a token is refused, and by our own error; anything else that is raised fails the test."""
    met = outcome(VERIFIER, changed)
    return isinstance(met, str) and met.startswith("TOKEN_")


@texts
def test_every_character_matters(text: str) -> None:
    """At each place: the neighbours in the alphabet, the other case, and what does not belong."""
    for at, old in enumerate(text):
        near = ALPHABET.find(old)
        others = {ALPHABET[near - 1], ALPHABET[(near + 1) % 64], old.swapcase(), "=", ".", " ", "\n"} - {old}
        for new in others:
            assert refused(text[:at] + new + text[at + 1 :]), (at, new)
        assert refused(text[:at] + text[at + 1 :]), at
        assert refused(text[:at] + old + text[at:]), at


@texts
def test_every_cut_is_refused(text: str) -> None:
    """From the end, from the front, and in every segment."""
    for at in range(len(text)):
        assert refused(text[:at])
        assert at == 0 or refused(text[at:])
    dots = [-1, *(at for at, char in enumerate(text) if char == "."), len(text)]
    for start, end in pairwise(dots):
        for at in range(start + 1, end):
            assert refused(text[:at] + text[end:])


@texts
@given(data=st.data())
@LAW
def test_any_one_change_is_refused(text: str, data: st.DataObject) -> None:
    """Any character of Unicode, put, dropped, doubled or swapped with another, anywhere."""
    at = data.draw(st.integers(0, len(text) - 1))
    new = data.draw(st.characters(exclude_categories=()) | st.sampled_from(ALPHABET))
    to = data.draw(st.integers(0, len(text) - 1))
    swapped = list(text)
    swapped[at], swapped[to] = swapped[to], swapped[at]
    for changed in (text[:at] + new + text[at + 1 :], text[:at] + new + text[at:], "".join(swapped)):
        assert changed == text or refused(changed)


@texts
@given(mask=st.binary(min_size=1, max_size=8), at=st.integers(0, 2**12))
@LAW
def test_any_bits_flipped_under_the_base64_are_refused(text: str, mask: bytes, at: int) -> None:
    """The same one layer down, where every spelling is canonical."""
    parts = [bytearray(base64.urlsafe_b64decode(part + "==")) for part in text.split(".")]
    place = at % sum(map(len, parts))
    for part in parts:
        if place < len(part):
            for n, bits in enumerate(mask[: len(part) - place]):
                part[place + n] ^= bits
            break
        place -= len(part)
    changed = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    assert changed == text or refused(changed)


@given(st.binary(max_size=200), st.binary(max_size=300), st.binary(min_size=1, max_size=64))
@LAW
def test_any_bytes_in_the_shape_of_a_token_are_refused(head: bytes, body: bytes, tail: bytes) -> None:
    """Whatever is under the base64, signed by nobody or by ourselves."""
    for text in (
        signed(head, body, lambda _: tail),
        signed(head, body, ED.sign),
        signed(head, body, STRANGER.sign),
    ):
        assert refused(text)


@given(st.text(max_size=300) | st.text(ALPHABET + ".=", max_size=300))
@LAW
def test_any_text_at_all_is_refused(text: str) -> None:
    """Nothing but our own error, for anything a header may hold."""
    assert refused(text)
