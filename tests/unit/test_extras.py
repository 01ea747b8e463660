"""A missing extra is reported with its name and the command that installs it."""

from __future__ import annotations

import json

import pytest

from discretion.errors import Misconfigured
from discretion.extras import import_extra, require_extra


def test_an_installed_package_is_imported() -> None:
    assert import_extra("json", "demo") is json
    require_extra("json.decoder", "demo")


@pytest.mark.parametrize("load", [import_extra, require_extra], ids=lambda load: load.__name__)
def test_a_missing_package_is_reported_with_installation_advice(load: object) -> None:
    assert callable(load)
    with pytest.raises(Misconfigured) as failure:
        load("splink_of_tomorrow.linker", "suggest")
    assert failure.value.code == "EXTRA_MISSING"
    assert "splink_of_tomorrow" in failure.value.message
    assert failure.value.advice == "Install it with: pip install 'discretion[suggest]'"
    assert failure.value.__context__ is None
