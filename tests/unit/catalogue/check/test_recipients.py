"""Who receives data for no purpose, or where nobody knows, is refused by file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.catalogue.broken_catalogue import Break, assert_told

TILL = "    {label: Till, description: Who sells., role: staff, purposes: [functional.service]}"

BREAKS = (
    Break(
        "unknown purpose",
        TILL,
        TILL.replace("functional.service", "functional.servce"),
        "'functional.servce' is not a purpose",
        "Did you mean 'functional.service'?",
    ),
    Break(
        "no purpose",
        TILL,
        TILL.replace("functional.service", ""),
        "till receives data for no purpose",
        "GDPR Art. 5(1)(b)",
    ),
    Break(
        "purpose twice",
        TILL,
        TILL.replace("functional.service", "functional.service, functional.service"),
        "till names 'functional.service' twice",
        "each purpose once",
    ),
    Break("unknown role", TILL, TILL.replace("staff", "stuff"), "role is 'stuff'", "Did you mean 'staff'?"),
    Break(
        "client of another's name",
        TILL,
        f"{TILL.replace(']}', '], clients: [desk]}')}\n  desk:\n{TILL}",
        "the client 'desk' is desk already",
        "A client is one recipient.",
    ),
    Break(
        "no country",
        TILL,
        TILL.replace("]}", "], transfers: {USA: Clauses.}}"),
        "'USA' is no country code",
        "such as US",
    ),
)


@pytest.mark.parametrize("case", BREAKS, ids=lambda case: case.name)
def test_a_recipient_that_cannot_be_is_told_with_its_line(case: Break, tmp_path: Path) -> None:
    assert_told(case, tmp_path / "catalogue")
