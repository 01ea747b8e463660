"""The wheel is complete: installed outside the checkout, the program runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import httpx
import pytest

from tests.fixtures.demo import demo
from tests.fixtures.waiting import WAIT_S

ROOT = Path(__file__).resolve().parents[2]
UV_SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["uv"]


def run(*command: str | Path, cwd: Path) -> str:
    """Run a program that must succeed and return its standard output."""
    result = run_outside_checkout(*command, cwd=cwd)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def run_outside_checkout(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a program without the checkout on its path."""
    environ = {
        name: value
        for name, value in os.environ.items()
        if name not in {"PYTHONPATH", "VIRTUAL_ENV"} and not name.startswith("DISCRETION_")
    }
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**environ, "NO_COLOR": "1", "COLUMNS": "120"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_S,
    )


@pytest.fixture(scope="module")
def uv() -> str:
    """The uv that runs the tests, or the one on the path or beside the interpreter."""
    sibling = Path(sys.executable).with_name("uv")
    uv_path = os.environ.get("UV") or shutil.which("uv") or (str(sibling) if sibling.exists() else None)
    assert uv_path, "uv is missing. Install it with: pip install uv"
    return uv_path


@pytest.fixture(scope="module")
def wheel(uv: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution like a release."""
    out = tmp_path_factory.mktemp("dist")
    run(uv, "build", "--out-dir", out, ROOT, cwd=out)
    (wheel_path,) = out.glob("*.whl")
    return wheel_path


def install(uv: str, requirement: str, home: Path) -> Path:
    """Install the pinned versions into a separate environment and return the program ``discretion``."""
    (home / "pins.txt").write_text("\n".join(UV_SETTINGS["constraint-dependencies"]), "utf-8")
    run(uv, "venv", "--python", sys.executable, home / "env", cwd=home)
    python = home / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"
    run(uv, "pip", "install", "--python", python, "--constraints", home / "pins.txt", requirement, cwd=home)
    return python.with_name("discretion")


@pytest.fixture(scope="module")
def program(uv: str, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, installed with the extra of the demo."""
    return install(uv, f"{wheel}[demo]", tmp_path_factory.mktemp("elsewhere"))


@pytest.fixture(scope="module")
def bare_program(uv: str, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, installed without extras."""
    return install(uv, str(wheel), tmp_path_factory.mktemp("bare"))


def test_the_wheel_contains_schema_seed_and_pages(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, home in (("schema", "_schema"), ("seed", "_seed"), ("src/discretion", ".")):
        for path in _list_shipped_files(ROOT / folder):
            inside = Path("discretion", home, path.relative_to(ROOT / folder)).as_posix()
            assert inside in names, inside
    assert "discretion/py.typed" in names
    assert any("graphiql" in name for name in names)


def test_the_wheel_contains_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"discretion"}
    assert not [name for name in names if "__pycache__" in name or "node_modules" in name]


def test_the_wheel_states_its_licence(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_discretion_runs_outside_the_checkout(program: Path) -> None:
    assert "demo" in run(program, "--help", cwd=program.parent)


def test_the_printed_schema_is_current_outside_the_checkout(program: Path) -> None:
    """The package contains the catalogue and the printed SDL, and they agree."""
    run(program, "schema", "check", cwd=program.parent)


def test_the_demo_runs_outside_the_checkout(program: Path, tmp_path: Path) -> None:
    """The wheel contains everything the demo needs: MongoDB, the catalogue, seed data and pages."""
    with demo(tmp_path, "--customers", "5", program=(str(program),)) as demo_info:
        page = httpx.get(f"{demo_info['url']}/graphql", headers={"accept": "text/html"}, timeout=WAIT_S)
        assert page.status_code == 200
        assert httpx.get(f"{demo_info['url']}/readyz", timeout=WAIT_S).json() == {"status": "ready"}


def test_without_extras_a_server_needs_a_mongodb_of_its_own(bare_program: Path, tmp_path: Path) -> None:
    run(bare_program, "schema", "check", cwd=tmp_path)
    for command in ("serve", "identity suggest", "demo --customers 0"):
        result = run_outside_checkout(bare_program, *command.split(), cwd=tmp_path)
        assert_missing(result, "embedded")
        assert "DISCRETION_MONGO_URL" in result.stderr


def test_without_its_extra_the_demo_writes_nothing(bare_program: Path, tmp_path: Path) -> None:
    assert_missing(run_outside_checkout(bare_program, "demo", cwd=tmp_path), "demo")
    assert not list(tmp_path.iterdir())


def assert_missing(result: subprocess.CompletedProcess[str], extra: str) -> None:
    """Assert that a command ended because an extra is missing, with advice instead of a traceback."""
    assert result.returncode == 1, result.stdout + result.stderr
    assert result.stderr.startswith("EXTRA_MISSING "), result.stderr
    assert f"pip install 'discretion[{extra}]'" in result.stderr
    assert "Traceback" not in result.stderr


def _list_shipped_files(folder: Path) -> list[Path]:
    skipped = {"__pycache__", "node_modules"}
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and not skipped & {*path.parts}]
