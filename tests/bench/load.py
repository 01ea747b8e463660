"""HTTP load on one server over open connections; each sends the next request as soon as it has an answer."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

RECEIVE_BYTES = 1 << 18
SILENCE_TIMEOUT_S = 60
RETRY_PAUSE_S = 1
BUSY_STATUS_LINES = (b"HTTP/1.1 429", b"HTTP/1.1 503")

AnswerCheck = Callable[[bytearray, bool], bool]
"""Returns whether an answer is wrong.

Arguments: the answer and whether its request was sent more than once.
"""


@dataclass(frozen=True, slots=True)
class LoadResult:
    """The result of a load.

    Attributes:
        seconds: Duration of the load.
        latencies: Sorted latencies of the answered requests, in seconds.
        busy_count: Number of answers with status 429 or 503.
    """

    seconds: float
    latencies: tuple[float, ...]
    busy_count: int = 0

    @property
    def per_second(self) -> float:
        """Answered requests per second."""
        return len(self.latencies) / self.seconds

    def quantile_ms(self, share: float) -> float:
        """Return the latency in ms that this share of requests does not exceed."""
        return self.latencies[min(int(len(self.latencies) * share), len(self.latencies) - 1)] * 1000


class _Connection:
    def __init__(self, port: int, requests: Iterator[bytes], is_wrong: AnswerCheck) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._requests = requests
        self._is_wrong = is_wrong
        self._request = b""
        self._is_repeated = False
        self._answer = bytearray()
        self._expected_length = 0
        self.sent_at = 0.0

    def send_next(self) -> bool:
        """Send the next request, and return whether there was one."""
        request = next(self._requests, None)
        if request is None:
            return False
        self._request, self._is_repeated = request, False
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)
        return True

    def resend(self) -> None:
        """Send the same request again; its latency is measured from the first attempt."""
        self._is_repeated = True
        self.socket.sendall(self._request)

    def read_answer(self) -> bytes:
        """Read the received bytes, and return the start of the status line of a complete answer, else b"".

        Raises:
            RuntimeError: the answer is wrong or has a status other than 200, 429 and 503.
        """
        received = self.socket.recv(RECEIVE_BYTES)
        if not received:
            raise RuntimeError("the server closed the connection")
        self._answer += received
        if not self._expected_length:
            self._expected_length = _compute_length(self._answer)
        if not self._expected_length or len(self._answer) < self._expected_length:
            return b""
        status = bytes(self._answer[:12])
        is_right = status == b"HTTP/1.1 200" and not self._is_wrong(self._answer, self._is_repeated)
        if not is_right and status not in BUSY_STATUS_LINES:
            raise RuntimeError(bytes(self._answer[:2000]).decode("utf-8", "replace"))
        self._answer.clear()
        self._expected_length = 0
        return status


def _compute_length(answer: bytearray) -> int:
    """Return the length of the answer with its head, or 0 while the head is incomplete."""
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return 0
    for line in bytes(answer[:end]).lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return end + 4 + int(line[15:])
    raise RuntimeError("the answer has no content-length")


def measure_queries(port: int, requests: Sequence[bytes], seconds: float, connections: int) -> LoadResult:
    """Send the requests in turn over each connection until the time is over; answers must have no errors."""
    return run_load(port, [cycle(requests)] * connections, seconds, lambda answer, _: b'"errors"' in answer)


def run_load(
    port: int, request_streams: Sequence[Iterator[bytes]], seconds: float, is_wrong: AnswerCheck
) -> LoadResult:
    """Send each stream of requests over its own connection until the time is over or the streams end.

    A request that is answered with 429 or 503 is sent again after a pause until it is accepted.

    Raises:
        RuntimeError: an answer is wrong or has another status than 200. Refusals are fast and must not count.
    """
    selector, latencies, busy_count = selectors.DefaultSelector(), [], 0
    resting: dict[float, _Connection] = {}
    connections = [_Connection(port, stream, is_wrong) for stream in request_streams]
    started_at = time.perf_counter()
    try:
        for opened_connection in connections:
            if opened_connection.send_next():
                selector.register(opened_connection.socket, selectors.EVENT_READ, opened_connection)
        while selector.get_map():
            for selected, _ in selector.select(
                RETRY_PAUSE_S if resting else SILENCE_TIMEOUT_S
            ) or _check_silence(resting):
                connection: _Connection = selected.data
                status = connection.read_answer()
                now = time.perf_counter()
                if status in BUSY_STATUS_LINES:
                    busy_count += 1
                    resting[now + RETRY_PAUSE_S] = connection
                elif status:
                    latencies.append(now - connection.sent_at)
                    if now - started_at >= seconds or not connection.send_next():
                        selector.unregister(connection.socket)
            for retry_at in [due for due in resting if due <= time.perf_counter()]:
                resting.pop(retry_at).resend()
        return LoadResult(time.perf_counter() - started_at, tuple(sorted(latencies)), busy_count)
    finally:
        selector.close()
        for opened_connection in connections:
            opened_connection.socket.close()


def _check_silence(resting: Mapping[float, _Connection]) -> list[tuple[selectors.SelectorKey, int]]:
    if resting:
        return []
    raise RuntimeError(f"the server has not answered for {SILENCE_TIMEOUT_S} s")


def encode_post(port: int, path: str, body: bytes, authorization: str) -> bytes:
    """Encode a POST request with a JSON body."""
    return (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: {authorization}\r\n"
        f"accept: application/json\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body


def encode_query(port: int, body: bytes, token: str) -> bytes:
    """Encode a GraphQL request."""
    return encode_post(port, "/graphql", body, f"Bearer {token}")
