"""Compiles a selection and its decisions into a plan: the projection, and one generated function per place.

The generated source contains names, bit masks and positions from the catalogue and the response keys of the
document, never a value. Response keys occur only inside constants; the GraphQL grammar limits them to
letters, digits and underscores.

Nothing is decided here. A denied attribute does not occur in the source, so no alias or fragment can reach
it. An allowed attribute is guarded by its own masks in every place. (An upstream experiment that inlined
fields without arguments skipped their permission check.)
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson

from discretion.catalogue.assurance import ANONYMOUS_CLAIM, compute_withheld_bits
from discretion.catalogue.model import NON_REFUSABLE_BASES, Attribute, ValueType
from discretion.plan.customer_members import (
    ASSURANCE,
    CONTESTS,
    KINDS,
    WRAPPED_KEY,
    list_value_members,
    name_assurance,
    name_contested,
    name_provenance,
    name_time,
)
from discretion.plan.permission_window import WINDOW_FIELDS
from discretion.plan.plan import CustomerProjection, QueryPlan, RenderFunction, RenderLookup, ResponseShape
from discretion.plan.selection import (
    EVENTS_FIELD,
    AttributeLeaf,
    ConstantNode,
    CustomerIdNode,
    CustomerSelection,
    ObjectNode,
    ResolvedField,
    SelectionNode,
    list_leaf_attributes,
    list_resolved_attributes,
)
from discretion.purpose.decision import Allow, Decision, Deny, Gap, WithholdReason
from discretion.seal.cell import CIPHERTEXT_OFFSET, HEADER_BYTES
from discretion.token.grant import SELF

BASE_PROJECTION = CustomerProjection(tuple(sorted((*WINDOW_FIELDS, WRAPPED_KEY))))
"""Members that every read needs: the customer's permissions, and the key that names them in the ledger."""


def compile_plan(
    selection: CustomerSelection,
    decisions: Mapping[str, Decision],
    reach_bits: int,
    granted_purposes: frozenset[str],
    render: RenderLookup,
) -> QueryPlan:
    """Compile a selection into a plan.

    Args:
        selection: What the operation asks of customers.
        decisions: The decision on each attribute of the selection, by path.
        reach_bits: The ``allow`` bits of all customers the request may see.
        granted_purposes: The purposes of the request.
        render: Returns the render function of an attribute in a form.
    """
    selected = selection.attributes
    allowed = tuple(candidate for candidate in selected if isinstance(decisions[candidate.path], Allow))
    denied = {
        candidate.path: find_denial_reason(decisions[candidate.path])
        for candidate in selected
        if candidate not in allowed
    }
    position = {candidate.path: index for index, candidate in enumerate(allowed)}
    shapes = {
        path: _build_shape(node, position, decisions, denied, render)
        for path, node in selection.customers.items()
    }
    purposes = {
        purpose for candidate in allowed for purpose in _require_allow(decisions[candidate.path]).purposes
    }
    return QueryPlan(
        attributes=allowed,
        forms=tuple(
            (candidate.path, _require_allow(decisions[candidate.path]).permitted_forms[0].form.value)
            for candidate in allowed
        ),
        decisions=dict(decisions),
        denied=denied,
        shapes=shapes,
        projections=_build_projections(selection, decisions),
        reach_bits=reach_bits,
        granted_purposes=granted_purposes,
        purposes=tuple(sorted(purposes)),
        touches_customers=selection.reaches_customers,
    )


def _build_projections(
    selection: CustomerSelection, decisions: Mapping[str, Decision]
) -> dict[str, CustomerProjection]:
    """Return the projection for each root response key; denied attributes are not in it."""
    names_by_root: dict[str, set[str]] = {}
    contested_by_root: dict[str, set[str]] = {}
    for path, node in selection.customers.items():
        names = names_by_root.setdefault(path[0], set(BASE_PROJECTION.names))
        contested_names = contested_by_root.setdefault(path[0], set())
        if any(isinstance(inner, ResolvedField) and inner.name == EVENTS_FIELD for _, inner in node.fields):
            # The timeline decides on every event type, so it needs the permissions for all sensitive kinds.
            names.add(KINDS)
        resolved_attributes = list_resolved_attributes(node)
        for attribute in (*list_leaf_attributes(node), *resolved_attributes):
            decision = decisions[attribute.path]
            if isinstance(decision, Allow):
                names.update(list_value_members(attribute))
                if _needs_rank(attribute, decision):
                    names.add(name_assurance(attribute.key))
                if reads_contested(attribute, decision):
                    contested_names.add(name_contested(attribute.key))
        for attribute in resolved_attributes:
            decision = decisions[attribute.path]
            if isinstance(decision, Allow) and attribute.computed is None and decision.clear_mask:
                names.add(name_provenance(attribute.key))
    return {root: _build_projection(names, contested_by_root[root]) for root, names in names_by_root.items()}


