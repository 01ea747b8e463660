"""Intake: raw messages of a source are checked for size, validated and submitted to the queue.

Every endpoint hands its messages to this one class, so the same rules apply everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import orjson

from discretion.catalogue.model import Source
from discretion.domain.ingest.dead_letters.retention import DeadLetterRecorder
from discretion.domain.ingest.message import Fact, IngestStatus, MessageOutcome, RefusedMessage
from discretion.domain.ingest.queue import IngestQueue
from discretion.domain.ingest.validation import MAX_MESSAGE_ID, MessageValidator
from discretion.errors import TooLarge

MAX_MESSAGES = 2_500
"""The most messages of one request (Segment's limit)."""

MAX_MESSAGE_BYTES = 32 * 1024
"""The most bytes of one message as JSON without whitespace (Segment's limit)."""

MESSAGE_TOO_LARGE = "MESSAGE_TOO_LARGE"
"""The error code of a message that is refused for its size."""


class Intake:
    """The entry point for messages; ``now_ms`` is the clock for the time of receipt."""

    def __init__(
        self,
        validator: MessageValidator,
        queue: IngestQueue,
        dead_letters: DeadLetterRecorder,
        now_ms: Callable[[], int],
    ) -> None:
        self._validator = validator
        self._queue = queue
        self._dead_letters = dead_letters
        self._now_ms = now_ms

    async def ingest(
        self, source: Source, messages: Sequence[object], *, gpc: bool = False
    ) -> list[MessageOutcome]:
        """Ingest a source's messages; on return, accepted messages and dead letters are durable.

        Args:
            source: The sender.
            messages: JSON values, each expected to be a message of Segment's tracking API.
            gpc: Whether the request had the header ``Sec-GPC: 1``; it applies to every message.

        Returns:
            One outcome for each message, in the same order. An invalid message is refused alone.

        Raises:
            TooLarge: ``BATCH_TOO_LARGE``; no message was ingested.
            TooMany: ``SOURCE_TOO_FAST``; no message was ingested.
            Unavailable: ``INTAKE_FULL``; no message was ingested. Or the database is unavailable; some
                messages may have been ingested. Sending all of them again counts none twice.
        """
        check_message_count(messages)
        received = self._now_ms()
        validated = [self._validate(source, message, received, gpc=gpc) for message in messages]
        refused = [
            (raw, result)
            for raw, result in zip(messages, validated, strict=True)
            if isinstance(result, RefusedMessage)
        ]
        # Dead letters are written first: if that fails, no message was ingested, and the sender can retry.
        dropped_counts = iter(await self._dead_letters.record(source, refused, received))
        facts = [result for result in validated if isinstance(result, Fact)]
        accepted = iter(await self._queue.submit(facts))
        return [
            next(accepted)
            if isinstance(result, Fact)
            else build_refused_outcome(result, next(dropped_counts))
            for result in validated
        ]

    def _validate(
        self, source: Source, message: object, received: int, *, gpc: bool
    ) -> Fact | RefusedMessage:
        return precheck_message(message) or self._validator.validate(source, message, received, gpc=gpc)


def check_message_count(messages: Sequence[object]) -> None:
    """Raise if one request holds more than ``MAX_MESSAGES`` messages.

    Raises:
        TooLarge: ``BATCH_TOO_LARGE``.
    """
    if len(messages) > MAX_MESSAGES:
        raise TooLarge(
            "BATCH_TOO_LARGE", f"At most {MAX_MESSAGES:,} messages are taken together.", "Send several."
        )


def measure_json(value: object) -> int | None:
    """Return the bytes of a value as JSON without whitespace, or None if orjson cannot write it.

    That is a value nested more than 254 levels deep, an integer beyond 64 bits, or a lone surrogate.
    """
    try:
        return len(orjson.dumps(value))
    except TypeError:
        return None


def precheck_message(message: object) -> RefusedMessage | None:
    """Return the refusal of a message that is too large or no JSON, or None; its content is not read."""
    message_id = message.get("messageId") if isinstance(message, dict) else None
    shown_id = message_id if isinstance(message_id, str) and len(message_id) <= MAX_MESSAGE_ID else ""
    size = measure_json(message)
    if size is None:
        return RefusedMessage(
            shown_id, "MESSAGE_INVALID", "It is nested too deeply, or holds what JSON cannot."
        )
    if size > MAX_MESSAGE_BYTES:
        return RefusedMessage(
            shown_id, MESSAGE_TOO_LARGE, f"A message has at most {MAX_MESSAGE_BYTES:,} bytes."
        )
    return None


def build_refused_outcome(refused_message: RefusedMessage, dropped: int = 0) -> MessageOutcome:
    """Build the outcome of a refused message; ``dropped`` counts values its dead letter does not keep."""
    return MessageOutcome(
        refused_message.message_id,
        IngestStatus.REFUSED,
        dropped,
        0,
        refused_message.code,
        refused_message.reason,
        refused_message.place,
    )
