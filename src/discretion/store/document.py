"""Types of documents, and of positions in a sorted list of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeVar

Value = TypeVar("Value")
_log = logging.getLogger(__name__)

Document = Mapping[str, Any]
"""A document that is only read. The keys are explained beside the collections in ``schema``."""

MutableDocument = dict[str, Any]
"""A document under construction, or one that was read and belongs to the caller, who may change it."""

TimePosition = tuple[int, bytes]
"""A position in a list that is sorted by time, newest first: time (ms since 1970) and id.

The id orders documents of the same millisecond, so that no document is skipped or repeated between pages.
"""

Scalar = str | int | float | bool
OpenValue = Scalar | list[Scalar]
"""A value of an attribute that is stored readable."""

JsonValue: TypeAlias = "Scalar | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
"""A value without personal data that is stored and shown as it is, such as the result of a step."""


def select_values(values: Mapping[str, Value], attributes: Collection[str]) -> dict[str, Value]:
    """Return the values of these attributes, by attribute key; those without a value are left out."""
    return {key: value for key, value in values.items() if key in attributes}


def drop_unset(members: Document) -> MutableDocument:
    """Return the members that have a value; None stands for a member that is not stored."""
    return {name: value for name, value in members.items() if value is not None}


def encode_purpose(purpose: str) -> str:
    """Return the name of a member that stands for a purpose."""
    # MongoDB reads a dot in the name of a member as a path.
    return purpose.replace(".", "/")


def decode_purpose(name: str) -> str:
    """Return the purpose that a member stands for."""
    return name.replace("/", ".")


def build_date(ms: int) -> datetime:
    """Return a time (ms since 1970) as the date that MongoDB itself acts on."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def read_ms(date: datetime) -> int:
    """Return a stored date as ms since 1970."""
    return round(date.timestamp() * 1000)


def parse_readable(documents: Iterable[Document], parse: Callable[[Document], Value]) -> list[Value]:
    """Parse documents. One that cannot be parsed is logged and left out, so it holds up no other."""
    parsed = []
    for document in documents:
        try:
            parsed.append(parse(document))
        except (KeyError, TypeError, ValueError) as error:
            # Only the kind of error is logged: its text may contain personal data.
            _log.error("a stored document cannot be read (%s): %s", parse.__name__, type(error).__name__)
    return parsed
