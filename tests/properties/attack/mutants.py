"""Guards against takeovers, each with what the platform is like without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.model import Source
from discretion.domain.identity import clustering
from discretion.domain.identity.link import Link
from discretion.domain.ingest import identifiers
from discretion.domain.profiles import identifier_lookup, precedence
from discretion.domain.profiles.identifier_lookup import FoundCustomer
from discretion.domain.profiles.verified_addresses import rank_mention


@dataclass(frozen=True, slots=True)
class Mutant:
    """A guard by name, what takes it away, and the actions that it guards against."""

    name: str
    remove: Callable[[pytest.MonkeyPatch], None]
    actions: tuple[str, ...]


def _link_by_claims(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Assurance, "links", property(lambda _: True))


def _trust_every_assertion(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Source, "limit_assurance", lambda _source, _type, asserted: asserted)


def _trust_former_ids(patch: pytest.MonkeyPatch) -> None:
    real = identifiers.parse_previous_identifiers

    def parse_proven(*arguments: Any) -> Any:
        return [_prove(identifier) for identifier in real(*arguments)]

    patch.setattr("discretion.domain.ingest.validation.parse_previous_identifiers", parse_proven)


def _prove(identifier: Any) -> Any:
    return replace(identifier, assurance=Assurance.PROVEN)


def _give_to_the_latest(patch: pytest.MonkeyPatch) -> None:
    def find_latest(_named: Link, holdings: Any, _types: Any) -> Any:
        return max(holdings, key=lambda holding: holding[1].since)[0] if holdings else None

    patch.setattr(clustering, "_find_owner", find_latest)


def _prefer_claims(patch: pytest.MonkeyPatch) -> None:
    def select_weakest(_named: Any, mentions: Any, _types: Any) -> FoundCustomer | None:
        weakest = max(mentions, key=lambda mention: rank_mention(*mention), default=None)
        if weakest is None:
            return None
        customer = weakest[0].customer
        return FoundCustomer(customer, rank_mention(*weakest), customer)

    patch.setattr(identifier_lookup, "_select_strongest", select_weakest)


def _rank_claimed_values_equally(patch: pytest.MonkeyPatch) -> None:
    real = precedence._rank_candidate
    patch.setattr(precedence, "_rank_candidate", lambda *arguments: (False, *real(*arguments)[1:]))


MUTANTS = (
    Mutant("claims join no records", _link_by_claims, ("type a number",)),
    Mutant(
        "a source asserts no more than the catalogue lets it",
        _trust_every_assertion,
        ("have the till confirm an address",),
    ),
    Mutant("a former id is a claim", _trust_former_ids, ("name a former id",)),
    Mutant(
        "what several persons had stays with whoever had it",
        _give_to_the_latest,
        ("confirm an own or recycled address",),
    ),
    Mutant("a lookup prefers proofs", _prefer_claims, ("type an address in the own account",)),
    Mutant(
        "claimed values override no others", _rank_claimed_values_equally, ("Vera signs in", "use the tablet")
    ),
)
