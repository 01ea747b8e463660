"""What an operation asks of customers: graphql-core collects the fields, we note them.

Fragments, ``@skip``, ``@include``, aliases and merging are resolved by graphql-core's own
``collect_fields``, so a selection can never differ from what the executor will run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphql import (
    GraphQLAbstractType,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
    is_abstract_type,
    is_object_type,
)
from graphql.execution.collect_fields import (
    FieldDetailsList,
    FragmentDetails,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues, get_argument_values

from discretion.catalogue.model import Attribute, Catalogue
from discretion.catalogue.nearest_name import nearest
from discretion.errors import BadRequest

CUSTOMER = "Customer"
PROVENANCE = "provenance"
TIMELINE = "events"
"""The live field that tells of attributes: they are decided, fetched and recorded as if asked for."""
_LEADING_TO_CUSTOMERS = frozenset(
    {
        CUSTOMER,
        "ConsentPayload",
        "CustomerConnection",
        "ErasurePreview",
        "HeldData",
        "Node",
        "RightsRequest",
        "RightsRequestConnection",
        "SentCode",
        "Suggestion",
        "SuggestionConnection",
    }
)

MAX_PATH = 100
"""Characters of an unknown name that are compared with those there are."""

ResponsePath = tuple[str, ...]
"""Response keys from the root, list positions left out: ``("customers", "nodes")``."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One attribute under a response key."""

    attribute: Attribute


@dataclass(frozen=True, slots=True)
class Constant:
    """A value known without data: ``__typename``."""

    value: str


@dataclass(frozen=True, slots=True)
class Identity:
    """The customer's id, pairwise for the client."""


@dataclass(frozen=True, slots=True)
class Live:
    """A field that is resolved, not compiled: events, disclosures, provenance.

    ``attributes`` are those it tells of: the plan is to have them, for the resolver.
    """

    name: str
    attributes: tuple[Attribute, ...] = ()


@dataclass(frozen=True, slots=True)
class Object:
    """A group or an object inside one."""

    fields: tuple[tuple[str, Node], ...]


Node = Leaf | Constant | Identity | Live | Object


@dataclass(frozen=True, slots=True)
class Selection:
    """Everything one operation asks of customers.

    ``customers`` maps each place where customer objects appear to what is asked of them;
    ``live`` names the live fields asked for anywhere. ``meets_customers`` holds if any root
    field leads to customers, be it only to count them.
    """

    customers: dict[ResponsePath, Object]
    live: frozenset[str]
    meets_customers: bool

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """Attributes asked for anywhere, once each, by path."""
        found: dict[str, Attribute] = {}
        for asked in self.customers.values():
            found.update((one.path, one) for one in (*leaves(asked), *told_of(asked)))
        return tuple(found[path] for path in sorted(found))


def leaves(node: Node) -> list[Attribute]:
    """The attributes below a node that the plan's function answers."""
    if isinstance(node, Leaf):
        return [node.attribute]
    if isinstance(node, Object):
        return [leaf for _, inner in node.fields for leaf in leaves(inner)]
    return []


def told_of(node: Object) -> list[Attribute]:
    """The attributes that live fields of a customer tell of."""
    return [one for _, inner in node.fields if isinstance(inner, Live) for one in inner.attributes]


def named(catalogue: Catalogue, names: Sequence[str] | None) -> tuple[Attribute, ...]:
    """The attributes of these paths, in the catalogue's order and once each; None names all.

    Raises:
        BadRequest: ``ATTRIBUTE_UNKNOWN``. What was given is not quoted: it may be a value in the wrong place.
    """
    wanted = None if names is None else set(names)
    if wanted is None:
        return tuple(catalogue.attributes.values())
    for unknown in sorted(wanted - catalogue.attributes.keys()):
        raise BadRequest(
            "ATTRIBUTE_UNKNOWN",
            "'attributes' names one that the catalogue does not have.",
            nearest(unknown[:MAX_PATH], catalogue.attributes),
        )
    return tuple(one for path, one in catalogue.attributes.items() if path in wanted)


class Selector:
    """Walks one operation."""

    def __init__(
        self,
        schema: GraphQLSchema,
        catalogue: Catalogue,
        operation: OperationDefinitionNode,
        fragments: dict[str, FragmentDetails],
        variables: VariableValues,
    ) -> None:
        self._schema = schema
        self._catalogue = catalogue
        self._operation = operation
        self._fragments = fragments
        self._variables = variables
        self._customers: dict[ResponsePath, Object] = {}
        self._live: set[str] = set()

    def select(self) -> Selection:
        """The selection of the whole operation."""
        root = self._schema.get_root_type(self._operation.operation)
        if root is None:
            return Selection({}, frozenset(), meets_customers=False)
        collected = collect_fields(self._schema, self._fragments, self._variables, root, self._operation)
        meets = False
        for key, details in collected.grouped_field_set.items():
            field = self._schema.get_field(root, details[0].node.name.value)
            meets = meets or (field is not None and get_named_type(field.type).name in _LEADING_TO_CUSTOMERS)
            self._visit(root, (key,), details)
        return Selection(self._customers, frozenset(self._live), meets)

    def _visit(self, parent: GraphQLObjectType, path: ResponsePath, details: FieldDetailsList) -> None:
        field = self._schema.get_field(parent, details[0].node.name.value)
        if field is None:
            return
        named = get_named_type(field.type)
        for runtime in self._runtime_types(named):
            inner = self._subfields(runtime, details)
            if runtime.name == CUSTOMER:
                self._customers[path] = self._object(runtime, inner, "")
                continue
            for key, below in inner.items():
                self._visit(runtime, (*path, key), below)

    def _runtime_types(self, named: object) -> tuple[GraphQLObjectType, ...]:
        if is_object_type(named):
            return (named,)
        if is_abstract_type(named):
            abstract: GraphQLAbstractType = named
            return tuple(self._schema.get_possible_types(abstract))
        return ()

    def _subfields(
        self, runtime: GraphQLObjectType, details: FieldDetailsList
    ) -> dict[str, FieldDetailsList]:
        collected = collect_subfields(
            self._schema, self._fragments, self._variables, self._operation, runtime, details
        )
        return collected.grouped_field_set

    def _object(self, parent: GraphQLObjectType, fields: dict[str, FieldDetailsList], prefix: str) -> Object:
        nodes: list[tuple[str, Node]] = []
        for key, details in fields.items():
            nodes.append((key, self._node(parent, details, prefix)))
        return Object(tuple(nodes))

    def _node(self, parent: GraphQLObjectType, details: FieldDetailsList, prefix: str) -> Node:
        name = details[0].node.name.value
        if name == "__typename":
            return Constant(parent.name)
        path = f"{prefix}.{name}" if prefix else name
        if attribute := self._catalogue.attributes.get(path):
            return Leaf(attribute)
        if not prefix and name == "id":
            return Identity()
        field = self._schema.get_field(parent, name)
        inner = get_named_type(field.type) if field else None
        is_group = path.partition(".")[0] in self._catalogue.groups
        if is_group and is_object_type(inner):
            return self._object(inner, self._subfields(inner, details), path)
        self._live.add(name)
        return Live(name, self._told_of(field, details) if path == PROVENANCE and field else ())

    def _told_of(self, field: GraphQLField, details: FieldDetailsList) -> tuple[Attribute, ...]:
        first = details[0]
        given = get_argument_values(field, first.node, self._variables, first.fragment_variable_values)
        return named(self._catalogue, given.get("attributes"))
