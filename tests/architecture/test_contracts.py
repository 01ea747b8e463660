"""The import contracts of pyproject.toml are kept, and each one detects a violation."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.fixtures.waiting import WAIT_S

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "pyproject.toml"
TOOLS = tomllib.loads(CONFIG.read_text("utf-8"))["tool"]
CONTRACTS = [contract["id"] for contract in TOOLS["importlinter"]["contracts"]]

PLANTED_IMPORTS: list[tuple[str, dict[str, str]]] = [
    ("layers", {"catalogue/model.py": "import discretion.store"}),
    ("layers", {"stray.py": "import discretion.errors"}),
    ("cycles", {"seal/zig.py": "import discretion.seal.zag", "seal/zag.py": "import discretion.seal.zig"}),
    ("driver", {"disclose.py": "from pymongo import MongoClient"}),
    ("driver", {"domain/__init__.py": "def late():\n    import motor"}),
    ("driver", {"ledger/storage.py": "import bson"}),
    ("graphql", {"domain/zig/__init__.py": "import strawberry"}),
    ("opening", {"disclose.py": "from discretion.seal import open"}),
    ("dead_letters", {"domain/ingest/dead_letters/api.py": "from discretion.reveal import dead_letters"}),
    ("corrections", {"domain/correction/proposal.py": "from discretion.reveal import corrections"}),
    ("repositories", {"domain/profiles/fold.py": "from discretion.store.driver.database import Database"}),
    ("people", {"domain/notices/facts.py": "from discretion.store.people import PeopleStore"}),
    ("answers", {"domain/access/api.py": "from discretion.store.person_stores import PersonStores"}),
    ("answers", {"domain/requests/api/queries.py": "import discretion.store.source_records"}),
    ("pure", {"purpose/zig.py": "import time"}),
]
"""Contracts, each with lines that are added to a copy of the package and that it must reject."""


def lint_imports(contract: str, package_dir: Path) -> subprocess.CompletedProcess[str]:
    """Run one contract over the package ``discretion`` in a folder."""
    return subprocess.run(
        [
            sys.executable,
            *("-c", "from importlinter.cli import lint_imports_command as run; run()"),
            *("--config", str(CONFIG), "--contract", contract, "--no-cache", "--no-logo"),
        ],
        cwd=package_dir,
        env={**os.environ, "PYTHONPATH": str(package_dir), "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_S,
    )


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_contract_is_kept(contract: str) -> None:
    result = lint_imports(contract, ROOT / "src")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("contract", "plant"), PLANTED_IMPORTS, ids=[f"{c}-{n}" for n, (c, _) in enumerate(PLANTED_IMPORTS)]
)
def test_the_contract_rejects_a_planted_import(contract: str, plant: dict[str, str], tmp_path: Path) -> None:
    package = shutil.copytree(ROOT / "src" / "discretion", tmp_path / "discretion", ignore=_only_code)
    for path, line in plant.items():
        (package / path).parent.mkdir(exist_ok=True)
        with (package / path).open("a", encoding="utf-8") as file:
            file.write(f"\n{line}\n")
    result = lint_imports(contract, tmp_path)
    assert result.returncode == 1
    assert "0 kept, 1 broken" in result.stdout


def test_every_contract_has_a_planted_import() -> None:
    """A contract that no import can break would check nothing."""
    assert set(CONTRACTS) == {contract for contract, _ in PLANTED_IMPORTS}


def _only_code(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if not name.endswith(".py") and not (Path(folder) / name).is_dir()]
