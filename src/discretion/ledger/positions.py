"""The order in which entries became durable, without a clock and without waiting for other processes.

There are 16 lanes. A process writes to one lane, and each of its entries takes the next position there. A
unique index lets two processes never take the same position, so a lane has no gap into which an entry could
come late: whoever has read a lane up to some position has read everything in it that will ever be below. A
writer that does not know whether its last write was applied leaves the lane.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

LANES = 16
LANE_BITS = 48
"""A position is ``lane << 48 | number of the entry in the lane``."""

Watermarks = tuple[int, ...]
"""For each lane, the highest position up to which all is done."""


def begin_watermarks() -> Watermarks:
    """Return the positions before the first entry of each lane."""
    return tuple(lane << LANE_BITS for lane in range(LANES))


def find_lane(position: int) -> int:
    """Return the lane of a position."""
    return position >> LANE_BITS


def match_lane(lane: int) -> Mapping[str, int]:
    """Return the condition on positions of one lane."""
    return {"$gt": lane << LANE_BITS, "$lt": lane + 1 << LANE_BITS}


def match_after(watermarks: Watermarks) -> dict[str, object]:
    """Return a query for the entries after the watermarks."""
    return {
        "$or": [
            {"n": {"$gt": watermark, "$lt": lane + 1 << LANE_BITS}}
            for lane, watermark in enumerate(watermarks)
        ]
    }


def raise_watermarks(watermarks: Watermarks, positions: Sequence[int]) -> Watermarks:
    """Return the watermarks after the entries at these positions are done as well."""
    highest = list(watermarks)
    for position in positions:
        lane = find_lane(position)
        highest[lane] = max(highest[lane], position)
    return tuple(highest)
