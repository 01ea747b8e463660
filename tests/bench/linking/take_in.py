"""A program that sends messages to one release and prints, as a line of JSON, what became of them.

It runs with the code of the release that it measures, and prints a first line when it is ready.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from discretion.seeding.message import SeedMessage
from discretion.seeding.send import send_seed_messages
from tests.bench.installation import CLIENT, run_installation
from tests.bench.linking.evidence import SentRecord
from tests.bench.linking.queries import find_customers
from tests.bench.servers import OURS, SERVE_COMMAND, cpu_seconds, run_server

# Both releases have the command that serves; where the rest of the program is imported from differs.
PROGRAM = SERVE_COMMAND[:-1]
MARKETING = ("--purpose", "marketing.communications.email")
LIST = """query($after: String) {
  customers(first: 500, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } }
}"""


async def run(content: Mapping[str, Any], senders: int) -> dict[str, Any]:
    """Send messages to a server of this release, and look up the customers of their records."""
    messages = [SeedMessage(person, source, body) for person, source, body in content["messages"]]
    records = {
        name: SentRecord(source, (identifier_type, value))
        for name, (source, identifier_type, value) in content["records"].items()
    }
    with tempfile.TemporaryDirectory(prefix="discretion-bench-") as folder:
        async with run_installation(Path(folder)) as installation:
            with run_server(OURS, SERVE_COMMAND, installation.environ, Path(folder) / "server.log") as server:
                url = f"http://127.0.0.1:{server.port}"
                cpu = cpu_seconds(server.pid), cpu_seconds(installation.mongod_pid)
                started_at = time.perf_counter()
                outcome = await send_seed_messages(
                    url, installation.write_keys, messages, lambda _: None, concurrency=senders
                )
                elapsed_s = time.perf_counter() - started_at
                figures = {
                    "accepted": outcome.accepted,
                    "refused": outcome.refused,
                    "elapsed_s": elapsed_s,
                    "server_s": cpu_seconds(server.pid) - cpu[0],
                    "mongod_s": cpu_seconds(installation.mongod_pid) - cpu[1],
                }
                customers = await find_customers(url, installation.token, records, lambda _: None)
                marketable = await _list_marketable(url, _issue_token(installation.environ))
                return {**figures, "customers": customers, "marketable": marketable}


def _issue_token(environ: Mapping[str, str]) -> str:
    """Return a token that lists the customers who permit mail; its client sees the ids of the lookups."""
    command = [*PROGRAM, "token", "issue", "--client", CLIENT, *MARKETING]
    issued = subprocess.run(
        command, env={**os.environ, **environ}, capture_output=True, text=True, check=True
    )
    return issued.stdout.strip()


async def _list_marketable(url: str, token: str) -> list[str]:
    """List the ids of the customers to whom marketing by e-mail is permitted."""
    headers = {"authorization": f"Bearer {token}"}
    ids: list[str] = []
    page: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60, trust_env=False) as http:
        while page["hasNextPage"]:
            body = {"query": LIST, "variables": {"after": page["endCursor"]}}
            listed = (await http.post("/graphql", json=body)).json()["data"]["customers"]
            ids += [node["id"] for node in listed["nodes"]]
            page = listed["pageInfo"]
    return ids


if __name__ == "__main__":
    result = asyncio.run(run(json.loads(Path(sys.argv[1]).read_text("utf-8")), int(sys.argv[2])))
    sys.stdout.write(json.dumps(result) + "\n")
    sys.stdout.flush()
