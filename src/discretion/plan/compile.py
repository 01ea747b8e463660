"""Selection + decisions -> plan: the projection, and one generated function per place.

The generated source holds names, bit masks and positions from the catalogue and the document's
response keys, never a value; response keys enter only as constants, by ``repr`` of a name that
the GraphQL grammar has limited to letters, digits and underscores.

Nothing is decided here. An attribute that was denied is absent from the source, so it cannot be
reached around; one that was allowed is guarded by its own masks, whatever its alias, fragment or
place. (An upstream experiment that inlined fields without arguments skipped their permission.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from discretion.catalogue.model import Attribute
from discretion.plan.plan import Plan, Render, Renderer, Shape
from discretion.plan.select import Constant, Identity, Leaf, Live, Node, Object, Selection, leaves
from discretion.purpose.decision import Allow, Decision, Deny, Gap, Reason

ALWAYS: Mapping[str, int] = {"allow": 1, "key": 1}
"""What every read needs: the person's state, and the key that names them in the ledger."""


def compile_plan(
    selection: Selection,
    decisions: Mapping[str, Decision],
    reach: int,
    held: frozenset[str],
    render: Renderer,
) -> Plan:
    """Compile a selection under decisions already taken for each of its attributes."""
    asked = selection.attributes
    allowed = tuple(one for one in asked if isinstance(decisions[one.path], Allow))
    struck = {one.path: reason_of(decisions[one.path]) for one in asked if one not in allowed}
    position = {one.path: index for index, one in enumerate(allowed)}
    shapes = {
        path: _shape(node, position, decisions, struck, render) for path, node in selection.customers.items()
    }
    projections: dict[str, dict[str, int]] = {}
    for path, node in selection.customers.items():
        wanted = projections.setdefault(path[0], dict(ALWAYS))
        for attribute in leaves(node):
            if attribute.path in position:
                wanted.update(_fields(attribute))
    purposes = {p for one in allowed for p in _allow(decisions[one.path]).purposes}
    return Plan(
        attributes=allowed,
        forms=tuple((one.path, _allow(decisions[one.path]).ways[0].form.value) for one in allowed),
        decisions=dict(decisions),
        struck=struck,
        shapes=shapes,
        projections=projections,
        reach=reach,
        held=held,
        purposes=tuple(sorted(purposes)),
        touches_customers=selection.meets_customers,
    )


def reason_of(decision: Decision) -> Reason:
    """Why a decision withholds."""
    if isinstance(decision, Deny | Gap):
        return decision.reason
    return Reason.WITHHELD


def _allow(decision: Decision) -> Allow:
    assert isinstance(decision, Allow)
    return decision


def _fields(attribute: Attribute) -> dict[str, int]:
    if attribute.sealed:
        return {f"s.{attribute.key}": 1}
    return {f"o.{attribute.key}": 1, f"t.{attribute.key}": 1}


def _shape(
    node: Object,
    position: Mapping[str, int],
    decisions: Mapping[str, Decision],
    struck: Mapping[str, Reason],
    render: Renderer,
) -> Shape:
    here = {one.path: one for one in leaves(node)}
    scope: dict[str, Any] = {"E": {}}
    lines = ["def shape(d, a, o, T, H, W, i, n, P):", " m = 0"]
    if any(one.sealed for one in here.values()):
        lines.append(" s = d.get('s') or E")
    if any(not one.sealed for one in here.values()):
        lines += [" p = d.get('o') or E", " t = d.get('t') or E"]
    for path in sorted(here):
        if path in position:
            lines += _guard(here[path], position[path], _allow(decisions[path]), render, scope)
    literal = _literal(node, position)
    lines.append(f" return {literal}, m")
    exec(compile("\n".join(lines), "<plan>", "exec"), scope)  # noqa: S102 - the source holds no input
    live = tuple(key for key, inner in node.fields if isinstance(inner, Live))
    return Shape(scope["shape"], live, tuple(path for path in sorted(here) if path in struck))


def _guard(
    attribute: Attribute, index: int, allow: Allow, render: Renderer, scope: dict[str, Any]
) -> list[str]:
    """Source that sets ``v<index>`` to the revealed value or None, and marks which it was."""
    if attribute.sealed:
        scope[f"K{index}"] = attribute.key.encode()
        fetch = [f" c = s.get({attribute.key!r})"]
        fresh, value = f"c[:9] >= H[{index}]", f"o(c, K{index})"
    else:
        fetch = [f" c = p.get({attribute.key!r})"]
        fresh, value = f"t.get({attribute.key!r}, 0) >= T[{index}]", "c"
    lines = [*fetch, f" if c is not None and a & {allow.mask} and {fresh}:", f"  m |= {1 << index}"]
    for number, way in enumerate(allow.ways):
        function: Render | None = render(attribute, way.form)
        shown = value
        if function is not None:
            scope[f"F{index}_{number}"] = function
            shown = f"F{index}_{number}({value}, n)"
        last = number == len(allow.ways) - 1
        prefix = (
            ""
            if len(allow.ways) == 1
            else ("else: " if last else f"{'if' if number == 0 else 'elif'} a & {way.mask}: ")
        )
        lines.append(f"  {prefix}v{index} = {shown}")
    lines += [
        " else:",
        f"  v{index} = None",
        f"  W[{index}, 0 if c is None else 2 if a & {allow.mask} else 1].add(i)",
    ]
    return lines


def _literal(node: Node, position: Mapping[str, int]) -> str:
    if isinstance(node, Leaf):
        return f"v{position[node.attribute.path]}" if node.attribute.path in position else "None"
    if isinstance(node, Constant):
        return repr(node.value)
    if isinstance(node, Identity):
        return "P(i)"
    if isinstance(node, Object):
        return "{" + ", ".join(f"{key!r}: {_literal(inner, position)}" for key, inner in node.fields) + "}"
    return "None"
