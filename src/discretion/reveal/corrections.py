"""Opening what a person proposes where it is kept open: an open attribute, a child's birthday.

It is their own word and goes into their own profile; nobody is shown it, so no disclosure is recorded. Only
``domain.correction.apply`` may import this module; an import contract says so.
"""

from __future__ import annotations

from typing import Any

from discretion.seal.open import opener
from discretion.seal.redacted import Shut


def opened(customer: bytes, data_key: bytes, cell: bytes, key: str) -> Shut[Any]:
    """The value in a proposed cell of the attribute ``key``.

    Raises:
        Broken: ``SEAL_BROKEN``.
    """
    return Shut(opener(customer, data_key)(cell, key.encode()))
