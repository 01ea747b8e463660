"""The names of a stored customer's members, for queries and projections. The legend is in ``store.schema``.

A customer is stored flat. An attribute's member is its number, with the sealed cell or the open value; the
time of an open value stands beside it. Members that few reads need are objects by number.
"""

from __future__ import annotations

from typing import Final

from discretion.catalogue.model import Attribute

VERSION: Final = "v"
ALLOW: Final = "a"
UNTIL: Final = "u"
LATER: Final = "l"
KINDS: Final = "n"
RULES: Final = "r"
LAWS: Final = "j"
RESTRICTED: Final = "s"
WRAPPED_KEY: Final = "k"
CREATED: Final = "b"
UPDATED: Final = "w"
FORMER: Final = "f"
FORMER_ID: Final = "i"
FORMER_KEY: Final = "k"
CONTESTS: Final = "q"
CONTESTED: Final = "c"
PROVENANCE: Final = "p"
ASSURANCE: Final = "h"
TIME_SUFFIX: Final = "t"
"""What the name of an open value's time has after the number."""


def name_time(key: str) -> str:
    """Return the member with the time of an open value, by the attribute's key."""
    return key + TIME_SUFFIX


def name_provenance(key: str) -> str:
    """Return the path of a value's source, by the attribute's key."""
    return f"{PROVENANCE}.{key}"


def name_assurance(key: str) -> str:
    """Return the path of the rank of an address that is not proven, by the attribute's key."""
    return f"{ASSURANCE}.{key}"


def name_contested(key: str) -> str:
    """Return the path of a contested value, by the attribute's key."""
    return f"{CONTESTED}.{key}"


def name_kind(kind: str) -> str:
    """Return the path of what a customer permits for a sensitive kind of data."""
    return f"{KINDS}.{kind}"


def list_value_members(attribute: Attribute) -> tuple[str, ...]:
    """Return the members that hold an attribute's value, and what it takes to judge it."""
    if attribute.sealed:
        return (attribute.key, *map(name_kind, attribute.kinds))
    return (attribute.key, name_time(attribute.key))
