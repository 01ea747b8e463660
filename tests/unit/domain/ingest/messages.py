"""Messages to the shipped catalogue, and the facts of valid ones."""

from __future__ import annotations

from typing import Any

from discretion.catalogue.load import load_catalogue
from discretion.catalogue.model import Catalogue
from discretion.domain.ingest.message import Fact
from tests.fixtures.validator import build_validator

CATALOGUE = load_catalogue(None)
NOW = 1_790_000_000_000


def build_fact(source: str, catalogue: Catalogue = CATALOGUE, received: int = NOW, **members: Any) -> Fact:
    """Build the fact of a valid message; by default an identify of ``u1``."""
    raw = {"type": "identify", "userId": "u1", "messageId": "m1", **members}
    fact = build_validator(catalogue).validate(catalogue.sources[source], raw, received)
    assert isinstance(fact, Fact), fact
    return fact


def get_values(fact: Fact) -> dict[str, Any]:
    """Return the values of a fact by attribute path."""
    return {attribute.path: value.value for attribute, value in fact.values}


def list_identifiers(fact: Fact) -> list[tuple[str, str]]:
    """Return the types and values of a fact's identifiers."""
    return [(identifier.type, identifier.value.value) for identifier in fact.identifiers]
