"""Wiring only; fixtures live in tests/fixtures, one file per thing."""

from __future__ import annotations

pytest_plugins = [f"tests.fixtures.{one}" for one in ("mongo", "platform", "mail_server", "workers")]
