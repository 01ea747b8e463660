"""What is refused before it is read, and that each message is answered for by itself."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from discretion.domain.ingest.intake import MAX_MESSAGE, refusal, unfit
from discretion.domain.ingest.message import Status

FRAME = len(orjson.dumps({"messageId": "m", "x": ""}))


def sized(size: int) -> dict[str, Any]:
    """A message of so many bytes."""
    return {"messageId": "m", "x": "y" * (size - FRAME)}


def nested(depth: int) -> dict[str, Any]:
    """Objects in objects."""
    found: dict[str, Any] = {"messageId": "m"}
    for _ in range(depth):
        found = {"messageId": "m", "x": found}
    return found


def test_a_message_of_32_kb_is_read_and_one_byte_more_is_not() -> None:
    """Bytes, not characters."""
    assert unfit(sized(MAX_MESSAGE)) is None
    too_large = unfit(sized(MAX_MESSAGE + 1))
    assert too_large is not None
    assert (too_large.message, too_large.code) == ("m", "MESSAGE_TOO_LARGE")
    wide = unfit({"x": "\N{SNOWMAN}" * (MAX_MESSAGE // 3)})
    assert wide is not None
    assert wide.code == "MESSAGE_TOO_LARGE"


@pytest.mark.parametrize(
    "message", [nested(300), {"messageId": "m", "x": 2**64}, {"messageId": "m", "x": "\ud800"}]
)
def test_what_cannot_be_weighed_is_refused_and_ends_nothing(message: dict[str, Any]) -> None:
    """Depth that no trait has, numbers and text that JSON readers do not agree on."""
    refused = unfit(message)
    assert refused is not None
    assert (refused.message, refused.code) == ("m", "MESSAGE_INVALID")


def test_a_refusal_quotes_no_more_than_a_message_id() -> None:
    """An id beyond its limit is not sent back."""
    refused = unfit({"messageId": "m" * (MAX_MESSAGE + 1)})
    assert refused is not None
    assert refused.message == ""
    outcome = refusal(refused)
    assert (outcome.status, outcome.code, outcome.dropped) == (Status.REFUSED, "MESSAGE_TOO_LARGE", 0)
