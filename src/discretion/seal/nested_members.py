"""Members of an object, and of the objects in it, as they are sealed together in one cell."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

MemberName = tuple[str, str]
"""The name of a member, and of a member of the objects in it; the latter is empty for all of it."""


def leave_out_members(value: Mapping[str, Any], names: Collection[MemberName]) -> dict[str, Any]:
    """Return an object without some members, and the objects in it without some of theirs."""
    inner_names: dict[str, set[str]] = {}
    for name, inner in names:
        inner_names.setdefault(name, set()).add(inner)
    return {
        name: _leave_out_inner(member, inner_names.get(name, ()))
        for name, member in value.items()
        if "" not in inner_names.get(name, ())
    }


def _leave_out_inner(member: Any, names: Collection[str]) -> Any:
    if isinstance(member, list):
        return [_leave_out_inner(item, names) for item in member]
    if not isinstance(member, dict):
        return member
    return {name: value for name, value in member.items() if name not in names}


def count_members(value: Mapping[str, Any]) -> int:
    """Return the number of members of an object and of the objects in it."""
    items = [item for member in value.values() for item in (member if isinstance(member, list) else [member])]
    return len(value) + sum(len(item) for item in items if isinstance(item, dict))
