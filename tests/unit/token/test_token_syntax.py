"""A token has exactly one spelling: every edited or truncated token is refused."""

from __future__ import annotations

import base64
import string
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discretion.token.grant import Grant
from tests.fixtures.examples import scale_examples
from tests.unit.token.forged_tokens import (
    EC,
    ED,
    STRANGER,
    build_token,
    build_verifier,
    read_outcome,
    sign_token,
)

ALPHABET = string.ascii_letters + string.digits + "-_"
TOKENS = [build_token(ED), build_token(EC)]
VERIFIER = build_verifier()
for _text in TOKENS:
    assert isinstance(read_outcome(VERIFIER, _text), Grant)
SETTINGS = settings(derandomize=True, max_examples=scale_examples(400))

texts = pytest.mark.parametrize("text", TOKENS, ids=["EdDSA", "ES256"])


def is_refused(changed: str) -> bool:
    """Return whether a token is refused with a code; any other exception fails the test."""
    result = read_outcome(VERIFIER, changed)
    return isinstance(result, str) and result.startswith("TOKEN_")


@texts
def test_a_token_with_one_changed_character_is_refused(text: str) -> None:
    """At each position: neighbours in the alphabet, the other case, and characters outside of it."""
    for position, char in enumerate(text):
        index = ALPHABET.find(char)
        replacements = {
            ALPHABET[index - 1],
            ALPHABET[(index + 1) % 64],
            char.swapcase(),
            "=",
            ".",
            " ",
            "\n",
        } - {char}
        for replacement in replacements:
            assert is_refused(text[:position] + replacement + text[position + 1 :]), (position, replacement)
        assert is_refused(text[:position] + text[position + 1 :]), position
        assert is_refused(text[:position] + char + text[position:]), position


@texts
def test_a_truncated_token_is_refused(text: str) -> None:
    """Characters are removed at the end, at the start and in every segment."""
    for position in range(len(text)):
        assert is_refused(text[:position])
        assert position == 0 or is_refused(text[position:])
    dots = [-1, *(position for position, char in enumerate(text) if char == "."), len(text)]
    for start, end in pairwise(dots):
        for position in range(start + 1, end):
            assert is_refused(text[:position] + text[end:])


@texts
@given(data=st.data())
@SETTINGS
def test_a_token_with_any_single_edit_is_refused(text: str, data: st.DataObject) -> None:
    """Any Unicode character replaces or precedes another one, or two characters are swapped."""
    position = data.draw(st.integers(0, len(text) - 1))
    replacement = data.draw(st.characters(exclude_categories=()) | st.sampled_from(ALPHABET))
    swapped_with = data.draw(st.integers(0, len(text) - 1))
    swapped = list(text)
    swapped[position], swapped[swapped_with] = swapped[swapped_with], swapped[position]
    for changed in (
        text[:position] + replacement + text[position + 1 :],
        text[:position] + replacement + text[position:],
        "".join(swapped),
    ):
        assert changed == text or is_refused(changed)


@texts
@given(mask=st.binary(min_size=1, max_size=8), position=st.integers(0, 2**12))
@SETTINGS
def test_a_token_with_flipped_bits_in_its_decoded_bytes_is_refused(
    text: str, mask: bytes, position: int
) -> None:
    """The bytes are changed below base64, so that the spelling stays canonical."""
    parts = [bytearray(base64.urlsafe_b64decode(part + "==")) for part in text.split(".")]
    offset = position % sum(map(len, parts))
    for part in parts:
        if offset < len(part):
            for index, bits in enumerate(mask[: len(part) - offset]):
                part[offset + index] ^= bits
            break
        offset -= len(part)
    changed = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    assert changed == text or is_refused(changed)


@given(st.binary(max_size=200), st.binary(max_size=300), st.binary(min_size=1, max_size=64))
@SETTINGS
def test_random_bytes_in_the_format_of_a_token_are_refused(head: bytes, body: bytes, tail: bytes) -> None:
    """The bytes have no signature, a valid one or a stranger's."""
    for text in (
        sign_token(head, body, lambda _: tail),
        sign_token(head, body, ED.sign),
        sign_token(head, body, STRANGER.sign),
    ):
        assert is_refused(text)


@given(st.text(max_size=300) | st.text(ALPHABET + ".=", max_size=300))
@SETTINGS
def test_any_other_text_is_refused(text: str) -> None:
    """Every text of an HTTP header is refused with a code."""
    assert is_refused(text)
