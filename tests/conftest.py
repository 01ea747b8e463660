"""Registers the fixtures of ``tests/fixtures`` as plugins; one file has the fixtures of one subject."""

from __future__ import annotations

pytest_plugins = [f"tests.fixtures.{module}" for module in ("mongo", "platform", "mail_server", "workers")]
