"""Every version that can be installed is pinned, and the project configures no package index."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
UV = PROJECT["tool"]["uv"]


@pytest.fixture(scope="module")
def locked_versions() -> dict[str, str]:
    """The versions of ``uv.lock``, which ``uv run`` writes: of every group and extra, on every system."""
    lock_file = ROOT / "uv.lock"
    assert lock_file.exists(), "uv.lock is missing; uv run and uv lock write it"
    packages = tomllib.loads(lock_file.read_text("utf-8"))["package"]
    return {package["name"]: package["version"] for package in packages if "version" in package}


def test_every_locked_version_is_pinned_and_no_other(locked_versions: dict[str, str]) -> None:
    pins = [Requirement(line) for line in UV["constraint-dependencies"]]
    assert {canonicalize_name(pin.name): str(pin.specifier) for pin in pins} == {
        name: f"=={version}" for name, version in locked_versions.items()
    }


def test_every_pin_is_one_exact_version() -> None:
    for line in UV["constraint-dependencies"] + UV["build-constraint-dependencies"]:
        assert [specifier.operator for specifier in Requirement(line).specifier] == ["=="], line


def test_no_package_index_is_configured() -> None:
    """The user who installs the project chooses a mirror, a proxy or the public registry."""
    assert not UV.keys() & {"index", "index-url", "extra-index-url", "find-links", "sources"}
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert {"/uv.lock", "package-lock.json"} <= set(ignored)
