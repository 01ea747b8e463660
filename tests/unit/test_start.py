"""The program starts quickly, also where the environment forbids bytecode."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from discretion import __version__
from tests.fixtures.waiting import WAIT_S

PROGRAM = "import gc; from discretion.start import main\ntry: main()\nfinally: print(gc.isenabled())"


def test_a_start_keeps_bytecode_where_the_environment_forbids_it(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, "--version"],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=WAIT_S,
    )
    assert result.stdout.splitlines() == [__version__, "True"]
    compiled = {path.name.partition(".")[0] for path in tmp_path.rglob("*.pyc")}
    assert {"cli", "errors", "permission_engine"} <= compiled
