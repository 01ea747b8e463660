"""``discretion ingest tail``: polls a running server and prints what became of messages, one line each."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from discretion.errors import Misconfigured

POLL_S = 1.0
TIMEOUT_S = 20.0
QUERY = """query Tail($source: String, $after: String) { ingestOutcomes(source: $source, after: $after) {
  cursor outcomes { at source type event eventWithheld status codes places dropped } } }"""


@dataclass(frozen=True, slots=True)
class OutcomeTail:
    """The tail of a server's feed: its address, and an access token of a steward."""

    url: str
    token: str = field(repr=False)

    def follow(self, source: str | None) -> Iterator[str]:
        """Yield a line for each message that the servers receive from now on, without end.

        Raises:
            Misconfigured: ``SERVER_UNREACHABLE`` or ``TAIL_REFUSED``.
        """
        after: str | None = None
        with httpx.Client(timeout=TIMEOUT_S) as client:
            while True:
                page = self._ask(client, source, after)
                yield from (format_outcome(outcome) for outcome in page["outcomes"])
                after = page["cursor"]
                time.sleep(POLL_S)

    def _ask(self, client: httpx.Client, source: str | None, after: str | None) -> Mapping[str, Any]:
        try:
            response = client.post(
                f"{self.url.rstrip('/')}/graphql",
                json={"query": QUERY, "variables": {"source": source, "after": after}},
                headers={"authorization": f"Bearer {self.token}"},
            )
            answer = response.json()
        except (httpx.HTTPError, ValueError):
            raise Misconfigured(
                "SERVER_UNREACHABLE", f"No server of Discretion answers at {self.url}.", "Name it with --url."
            ) from None
        page = (answer.get("data") or {}).get("ingestOutcomes")
        if page is None:
            errors = answer.get("errors") or [answer.get("error") or {}]
            raise Misconfigured(
                "TAIL_REFUSED",
                f"The server refuses: {errors[0].get('message', 'without a reason')}",
                "Give the access token of a steward with --token.",
            )
        outcomes: Mapping[str, Any] = page
        return outcomes


def format_outcome(outcome: Mapping[str, Any]) -> str:
    """Return the line of one outcome; control characters of a server that is none are not printed."""
    name = outcome["event"] if outcome["event"] not in (None, outcome["type"]) else ""
    name = name or outcome["eventWithheld"]
    faults = [
        f"{code} {place}".strip() for code, place in zip(outcome["codes"], outcome["places"], strict=True)
    ]
    if outcome["dropped"]:
        faults.append(f"{outcome['dropped']} dropped")
    columns = (outcome["at"], outcome["source"], outcome["type"] or "?", name, outcome["status"].lower())
    line = "  ".join([*(text for text in columns if text), *([", ".join(faults)] if faults else [])])
    return "".join(character for character in line if character.isprintable())
