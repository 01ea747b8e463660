"""The GraphQL types of a customer, built from the catalogue: one attribute is one field.

Production operations run compiled plans. The resolvers here serve graphql-core's standard execution, which
the compiled plans are tested against; both read through the same ``Reading``.
"""

from __future__ import annotations

import types
from collections.abc import Sequence
from typing import Any

import strawberry
from strawberry.types.field import StrawberryField

from discretion.catalogue.model import Attribute, Catalogue
from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.kit.graphql.directives import Personal
from discretion.domain.kit.graphql.field import build_field
from discretion.domain.kit.graphql.scalars import PYTHON_TYPES
from discretion.reveal.revealer import CustomerRow


@strawberry.interface(description="Something with an id of its own.")
class Node:
    """The interface of Relay Object Identification."""

    id: strawberry.ID = strawberry.field(description="Opaque, and good only for the client it was given to.")

    @classmethod
    def resolve_type(cls, _value: object, _info: object, _abstract: object) -> str:
        """Return the type name; customers are the only nodes."""
        return "Customer"


def build_customer_type(catalogue: Catalogue, extra_fields: Sequence[StrawberryField]) -> type:
    """Build the type ``Customer``: its id, one field for each group, and ``extra_fields`` with resolvers."""
    fields: list[StrawberryField] = [_build_id_field()]
    for key, group in catalogue.groups.items():
        group_type = _build_group_type(catalogue, key, group.description)
        fields.append(_build_group_field(key, group_type, group.description))
    namespace: dict[str, object] = {
        "is_type_of": classmethod(lambda _cls, value, _info: isinstance(value, CustomerRow))
    }
    description = (
        "One person, as the web, the store and the app know them together. Every attribute may be null: "
        "whether because there is no value or because it may not be revealed is not told apart, see "
        "`extensions.disclosure`."
    )
    return build_object_type("Customer", [*fields, *extra_fields], description, (Node,), namespace)


def build_object_type(
    name: str,
    fields: Sequence[StrawberryField],
    description: str,
    bases: tuple[type, ...] = (),
    members: dict[str, object] | None = None,
) -> type:
    """Build a Strawberry type with these fields; ``members`` are added to the class unchanged."""
    namespace: dict[str, object] = dict(members or {})
    annotations: dict[str, object] = {}
    for graphql_field in fields:
        python_name = graphql_field.python_name or graphql_field.graphql_name or ""
        namespace[python_name] = graphql_field
        annotations[python_name] = graphql_field.type
    namespace["__annotations__"] = annotations
    object_class = types.new_class(name, bases, {}, lambda class_namespace: class_namespace.update(namespace))
    return strawberry.type(object_class, description=description)


def to_pascal_case(path: str) -> str:
    """Return a path as a type name: ``contact.address`` becomes ``ContactAddress``."""
    return "".join(step[:1].upper() + step[1:] for step in path.split("."))


def _build_group_type(catalogue: Catalogue, prefix: str, description: str) -> type:
    fields: list[StrawberryField] = []
    inner_objects: set[str] = set()
    for attribute in catalogue.attributes.values():
        if not attribute.path.startswith(prefix + "."):
            continue
        step, _, nested = attribute.path[len(prefix) + 1 :].partition(".")
        if not nested:
            fields.append(_build_attribute_field(step, attribute))
        elif step not in inner_objects:
            inner_objects.add(step)
            path = f"{prefix}.{step}"
            group_description = catalogue.objects.get(path, "")
            fields.append(
                _build_group_field(
                    step, _build_group_type(catalogue, path, group_description), group_description
                )
            )
    return build_object_type(to_pascal_case(prefix), fields, description)


def _build_id_field() -> StrawberryField:
    def resolve(root: CustomerRow, info: ResolverInfo) -> strawberry.ID:
        name: str = info.context.require_reading().encode_customer_id(root.id)
        return strawberry.ID(name)

    return build_field(resolve, "id", strawberry.ID, "Opaque, and good only for the client it was given to.")


def _build_group_field(name: str, group_type: type, description: str) -> StrawberryField:
    def resolve(root: object) -> object:
        return root

    return build_field(resolve, name, group_type, description)


def _build_attribute_field(name: str, attribute: Attribute) -> StrawberryField:
    def resolve(root: CustomerRow, info: ResolverInfo) -> object:
        return info.context.require_reading().read_value(root, attribute)

    scalar: Any = PYTHON_TYPES[attribute.type]
    graphql_type = list[scalar] | None if attribute.many else scalar | None
    directive = Personal(category=attribute.category, purposes=[use.purpose.key for use in attribute.uses])
    return build_field(resolve, name, graphql_type, attribute.description, [directive])
