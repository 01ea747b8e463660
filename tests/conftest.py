"""Registers the fixtures of ``tests/fixtures`` as plugins, and the profile of all property tests."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

from tests.fixtures.examples import scale_examples

pytest_plugins = [
    f"tests.fixtures.{module}" for module in ("mongo", "platform", "mail_server", "workers", "lanes")
]

# Many tests start programs, each of which imports 400 modules of this project. Where the environment forbids
# to keep bytecode, as container images do, each would compile them again, for 0.7 s.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Hypothesis measures how long inputs take to generate by the wall clock. On a machine where other programs
# run, the check fails although the test is right.
settings.register_profile(
    "suite", max_examples=scale_examples(100), suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")
