"""Packages that only some installations have: the extras ``embedded``, ``demo``, ``parquet`` and ``suggest``.

``pyproject.toml`` lists what each extra installs. A module that needs such a package imports it here, inside
the function that uses it, so that every module can be imported without any extra.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import Any

from discretion.errors import Misconfigured


def import_extra(module_name: str, extra: str) -> Any:
    """Import a module of a package that an extra installs.

    Raises:
        Misconfigured: ``EXTRA_MISSING``.
    """
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError:
        failure = _build_missing_extra(module_name, extra)
    raise failure


def require_extra(module_name: str, extra: str) -> None:
    """Check that the package of a module is installed, without importing the module.

    Raises:
        Misconfigured: ``EXTRA_MISSING``.
    """
    if find_spec(module_name.partition(".")[0]) is None:
        raise _build_missing_extra(module_name, extra)


def _build_missing_extra(module_name: str, extra: str) -> Misconfigured:
    package = module_name.partition(".")[0]
    return Misconfigured(
        "EXTRA_MISSING",
        f"The package {package} of the extra '{extra}' is not installed.",
        f"Install it with: pip install 'discretion[{extra}]'",
    )
