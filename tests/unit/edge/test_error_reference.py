"""Every error code that clients may receive is in ``schema/errors.md`` with status and meaning."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from discretion.edge.error_reference import print_error_reference
from discretion.edge.error_sites import CODE
from discretion.purpose.decision import WithholdReason

ROOT = Path(__file__).resolve().parents[3]
ROW = re.compile(r"^\| `([A-Z0-9_]+)` \| ([0-9, ]*) \| (.*) \| .* \|$", re.MULTILINE)


@cache
def read_reference() -> str:
    """Return the text that the code prints now."""
    return print_error_reference()


def test_the_printed_list_is_current() -> None:
    assert (ROOT / "schema" / "errors.md").read_text("utf-8") == read_reference()


def test_every_code_has_one_row_a_section_and_a_meaning() -> None:
    rows = ROW.findall(read_reference())
    assert len(rows) > 200
    assert all(meaning.strip() for _, _, meaning in rows)


def test_every_code_that_a_test_expects_is_listed() -> None:
    """The list is read from the source code; the codes that tests expect check its completeness."""
    listed = {code for code, _, _ in ROW.findall(read_reference())} | set(WithholdReason)
    expected = {code for path in (ROOT / "tests").rglob("*.py") for code in _expected_codes(path)}
    assert len(expected) > 50
    assert not expected - listed


def test_every_code_that_the_operators_manual_names_is_listed() -> None:
    listed = {code for code, _, _ in ROW.findall(read_reference())}
    manual = (ROOT / "src" / "discretion" / "docs" / "operating.md").read_text("utf-8")
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", manual)) - set(re.findall(r"`(DATA_DIR)`", manual))
    assert len(named) > 15
    assert {code for code in named if not code.startswith("DISCRETION_")} - listed == set()


def test_known_codes_have_their_status() -> None:
    statuses = {code: status for code, status, _ in ROW.findall(read_reference())}
    assert statuses["TOKEN_MISSING"] == "401"
    assert statuses["QUERY_TOO_DEEP"] == "400"
    assert statuses["METHOD_NOT_ALLOWED"] == "405"
    assert statuses["LEDGER_UNAVAILABLE"] == "503"
    assert not statuses["CATALOGUE_INVALID"]


def _expected_codes(path: Path) -> set[str]:
    """Return literals that a test compares with the ``code`` of an error."""
    codes: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq):
            sides = [node.left, *node.comparators]
            if any(_reads_code(side) for side in sides):
                codes |= {code for side in sides if (code := _read_code(side))}
    return codes


def _reads_code(node: ast.expr) -> bool:
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, ast.Constant) and node.slice.value == "code"
    return isinstance(node, ast.Attribute) and node.attr == "code"


def _read_code(node: ast.expr) -> str:
    """Return the code that a literal is, empty if it is none."""
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) and CODE.fullmatch(value) else ""
