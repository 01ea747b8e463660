"""The cast: a few people written by hand, as ``seed/cast.yaml`` tells their story.

Times in the file are days before today and an hour of that day, ages are ages today, so the story
is as old next year as it is now.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import yaml

from discretion.seeding.message import DAY_MS, Message, iso, midnight, shipped

SINCE_BIRTHDAY = timedelta(days=100)
"""Everybody's last birthday was this long ago, so nobody's age is about to change."""


def cast(now_ms: int) -> Iterator[Message]:
    """All messages about the cast, as of ``now_ms``."""
    today = midnight(now_ms)
    people = yaml.safe_load(shipped("cast.yaml").read_text("utf-8"))["people"]
    for person, told in people.items():
        for source, known in told["known"].items():
            yield from _known(person, source, known, today)


def _known(person: str, source: str, known: Mapping[str, Any], today: int) -> Iterator[Message]:
    ids = {key: known[key] for key in ("userId", "anonymousId") if key in known}
    for number, entry in enumerate(known["messages"]):
        about = {**ids, **{key: entry[key] for key in ("userId", "anonymousId") if key in entry}}
        if None in about.values():  # not signed in yet
            about = {key: value for key, value in about.items() if value is not None}
        body = {
            **_said(entry, today),
            **about,
            "messageId": f"cast-{person}-{source}-{number}",
            "timestamp": iso(_moment(entry, today)),
        }
        if "choices" in entry:
            body["context"] = {"consent": {"categoryPreferences": entry["choices"]}}
        yield Message(person, source, body)


def _said(entry: Mapping[str, Any], today: int) -> dict[str, Any]:
    """The message's type and what goes with it."""
    for kind in ("page", "screen"):
        if kind in entry:
            return {"type": kind, "name": entry[kind], "properties": entry.get("properties", {})}
    if "track" in entry:
        return {"type": "track", "event": entry["track"], "properties": entry.get("properties", {})}
    traits = dict(entry["identify"] or {})
    if "age" in traits:
        traits["birthday"] = born(traits.pop("age"), today)
    return {"type": "identify", "traits": traits}


def born(age: int, now_ms: int) -> str:
    """The birth date of somebody who turned ``age`` a hundred days before ``now_ms``."""
    birthday = (datetime.fromtimestamp(now_ms / 1000, UTC) - SINCE_BIRTHDAY).date()
    if (birthday.month, birthday.day) == (2, 29):
        birthday = birthday.replace(day=28)
    return birthday.replace(year=birthday.year - age).isoformat()


def _moment(entry: Mapping[str, Any], today: int) -> int:
    """``ago`` whole days before today, at least one, so that nothing lies in the future."""
    hour, _, minute = entry["at"].partition(":")
    return today - int(entry["ago"]) * DAY_MS + (int(hour) * 60 + int(minute)) * 60_000
