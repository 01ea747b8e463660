"""The stored form of the statements in a source record; the legend is in ``schema.declaration``."""

from __future__ import annotations

from collections.abc import Mapping

from discretion.purpose.statements import AmbientChoice
from discretion.store.document import Document, MutableDocument, decode_purpose, drop_unset
from discretion.store.source_record import Choice


def encode_choice(choice: Choice) -> MutableDocument:
    """Build the stored form of a statement."""
    ends = drop_unset({"u": choice.until, "r": choice.refused_at})
    return {"g": choice.permits, "t": choice.at, "m": choice.message, **ends}


def parse_choices(choices: Mapping[str, Document]) -> dict[str, Choice]:
    """Parse statements by purpose."""
    if not choices:  # as of nearly all records
        return {}
    return {
        decode_purpose(name): Choice(choice["g"], choice["t"], choice["m"], choice.get("u"), choice.get("r"))
        for name, choice in choices.items()
    }


def encode_ambient_choice(choice: AmbientChoice) -> MutableDocument:
    """Build the stored form of what a source repeats."""
    return drop_unset(
        {
            "f": choice.accepted_first,
            "l": choice.accepted_last,
            "n": choice.refused_last,
            "d": choice.dated,
        }
    )


def parse_ambient_choices(choices: Mapping[str, Document]) -> dict[str, AmbientChoice]:
    """Parse what a source repeats, by purpose."""
    if not choices:
        return {}
    return {
        decode_purpose(name): AmbientChoice(
            choice.get("f"), choice.get("l"), choice.get("n"), choice.get("d")
        )
        for name, choice in choices.items()
    }
