"""Global Privacy Control is one character, or absent (W3C draft, "The Sec-GPC Header Field")."""

from __future__ import annotations

from datetime import date

import pytest

from discretion.law.signals.gpc import GPC_SUPPORT, has_gpc_opt_out

VECTORS: list[tuple[str, list[bytes | str], bool]] = [
    ("exactly the character 1", [b"1"], True),
    ("the same as text", ["1"], True),
    ("no field", [], False),
    ("several fields, one of them exactly 1", [b"0", b"1", b"true"], True),
    ("several fields that all say 1", [b"1", b"1"], True),
    ("several fields, none of them exactly 1", [b"0", b"true", b""], False),
    ("an empty value", [b""], False),
    ("0", [b"0"], False),
    ("true", [b"true"], False),
    ("a structured boolean", [b"?1"], False),
    ("a string in quotes", [b'"1"'], False),
    ("a list, which several fields may not be joined to", [b"1, 1"], False),
    ("a list without a space", [b"1,1"], False),
    ("an extension, of which there are none", [b"1;scope=all"], False),
    ("another number", [b"01"], False),
    ("a decimal", [b"1.0"], False),
    ("yes", [b"yes"], False),
    ("another digit one", ["\uff11"], False),
    ("an Arabic one", ["\u0661"], False),
    ("a byte outside ASCII", [b"\xb9"], False),
    ("space around the value, which is not the value's (RFC 9110, 5.5)", [b" 1\t"], True),
    ("other white space, which is", [b"1\x0b", "\u00a01"], False),
    ("space between", [b"1 1"], False),
]


@pytest.mark.parametrize(("case", "values", "is_opt_out"), VECTORS, ids=[case for case, _, _ in VECTORS])
def test_only_the_exact_field_value_is_an_opt_out(
    case: str, values: list[bytes | str], is_opt_out: bool
) -> None:
    assert has_gpc_opt_out(values) is is_opt_out, case


def test_the_support_of_gpc_is_stated_with_a_date() -> None:
    """A boolean and a full-date of RFC 3339 ("GPC Support Representation")."""
    assert GPC_SUPPORT["gpc"] is True
    assert date.fromisoformat(GPC_SUPPORT["lastUpdate"]).isoformat() == GPC_SUPPORT["lastUpdate"]
