"""A shop's program in Python: says what it is told to say, through an SDK that knows its host and its key.

    python send.py segment|rudderstack < {"host", "key", "calls": [[method, members], ...], "options"}

Prints a JSON list of what the SDK reported as gone wrong.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from typing import Any


def main() -> None:
    """Send, wait until all is sent, and say what went wrong."""
    told = json.load(sys.stdin)
    sdk: Any = importlib.import_module(f"{sys.argv[1]}.analytics")
    errors: list[str] = []
    client = sdk.Client(
        told["key"],
        host=told["host"],
        on_error=lambda error, _batch: errors.append(f"{type(error).__name__} {error}"),
        **told["options"],
    )
    for method, members in told["calls"]:
        getattr(client, method)(**{_snake(name): value for name, value in members.items()})
    client.shutdown()
    json.dump(errors, sys.stdout)


def _snake(name: str) -> str:
    """What Python calls a member: ``userId`` is ``user_id``."""
    return re.sub("[A-Z]", lambda found: f"_{found.group().lower()}", name)


if __name__ == "__main__":
    main()
