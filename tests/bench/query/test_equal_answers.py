"""The compared servers give equal answers, and the query benchmark runs."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.bench.load import encode_query, measure_queries
from tests.bench.query.__main__ import build_request_bodies, fetch_answer
from tests.bench.query.data import BenchmarkData, prepare_data
from tests.bench.query.servers import MERCURIUS_FOLDER, build_commands, run_compared_server
from tests.bench.servers import OURS
from tests.fixtures.node import npm_install

FIRST = 20
OTHER_SERVERS = [name for name in build_commands() if name != OURS]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def data() -> AsyncIterator[BenchmarkData]:
    """Customers in Discretion and as plain documents."""
    with tempfile.TemporaryDirectory(prefix="discretion-bench-") as folder:
        async with prepare_data(Path(folder), 30, lambda _done, _total: None) as benchmark_data:
            yield benchmark_data


@pytest.mark.parametrize("server_name", OTHER_SERVERS)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_compared_server_gives_the_same_answers(
    server_name: str, data: BenchmarkData, tmp_path: Path
) -> None:
    """The answers for one customer and for a list are equal, and the server answers under load."""
    npm_install(MERCURIUS_FOLDER)
    with (
        run_compared_server(OURS, data.environ, tmp_path / "ours.log") as our_server,
        run_compared_server(server_name, data.environ, tmp_path / "other.log") as other_server,
    ):
        for bodies in build_request_bodies(data, FIRST).values():
            for body in bodies[:3]:
                expected = fetch_answer(our_server, body, data.token)
                assert any(expected.values())
                assert fetch_answer(other_server, body, data.token) == expected
            load = measure_queries(
                other_server.port,
                [encode_query(other_server.port, load_body, data.token) for load_body in bodies],
                0.2,
                4,
            )
            assert len(load.latencies) >= 4


@pytest.mark.asyncio(loop_scope="module")
async def test_an_answer_with_errors_stops_the_load(data: BenchmarkData, tmp_path: Path) -> None:
    """Refusals are fast, so the load stops at the first one."""
    with run_compared_server(OURS, data.environ, tmp_path / "ours.log") as our_server:
        for body, token in (
            (b"{}", data.token),
            (build_request_bodies(data, FIRST)["one customer"][0], "no.such.token"),
        ):
            with pytest.raises(RuntimeError, match=r"HTTP/1\.1 4"):
                measure_queries(our_server.port, [encode_query(our_server.port, body, token)], 0.2, 1)
