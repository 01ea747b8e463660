"""What changed of a document, as the update that changes it: nothing else is written or indexed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Document = Mapping[str, Any]


def difference(before: Document, after: Document) -> dict[str, dict[str, Any]]:
    """The MongoDB update that makes ``before`` into ``after``; empty if nothing changed.

    Objects are compared by their names, one level down; names hold no dots.
    """
    given: dict[str, Any] = {}
    gone: dict[str, Any] = {}
    for key, new in after.items():
        old = before.get(key)
        if isinstance(new, Mapping) and isinstance(old, Mapping):
            given |= {f"{key}.{name}": value for name, value in new.items() if _other(old.get(name), value)}
            gone |= {f"{key}.{name}": "" for name in old.keys() - new.keys()}
        elif _other(old, new):
            given[key] = new
    gone |= dict.fromkeys(before.keys() - after.keys(), "")
    return {operator: told for operator, told in (("$set", given), ("$unset", gone)) if told}


def _other(old: Any, new: Any) -> bool:
    """Whether a value is another one; to Python, true is 1."""
    return old != new or isinstance(old, bool) is not isinstance(new, bool)
