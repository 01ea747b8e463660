"""What an operation asks of customers: graphql-core collects the fields, this module notes them.

Fragments, ``@skip``, ``@include``, aliases and merging are resolved by ``collect_fields`` of graphql-core, so
a selection cannot differ from what the executor runs.
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
from discretion.catalogue.nearest_name import suggest_name
from discretion.errors import BadRequest

CUSTOMER = "Customer"
PROVENANCE_FIELD = "provenance"
EVENTS_FIELD = "events"
"""The field of events; the plan then also reads the customer's permissions for sensitive kinds."""
# A root field that leads to customers must have its type here. Otherwise its answer leaves without an entry
# in the ledger (``QueryPlan.touches_customers``).
_CUSTOMER_ROOT_TYPES = frozenset(
    {
        CUSTOMER,
        "ConsentPayload",
        "CustomerConnection",
        "ErasurePreview",
        "HeldData",
        "Node",
        "PackageLink",
        "RecipientDelivery",
        "RecipientDeliveryConnection",
        "RightsRequest",
        "RightsRequestConnection",
        "SentCode",
        "Suggestion",
        "SuggestionConnection",
    }
)
"""GraphQL types of root fields that lead to customers."""

MAX_NAME_CHARS = 100
"""Characters of an unknown name that are compared with known names for a suggestion."""

ResponsePath = tuple[str, ...]
"""Response keys from the root without list positions: ``("customers", "nodes")``."""


@dataclass(frozen=True, slots=True)
class AttributeLeaf:
    """One attribute under a response key.

    ``members`` are pairs of response key and name that are selected of its value, if it is an object such as
    Money.
    """

    attribute: Attribute
    members: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ConstantNode:
    """A value that needs no data: ``__typename``."""

    value: str


@dataclass(frozen=True, slots=True)
class CustomerIdNode:
    """The customer's id, encoded for the client."""


@dataclass(frozen=True, slots=True)
class ResolvedField:
    """A field that the executor resolves: events, disclosures, provenance.

    ``attributes`` are those the resolver needs in the plan.
    """

    name: str
    attributes: tuple[Attribute, ...] = ()


@dataclass(frozen=True, slots=True)
class ObjectNode:
    """A group of attributes, or an object inside one. ``fields`` are pairs of response key and node."""

    fields: tuple[tuple[str, SelectionNode], ...]


SelectionNode = AttributeLeaf | ConstantNode | CustomerIdNode | ResolvedField | ObjectNode


@dataclass(frozen=True, slots=True)
class CustomerSelection:
    """Everything an operation asks of customers.

    Attributes:
        customers: What is asked, for each place in the response where customers appear.
        resolved_names: Names of the fields that the executor resolves.
        reaches_customers: Whether a root field leads to customers, even if only to count them.
    """

    customers: dict[ResponsePath, ObjectNode]
    resolved_names: frozenset[str]
    reaches_customers: bool

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """All attributes asked for, once each, sorted by path."""
        by_path: dict[str, Attribute] = {}
        for node in self.customers.values():
            by_path.update(
                (attribute.path, attribute)
                for attribute in (*list_leaf_attributes(node), *list_resolved_attributes(node))
            )
        return tuple(by_path[path] for path in sorted(by_path))


def list_leaf_attributes(node: SelectionNode) -> list[Attribute]:
    """Return the attributes below a node that the generated function returns."""
    if isinstance(node, AttributeLeaf):
        return [node.attribute]
    if isinstance(node, ObjectNode):
        return [leaf for _, inner in node.fields for leaf in list_leaf_attributes(inner)]
    return []


def list_resolved_attributes(node: ObjectNode) -> list[Attribute]:
    """Return the attributes that resolved fields of a customer need."""
    return [
        attribute
        for _, inner in node.fields
        if isinstance(inner, ResolvedField)
        for attribute in inner.attributes
    ]


def select_attributes(catalogue: Catalogue, names: Sequence[str] | None) -> tuple[Attribute, ...]:
    """Return the attributes with these paths in the order of the catalogue, without duplicates; None for all.

    Raises:
        BadRequest: ``ATTRIBUTE_UNKNOWN``. The message does not quote the name: it may be a misplaced value.
    """
    requested = None if names is None else set(names)
    if requested is None:
        return tuple(catalogue.attributes.values())
    for unknown in sorted(requested - catalogue.attributes.keys()):
        raise BadRequest(
            "ATTRIBUTE_UNKNOWN",
            "'attributes' names an attribute that the catalogue does not have.",
            suggest_name(unknown[:MAX_NAME_CHARS], catalogue.attributes),
        )
    return tuple(attribute for path, attribute in catalogue.attributes.items() if path in requested)


