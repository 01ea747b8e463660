"""The project's own lints over every Python file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.lints import LINTS, Lint, Source
from tests.architecture.naming import PROJECT_LINTS, ProjectLint

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [
    Source(path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))
    for folder in ("src", "tests", "seed")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "node_modules" not in path.parts
]


@pytest.mark.parametrize("lint", LINTS, ids=lambda lint: lint.__name__)
def test_every_file_passes_the_lint(lint: Lint) -> None:
    findings = [str(finding) for source in SOURCES for finding in lint(source)]
    assert not findings, "\n" + "\n".join(findings)


@pytest.mark.parametrize("lint", PROJECT_LINTS, ids=lambda lint: lint.__name__)
def test_the_project_passes_the_lint(lint: ProjectLint) -> None:
    findings = [str(finding) for finding in lint(SOURCES)]
    assert not findings, "\n" + "\n".join(findings)


def test_the_lints_see_the_project() -> None:
    """An empty list of files would pass every lint."""
    assert {"src/discretion/errors.py", "tests/architecture/test_tidy.py"} <= {s.path for s in SOURCES}


def test_every_folder_of_code_is_a_package() -> None:
    """The import contracts do not read a folder without ``__init__.py``."""
    folders = {path.parent for path in (ROOT / "src" / "discretion").rglob("*.py")}
    assert not [str(f.relative_to(ROOT)) for f in sorted(folders) if not (f / "__init__.py").exists()]
