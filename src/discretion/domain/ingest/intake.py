"""Raw messages of a source -> what became of each: weighed, validated, and told to the profiles.

Every door hands its messages to this one class, so that a message meets the same rules everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from discretion.catalogue.model import Source
from discretion.domain.ingest.dead_letters.retention import Letters
from discretion.domain.ingest.message import Fact, Outcome, Refused, Status
from discretion.domain.ingest.queue import Flow
from discretion.domain.ingest.validation import MAX_MESSAGE_ID, Validator
from discretion.errors import TooLarge

MAX_MESSAGES = 2_500
"""Messages that are taken together (Segment's limit)."""

MAX_MESSAGE = 32 * 1024
"""Bytes of one message as JSON without blanks (Segment's limit)."""

TOO_LARGE = "MESSAGE_TOO_LARGE"
"""The code of a message that is refused for its size."""


class Intake:
    """Takes messages in. ``now_ms`` is the clock that says when they came."""

    def __init__(self, validator: Validator, flow: Flow, letters: Letters, now_ms: Callable[[], int]) -> None:
        self._validator = validator
        self._flow = flow
        self._letters = letters
        self._now_ms = now_ms

    async def take(self, source: Source, messages: Sequence[Any], *, gpc: bool = False) -> list[Outcome]:
        """Take a source's messages in; when this returns, those that were accepted are durable.

        So is what is kept of those that were refused (see ``letters``).

        Args:
            source: Who sends them.
            messages: JSON values, each meant to be a message of Segment's tracking API.
            gpc: Whether they came with ``Sec-GPC: 1``, which then speaks for all of them.

        Returns:
            One outcome for each message, in their order. A wrong message is refused alone.

        Raises:
            TooLarge: ``BATCH_TOO_LARGE``; nothing was taken in.
            TooMany: ``SOURCE_TOO_FAST``; Unavailable: ``INTAKE_FULL``; nothing was, now.
            Unavailable: the store is away; some may have been taken in, and sending all of them again
                counts none twice.
        """
        few_enough(messages)
        received = self._now_ms()
        read = [self._read(source, one, received, gpc=gpc) for one in messages]
        refused = [(raw, one) for raw, one in zip(messages, read, strict=True) if isinstance(one, Refused)]
        # Letters go first: if they cannot be kept, nothing was taken in.
        dropped = iter(await self._letters.keep(source, refused, received))
        taken = iter(await self._flow.take([one for one in read if isinstance(one, Fact)]))
        return [next(taken) if isinstance(one, Fact) else refusal(one, next(dropped)) for one in read]

    def _read(self, source: Source, message: Any, received: int, *, gpc: bool) -> Fact | Refused:
        return unfit(message) or self._validator.fact(source, message, received, gpc=gpc)


def few_enough(messages: Sequence[Any]) -> None:
    """Nothing, if these may be taken together.

    Raises:
        TooLarge: ``BATCH_TOO_LARGE``.
    """
    if len(messages) > MAX_MESSAGES:
        raise TooLarge(
            "BATCH_TOO_LARGE", f"At most {MAX_MESSAGES:,} messages are taken together.", "Send several."
        )


def weight(value: Any) -> int | None:
    """Bytes of a value as JSON without blanks; None if it cannot be written as that.

    It is nested deeper than anybody's traits, or holds a number beyond 64 bits or half a character.
    """
    try:
        return len(orjson.dumps(value))
    except TypeError:
        return None


def unfit(message: Any) -> Refused | None:
    """Why a message is refused before it is read, or None if it is not."""
    name = message.get("messageId") if isinstance(message, dict) else None
    shown = name if isinstance(name, str) and len(name) <= MAX_MESSAGE_ID else ""
    size = weight(message)
    if size is None:
        return Refused(shown, "MESSAGE_INVALID", "It is nested too deeply, or holds what JSON cannot.")
    if size > MAX_MESSAGE:
        return Refused(shown, TOO_LARGE, f"A message has at most {MAX_MESSAGE:,} bytes.")
    return None


def refusal(refused: Refused, dropped: int = 0) -> Outcome:
    """The outcome of a message that is not taken in."""
    return Outcome(refused.message, Status.REFUSED, dropped, 0, refused.code, refused.reason, refused.place)
