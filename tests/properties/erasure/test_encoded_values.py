"""The scanner finds a value in each encoding, and nothing else."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.properties.erasure.encoded_values import EncodedValues

VALUE = "Ada.Lovelace-4711@Mail.example"
LOWER = VALUE.lower()
ENCODED_VALUES = EncodedValues({"ada": [VALUE]})

FORMS = {
    "plain": VALUE.encode(),
    "lower": LOWER.encode(),
    "upper": VALUE.upper().encode(),
    "sha1": hashlib.sha1(LOWER.encode(), usedforsecurity=False).digest(),
    "sha256 as text": hashlib.sha256(LOWER.encode()).hexdigest().encode(),
    "md5 of the spelling": hashlib.md5(VALUE.encode(), usedforsecurity=False).hexdigest().encode(),
    "sha256 in base64": base64.b64encode(hashlib.sha256(LOWER.encode()).digest()),
}


@pytest.mark.parametrize("form", FORMS)
@given(before=st.binary(max_size=40), after=st.binary(max_size=40))
def test_each_encoding_is_found_at_any_position(form: str, before: bytes, after: bytes) -> None:
    assert "ada" in {owner for owner, _ in ENCODED_VALUES.find_in(before + FORMS[form] + after)}


@given(before=st.binary(max_size=40), after=st.binary(max_size=40))
def test_base64_is_found_at_any_alignment(before: bytes, after: bytes) -> None:
    content = base64.b64encode(before + LOWER.encode() + after)
    assert [owner for owner, _ in ENCODED_VALUES.find_in(content)]


@given(content=st.binary(max_size=2_000))
def test_random_bytes_contain_no_value(content: bytes) -> None:
    assert list(ENCODED_VALUES.find_in(content)) == []
