"""A recipient without a purpose, or in an unknown country, is refused with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.catalogue.broken_catalogue import BrokenCase, assert_problem_reported

TILL = "    {label: Till, description: Who sells., role: staff, purposes: [functional.service]}"

BROKEN_CASES = (
    BrokenCase(
        "unknown purpose",
        TILL,
        TILL.replace("functional.service", "functional.servce"),
        "'functional.servce' is not a purpose",
        "Did you mean 'functional.service'?",
    ),
    BrokenCase(
        "no purpose",
        TILL,
        TILL.replace("functional.service", ""),
        "till receives data for no purpose",
        "GDPR Art. 5(1)(b)",
    ),
    BrokenCase(
        "purpose twice",
        TILL,
        TILL.replace("functional.service", "functional.service, functional.service"),
        "till lists 'functional.service' twice",
        "each purpose once",
    ),
    BrokenCase(
        "unknown role", TILL, TILL.replace("staff", "stuff"), "role is 'stuff'", "Did you mean 'staff'?"
    ),
    BrokenCase(
        "client of another's name",
        TILL,
        f"{TILL.replace(']}', '], clients: [desk]}')}\n  desk:\n{TILL}",
        "the client 'desk' already belongs to desk",
        "A client belongs to one recipient.",
    ),
    BrokenCase(
        "no country",
        TILL,
        TILL.replace("]}", "], transfers: {USA: Clauses.}}"),
        "'USA' is not a country code",
        "such as US",
    ),
)


@pytest.mark.parametrize("case", BROKEN_CASES, ids=lambda case: case.name)
def test_an_invalid_recipient_is_reported_with_its_line(case: BrokenCase, tmp_path: Path) -> None:
    assert_problem_reported(case, tmp_path / "catalogue")
