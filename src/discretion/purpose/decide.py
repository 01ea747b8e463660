"""The part of the purpose decision that is the same for everybody: grant and catalogue.

Purposes form a union (any one that is held, declared and permitted justifies), restrictions form an
intersection (categories, ``@purpose``), and without a justification the answer is no. What the person permits
is not decided here: at the time of the read, it is one bitwise AND against the masks that this decision
carries.
"""

from __future__ import annotations

from collections.abc import Iterable

from discretion.catalogue.model import Catalogue, Form, Use
from discretion.purpose.decision import EVERY_BIT, Allow, Decision, Deny, Gap, PermittedForm, WithholdReason
from discretion.token.grant import SELF, Grant

# ``Form`` declares its members in this order.
_FROM_MOST_REVEALING = tuple(Form)


def narrow_purposes(held_purposes: frozenset[str], uses: Iterable[str] | None) -> frozenset[str]:
    """Return the purposes that a request may use: those of the token, narrowed by ``@purpose(uses:)``.

    A named purpose that the token does not cover adds nothing. A named purpose below a held one keeps only
    itself.
    """
    if uses is None:
        return held_purposes
    requested = frozenset(uses)
    below = {use for use in requested if any(_covers(node, use) for node in held_purposes)}
    above = {node for node in held_purposes if any(_covers(use, node) for use in requested)}
    return frozenset(below | above)


def decide_reveal(
    catalogue: Catalogue, grant: Grant, held_purposes: frozenset[str], category: str, uses: tuple[Use, ...]
) -> Decision:
    """Decide whether data of ``category``, declared for ``uses``, may be revealed to ``grant``.

    A person who reads their own data sees everything in clear (GDPR Art. 15), whatever else the token holds.

    Args:
        catalogue: The catalogue.
        grant: What the verified token allows.
        held_purposes: Its purposes after narrowing.
        category: The data category of the attribute.
        uses: The purposes that the catalogue declares for it, each with a form.
    """
    if not uses:
        return Gap(f"{category} is declared for no purpose")
    if SELF in grant.purposes:
        # ``@purpose`` has excluded the customer's own access. The other purposes of the token do not replace
        # it, because a token for ``self`` covers no other customer.
        if SELF not in held_purposes:
            return Deny(WithholdReason.PURPOSE)
        return Allow((PermittedForm(EVERY_BIT, Form.CLEAR),), (SELF,))
    # An empty set of categories is a limit that allows nothing. Only None is no limit.
    if grant.categories is not None and not any(_covers(granted, category) for granted in grant.categories):
        return Deny(WithholdReason.CATEGORY)
    covered = catalogue.find_covered_purposes(held_purposes)
    justified = [use for use in uses if use.purpose.key in covered]
    if not justified:
        return Deny(WithholdReason.PURPOSE)
    # In the order of forms, so that the first form that a person permits is the most revealing one.
    masks = dict.fromkeys(_FROM_MOST_REVEALING, 0)
    for use in justified:
        masks[use.form] |= 1 << use.purpose.bit
    permitted_forms = tuple(PermittedForm(mask, form) for form, mask in masks.items() if mask)
    return Allow(permitted_forms, tuple(sorted(use.purpose.key for use in justified)))


def compute_reach(catalogue: Catalogue, grant: Grant, held_purposes: frozenset[str]) -> int:
    """Return the purpose bits of the customers whom this request may read at all.

    A customer is returned only if they permit one of the requested purposes. So a partner's list holds those
    who permit it, and reveals nothing about the others.
    """
    if SELF in grant.purposes:
        return EVERY_BIT if SELF in held_purposes else 0
    bits = 0
    for key in catalogue.find_covered_purposes(held_purposes):
        bits |= 1 << catalogue.purposes[key].bit
    return bits


def _covers(node: str, key: str) -> bool:
    # With the dot, a node does not cover a sibling whose name begins with the same letters.
    return key == node or key.startswith(node + ".")
