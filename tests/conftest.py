"""Registers the fixtures of ``tests/fixtures`` as plugins, and the profile of all property tests."""

from __future__ import annotations

import os
import sys

from hypothesis import HealthCheck, settings

from tests.fixtures.examples import scale_examples

pytest_plugins = [
    f"tests.fixtures.{module}"
    for module in ("mongo", "platform", "mail_server", "text_gateway", "workers", "lanes")
]

# Where the environment forbids to keep bytecode, as container images do, each test process and each program
# that a test starts would compile all modules again, for 3 s.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Hypothesis measures by the wall clock how long inputs take to generate and to test. On a machine where other
# programs run, it fails although the test is right.
settings.register_profile(
    "suite", max_examples=scale_examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")
