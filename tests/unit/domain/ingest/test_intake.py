"""Messages that are refused before they are read, and the outcome of each."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from discretion.domain.ingest.intake import MAX_MESSAGE_BYTES, build_refused_outcome, precheck_message
from discretion.domain.ingest.message import IngestStatus
from tests.fixtures.validator import build_validator
from tests.unit.domain.ingest.messages import CATALOGUE, NOW

VALIDATOR = build_validator(CATALOGUE)
WEB = CATALOGUE.sources["web-shop"]
FRAME_BYTES = len(orjson.dumps({"messageId": "m", "x": ""}))


def build_sized_message(size: int) -> dict[str, Any]:
    """Build a message of so many bytes."""
    return {"messageId": "m", "x": "y" * (size - FRAME_BYTES)}


def build_nested_message(depth: int) -> dict[str, Any]:
    """Build a message of objects nested to a depth."""
    message: dict[str, Any] = {"messageId": "m"}
    for _ in range(depth):
        message = {"messageId": "m", "x": message}
    return message


def test_a_message_may_have_32_kb_and_no_byte_more() -> None:
    """Bytes count, not characters."""
    assert precheck_message(build_sized_message(MAX_MESSAGE_BYTES)) is None
    too_large = precheck_message(build_sized_message(MAX_MESSAGE_BYTES + 1))
    assert too_large is not None
    assert too_large.code == "MESSAGE_TOO_LARGE"
    wide = precheck_message({"x": "\N{SNOWMAN}" * (MAX_MESSAGE_BYTES // 3)})
    assert wide is not None
    assert wide.code == "MESSAGE_TOO_LARGE"


@pytest.mark.parametrize(
    "message", [build_nested_message(300), {"messageId": "m", "x": 2**64}, {"messageId": "m", "x": "\ud800"}]
)
def test_a_message_whose_size_cannot_be_computed_is_refused(message: dict[str, Any]) -> None:
    """Excessive depth, and numbers and texts that JSON parsers read differently."""
    refused = precheck_message(message)
    assert refused is not None
    assert refused.code == "MESSAGE_INVALID"


def test_a_refusal_contains_at_most_a_valid_message_id() -> None:
    """An id beyond its limit is not returned."""
    message = {"messageId": "m" * (MAX_MESSAGE_BYTES + 1)}
    rejection = precheck_message(message)
    assert rejection is not None
    refused = VALIDATOR.refuse(WEB, message, NOW, rejection, gpc=False)
    assert refused.message_id == ""
    outcome = build_refused_outcome(refused)
    assert (outcome.status, outcome.code, outcome.dropped) == (IngestStatus.REFUSED, "MESSAGE_TOO_LARGE", 0)


@pytest.mark.parametrize(
    "large", [{"x": "y" * MAX_MESSAGE_BYTES}, {"traits": {"hobby": "z" * 40_000}}, build_nested_message(300)]
)
def test_statements_of_a_message_that_is_too_large_stand(large: dict[str, Any]) -> None:
    """Its size is a reason not to store the rest."""
    message = {**large, "type": "identify", "userId": "u1", "context": {"gpc": True}}
    rejection = precheck_message(message)
    assert rejection is not None
    refused = VALIDATOR.refuse(WEB, message, NOW, rejection, gpc=False)
    assert refused.statements is not None
    assert refused.statements.signals == {"gpc"}
    assert not refused.statements.values
