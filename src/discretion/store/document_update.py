"""Minimal MongoDB updates: only changed members of a document are written and indexed again."""

from __future__ import annotations

from discretion.store.document import Document, MutableDocument


def build_document_update(before: Document, after: Document) -> dict[str, dict[str, object]]:
    """Return the ``$set`` and ``$unset`` operators that turn ``before`` into ``after``; may be empty.

    Nested objects are compared member by member, one level deep; member names must not contain dots.
    """
    set_members: dict[str, object] = {}
    unset_members: dict[str, object] = {}
    for key, value_after in after.items():
        value_before = before.get(key)
        if value_before is value_after:
            continue
        if isinstance(value_after, dict) and isinstance(value_before, dict):
            set_members |= {
                f"{key}.{name}": value
                for name, value in value_after.items()
                if _differs(value_before.get(name), value)
            }
            unset_members |= {f"{key}.{name}": "" for name in value_before.keys() - value_after.keys()}
        elif _differs(value_before, value_after):
            set_members[key] = value_after
    unset_members |= dict.fromkeys(before.keys() - after.keys(), "")
    return {
        operator: members
        for operator, members in (("$set", set_members), ("$unset", unset_members))
        if members
    }


def list_changed_members(before: Document, after: Document) -> MutableDocument:
    """Return the members that differ, as they are in ``after``; None for those that it lacks."""
    changed = {name: value for name, value in after.items() if _differs(before.get(name), value)}
    return changed | dict.fromkeys(before.keys() - after.keys())


def _differs(value_before: object, value_after: object) -> bool:
    """Return whether two values differ; Python treats True and 1 as equal, MongoDB does not."""
    return value_before != value_after or isinstance(value_before, bool) is not isinstance(value_after, bool)
