"""Strategies for streams of messages: three sources, few people, shared identifiers, any time."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

USERS = ["u-1", "u-2", "u-3"]
TOKENS = ["t-1", "t-2"]
EMAILS = [
    "ann@post.example",
    "Bob@Post.example",
    "guest@post.example",
    "\N{LATIN SMALL LETTER U WITH DIAERESIS}n@post.example",
    None,
]
NAMES = ["Ann", "Bob", "Cleo", "", None]
STORES = ["leeds", "york"]
SOURCES = ["web-shop", "ios-app", "tills"]

SentMessage = tuple[str, dict[str, Any]]
"""A source and a message it sends."""


@st.composite
def message_streams(draw: st.DrawFn, max_size: int = 10) -> list[SentMessage]:
    """Draw messages with unique ids and explicit times, so that nothing depends on their arrival."""
    sent = draw(st.lists(message(), min_size=2, max_size=max_size))
    return [(source, {**body, "messageId": f"m{number}"}) for number, (source, body) in enumerate(sent)]


@st.composite
def message(draw: st.DrawFn) -> SentMessage:
    """Draw a message without an id."""
    source = draw(st.sampled_from(SOURCES))
    ids: dict[str, Any] = {"userId": draw(st.sampled_from(USERS))}
    if draw(st.booleans()):
        ids["anonymousId"] = draw(st.sampled_from(TOKENS))
    if draw(st.integers(0, 3)) == 0 and "anonymousId" in ids:
        del ids["userId"]
    day = draw(st.integers(1, 9))
    body = {**ids, "timestamp": f"2026-03-0{day}T10:00:00Z", "context": draw(_consent_contexts())}
    kind = draw(st.sampled_from(["identify", "identify", "track", "alias"]))
    if kind == "alias":
        return source, {**body, "type": "alias", "previousId": draw(st.sampled_from([*USERS, *TOKENS]))}
    if kind == "track":
        order = {"order_id": "o", "total": draw(st.sampled_from([1, "2.50", 19.99])), "storeId": "leeds"}
        if draw(st.booleans()):
            order["storeId"] = draw(st.sampled_from(STORES))
        return source, {**body, "type": "track", "event": "Order Completed", "properties": order}
    traits: dict[str, Any] = {}
    if draw(st.booleans()):
        traits["email"] = draw(st.sampled_from(EMAILS))
        if draw(st.booleans()):
            traits["emailVerified"] = True
    if draw(st.booleans()):
        traits["firstName"] = draw(st.sampled_from(NAMES))
    external_ids = draw(st.lists(_external_ids(), max_size=2))
    if external_ids:
        body["context"] = {**body["context"], "externalIds": external_ids}
    return source, {**body, "type": "identify", "traits": traits}


def _external_ids() -> st.SearchStrategy[dict[str, Any]]:
    named = st.tuples(st.sampled_from(["loyalty_id", "user_id"]), st.sampled_from(USERS)) | st.tuples(
        st.just("email"), st.sampled_from(EMAILS[:2])
    )
    return st.builds(
        lambda named, assurance: {"type": named[0], "id": named[1], "assurance": assurance},
        named,
        st.sampled_from(["proven", "presented", "claimed"]),
    )


def _consent_contexts() -> st.SearchStrategy[dict[str, Any]]:
    preferences = st.dictionaries(st.sampled_from(["marketing", "analytics"]), st.booleans(), max_size=2)
    return preferences.map(lambda choices: {"consent": {"categoryPreferences": choices}} if choices else {})
