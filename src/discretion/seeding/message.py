"""What is sown: one tracking message, who it is about, and dice that always fall the same way."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

WEB, TILLS, APP = "web-shop", "tills", "ios-app"
"""The sources that sowing writes as; names of schema/catalogue/sources.yaml."""

DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SEED = b"a field sown twice bears the same"


@dataclass(frozen=True, slots=True)
class Message:
    """A message of Segment's HTTP API (``body``), to be sent with the write key of ``source``.

    ``person`` says whom it is really about. It is never sent: finding that out is the platform's
    work. Messages of one person follow each other.
    """

    person: str
    source: str
    body: Mapping[str, Any]


def name(*about: object) -> str:
    """Twelve hexadecimal digits that depend on ``about`` and tell nothing of it."""
    return _digest(about).hex()


def draw(*about: object) -> float:
    """A number in [0, 1) that depends on ``about`` alone, uniform over many."""
    return int.from_bytes(_digest(about), "big") / 2**48


def pick(choices: tuple[str, ...], *about: object) -> str:
    """One of ``choices``."""
    return choices[int(draw(*about) * len(choices))]


def midnight(now_ms: int) -> int:
    """The start of the day in UTC, in ms: what is sown on one day does not depend on the hour."""
    return now_ms // DAY_MS * DAY_MS


def iso(ms: int) -> str:
    """A time as ISO 8601 text in UTC."""
    return (_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="seconds").replace("+00:00", "Z")


def day(ms: int) -> str:
    """A date as ISO 8601 text, in UTC."""
    return iso(ms)[:10]


def shipped(file: str) -> Path:
    """A file of ``seed/``: inside the installed package, else in the checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_seed" / file
    return installed if installed.is_file() else package.parents[1] / "seed" / file


def _digest(about: tuple[object, ...]) -> bytes:
    text = "\0".join(str(one) for one in about).encode()
    return hashlib.blake2b(text, digest_size=6, key=_SEED).digest()
