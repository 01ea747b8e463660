"""The body means one thing, however it is written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.edge.strict_json import strict_json
from discretion.errors import BadRequest

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text('ab:,{}"\\é'),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('ab:"\\'), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.booleans())
def test_what_json_writes_is_read_as_json_reads_it(value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert strict_json(text.encode()) == json.loads(text)


@given(st.text('a:"\\'), VALUES, VALUES, st.booleans())
def test_a_member_named_twice_is_refused_at_any_depth(name: str, one: Any, two: Any, escape: bool) -> None:
    key = json.dumps(name)
    other = key.replace("a", "\\u0061").replace(":", "\\u003A") if escape else key
    twice = f"{{{key}: {json.dumps(one)}, {other}: {json.dumps(two)}}}"
    for text in (twice, f'{{"x": [{twice}]}}', f'{{"x": ":\\u003A", "y": {twice}}}'):
        with pytest.raises(BadRequest) as refused:
            strict_json(text.encode())
        assert refused.value.code == "BODY_DUPLICATE_KEY"


@pytest.mark.parametrize(
    ("body", "refused"),
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
def test_what_is_no_json_is_refused_cleanly(body: bytes, refused: str) -> None:
    with pytest.raises(BadRequest) as met:
        strict_json(body)
    assert met.value.code == refused