def _build_projection(names: set[str], contested_names: set[str]) -> CustomerProjection:
    if contested_names:
        names.add(CONTESTS)
    if KINDS in names:  # MongoDB refuses a projection with a member and its submembers
        names = {name for name in names if not name.startswith(f"{KINDS}.")}
    return CustomerProjection(tuple(sorted(names)), tuple(sorted(contested_names)))


def find_denial_reason(decision: Decision) -> WithholdReason:
    """Return why a decision withholds an attribute."""
    if isinstance(decision, Deny | Gap):
        return decision.reason
    return WithholdReason.WITHHELD


def _require_allow(decision: Decision) -> Allow:
    assert isinstance(decision, Allow)
    return decision


def reads_contested(attribute: Attribute, allow: Allow) -> bool:
    """Return whether values that the customer contests are read too.

    Only the customer reads them, and purposes with a legal basis the customer cannot refuse. All other
    processing is restricted until the accuracy is verified (GDPR Art. 18(1)(a) and (2)).
    """
    if attribute.computed is not None:
        return False
    bases = {use.purpose.key: use.purpose.basis for use in attribute.uses}
    # All purposes: one that the customer can refuse must not use a contested value, even if another purpose
    # may.
    return all(purpose == SELF or bases[purpose] in NON_REFUSABLE_BASES for purpose in allow.purposes)


def _build_shape(
    node: ObjectNode,
    position: Mapping[str, int],
    decisions: Mapping[str, Decision],
    denied: Mapping[str, WithholdReason],
    render: RenderLookup,
) -> ResponseShape:
    attributes = {attribute.path: attribute for attribute in list_leaf_attributes(node)}
    # Names in the generated source:
    # - parameters: r row, E earliest observations, N latest cut-offs, S purpose cut-offs, W withheld
    #   customers, n now (ms), P encoder of the customer id
    # - locals: d reads a member of the document, a allowed bits, i customer id, m seen bits, D decrypt,
    #   z bits withheld for want of assurance,
    #   c cell or value, o when it was observed (head of the cell, or ms), b bits still permitted, v<n> JSON
    # - globals: K<n> attribute key, F<n>_<m> render function, M<k> selection of members, J dumps, L loads,
    #   R fragment
    namespace: dict[str, Any] = {"J": orjson.dumps, "L": orjson.loads, "R": orjson.Fragment}
    lines = ["def shape(r, E, N, S, W, n, P):", " d, a, i, m = r.doc.get, r.allow, r.id, 0"]
    if any(attribute.sealed for attribute in attributes.values()):
        lines.append(" D = r.cipher.decrypt_raw")
    for path in sorted(attributes):
        if path in position:
            lines += _generate_guard(
                attributes[path], position[path], _require_allow(decisions[path]), render, namespace
            )
    resolved_keys = tuple(key for key, inner in node.fields if isinstance(inner, ResolvedField))
    lines.append(f" return {_generate_answer(node, position, resolved_keys, namespace)}, m")
    exec(compile("\n".join(lines), "<plan>", "exec"), namespace)  # noqa: S102 - the source holds no input
    return ResponseShape(
        namespace["shape"], resolved_keys, tuple(path for path in sorted(attributes) if path in denied)
    )


def _generate_guard(
    attribute: Attribute, index: int, allow: Allow, render: RenderLookup, namespace: dict[str, Any]
) -> list[str]:
    """Return source that sets ``v<index>`` to the JSON of the value or of null, and records which it was."""
    # Of an object, each place of the response selects its own members, so ``v<index>`` is the object itself.
    null = "None" if attribute.type is ValueType.MONEY else "b'null'"
    # ``!r`` quotes every name: the generated source has it as a literal.
    observed_source = f"d({name_time(attribute.key)!r}, 0)"
    if attribute.sealed:
        namespace[f"K{index}"] = attribute.key.encode()
        observed_source = f"c[:{HEADER_BYTES}]"
    permission_source = f"r.permitted_for({attribute.kinds!r})" if attribute.kinds else "a"
    lines = [
        f" c = d({attribute.key!r})",
        " if c is None:",
        f"  v{index} = {null}",
        f"  W[{index}, 0].add(i)",
        " else:",
        f"  o = {observed_source}",
        f"  b = {permission_source}",
        # Most values are younger than every cut-off; one comparison finds that out.
        f"  if o < N[{index}]:",
        f"   for x, y in S[{index}]:",
        "    if o < y: b &= ~x",
        f"   if o < E[{index}]: b = 0",
        *_generate_assurance(attribute, allow),
        f"  if b & {allow.mask}:",
        f"   m |= {1 << index}",
    ]
    last = len(allow.permitted_forms) - 1
    for number, way in enumerate(allow.permitted_forms):
        condition = f"b & {way.mask}: "
        prefix = (
            "" if not last else "else: " if number == last else f"{'elif' if number else 'if'} {condition}"
        )
        value = _generate_value(attribute, index, number, render(attribute, way.form), namespace)
        lines.append(f"   {prefix}v{index} = {value}")
    lines += [
        "  else:",
        f"   v{index} = {null}",
        f"   W[{index}, {_generate_reason(attribute, permission_source, allow)}].add(i)",
    ]
    return lines


