"""Whatever a sender sends, counting its violations neither fails nor grows without limit."""

from __future__ import annotations

from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from discretion.domain.ingest.intake import validate_message
from discretion.domain.ingest.tracking_plan.violation_recorder import MAX_PENDING, ViolationRecorder
from discretion.seal.blind_index import BlindIndex
from discretion.store.tracking_plan_violations import TrackingPlanViolationStore
from tests.fixtures.validator import build_validator
from tests.unit.domain.ingest.messages import CATALOGUE, NOW

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | ANY_TEXT,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(ANY_TEXT, children, max_size=3),
    max_leaves=8,
)
MEMBERS = ("type", "event", "userId", "messageId", "traits", "properties", "context", "purposes", "timestamp")
MESSAGES = st.dictionaries(st.sampled_from(MEMBERS), ANY_JSON) | ANY_JSON
TYPES = st.sampled_from(["track", "identify", "page", "group", "alias", "consent", 7])


def build_recorder() -> ViolationRecorder:
    """Build a recorder that is never flushed, so that it needs no store."""
    store = cast(TrackingPlanViolationStore, None)
    return ViolationRecorder(CATALOGUE, store, BlindIndex(bytes(32)), lambda: NOW)


def record(recorder: ViolationRecorder, raw: Any) -> None:
    source = CATALOGUE.sources["web-shop"]
    recorder.record(source, [(raw, validate_message(build_validator(CATALOGUE), source, raw, NOW))])


@given(MESSAGES, TYPES)
def test_any_json_is_counted(message: Any, message_type: object) -> None:
    recorder = build_recorder()
    record(recorder, message)
    if isinstance(message, dict):
        record(recorder, {**message, "type": message_type, "userId": "u"})


def test_names_that_wait_are_limited() -> None:
    recorder = build_recorder()
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    names = [f"{a}{b}{c}" for a in alphabet for b in alphabet for c in alphabet][: MAX_PENDING + 500]
    for start in range(0, len(names), 50):
        properties = {"product_id": "p", **dict.fromkeys(names[start : start + 50], 1)}
        message = {"type": "track", "userId": "u", "event": "Product Viewed", "properties": properties}
        record(recorder, message)
    # One more, which counts all the others together.
    assert len(recorder._pending) == MAX_PENDING + 1
