"""What a batch says of all its messages holds for each, and what a message says itself stands."""

from __future__ import annotations

from typing import Any

import pytest

from discretion.domain.ingest.batch import MAX_SPREAD, messages
from discretion.domain.ingest.intake import MAX_MESSAGES
from discretion.errors import BadRequest, TooLarge

SENT = "2026-05-01T10:00:00Z"


def consent(**said: bool) -> dict[str, Any]:
    """A context with Segment's consent object."""
    return {"consent": {"categoryPreferences": said}}


def test_context_and_integrations_are_merged_into_each_message() -> None:
    """Also into one that has none, or null."""
    shared = {"context": {"locale": "de-DE"}, "integrations": {"All": False}}
    batch = [{"userId": "1"}, {"userId": "2", "context": None, "integrations": {"Mail": True}}]
    assert messages({"batch": batch, **shared}) == [
        {"userId": "1", **shared},
        {"userId": "2", "context": {"locale": "de-DE"}, "integrations": {"All": False, "Mail": True}},
    ]


def test_the_word_of_the_message_goes_before_that_of_the_batch() -> None:
    """Member by member: a no to one purpose does not drop the batch's no to another."""
    body = {
        "batch": [{"context": {**consent(marketing=True), "locale": "fr-FR"}}, {"context": "x"}],
        "context": {**consent(marketing=False, analytics=False), "locale": "de-DE", "ip": "::1"},
    }
    first, second = messages(body)
    assert first["context"] == {**consent(marketing=True, analytics=False), "locale": "fr-FR", "ip": "::1"}
    assert second["context"] == "x"


def test_when_the_batch_was_sent_holds_for_messages_that_do_not_say() -> None:
    """SDKs send it once, as they send the batch."""
    own = "2026-04-30T10:00:00Z"
    batch = [{}, {"sentAt": own}, {"sentAt": None}]
    assert [one["sentAt"] for one in messages({"batch": batch, "sentAt": SENT})] == [SENT, own, SENT]


def test_what_is_no_message_stays_what_it_is() -> None:
    """It is refused by itself, later; the batch is not changed."""
    batch = [7, "x", None, []]
    assert messages({"batch": batch, "context": {"a": 1}}) == batch
    kept: list[Any] = [{"context": {}}]
    messages({"batch": kept, "context": {"a": 1}, "writeKey": "k", "type": "track"})
    assert kept == [{"context": {}}]


def test_nothing_else_of_a_batch_reaches_its_messages() -> None:
    """A key or a type at the top is not the message's."""
    assert messages({"batch": [{"userId": "1"}], "writeKey": "k", "type": "track", "traits": {}}) == [
        {"userId": "1"}
    ]


DEEP: dict[str, Any] = {}
for _ in range(300):
    DEEP = {"x": DEEP}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"batch": None},
        {"batch": {"0": {}}},
        {"batch": [{}], "context": "x"},
        {"batch": [{}], "integrations": []},
        {"batch": [{}], "context": DEEP},
    ],
)
def test_what_is_no_batch_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as refused:
        messages(body)
    assert refused.value.code == "BATCH_INVALID"


def test_a_batch_has_a_size_it_may_have() -> None:
    """In messages, and in what merging makes of it: a large context times many messages."""
    most: list[Any] = [{}] * MAX_MESSAGES
    assert len(messages({"batch": most})) == MAX_MESSAGES
    assert len(messages({"batch": most, "context": {"x": "y" * 1_000}})) == MAX_MESSAGES
    for body in (
        {"batch": [*most, {}]},
        {"batch": most, "context": {"x": "y" * (MAX_SPREAD // MAX_MESSAGES)}},
    ):
        with pytest.raises(TooLarge) as refused:
            messages(body)
        assert refused.value.code == "BATCH_TOO_LARGE"
