"""The purpose decision: grant x catalogue -> may each attribute be revealed, and how.

Purposes unite (any one that is held, declared and permitted justifies), restrictions intersect
(categories, ``@purpose``), and absence denies. What the person permits is not asked here: it is
one AND against the masks this decision carries, at the moment of the read.
"""

from __future__ import annotations

from collections.abc import Iterable

from discretion.catalogue.model import Catalogue, Form, Use
from discretion.purpose.decision import EVERY_BIT, Allow, Decision, Deny, Gap, Reason, Way
from discretion.token.grant import SELF, Grant

_FROM_MOST_REVEALING = tuple(Form)


def narrow(held: frozenset[str], uses: Iterable[str] | None) -> frozenset[str]:
    """Purposes a request may use: what the token holds, narrowed by ``@purpose(uses:)``.

    Naming a purpose the token does not cover adds nothing; naming one below a held node keeps
    just that one.
    """
    if uses is None:
        return held
    wanted = frozenset(uses)
    below = {use for use in wanted if any(_covers(node, use) for node in held)}
    above = {node for node in held if any(_covers(use, node) for use in wanted)}
    return frozenset(below | above)


def decide(
    catalogue: Catalogue, grant: Grant, held: frozenset[str], category: str, uses: tuple[Use, ...]
) -> Decision:
    """May data of ``category``, declared for ``uses``, be revealed to ``grant``?

    ``held`` are the grant's purposes after narrowing. A person reading about themselves sees
    everything, in clear (GDPR Art. 15), whoever else the token might speak for.
    """
    if not uses:
        return Gap(f"{category} is declared for no purpose")
    if SELF in grant.purposes:
        if SELF not in held:
            return Deny(Reason.PURPOSE)
        return Allow((Way(EVERY_BIT, Form.CLEAR),), (SELF,))
    if grant.categories is not None and not any(_covers(c, category) for c in grant.categories):
        return Deny(Reason.CATEGORY)
    covered = catalogue.covered(held)
    justified = [use for use in uses if use.purpose.key in covered]
    if not justified:
        return Deny(Reason.PURPOSE)
    masks = dict.fromkeys(_FROM_MOST_REVEALING, 0)
    for use in justified:
        masks[use.form] |= 1 << use.purpose.bit
    ways = tuple(Way(mask, form) for form, mask in masks.items() if mask)
    return Allow(ways, tuple(sorted(use.purpose.key for use in justified)))


def reach(catalogue: Catalogue, grant: Grant, held: frozenset[str]) -> int:
    """The ``allow`` bits of everyone this request may meet at all.

    A row is met only if its person permits one of the purposes asked under: a partner's list
    holds those who opted in, and nobody learns of the others.
    """
    if SELF in grant.purposes:
        return EVERY_BIT if SELF in held else 0
    bits = 0
    for key in catalogue.covered(held):
        bits |= 1 << catalogue.purposes[key].bit
    return bits


def _covers(node: str, key: str) -> bool:
    return key == node or key.startswith(node + ".")