class OperationSelector:
    """Walks one operation and collects its selection."""

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
        self._customers: dict[ResponsePath, ObjectNode] = {}
        self._resolved_names: set[str] = set()

    def select(self) -> CustomerSelection:
        """Return the selection of the operation."""
        root = self._schema.get_root_type(self._operation.operation)
        if root is None:
            return CustomerSelection({}, frozenset(), reaches_customers=False)
        collected = collect_fields(self._schema, self._fragments, self._variables, root, self._operation)
        reaches_customers = False
        for key, details in collected.grouped_field_set.items():
            field = self._schema.get_field(root, details[0].node.name.value)
            reaches_customers = reaches_customers or (
                field is not None and get_named_type(field.type).name in _CUSTOMER_ROOT_TYPES
            )
            self._visit(root, (key,), details)
        return CustomerSelection(self._customers, frozenset(self._resolved_names), reaches_customers)

    def _visit(self, parent: GraphQLObjectType, path: ResponsePath, details: FieldDetailsList) -> None:
        # Validation makes sure that all fields under one response key are the same field with the same
        # arguments (GraphQL, October 2021, section 5.3.2). So the first one represents all.
        field = self._schema.get_field(parent, details[0].node.name.value)
        if field is None:
            return
        named_type = get_named_type(field.type)
        for runtime in self._runtime_types(named_type):
            inner_fields = self._collect_subfields(runtime, details)
            if runtime.name == CUSTOMER:
                self._customers[path] = self._object_node(runtime, inner_fields, "")
                continue
            for key, inner_details in inner_fields.items():
                self._visit(runtime, (*path, key), inner_details)

    def _runtime_types(self, named_type: object) -> tuple[GraphQLObjectType, ...]:
        if is_object_type(named_type):
            return (named_type,)
        if is_abstract_type(named_type):
            abstract: GraphQLAbstractType = named_type
            return tuple(self._schema.get_possible_types(abstract))
        return ()

    def _collect_subfields(
        self, runtime: GraphQLObjectType, details: FieldDetailsList
    ) -> dict[str, FieldDetailsList]:
        collected = collect_subfields(
            self._schema, self._fragments, self._variables, self._operation, runtime, details
        )
        return collected.grouped_field_set

    def _object_node(
        self, parent: GraphQLObjectType, fields: dict[str, FieldDetailsList], prefix: str
    ) -> ObjectNode:
        nodes: list[tuple[str, SelectionNode]] = []
        for key, details in fields.items():
            nodes.append((key, self._build_node(parent, details, prefix)))
        return ObjectNode(tuple(nodes))

    def _build_node(self, parent: GraphQLObjectType, details: FieldDetailsList, prefix: str) -> SelectionNode:
        name = details[0].node.name.value
        if name == "__typename":
            return ConstantNode(parent.name)
        path = f"{prefix}.{name}" if prefix else name
        if attribute := self._catalogue.attributes.get(path):
            return AttributeLeaf(attribute, self._collect_members(parent, details))
        if not prefix and name == "id":
            return CustomerIdNode()
        field = self._schema.get_field(parent, name)
        inner = get_named_type(field.type) if field else None
        is_group = path.partition(".")[0] in self._catalogue.groups
        if is_group and is_object_type(inner):
            return self._object_node(inner, self._collect_subfields(inner, details), path)
        self._resolved_names.add(name)
        return ResolvedField(
            name, self._field_attributes(field, details) if path == PROVENANCE_FIELD and field else ()
        )

    def _collect_members(
        self, parent: GraphQLObjectType, details: FieldDetailsList
    ) -> tuple[tuple[str, str], ...]:
        field = self._schema.get_field(parent, details[0].node.name.value)
        inner = get_named_type(field.type) if field else None
        if not is_object_type(inner):
            return ()
        fields = self._collect_subfields(inner, details)
        return tuple((key, inner_details[0].node.name.value) for key, inner_details in fields.items())

    def _field_attributes(self, field: GraphQLField, details: FieldDetailsList) -> tuple[Attribute, ...]:
        first = details[0]
        arguments = get_argument_values(field, first.node, self._variables, first.fragment_variable_values)
        return select_attributes(self._catalogue, arguments.get("attributes"))
