"""The GraphQL types of a customer, built from the catalogue.

One attribute of the catalogue is one field here. The resolvers exist for stock execution, which
is what the compiled path is tested against; both end in the same reading.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from typing import Any

import strawberry
from strawberry.types import Info
from strawberry.types.field import StrawberryField

from discretion.catalogue.model import Attribute, Catalogue
from discretion.domain.kit.graphql.context import Context
from discretion.domain.kit.graphql.directives import Personal
from discretion.domain.kit.graphql.scalars import PYTHON_TYPES
from discretion.reveal.revealer import Row


@strawberry.interface(description="Something with an id of its own.")
class Node:
    """Relay's Object Identification."""

    id: strawberry.ID = strawberry.field(description="Opaque, and good only for the client it was given to.")

    @classmethod
    def resolve_type(cls, _value: Any, _info: Any, _abstract: Any) -> str:
        """Customers are the only nodes so far."""
        return "Customer"


def customer_type(catalogue: Catalogue, live: Sequence[StrawberryField]) -> type:
    """The ``Customer`` type: its id, one field for each group, and the ``live`` fields."""
    fields: list[StrawberryField] = [_identity()]
    for key, group in catalogue.groups.items():
        inner = _object_type(catalogue, key, group.description)
        fields.append(_object_field(key, inner, group.description))
    namespace: dict[str, Any] = {"is_type_of": classmethod(lambda _cls, value, _info: isinstance(value, Row))}
    description = (
        "One person, as the web, the store and the app know them together. Every attribute may be null: "
        "whether because there is no value or because it may not be revealed is not told apart, see "
        "`extensions.disclosure`."
    )
    return object_type("Customer", [*fields, *live], description, (Node,), namespace)


def object_type(
    name: str,
    fields: Sequence[StrawberryField],
    description: str,
    bases: tuple[type, ...] = (),
    extra: dict[str, Any] | None = None,
) -> type:
    """A Strawberry type of these fields; ``extra`` goes into the class as it is."""
    namespace: dict[str, Any] = dict(extra or {})
    namespace["__annotations__"] = {}
    for one in fields:
        python_name = one.python_name or one.graphql_name or ""
        namespace[python_name] = one
        namespace["__annotations__"][python_name] = one.type
    made = types.new_class(name, bases, {}, lambda into: into.update(namespace))
    return strawberry.type(made, description=description)


def pascal(path: str) -> str:
    """``contact.address`` as a type name: ``ContactAddress``."""
    return "".join(step[:1].upper() + step[1:] for step in path.split("."))


def _object_type(catalogue: Catalogue, prefix: str, description: str) -> type:
    fields: list[StrawberryField] = []
    inner_objects: set[str] = set()
    for attribute in catalogue.attributes.values():
        if not attribute.path.startswith(prefix + "."):
            continue
        step, _, below = attribute.path[len(prefix) + 1 :].partition(".")
        if not below:
            fields.append(_attribute_field(step, attribute))
        elif step not in inner_objects:
            inner_objects.add(step)
            path = f"{prefix}.{step}"
            words = catalogue.objects.get(path, "")
            fields.append(_object_field(step, _object_type(catalogue, path, words), words))
    return object_type(pascal(prefix), fields, description)


def _identity() -> StrawberryField:
    def resolve(root: Any, info: Info[Context, None]) -> strawberry.ID:
        name: str = info.context.meeting().name(root.id)
        return strawberry.ID(name)

    return _field(resolve, "id", strawberry.ID, "Opaque, and good only for the client it was given to.")


def _object_field(name: str, inner: type, description: str) -> StrawberryField:
    def resolve(root: Any) -> Any:
        return root

    return _field(resolve, name, inner, description)


def _attribute_field(name: str, attribute: Attribute) -> StrawberryField:
    def resolve(root: Any, info: Info[Context, None]) -> Any:
        return info.context.meeting().value(root, attribute)

    one: Any = PYTHON_TYPES[attribute.type]
    kind = list[one] | None if attribute.many else one | None
    directive = Personal(category=attribute.category, purposes=[use.purpose.key for use in attribute.uses])
    return _field(resolve, name, kind, attribute.description, [directive])


def _field(
    resolve: Callable[..., Any], name: str, kind: Any, description: str, directives: Sequence[object] = ()
) -> StrawberryField:
    made: Any = strawberry.field(
        resolver=resolve, name=name, graphql_type=kind, description=description, directives=directives
    )
    made.python_name = name
    return made  # type: ignore[no-any-return]
