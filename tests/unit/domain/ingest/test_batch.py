"""Members of a batch hold for each of its messages; a message's own members take precedence."""

from __future__ import annotations

from typing import Any

import pytest

from discretion.domain.ingest.batch import MAX_MERGED_BYTES, split_batch
from discretion.domain.ingest.intake import MAX_MESSAGES
from discretion.errors import BadRequest, TooLarge

SENT_AT = "2026-05-01T10:00:00Z"


def build_consent(**preferences: bool) -> dict[str, Any]:
    """Build a context with Segment's consent object."""
    return {"consent": {"categoryPreferences": preferences}}


def test_context_and_integrations_are_merged_into_each_message() -> None:
    """Also into a message that has none, or null."""
    shared = {"context": {"locale": "de-DE"}, "integrations": {"All": False}}
    batch = [{"userId": "1"}, {"userId": "2", "context": None, "integrations": {"Mail": True}}]
    assert split_batch({"batch": batch, **shared}) == [
        {"userId": "1", **shared},
        {"userId": "2", "context": {"locale": "de-DE"}, "integrations": {"All": False, "Mail": True}},
    ]


def test_a_messages_own_context_takes_precedence() -> None:
    """Member by member: a choice for one purpose does not remove the batch's no to another."""
    body = {
        "batch": [{"context": {**build_consent(marketing=True), "locale": "fr-FR"}}, {"context": "x"}],
        "context": {**build_consent(marketing=False, analytics=False), "locale": "de-DE", "ip": "::1"},
    }
    first, second = split_batch(body)
    assert first["context"] == {
        **build_consent(marketing=True, analytics=False),
        "locale": "fr-FR",
        "ip": "::1",
    }
    assert second["context"] == "x"


def test_sent_at_of_the_batch_holds_for_messages_without_one() -> None:
    """SDKs set it once, when they send the batch."""
    own_time = "2026-04-30T10:00:00Z"
    batch = [{}, {"sentAt": own_time}, {"sentAt": None}]
    assert [message["sentAt"] for message in split_batch({"batch": batch, "sentAt": SENT_AT})] == [
        SENT_AT,
        own_time,
        SENT_AT,
    ]


def test_an_item_that_is_not_a_message_is_unchanged() -> None:
    """It is refused later by itself; the batch is not modified."""
    batch = [7, "x", None, []]
    assert split_batch({"batch": batch, "context": {"a": 1}}) == batch
    messages: list[Any] = [{"context": {}}]
    split_batch({"batch": messages, "context": {"a": 1}, "writeKey": "k", "type": "track"})
    assert messages == [{"context": {}}]


def test_other_members_of_a_batch_do_not_reach_its_messages() -> None:
    """A key or a type of the batch is not the message's."""
    assert split_batch({"batch": [{"userId": "1"}], "writeKey": "k", "type": "track", "traits": {}}) == [
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
def test_an_invalid_batch_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as refusal:
        split_batch(body)
    assert refusal.value.code == "BATCH_INVALID"


def test_the_size_of_a_batch_is_limited() -> None:
    """In messages, and in bytes after merging: a large context times many messages."""
    messages: list[Any] = [{}] * MAX_MESSAGES
    assert len(split_batch({"batch": messages})) == MAX_MESSAGES
    assert len(split_batch({"batch": messages, "context": {"x": "y" * 1_000}})) == MAX_MESSAGES
    for body in (
        {"batch": [*messages, {}]},
        {"batch": messages, "context": {"x": "y" * (MAX_MERGED_BYTES // MAX_MESSAGES)}},
    ):
        with pytest.raises(TooLarge) as refusal:
            split_batch(body)
        assert refusal.value.code == "BATCH_TOO_LARGE"
