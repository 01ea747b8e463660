"""Wiring only; fixtures live in tests/fixtures, one file per thing."""

from __future__ import annotations

pytest_plugins = [
    "tests.fixtures.mongo",
    "tests.fixtures.house",
    "tests.fixtures.mail",
    "tests.fixtures.workers",
]