def _needs_rank(attribute: Attribute, allow: Allow) -> bool:
    """Return whether a purpose of the request needs a certain address; the person themselves does not."""
    return allow.mask >= 0 and any(bits & allow.mask for _, bits in attribute.assurance)


def _generate_assurance(attribute: Attribute, allow: Allow) -> list[str]:
    """Return source that takes the bits of purposes for which an address is not certain enough."""
    if not _needs_rank(attribute, allow):
        return []
    withheld = {
        rank: compute_withheld_bits(attribute.assurance, rank) for rank in range(1, ANONYMOUS_CLAIM + 1)
    }
    return [f"  z = {withheld!r}.get((d({ASSURANCE!r}) or {{}}).get({attribute.key!r}), 0)", "  b &= ~z"]


def _generate_reason(attribute: Attribute, permission_source: str, allow: Allow) -> str:
    """Return source of the number of the reason why a value is withheld."""
    mask = allow.mask
    reason = f"2 if {permission_source} & {mask} else 1"
    if not _needs_rank(attribute, allow):
        return reason
    return f"3 if {permission_source} & {mask} and not {permission_source} & ~z & {mask} else {reason}"


def _generate_value(
    attribute: Attribute, index: int, number: int, function: RenderFunction | None, namespace: dict[str, Any]
) -> str:
    """Return source of the value's JSON. A cell contains JSON, so a value in clear form is not parsed."""
    opened_source = f"D(c[{HEADER_BYTES}:{CIPHERTEXT_OFFSET}], c[{CIPHERTEXT_OFFSET}:], i + o + K{index})"
    if function is None:
        return opened_source if attribute.sealed else "J(c)"
    namespace[f"F{index}_{number}"] = function
    rendered_source = f"F{index}_{number}({f'L({opened_source})' if attribute.sealed else 'c'}, n)"
    return rendered_source if attribute.type is ValueType.MONEY else f"J({rendered_source})"


def _generate_answer(
    node: ObjectNode, position: Mapping[str, int], resolved_keys: tuple[str, ...], namespace: dict[str, Any]
) -> str:
    """Return source of the response: one JSON fragment, or a dict if the executor resolves some keys."""
    if not resolved_keys:
        return _generate_fragment(node, position, namespace)
    sources = {
        key: None if isinstance(inner, ResolvedField) else _generate_fragment(inner, position, namespace)
        for key, inner in node.fields
    }
    return "{" + ", ".join(f"{key!r}: {source}" for key, source in sources.items()) + "}"


def _generate_fragment(node: SelectionNode, position: Mapping[str, int], namespace: dict[str, Any]) -> str:
    template, values = _generate_template(node, position, namespace)
    arguments = f" % ({', '.join(values)},)" if values else ""
    return f"R({template.encode()!r}{arguments})"


def _generate_template(
    node: SelectionNode, position: Mapping[str, int], namespace: dict[str, Any]
) -> tuple[str, list[str]]:
    """Return JSON with a placeholder for each value, and the source of the values.

    Names consist of letters, digits and underscores, so nothing in them needs escaping.
    """
    if isinstance(node, ConstantNode):
        return f'"{node.value}"', []
    if isinstance(node, CustomerIdNode):
        return "%b", ["P(r)"]
    if isinstance(node, AttributeLeaf):
        index = position.get(node.attribute.path)
        if index is None:
            return "null", []
        return "%b", [_generate_leaf(node, f"v{index}", namespace)]
    assert isinstance(node, ObjectNode)
    members = [(key, *_generate_template(inner, position, namespace)) for key, inner in node.fields]
    template = ",".join(f'"{key}":{member_template}' for key, member_template, _ in members)
    return f"{{{template}}}", [value for _, _, values in members for value in values]


def _generate_leaf(leaf: AttributeLeaf, value_source: str, namespace: dict[str, Any]) -> str:
    """Return source of an attribute's JSON; of an object, with the members that this place selects."""
    if leaf.attribute.type is not ValueType.MONEY:
        return value_source
    if leaf.members == _WHOLE_MONEY:
        return f"J({value_source})"
    name = f"M{len(namespace)}"
    namespace[name] = partial(_select_members, leaf.members)
    return f"J({name}({value_source}))"


_WHOLE_MONEY = (("amount", "amount"), ("currency", "currency"))
"""The selection that takes a rendered amount of money as it is."""


def _select_members(members: tuple[tuple[str, str], ...], value: Any) -> Any:
    """Return the selected members of a rendered object, or of each of a list; null stays null."""
    if value is None:
        return None
    if isinstance(value, list):
        return [_select_members(members, item) for item in value]
    return {key: ValueType.MONEY.value if name == "__typename" else value[name] for key, name in members}
