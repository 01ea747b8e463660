"""Splitting of a batch (Segment's HTTP API) into messages.

``context`` and ``integrations`` of the batch are merged into each message, member by member; a message's own
value wins. ``sentAt`` of the batch applies to messages that have none: SDKs send it once for the batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from discretion.domain.ingest.intake import check_message_count, measure_json
from discretion.errors import BadRequest, TooLarge

MAX_MERGED_BYTES = 5 * 1024 * 1024
"""The most bytes that the batch's own members may take, added up over every message they are merged into."""

_MERGED_MEMBERS = ("context", "integrations")
_MERGE_DEPTH = 5
"""Levels that are merged: from the message down to ``context.consent.categoryPreferences.<purpose>``."""


def split_batch(body: Mapping[str, object]) -> list[Any]:
    """Return the messages of a batch, each as if it had been sent alone.

    Raises:
        BadRequest: ``BATCH_INVALID``.
        TooLarge: ``BATCH_TOO_LARGE``.
    """
    batch = body.get("batch")
    if not isinstance(batch, list):
        raise _build_batch_error("A batch holds its messages as a list in 'batch'.")
    check_message_count(batch)
    shared = _read_shared_members(body)
    if not shared:
        return batch
    size = measure_json(shared)
    if size is None:
        raise _build_batch_error("A batch's context is nested too deeply, or holds what JSON cannot.")
    # Without this limit, a body within its own limit could grow by the number of its messages.
    if size * len(batch) > MAX_MERGED_BYTES:
        raise TooLarge(
            "BATCH_TOO_LARGE",
            f"Merged into every message, the batch's context has more than {MAX_MERGED_BYTES:,} bytes.",
            "Send less of it, or fewer messages.",
        )
    return [
        _merge_member(shared, message, _MERGE_DEPTH) if isinstance(message, dict) else message
        for message in batch
    ]


def _read_shared_members(body: Mapping[str, object]) -> dict[str, object]:
    shared = {name: body[name] for name in (*_MERGED_MEMBERS, "sentAt") if body.get(name) is not None}
    for name in _MERGED_MEMBERS:
        if not isinstance(shared.get(name, {}), dict):
            raise _build_batch_error(f"A batch's {name} is a JSON object.")
    return shared


def _merge_member(shared: object, message_value: object, depth: int) -> object:
    if depth == 0 or not isinstance(shared, dict) or not isinstance(message_value, dict):
        return shared if message_value is None else message_value
    return {
        **shared,
        **{name: _merge_member(shared.get(name), value, depth - 1) for name, value in message_value.items()},
    }


def _build_batch_error(reason: str) -> BadRequest:
    return BadRequest("BATCH_INVALID", reason)
