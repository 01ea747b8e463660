"""Messages to the shipped catalogue, and what becomes of those that are in order."""

from __future__ import annotations

from typing import Any

from discretion.catalogue.load import load
from discretion.catalogue.model import Catalogue
from discretion.domain.ingest.message import Fact
from tests.fixtures.validator import validator

CATALOGUE = load(None)
NOW = 1_790_000_000_000


def heard(source: str, catalogue: Catalogue = CATALOGUE, received: int = NOW, **members: Any) -> Fact:
    """The fact of a message that is in order; an identify of ``u1`` unless told otherwise."""
    raw = {"type": "identify", "userId": "u1", "messageId": "m1", **members}
    fact = validator(catalogue).fact(catalogue.sources[source], raw, received)
    assert isinstance(fact, Fact), fact
    return fact


def values(fact: Fact) -> dict[str, Any]:
    """What it tells, by path."""
    return {attribute.path: value.value for attribute, value in fact.values}


def ids(fact: Fact) -> list[tuple[str, str]]:
    """Whom it is about: types and values."""
    return [(one.type, one.value.value) for one in fact.identifiers]
