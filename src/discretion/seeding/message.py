"""A tracking message with the person it is about, and random numbers that depend on their input only."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

WEB, TILLS, APP = "web-shop", "tills", "ios-app"
"""The sources that messages are sent as; names of schema/catalogue/sources.yaml."""

DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Another key would change every generated id and number.
_DIGEST_KEY = b"a field sown twice bears the same"


@dataclass(frozen=True, slots=True)
class SeedMessage:
    """A message of Segment's HTTP API (``body``), to be sent with the write key of ``source``.

    ``person_id`` names the person it is about. It is never sent, because identity resolution has to find it
    out. Messages of one person follow each other.
    """

    person_id: str
    source: str
    body: Mapping[str, Any]


def derive_id(*seed_parts: object) -> str:
    """Return twelve hexadecimal digits that depend on ``seed_parts`` and reveal nothing of them."""
    return _digest(seed_parts).hex()


def draw_fraction(*seed_parts: object) -> float:
    """Return a number in [0, 1) that depends on ``seed_parts`` only, uniformly distributed."""
    return int.from_bytes(_digest(seed_parts), "big") / 2**48


def pick_choice(choices: tuple[str, ...], *seed_parts: object) -> str:
    """Return one of ``choices``, by ``draw_fraction``."""
    return choices[int(draw_fraction(*seed_parts) * len(choices))]


def start_of_day(now_ms: int) -> int:
    """Return the start of the day in UTC, in ms, so that data of one day do not depend on the hour."""
    return now_ms // DAY_MS * DAY_MS


def format_time(ms: int) -> str:
    """Return a time in ms as ISO 8601 text in UTC."""
    return (_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="seconds").replace("+00:00", "Z")


def format_date(ms: int) -> str:
    """Return the date of a time in ms as ISO 8601 text, in UTC."""
    return format_time(ms)[:10]


def find_seed_file(file_name: str) -> Path:
    """Return the path of a file of ``seed/``: inside the installed package, else in the checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_seed" / file_name
    return installed if installed.is_file() else package.parents[1] / "seed" / file_name


def _digest(seed_parts: tuple[object, ...]) -> bytes:
    text = "\0".join(str(part) for part in seed_parts).encode()
    return hashlib.blake2b(text, digest_size=6, key=_DIGEST_KEY).digest()
