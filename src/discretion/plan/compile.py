"""Selection + decisions -> plan: the projection, and one generated function per place.

The generated source holds names, bit masks and positions from the catalogue and the document's
response keys, never a value; response keys enter only inside constants, and are names that the
GraphQL grammar has limited to letters, digits and underscores.

Nothing is decided here. An attribute that was denied is absent from the source, so it cannot be
reached around; one that was allowed is guarded by its own masks, whatever its alias, fragment or
place. (An upstream experiment that inlined fields without arguments skipped their permission.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from discretion.catalogue.model import DEMANDED, Attribute
from discretion.plan.permission_window import FIELDS
from discretion.plan.plan import Plan, Render, Renderer, Shape
from discretion.plan.selection import (
    TIMELINE,
    Constant,
    Identity,
    Leaf,
    Live,
    Node,
    Object,
    Selection,
    leaves,
    told_of,
)
from discretion.purpose.decision import Allow, Decision, Deny, Gap, Reason
from discretion.seal.cell import BODY_AT, HEAD_BYTES
from discretion.token.grant import SELF

ALWAYS: Mapping[str, int] = {**FIELDS, "key": 1}
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
        if any(isinstance(inner, Live) and inner.name == TIMELINE for _, inner in node.fields):
            wanted["kinds"] = 1
        for attribute in leaves(node):
            if attribute.path in position:
                wanted.update(_fields(attribute, _allow(decisions[attribute.path])))
        for attribute in told_of(node):
            if attribute.path in position:
                wanted.update(_fields(attribute, _allow(decisions[attribute.path])))
                if attribute.computed is None and _allow(decisions[attribute.path]).clear_mask:
                    wanted[f"p.{attribute.key}"] = 1
    for wanted in projections.values():
        if "kinds" in wanted:  # MongoDB takes a name or names below it
            for name in [name for name in wanted if name.startswith("kinds.")]:
                del wanted[name]
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


def _fields(attribute: Attribute, allow: Allow) -> dict[str, int]:
    contested = {f"contested.{attribute.key}": 1} if _contested_too(attribute, allow) else {}
    if attribute.sealed:
        return {f"s.{attribute.key}": 1, **{f"kinds.{kind}": 1 for kind in attribute.kinds}, **contested}
    return {f"o.{attribute.key}": 1, f"t.{attribute.key}": 1, **contested}


def _contested_too(attribute: Attribute, allow: Allow) -> bool:
    """Whether what the person denies is asked for too: by themselves, or for what the law demands alone.

    Nothing else may be done with it until it is settled (GDPR Art. 18(1)(a) and (2)).
    """
    if attribute.computed is not None:
        return False
    bases = {use.purpose.key: use.purpose.basis for use in attribute.uses}
    return all(one == SELF or bases[one] in DEMANDED for one in allow.purposes)


def _shape(
    node: Object,
    position: Mapping[str, int],
    decisions: Mapping[str, Decision],
    struck: Mapping[str, Reason],
    render: Renderer,
) -> Shape:
    here = {one.path: one for one in leaves(node)}
    scope: dict[str, Any] = {"E": {}, "J": orjson.dumps, "L": orjson.loads, "R": orjson.Fragment}
    lines = ["def shape(r, T, H, S, W, n, P):", " d, a, i, m = r.doc, r.allow, r.id, 0"]
    if any(one.sealed for one in here.values()):
        lines.append(" s, D = d.get('s') or E, r.keyed.decrypt")
    if any(not one.sealed for one in here.values()):
        lines.append(" p, t = d.get('o') or E, d.get('t') or E")
    for path in sorted(here):
        if path in position:
            lines += _guard(here[path], position[path], _allow(decisions[path]), render, scope)
    live = tuple(key for key, inner in node.fields if isinstance(inner, Live))
    lines.append(f" return {_answer(node, position, live)}, m")
    exec(compile("\n".join(lines), "<plan>", "exec"), scope)  # noqa: S102 - the source holds no input
    return Shape(scope["shape"], live, tuple(path for path in sorted(here) if path in struck))


def _guard(
    attribute: Attribute, index: int, allow: Allow, render: Renderer, scope: dict[str, Any]
) -> list[str]:
    """Source that sets ``v<index>`` to the JSON of the revealed value or of null, and marks which it was."""
    if attribute.sealed:
        scope[f"K{index}"] = attribute.key.encode()
        fetch = f" c = s.get({attribute.key!r})"
        fresh = f"(h := c[:{HEAD_BYTES}]) >= H[{index}]"
    else:
        fetch = f" c = p.get({attribute.key!r})"
        fresh = f"t.get({attribute.key!r}, 0) >= T[{index}]"
    whole = f"r.permitting({attribute.kinds!r})" if attribute.kinds else "a"
    held = "a"
    if attribute.kinds or any(use.purpose.retention for use in attribute.uses):
        held = "b"
        seen = f"c[:{HEAD_BYTES}]" if attribute.sealed else f"t.get({attribute.key!r}, 0)"
        fetch = "\n".join(
            [
                fetch,
                f" b = {whole}",
                " if c is not None:",
                f"  for x, y in S[{index}]:",
                f"   if {seen} < y: b &= ~x",
            ]
        )
    lines = [fetch, f" if c is not None and {held} & {allow.mask} and {fresh}:", f"  m |= {1 << index}"]
    for number, way in enumerate(allow.ways):
        last = number == len(allow.ways) - 1
        prefix = (
            ""
            if len(allow.ways) == 1
            else ("else: " if last else f"{'if' if number == 0 else 'elif'} {held} & {way.mask}: ")
        )
        shown = _shown(attribute, index, number, render(attribute, way.form), scope)
        lines.append(f"  {prefix}v{index} = {shown}")
    lines += [
        " else:",
        f"  v{index} = b'null'",
        f"  W[{index}, 0 if c is None else 2 if {whole} & {allow.mask} else 1].add(i)",
    ]
    return lines


def _shown(
    attribute: Attribute, index: int, number: int, function: Render | None, scope: dict[str, Any]
) -> str:
    """Source of the value's JSON. A cell holds JSON: shown as it is, it is not even parsed."""
    opened = f"D(c[{HEAD_BYTES}:{BODY_AT}], c[{BODY_AT}:], i + h + K{index})"
    if function is None:
        return opened if attribute.sealed else "J(c)"
    scope[f"F{index}_{number}"] = function
    return f"J(F{index}_{number}({f'L({opened})' if attribute.sealed else 'c'}, n))"


