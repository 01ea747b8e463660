"""Asks one server as fast as it answers, over connections that are kept open."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle

RECEIVE = 1 << 18
SILENCE_S = 60


@dataclass(frozen=True, slots=True)
class Load:
    """What was answered, in how many seconds; ``latencies`` are seconds, sorted."""

    seconds: float
    latencies: tuple[float, ...]

    @property
    def per_second(self) -> float:
        """Requests answered in a second."""
        return len(self.latencies) / self.seconds

    def quantile(self, share: float) -> float:
        """The latency in ms that this share of requests does not exceed."""
        return self.latencies[min(int(len(self.latencies) * share), len(self.latencies) - 1)] * 1000


class _Connection:
    def __init__(self, port: int, turn: Iterator[bytes], wrong: Callable[[bytearray], bool]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._turn = turn
        self._wrong = wrong
        self._answer = bytearray()
        self._wanted = 0
        self.asked_at = 0.0

    def ask(self) -> bool:
        """Send the next request; whether there was one."""
        request = next(self._turn, None)
        if request is None:
            return False
        self.asked_at = time.perf_counter()
        self.socket.sendall(request)
        return True

    def answered(self) -> bool:
        """Take in what has arrived; whether the answer is whole.

        Raises:
            RuntimeError: the answer is not a 200, or is wrong.
        """
        received = self.socket.recv(RECEIVE)
        if not received:
            raise RuntimeError("the server hung up")
        self._answer += received
        if not self._wanted:
            self._wanted = _length(self._answer)
        if not self._wanted or len(self._answer) < self._wanted:
            return False
        if not self._answer.startswith(b"HTTP/1.1 200") or self._wrong(self._answer):
            raise RuntimeError(bytes(self._answer[:2000]).decode("utf-8", "replace"))
        self._answer.clear()
        self._wanted = 0
        return True


def _length(answer: bytearray) -> int:
    """How long the answer will be, head and body; 0 as long as its head is not whole."""
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return 0
    for line in bytes(answer[:end]).lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return end + 4 + int(line[15:])
    raise RuntimeError("the server does not say how long its answer is")


def ask(port: int, requests: Sequence[bytes], seconds: float, connections: int) -> Load:
    """Send ``requests`` in turn over all connections until the time is over."""
    return send(port, [cycle(requests)] * connections, seconds, lambda answer: b'"errors"' in answer)


def send(
    port: int, turns: Sequence[Iterator[bytes]], seconds: float, wrong: Callable[[bytearray], bool]
) -> Load:
    """One connection for each of ``turns``, until the time is over or they are.

    Raises:
        RuntimeError: an answer is not a 200, or is ``wrong``; a server that refuses is fast.
    """
    waiting, latencies = selectors.DefaultSelector(), []
    opened = [_Connection(port, turn, wrong) for turn in turns]
    started = time.perf_counter()
    try:
        for one in opened:
            if one.ask():
                waiting.register(one.socket, selectors.EVENT_READ, one)
        while waiting.get_map():
            for ready, _ in waiting.select(timeout=SILENCE_S) or _silent():
                connection: _Connection = ready.data
                if not connection.answered():
                    continue
                now = time.perf_counter()
                latencies.append(now - connection.asked_at)
                if now - started >= seconds or not connection.ask():
                    waiting.unregister(connection.socket)
        return Load(time.perf_counter() - started, tuple(sorted(latencies)))
    finally:
        waiting.close()
        for one in opened:
            one.socket.close()


def _silent() -> list[tuple[selectors.SelectorKey, int]]:
    raise RuntimeError(f"the server has not answered for {SILENCE_S} s")


def request(port: int, path: str, body: bytes, authorization: str) -> bytes:
    """A POST of JSON as it goes over the wire."""
    return (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: {authorization}\r\n"
        f"accept: application/json\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body


def query(port: int, body: bytes, token: str) -> bytes:
    """A GraphQL request as it goes over the wire."""
    return request(port, "/graphql", body, f"Bearer {token}")
