"""A batch (Segment's HTTP API) -> its messages, each with what the batch says of all of them.

``context`` and ``integrations`` are merged into each message, member by member, and what a message
says itself stands. ``sentAt`` holds for those that have none: SDKs send it once, with the batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from discretion.domain.ingest.intake import few_enough, weight
from discretion.errors import BadRequest, TooLarge

MAX_SPREAD = 5 * 1024 * 1024
"""Bytes that a batch's own members may come to, merged into every message."""

_MERGED = ("context", "integrations")
_DEPTH = 5
"""From a message down to ``context.consent.categoryPreferences.<purpose>``."""


def messages(body: Mapping[str, Any]) -> list[Any]:
    """The messages of a batch, as if each had been sent alone.

    Raises:
        BadRequest: ``BATCH_INVALID``; TooLarge: ``BATCH_TOO_LARGE``.
    """
    batch = body.get("batch")
    if not isinstance(batch, list):
        raise _invalid("A batch holds its messages as a list in 'batch'.")
    few_enough(batch)
    shared = _shared(body)
    if not shared:
        return batch
    size = weight(shared)
    if size is None:
        raise _invalid("A batch's context is nested too deeply, or holds what JSON cannot.")
    if size * len(batch) > MAX_SPREAD:
        raise TooLarge(
            "BATCH_TOO_LARGE",
            f"Merged into every message, the batch's context has more than {MAX_SPREAD:,} bytes.",
            "Send less of it, or fewer messages.",
        )
    return [_merged(shared, one, _DEPTH) if isinstance(one, dict) else one for one in batch]


def _shared(body: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: body[name] for name in (*_MERGED, "sentAt") if body.get(name) is not None}
    for name in _MERGED:
        if not isinstance(given.get(name, {}), dict):
            raise _invalid(f"A batch's {name} is a JSON object.")
    return given


def _merged(shared: Any, own: Any, depth: int) -> Any:
    if depth == 0 or not isinstance(shared, dict) or not isinstance(own, dict):
        return shared if own is None else own
    return {**shared, **{name: _merged(shared.get(name), value, depth - 1) for name, value in own.items()}}


def _invalid(why: str) -> BadRequest:
    return BadRequest("BATCH_INVALID", why)
