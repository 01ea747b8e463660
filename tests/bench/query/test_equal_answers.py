"""What is compared in time gives the same answers; and the benchmark runs."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.bench.load import ask, query
from tests.bench.query.__main__ import answer, cases
from tests.bench.query.data import Data, prepared
from tests.bench.query.servers import JAVASCRIPT, commands, started
from tests.bench.servers import OURS
from tests.fixtures.node import npm_install

FIRST = 20
RIVALS = [name for name in commands() if name != OURS]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def data() -> AsyncIterator[Data]:
    """People, in Discretion and plain."""
    with tempfile.TemporaryDirectory(prefix="discretion-bench-") as folder:
        async with prepared(Path(folder), 30, lambda _done, _total: None) as made:
            yield made


@pytest.mark.parametrize("rival", RIVALS)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_rival_answers_as_we_do(rival: str, data: Data, tmp_path: Path) -> None:
    """One customer and a list, value by value; and it does so under load."""
    npm_install(JAVASCRIPT)
    with (
        started(OURS, data.environ, tmp_path / "ours.log") as ours,
        started(rival, data.environ, tmp_path / "rival.log") as theirs,
    ):
        for bodies in cases(data, FIRST).values():
            for body in bodies[:3]:
                wanted = answer(ours, body, data.token)
                assert any(wanted.values())
                assert answer(theirs, body, data.token) == wanted
            load = ask(theirs.port, [query(theirs.port, one, data.token) for one in bodies], 0.2, 4)
            assert len(load.latencies) >= 4


@pytest.mark.asyncio(loop_scope="module")
async def test_an_answer_with_errors_is_not_counted(data: Data, tmp_path: Path) -> None:
    """A server that refuses is fast; the load stops at its first refusal."""
    with started(OURS, data.environ, tmp_path / "ours.log") as ours:
        for body, token in ((b"{}", data.token), (cases(data, FIRST)["one customer"][0], "no.such.token")):
            with pytest.raises(RuntimeError, match=r"HTTP/1\.1 4"):
                ask(ours.port, [query(ours.port, body, token)], 0.2, 1)
