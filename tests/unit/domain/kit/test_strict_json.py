"""Strict JSON: a request body has exactly one meaning."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.domain.kit.strict_json import parse_strict_json
from discretion.errors import BadRequest

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text('ab:,{}"\\é'),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('ab:"\\'), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.booleans())
def test_json_is_read_as_the_standard_library_reads_it(value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert parse_strict_json(text.encode()) == json.loads(text)


@given(st.text('a:"\\'), VALUES, VALUES, st.booleans())
def test_a_repeated_member_is_refused_at_any_depth(
    name: str, first_value: Any, second_value: Any, escapes_key: bool
) -> None:
    key = json.dumps(name)
    second_key = key.replace("a", "\\u0061").replace(":", "\\u003A") if escapes_key else key
    duplicate = f"{{{key}: {json.dumps(first_value)}, {second_key}: {json.dumps(second_value)}}}"
    for text in (duplicate, f'{{"x": [{duplicate}]}}', f'{{"x": ":\\u003A", "y": {duplicate}}}'):
        with pytest.raises(BadRequest) as refusal:
            parse_strict_json(text.encode())
        assert refusal.value.code == "BODY_DUPLICATE_KEY"


@pytest.mark.parametrize(
    ("body", "expected_code"),
    [
        (b"", "BODY_NOT_JSON"),
        (b"{", "BODY_NOT_JSON"),
        (b"NaN", "BODY_NOT_JSON"),
        (b'{"a": 1} 2', "BODY_NOT_JSON"),
        (b'"\xff"', "BODY_NOT_JSON"),
        (b'"\\ud800"', "BODY_NOT_JSON"),
        (b'\xef\xbb\xbf{"a": 1}', "BODY_NOT_JSON"),
        ('{"a": 1}'.encode("utf-16"), "BODY_NOT_JSON"),
        (b"[" * 100_000, "BODY_NOT_JSON"),
        (b"[" * 100_000 + b"]" * 100_000, "BODY_NOT_JSON"),
        (b"[" * 900 + b"]" * 900, "BODY_TOO_DEEP"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "BODY_TOO_DEEP"),
    ],
)
def test_a_body_that_is_not_json_is_refused_with_its_code(body: bytes, expected_code: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        parse_strict_json(body)
    assert refusal.value.code == expected_code
