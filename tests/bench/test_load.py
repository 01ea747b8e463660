"""What counts as answered: a 200 that is right, at once or after the server asked to come again."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from tests.bench import load
from tests.bench.load import request, send

OK, LATER, BROKEN = b"200 OK", b"503 Service Unavailable", b"500 Internal Server Error"


@contextmanager
def answering(statuses: Sequence[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """A server that answers so, one after the other, and what it was sent."""
    heard: list[bytes] = []

    def serve(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            for status in statuses:
                heard.append(connection.recv(1 << 16))
                connection.sendall(b"HTTP/1.1 %b\r\ncontent-length: 2\r\n\r\n{}" % status)
            connection.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        yield listening.getsockname()[1], heard
        thread.join()


def test_a_busy_server_is_asked_the_same_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request counts once, with the time it took in all; its repetition is told to who judges it."""
    monkeypatch.setattr(load, "PAUSE_S", 0.1)
    judged: list[bool] = []

    def wrong(_answer: bytearray, again: bool) -> bool:
        judged.append(again)
        return False

    with answering([OK, LATER, LATER, OK]) as (port, heard):
        turn = [request(port, "/", b"%d" % number, "x") for number in range(2)]
        measured = send(port, [iter(turn)], 30, wrong)
    assert heard == [turn[0], turn[1], turn[1], turn[1]]
    assert (len(measured.latencies), measured.busy) == (2, 2)
    assert measured.latencies[-1] >= 0.2
    assert judged == [False, True]


@pytest.mark.parametrize("status", [BROKEN, OK])
def test_any_other_answer_ends_the_load(status: bytes) -> None:
    """An error, and a 200 that is found wrong."""
    with answering([status]) as (port, _), pytest.raises(RuntimeError, match=status.decode()):
        send(port, [iter([request(port, "/", b"", "x")])], 30, lambda _answer, _again: True)
