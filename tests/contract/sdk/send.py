"""Program that makes the given calls of a Python SDK, configured with a host and a write key only.

    python send.py segment|rudderstack < {"host", "key", "calls": [[method, members], ...], "options"}

Prints a JSON list of the errors that the SDK reported.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from typing import Any


def main() -> None:
    """Make the calls, wait until all messages are sent, and print the reported errors."""
    program_input = json.load(sys.stdin)
    sdk: Any = importlib.import_module(f"{sys.argv[1]}.analytics")
    errors: list[str] = []
    client = sdk.Client(
        program_input["key"],
        host=program_input["host"],
        on_error=lambda error, _batch: errors.append(f"{type(error).__name__} {error}"),
        **program_input["options"],
    )
    for method, members in program_input["calls"]:
        getattr(client, method)(**{_convert_to_snake_case(name): value for name, value in members.items()})
    client.shutdown()
    json.dump(errors, sys.stdout)


def _convert_to_snake_case(name: str) -> str:
    """Return the Python name of a member: ``userId`` becomes ``user_id``."""
    return re.sub("[A-Z]", lambda match: f"_{match.group().lower()}", name)


if __name__ == "__main__":
    main()
