"""Asks one server as fast as it answers, over connections that are kept open."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

RECEIVE = 1 << 18


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
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answer = bytearray()
        self._wanted = 0
        self.asked_at = 0.0

    def ask(self, request: bytes) -> None:
        self.asked_at = time.perf_counter()
        self.socket.sendall(request)

    def answered(self) -> bool:
        """Take in what has arrived; whether the answer is whole.

        Raises:
            RuntimeError: the answer is not a 200 without errors.
        """
        received = self.socket.recv(RECEIVE)
        if not received:
            raise RuntimeError("the server hung up")
        self._answer += received
        if not self._wanted:
            self._wanted = _length(self._answer)
        if not self._wanted or len(self._answer) < self._wanted:
            return False
        if not self._answer.startswith(b"HTTP/1.1 200") or b'"errors"' in self._answer:
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
    waiting, turn, latencies = selectors.DefaultSelector(), cycle(requests), []
    opened = [_Connection(port) for _ in range(connections)]
    started = time.perf_counter()
    try:
        for one in opened:
            waiting.register(one.socket, selectors.EVENT_READ, one)
            one.ask(next(turn))
        while opened and waiting.get_map():
            for ready, _ in waiting.select(timeout=30) or _silent():
                connection: _Connection = ready.data
                if not connection.answered():
                    continue
                now = time.perf_counter()
                latencies.append(now - connection.asked_at)
                if now - started < seconds:
                    connection.ask(next(turn))
                else:
                    waiting.unregister(connection.socket)
        return Load(time.perf_counter() - started, tuple(sorted(latencies)))
    finally:
        waiting.close()
        for one in opened:
            one.socket.close()


def _silent() -> list[tuple[selectors.SelectorKey, int]]:
    raise RuntimeError("the server has not answered for 30 s")


def request(port: int, body: bytes, token: str) -> bytes:
    """A GraphQL request as it goes over the wire."""
    return (
        f"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer {token}\r\n"
        f"accept: application/json\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body
