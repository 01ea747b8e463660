"""Asks one server as fast as it answers, over connections that are kept open."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

RECEIVE = 1 << 18
SILENCE_S = 60
PAUSE_S = 1
BUSY = (b"HTTP/1.1 429", b"HTTP/1.1 503")

Wrong = Callable[[bytearray, bool], bool]
"""Whether an answer is wrong, given whether its request had to be sent again."""


@dataclass(frozen=True, slots=True)
class Load:
    """What was answered, in how many seconds; ``latencies`` are seconds, sorted.

    ``busy`` counts answers that asked to come again.
    """

    seconds: float
    latencies: tuple[float, ...]
    busy: int = 0

    @property
    def per_second(self) -> float:
        """Requests answered in a second."""
        return len(self.latencies) / self.seconds

    def quantile(self, share: float) -> float:
        """The latency in ms that this share of requests does not exceed."""
        return self.latencies[min(int(len(self.latencies) * share), len(self.latencies) - 1)] * 1000


class _Connection:
    def __init__(self, port: int, turn: Iterator[bytes], wrong: Wrong) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._turn = turn
        self._wrong = wrong
        self._request = b""
        self._again = False
        self._answer = bytearray()
        self._wanted = 0
        self.asked_at = 0.0

    def ask(self) -> bool:
        """Send the next request; whether there was one."""
        request = next(self._turn, None)
        if request is None:
            return False
        self._request, self._again = request, False
        self.asked_at = time.perf_counter()
        self.socket.sendall(request)
        return True

    def ask_again(self) -> None:
        """Send the same request; its time goes on."""
        self._again = True
        self.socket.sendall(self._request)

    def answered(self) -> bytes:
        """Take in what has arrived; the start of the answer if it is whole.

        Raises:
            RuntimeError: the answer is neither a 200 nor asks to come again, or is wrong.
        """
        received = self.socket.recv(RECEIVE)
        if not received:
            raise RuntimeError("the server hung up")
        self._answer += received
        if not self._wanted:
            self._wanted = _length(self._answer)
        if not self._wanted or len(self._answer) < self._wanted:
            return b""
        status = bytes(self._answer[:12])
        right = status == b"HTTP/1.1 200" and not self._wrong(self._answer, self._again)
        if not right and status not in BUSY:
            raise RuntimeError(bytes(self._answer[:2000]).decode("utf-8", "replace"))
        self._answer.clear()
        self._wanted = 0
        return status


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
    return send(port, [cycle(requests)] * connections, seconds, lambda answer, _: b'"errors"' in answer)


def send(port: int, turns: Sequence[Iterator[bytes]], seconds: float, wrong: Wrong) -> Load:
    """One connection for each of ``turns``, until the time is over or they are.

    A request that is answered 429 or 503 is sent again after a pause, until it is taken.

    Raises:
        RuntimeError: an answer is anything else but 200, or is ``wrong``; a server that refuses is fast.
    """
    waiting, latencies, busy = selectors.DefaultSelector(), [], 0
    resting: dict[float, _Connection] = {}
    opened = [_Connection(port, turn, wrong) for turn in turns]
    started = time.perf_counter()
    try:
        for one in opened:
            if one.ask():
                waiting.register(one.socket, selectors.EVENT_READ, one)
        while waiting.get_map():
            for ready, _ in waiting.select(PAUSE_S if resting else SILENCE_S) or _silent(resting):
                connection: _Connection = ready.data
                status = connection.answered()
                now = time.perf_counter()
                if status in BUSY:
                    busy += 1
                    resting[now + PAUSE_S] = connection
                elif status:
                    latencies.append(now - connection.asked_at)
                    if now - started >= seconds or not connection.ask():
                        waiting.unregister(connection.socket)
            for until in [one for one in resting if one <= time.perf_counter()]:
                resting.pop(until).ask_again()
        return Load(time.perf_counter() - started, tuple(sorted(latencies)), busy)
    finally:
        waiting.close()
        for one in opened:
            one.socket.close()


def _silent(resting: Mapping[float, _Connection]) -> list[tuple[selectors.SelectorKey, int]]:
    if resting:
        return []
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
