"""How a collection is declared: what a document looks like, how it is found, whose data it is, when it goes.

MongoDB refuses a document that does not fit, at the top level down to every name, so that
personal data cannot come to lie where the inventory does not know of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Schema = Mapping[str, Any]

BINARY: Schema = {"bsonType": "binData"}
TEXT: Schema = {"bsonType": "string"}
FLAG: Schema = {"bsonType": "bool"}
WHOLE: Schema = {"bsonType": ["int", "long"]}  # the drivers pick by magnitude
TIME: Schema = WHOLE  # milliseconds since 1970, UTC
NUMBER: Schema = {"bsonType": "double"}
DATE: Schema = {"bsonType": "date"}  # where MongoDB itself acts on a time
SCALAR: Schema = {"bsonType": ["string", "int", "long", "double", "bool"]}
VALUE: Schema = {"anyOf": [SCALAR, {"bsonType": "array", "items": SCALAR}]}


def many(item: Schema) -> Schema:
    """A list of one kind of thing."""
    return {"bsonType": "array", "items": item}


def by_name(value: Schema) -> Schema:
    """An object whose names are data: attributes or purposes."""
    return {"bsonType": "object", "additionalProperties": value}


def exactly(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """An object with these members and no other."""
    return {
        "bsonType": "object",
        "required": list(required),
        "additionalProperties": False,
        "properties": {**required, **(optional or {})},
    }


CHOICE = exactly({"g": FLAG, "t": TIME, "m": TEXT}, {"u": TIME})
SIGNAL = exactly({"f": TIME, "t": TIME})
PLACE = exactly({"c": TEXT, "t": TIME, "m": TEXT})
NAMED = exactly({"e": BINARY, "k": TEXT, "t": TIME, "w": WHOLE, "c": BINARY})
FORMER = exactly({"id": BINARY, "key": BINARY})
CELL = exactly({"t": TIME, "m": TEXT}, {"c": BINARY, "v": VALUE, "b": TIME})


@dataclass(frozen=True, slots=True)
class Index:
    """One index. ``partial`` limits it to documents that match.

    With ``expire_s`` MongoDB deletes a document that many seconds after the date under the key; with
    ``unique`` it refuses a second with the same key.
    """

    keys: tuple[tuple[str, int], ...]
    partial: Mapping[str, Any] | None = None
    prefix: str = ""
    expire_s: int | None = None
    unique: bool = False

    @property
    def name(self) -> str:
        """Tells its definition, so that a changed index is another index."""
        keys = "_".join(f"{key}_{direction}" for key, direction in self.keys)
        expire = "" if self.expire_s is None else f"_expire_{self.expire_s}"
        unique = "_unique" if self.unique else ""
        return f"{self.prefix}{keys}{'_partial' if self.partial else ''}{unique}{expire}"

    def definition(self) -> dict[str, Any]:
        """As ``createIndexes`` takes it."""
        partial = {"partialFilterExpression": dict(self.partial)} if self.partial else {}
        expire = {} if self.expire_s is None else {"expireAfterSeconds": self.expire_s}
        unique = {"unique": True} if self.unique else {}
        return {"name": self.name, "key": dict(self.keys), **partial, **unique, **expire}


@dataclass(frozen=True, slots=True)
class Collection:
    """One collection. ``holds`` and ``erasure`` are its entry in the inventory of personal data."""

    name: str
    holds: str
    erasure: str
    schema: Schema = field(repr=False)
    indexes: tuple[Index, ...] = ()

    @property
    def inventory(self) -> str:
        """What personal data it may hold, and what an erasure does to them."""
        return f"{self.holds} {self.erasure}"

    def validator(self) -> dict[str, Any]:
        """As ``create`` and ``collMod`` take it."""
        return {"$jsonSchema": dict(self.schema)}
