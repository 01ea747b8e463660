"""The cast: a few invented customers, written by hand in ``seed/cast.yaml``.

Times in the file are a number of days before today and an hour of that day, ages are ages today. So the
data have the same age whenever they are sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import yaml

from discretion.seeding.message import DAY_MS, SeedMessage, find_seed_file, format_time, start_of_day

SINCE_BIRTHDAY = timedelta(days=100)
"""Time since the last birthday of everyone in the cast, so that no age changes soon."""


def generate_cast_messages(now_ms: int) -> Iterator[SeedMessage]:
    """Yield all messages about the cast, as of ``now_ms``, person by person."""
    today = start_of_day(now_ms)
    people = yaml.safe_load(find_seed_file("cast.yaml").read_text("utf-8"))["people"]
    for person, story in people.items():
        for source, source_story in story["known"].items():
            yield from _source_messages(person, source, source_story, today)


def _source_messages(
    person: str, source: str, source_story: Mapping[str, Any], today: int
) -> Iterator[SeedMessage]:
    ids = {key: source_story[key] for key in ("userId", "anonymousId") if key in source_story}
    for number, entry in enumerate(source_story["messages"]):
        message_ids = {**ids, **{key: entry[key] for key in ("userId", "anonymousId") if key in entry}}
        if None in message_ids.values():  # not signed in yet
            message_ids = {key: value for key, value in message_ids.items() if value is not None}
        body = {
            **_message_content(entry, today),
            **message_ids,
            "messageId": f"cast-{person}-{source}-{number}",
            "timestamp": format_time(_message_time(entry, today)),
        }
        if context := _message_context(entry):
            body["context"] = context
        yield SeedMessage(person, source, body)


def _message_context(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the context of a message: choices about purposes, and a card that the account has confirmed."""
    context: dict[str, Any] = {}
    if "choices" in entry:
        context["consent"] = {"categoryPreferences": entry["choices"]}
    if "confirms" in entry:
        card = {"id": entry["confirms"], "type": "loyalty_id", "assurance": "proven"}
        context["externalIds"] = [card]
    return context


def _message_content(entry: Mapping[str, Any], today: int) -> dict[str, Any]:
    """Return the type of a message and the members of that type."""
    for message_type in ("page", "screen"):
        if message_type in entry:
            return {
                "type": message_type,
                "name": entry[message_type],
                "properties": entry.get("properties", {}),
            }
    if "track" in entry:
        return {"type": "track", "event": entry["track"], "properties": entry.get("properties", {})}
    traits = dict(entry["identify"] or {})
    if "age" in traits:
        traits["birthday"] = compute_birth_date(traits.pop("age"), today)
    return {"type": "identify", "traits": traits}


def compute_birth_date(age: int, now_ms: int) -> str:
    """Return the birth date (ISO 8601) of a person who turned ``age`` a hundred days before ``now_ms``."""
    birthday = (datetime.fromtimestamp(now_ms / 1000, UTC) - SINCE_BIRTHDAY).date()
    # The year of birth may not have a 29 February.
    if (birthday.month, birthday.day) == (2, 29):
        birthday = birthday.replace(day=28)
    return birthday.replace(year=birthday.year - age).isoformat()


def _message_time(entry: Mapping[str, Any], today: int) -> int:
    """Return the time of a message in ms: ``ago`` days before today, at least one, so never in the future."""
    hour, _, minute = entry["at"].partition(":")
    return today - int(entry["ago"]) * DAY_MS + (int(hour) * 60 + int(minute)) * 60_000
