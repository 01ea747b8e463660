"""How a collection is declared: the form of a document, its indexes, and what personal data it may hold.

MongoDB refuses a document that does not match, down to every member name. So personal data cannot be stored
in a place that the map of places (``store.places``) does not list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Schema = Mapping[str, Any]

BINARY: Schema = {"bsonType": "binData"}
TEXT: Schema = {"bsonType": "string"}
BOOLEAN: Schema = {"bsonType": "bool"}
INTEGER: Schema = {"bsonType": ["int", "long"]}  # the drivers pick by magnitude
TIME: Schema = INTEGER  # milliseconds since 1970, UTC
NUMBER: Schema = {"bsonType": "double"}
NUMBER_PATTERN = "^[1-9][0-9]*$"
"""Names of members that are numbers of attributes."""
DATE: Schema = {"bsonType": "date"}  # where MongoDB itself acts on a time
SCALAR: Schema = {"bsonType": ["string", "int", "long", "double", "bool"]}
OPEN_VALUE: Schema = {"anyOf": [SCALAR, {"bsonType": "array", "items": SCALAR}]}
_SUM: Schema = {"bsonType": "array", "items": SCALAR}
STORED_VALUE: Schema = {
    "anyOf": [BINARY, SCALAR, {"bsonType": "array", "items": SCALAR}, {"bsonType": "array", "items": _SUM}]
}
"""A sealed cell, an open value, or sums of money by currency: arrays of minor units and currency."""


def array_of(item: Schema) -> Schema:
    """Return the schema of an array whose items have one schema."""
    return {"bsonType": "array", "items": item}


def map_of(value: Schema) -> Schema:
    """Return the schema of an object whose member names are data, such as attribute keys or purposes."""
    return {"bsonType": "object", "additionalProperties": value}


def object_of(
    required: Mapping[str, Schema],
    optional: Mapping[str, Schema] | None = None,
    patterns: Mapping[str, Schema] | None = None,
) -> Schema:
    """Return the schema of an object with exactly these members, and those whose name fits a pattern."""
    return {
        "bsonType": "object",
        **({"required": list(required)} if required else {}),  # MongoDB refuses an empty list
        "additionalProperties": False,
        "properties": {**required, **(optional or {})},
        **({"patternProperties": dict(patterns)} if patterns else {}),
    }


def map_of_numbers(value: Schema) -> Schema:
    """Return the schema of an object whose member names are numbers of attributes."""
    return object_of({}, patterns={NUMBER_PATTERN: value})


CHOICE = object_of({"g": BOOLEAN, "t": TIME, "m": TEXT}, {"u": TIME, "r": TIME})
"""A statement about a purpose: ``g`` whether the person agreed (granted), ``t`` when (ms), ``m`` the
message's id, ``u`` until when the acceptance is valid, ``r`` when the latest refusal before it was made (ms).
"""
AMBIENT_CHOICE = object_of({}, {"f": TIME, "l": TIME, "n": TIME, "d": TIME})
"""What a source repeats about a purpose: ``f`` and ``l`` when it was accepted first and last, ``n``
when it was refused last, ``d`` the latest date of an acceptance that has one of its own (ms).
"""
SIGNAL = object_of({"f": TIME, "t": TIME})
"""An opt-out signal: ``f`` when it was first received, ``t`` when it was last received (ms)."""
LOCATION = object_of({"c": TEXT, "t": TIME, "m": TEXT})
"""Where a device was seen: ``c`` the country (ISO 3166-1), ``t`` when (ms), ``m`` the message's id."""
IDENTIFIER_MENTION = object_of(
    {"e": BINARY, "k": TEXT, "c": BINARY},
    {"p": TIME, "h": TIME, "t": TIME, "o": BOOLEAN, "f": TIME, "l": TIME},
)
"""An identifier that a source record names: ``e`` its blind index (entry), ``k`` its type (kind), ``c`` its
sealed value (cell); the earliest time it was proven (``p``), presented (``h``, in somebody's hand) and
claimed (``t``, typed) in ms; ``o`` true for the source's own id of the person; ``f`` and ``l`` when it was
first and last the value of an attribute (ms).
"""
FORMER_CUSTOMER = object_of({"i": BINARY, "k": BINARY})
"""A customer that was merged into another: ``id``, and ``key``, its wrapped data key."""
CELL = object_of(
    {"t": TIME, "m": TEXT},
    {
        "c": BINARY,
        "v": OPEN_VALUE,
        "b": TIME,
        "q": BOOLEAN,
        "e": object_of({"t": TIME, "m": TEXT}, {"b": TIME}),
    },
)
"""A value of an attribute in a source record: ``t`` when it was observed (ms), ``m`` the message's id, and
either ``c`` the sealed value (cell) or ``v`` the open value. ``b`` is a birth date as UTC midnight (ms), kept
open only of people who may be children, because the law that protects them depends on it. ``q`` is true for
an address that was only claimed. ``e`` is what was stated last of a birth date that was removed.
"""


@dataclass(frozen=True, slots=True)
class Index:
    """One index. ``partial`` limits it to documents that match.

    With ``expire_s``, MongoDB deletes a document that many seconds after the date under the key. With
    ``unique``, it refuses a second document with the same key.
    """

    keys: tuple[tuple[str, int], ...]
    partial: Mapping[str, Any] | None = None
    prefix: str = ""
    expire_s: int | None = None
    unique: bool = False

    @property
    def name(self) -> str:
        """A name derived from the definition, so that a changed index is a different index."""
        keys = "_".join(f"{key}_{direction}" for key, direction in self.keys)
        expire = "" if self.expire_s is None else f"_expire_{self.expire_s}"
        unique = "_unique" if self.unique else ""
        return f"{self.prefix}{keys}{'_partial' if self.partial else ''}{unique}{expire}"

    def build_definition(self) -> dict[str, Any]:
        """Return the definition for ``createIndexes``."""
        partial = {"partialFilterExpression": dict(self.partial)} if self.partial else {}
        expire = {} if self.expire_s is None else {"expireAfterSeconds": self.expire_s}
        unique = {"unique": True} if self.unique else {}
        return {"name": self.name, "key": dict(self.keys), **partial, **unique, **expire}


@dataclass(frozen=True, slots=True)
class Collection:
    """One collection. ``contents`` says what personal data it may hold; the map of places says the rest."""

    name: str
    contents: str
    schema: Schema = field(repr=False)
    indexes: tuple[Index, ...] = ()

    def build_validator(self) -> dict[str, Any]:
        """Return the validator for ``create`` and ``collMod``."""
        return {"$jsonSchema": dict(self.schema)}
