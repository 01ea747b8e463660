"""What a person may be asked, and what a word about a node of the tree of purposes is about."""

from __future__ import annotations

from collections.abc import Iterable

from discretion.catalogue.model import Catalogue, Purpose
from discretion.purpose.permissions import REFUSABLE


def below(catalogue: Catalogue, node: str) -> list[Purpose]:
    """The purposes that a node of the tree covers; none for one that the catalogue does not have."""
    return [
        one for key, one in sorted(catalogue.purposes.items()) if key == node or key.startswith(f"{node}.")
    ]


def askable(catalogue: Catalogue, purposes: Iterable[Purpose], node: str = "") -> list[str]:
    """Keys of those that a person may say yes or no to; the others rest on the law or on a contract.

    For sensitive data a contract is not enough in many places (GDPR Art. 9(2)(a)), so a purpose that they
    serve is asked too; but by its own name, as ``node``: an express yes is not to something wider.
    """
    expressly = catalogue.sensitive_purposes & {node}
    return [one.key for one in purposes if one.basis in REFUSABLE or one.key in expressly]


def about(node: str, asked: list[str], *, given: bool) -> list[str]:
    """What is told to records: a yes is to what there is now, a no also to what may yet come below a node."""
    return asked if given else list(dict.fromkeys([node, *asked]))