def _answer(node: Object, position: Mapping[str, int], live: tuple[str, ...]) -> str:
    """Source of the answer: JSON, whole; or by response key if some keys are left for the executor."""
    if not live:
        return _written(node, position)
    keys = (
        f"{key!r}: {None if isinstance(inner, Live) else _written(inner, position)}"
        for key, inner in node.fields
    )
    return "{" + ", ".join(keys) + "}"


def _written(node: Node, position: Mapping[str, int]) -> str:
    template, values = _json(node, position)
    filled = f" % ({', '.join(values)},)" if values else ""
    return f"R({template.encode()!r}{filled})"


def _json(node: Node, position: Mapping[str, int]) -> tuple[str, list[str]]:
    """JSON with a place for each value, and the source of the values.

    Names are letters, digits and underscores, so there is nothing to escape in them.
    """
    if isinstance(node, Constant):
        return f'"{node.value}"', []
    if isinstance(node, Identity):
        return "%b", ["P(r)"]
    if isinstance(node, Leaf):
        index = position.get(node.attribute.path)
        return ("null", []) if index is None else ("%b", [f"v{index}"])
    assert isinstance(node, Object)
    members = [(key, *_json(inner, position)) for key, inner in node.fields]
    template = ",".join(f'"{key}":{one}' for key, one, _ in members)
    return f"{{{template}}}", [value for _, _, values in members for value in values]
