"""The interface through which an objection also becomes a rights request, in one transaction.

``requests`` implements it; this interface keeps consent independent of requests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from discretion.domain.consent.statement_writer import ExtraWrites


@dataclass(frozen=True, slots=True)
class StatementAuthor:
    """Who makes a statement.

    Attributes:
        by: The author as recorded, such as ``self:customer-app``.
        client: The token's client.
        subject: The token's subject.
        is_steward: Whether a steward speaks for the customer.
        customer: The customer, by the id that stays with the author's records when others are separated.
    """

    by: str
    client: str
    subject: str = field(repr=False)
    is_steward: bool
    customer: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ObjectionHook:
    """``build_writes`` builds the writes of a rights request for an objection to these purposes."""

    build_writes: Callable[[StatementAuthor, Sequence[str]], ExtraWrites]
