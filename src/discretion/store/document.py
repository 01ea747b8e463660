"""Types of documents, and of positions in a sorted list of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
