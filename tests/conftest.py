"""Registers the fixtures of ``tests/fixtures`` as plugins, and the profile of all property tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

pytest_plugins = [f"tests.fixtures.{module}" for module in ("mongo", "platform", "mail_server", "workers")]

# Hypothesis measures how long inputs take to generate by the wall clock. On a machine where other programs
# run, the check fails although the test is right.
settings.register_profile("suite", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")
