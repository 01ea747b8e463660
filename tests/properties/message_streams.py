"""Streams of messages as reality sends them: three sources, few people, shared ids, any time."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

USERS = ["u-1", "u-2", "u-3"]
TOKENS = ["t-1", "t-2"]
EMAILS = ["ann@post.example", "Bob@Post.example", "guest@post.example"]
NAMES = ["Ann", "Bob", "Cleo"]
STORES = ["leeds", "york"]
SOURCES = ["web-shop", "ios-app", "tills"]

Sent = tuple[str, dict[str, Any]]
"""A source and its message."""


@st.composite
def streams(draw: st.DrawFn, most: int = 10) -> list[Sent]:
    """Messages with ids of their own and explicit times, so that nothing hangs on arrival."""
    sent = draw(st.lists(message(), min_size=2, max_size=most))
    return [(source, {**body, "messageId": f"m{n}"}) for n, (source, body) in enumerate(sent)]


@st.composite
def message(draw: st.DrawFn) -> Sent:
    """A message without an id."""
    source = draw(st.sampled_from(SOURCES))
    ids: dict[str, Any] = {"userId": draw(st.sampled_from(USERS))}
    if draw(st.booleans()):
        ids["anonymousId"] = draw(st.sampled_from(TOKENS))
    if draw(st.integers(0, 3)) == 0 and "anonymousId" in ids:
        del ids["userId"]
    day = draw(st.integers(1, 9))
    body = {**ids, "timestamp": f"2026-03-0{day}T10:00:00Z", "context": draw(_consent())}
    kind = draw(st.sampled_from(["identify", "identify", "track", "alias"]))
    if kind == "alias":
        return source, {**body, "type": "alias", "previousId": draw(st.sampled_from([*USERS, *TOKENS]))}
    if kind == "track":
        bought = {"order_id": "o", "total": draw(st.sampled_from([1, "2.50", 19.99])), "storeId": "leeds"}
        if draw(st.booleans()):
            bought["storeId"] = draw(st.sampled_from(STORES))
        return source, {**body, "type": "track", "event": "Order Completed", "properties": bought}
    traits: dict[str, Any] = {}
    if draw(st.booleans()):
        traits["email"] = draw(st.sampled_from(EMAILS))
    if draw(st.booleans()):
        traits["firstName"] = draw(st.sampled_from(NAMES))
    return source, {**body, "type": "identify", "traits": traits}


def _consent() -> st.SearchStrategy[dict[str, Any]]:
    said = st.dictionaries(st.sampled_from(["marketing", "analytics"]), st.booleans(), max_size=2)
    return said.map(lambda one: {"consent": {"categoryPreferences": one}} if one else {})
