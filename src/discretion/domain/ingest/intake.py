"""Intake: raw messages of a source are checked for size, validated and submitted to the queue.

Every endpoint hands its messages to this one class, so the same rules apply everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import orjson

from discretion.catalogue.model import Source
from discretion.domain.ingest.dead_letters.retention import DeadLetterRecorder
from discretion.domain.ingest.message import Fact, IngestStatus, MessageOutcome, RefusedMessage
from discretion.domain.ingest.outcome_feed.outcome_feed import OutcomeFeed
from discretion.domain.ingest.queue import IngestQueue
from discretion.domain.ingest.rejection import MessageRejected
from discretion.domain.ingest.tracking_plan.violation_recorder import ViolationRecorder
from discretion.domain.ingest.validation import MessageValidator
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
        violations: ViolationRecorder,
        feed: OutcomeFeed,
        now_ms: Callable[[], int],
    ) -> None:
        self._validator = validator
        self._queue = queue
        self._dead_letters = dead_letters
        self._violations = violations
        self._feed = feed
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
        validated = [
            validate_message(self._validator, source, message, received, gpc=gpc) for message in messages
        ]
        refused = [
            (raw, result)
            for raw, result in zip(messages, validated, strict=True)
            if isinstance(result, RefusedMessage)
        ]
        # Dead letters are written first: if that fails, no message was ingested, and the sender can retry.
        dropped_counts = iter(await self._dead_letters.record(source, refused, received))
        facts = [
            fact
            for result in validated
            if (fact := result if isinstance(result, Fact) else result.statements) is not None
        ]
        accepted = iter(await self._queue.submit(facts))
        outcomes = [
            next(accepted)
            if isinstance(result, Fact)
            else build_refused_outcome(
                result, next(dropped_counts), None if result.statements is None else next(accepted).status
            )
            for result in validated
        ]
        self._violations.record(source, zip(messages, validated, strict=True))
        self._feed.record(source, zip(messages, outcomes, strict=True))
        return outcomes


def validate_message(
    validator: MessageValidator, source: Source, message: object, received: int, *, gpc: bool = False
) -> Fact | RefusedMessage:
    """Validate a message after its size."""
    rejection = precheck_message(message)
    if rejection is not None:
        return validator.refuse(source, message, received, rejection, gpc=gpc)
    return validator.validate(source, message, received, gpc=gpc)


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


def precheck_message(message: object) -> MessageRejected | None:
    """Return why a message is too large or no JSON, or None."""
    size = measure_json(message)
    if size is None:
        return MessageRejected("MESSAGE_INVALID", "It is nested too deeply, or holds what JSON cannot.")
    if size > MAX_MESSAGE_BYTES:
        return MessageRejected(MESSAGE_TOO_LARGE, f"A message has at most {MAX_MESSAGE_BYTES:,} bytes.")
    return None


def build_refused_outcome(
    refused_message: RefusedMessage, dropped: int = 0, statements: IngestStatus | None = None
) -> MessageOutcome:
    """Build the outcome of a refused message.

    ``dropped`` counts values its dead letter does not keep; ``statements`` is the outcome of its statements.
    """
    return MessageOutcome(
        refused_message.message_id,
        IngestStatus.REFUSED,
        dropped,
        0,
        refused_message.code,
        refused_message.reason,
        refused_message.place,
        statements=statements,
    )
