"""The fast lane holds whole folders, and no test in it can become slow unseen."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.lanes import FAST_FOLDERS
from tests.fixtures.waiting import WAIT_S

ROOT = Path(__file__).resolve().parents[2]
SLOW_FOLDERS = {"bench", "contract", "journeys", "properties", "special_days", "store"}
NO_TESTS = {"fixtures"}

BUSY_TEST = """
import time
import pytest

def work():
    end = time.process_time() + 0.4
    while time.process_time() < end:
        pass

def test_busy():
    work()

@pytest.mark.slow
def test_busy_and_marked():
    work()

def test_quick():
    pass
"""


def list_test_folders() -> set[str]:
    """Return the names of the folders in ``tests``."""
    return {
        path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and not path.name.startswith("__")
    }


def test_every_folder_of_tests_is_fast_or_slow() -> None:
    assert list_test_folders() - NO_TESTS == FAST_FOLDERS | SLOW_FOLDERS


def test_no_folder_of_tests_replaces_a_module_of_the_standard_library() -> None:
    """A folder with ``__init__.py`` is imported under its own name, so ``calendar`` would be found first."""
    assert list_test_folders() & sys.stdlib_module_names == set()


@pytest.fixture
def planted_project(tmp_path: Path) -> Path:
    """A project with the same busy tests in a fast and in a slow folder."""
    for folder in ("unit", "journeys"):
        path = tmp_path / "tests" / folder / "test_busy.py"
        path.parent.mkdir(parents=True)
        path.write_text(BUSY_TEST, "utf-8")
    (tmp_path / "tests" / "fixtures").mkdir()
    shutil.copy(ROOT / "tests" / "fixtures" / "lanes.py", tmp_path / "tests" / "fixtures")
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nfast_cpu_seconds = 0.2\nmarkers =\n    slow\naddopts = --import-mode=importlib\n", "utf-8"
    )
    return tmp_path


def run_planted_tests(project: Path, *options: str) -> str:
    """Run the tests of a project with the plugin and return what pytest prints."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.fixtures.lanes", "-p", "no:cacheprovider", *options],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project), "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_S,
    ).stdout


def test_a_busy_test_without_the_mark_fails_in_a_fast_folder(planted_project: Path) -> None:
    output = run_planted_tests(planted_project)
    assert "1 failed, 5 passed" in output, output
    assert "FAILED tests/unit/test_busy.py::test_busy - Failed: It needed 0." in output, output
    assert "mark it with @pytest.mark.slow" in output


def test_the_fast_lane_has_no_test_of_a_slow_folder(planted_project: Path) -> None:
    output = run_planted_tests(planted_project, "-m", "not slow", "-k", "quick or marked", "-v")
    assert "1 passed, 5 deselected" in output, output
    assert "tests/unit/test_busy.py::test_quick PASSED" in output, output
