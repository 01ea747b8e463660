"""A load counts correct answers with status 200, also if the server was busy before."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from tests.bench import load
from tests.bench.load import encode_post, run_load

OK, BUSY, FAILED = b"200 OK", b"503 Service Unavailable", b"500 Internal Server Error"


@contextmanager
def run_fake_server(statuses: Sequence[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """Run a server that answers with these statuses in turn, and yield its port and the received requests."""
    received: list[bytes] = []

    def serve(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            for status in statuses:
                received.append(connection.recv(1 << 16))
                connection.sendall(b"HTTP/1.1 %b\r\ncontent-length: 2\r\n\r\n{}" % status)
            connection.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        yield listening.getsockname()[1], received
        thread.join()


def test_a_request_to_a_busy_server_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request counts once with its total time, and the check is called for the repetition."""
    monkeypatch.setattr(load, "RETRY_PAUSE_S", 0.1)
    repeated_flags: list[bool] = []

    def record_repetition(_answer: bytearray, is_repeated: bool) -> bool:
        repeated_flags.append(is_repeated)
        return False

    with run_fake_server([OK, BUSY, BUSY, OK]) as (port, received):
        requests = [encode_post(port, "/", b"%d" % number, "x") for number in range(2)]
        measured = run_load(port, [iter(requests)], 30, record_repetition)
    assert received == [requests[0], requests[1], requests[1], requests[1]]
    assert (len(measured.latencies), measured.busy_count) == (2, 2)
    assert measured.latencies[-1] >= 0.2
    assert repeated_flags == [False, True]


@pytest.mark.parametrize("status", [FAILED, OK])
def test_any_other_answer_stops_the_load(status: bytes) -> None:
    """Both an error and an answer with status 200 that the check finds wrong."""
    with run_fake_server([status]) as (port, _), pytest.raises(RuntimeError, match=status.decode()):
        run_load(port, [iter([encode_post(port, "/", b"", "x")])], 30, lambda _answer, _again: True)
