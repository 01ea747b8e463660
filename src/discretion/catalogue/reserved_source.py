"""The names of sources that stand for something else than a sender."""

from __future__ import annotations

from collections.abc import Mapping

from discretion.catalogue.model import Channel, Source

CORRECTION_SOURCE = Source(
    key="self",
    channel=Channel.WEB,
    label="The customer",
    user_id="",
    anonymous_id="",
    priority=-1,
)
"""The source of values that a customer corrected. It wins over every sender, and no sender can be registered
under its name. Its channel is never read."""

COMPUTED_SOURCE = "computed"
"""Stands for the source of a value that is computed from events."""

RESERVED_SOURCES: Mapping[str, str] = {
    CORRECTION_SOURCE.key: "stands for what a customer corrected",
    COMPUTED_SOURCE: "stands for what is computed from events",
}
"""Names that no source may have, each with the reason."""
