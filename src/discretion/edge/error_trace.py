"""Where an error came from, for the log: lines of code and types, never the text of an exception."""

from __future__ import annotations

import traceback


def trace_error(error: BaseException) -> str:
    """Return where an error came from: its lines of code, innermost last, and the types of its causes."""
    lines: list[str] = []
    visited: set[int] = set()
    cause: BaseException | None = error
    # Chains of causes may be circular, and a log line has to stay readable: five causes, twelve frames each.
    while cause is not None and id(cause) not in visited and len(visited) < 5:
        visited.add(id(cause))
        # Only file, line and function of a frame are used. Local variables and the text of the exception may
        # hold personal data.
        frames = traceback.extract_tb(cause.__traceback__)[-12:]
        lines.append(
            type(cause).__name__
            + ": "
            + " > ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
        )
        cause = cause.__cause__ or cause.__context__
    return " | ".join(lines)
