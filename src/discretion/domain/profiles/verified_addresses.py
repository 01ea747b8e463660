"""Whether the address in a profile is one that its person has proven. Pure functions.

The catalogue names for each type of address the trait by which a source states that it confirmed one
(``verified_by``). What a source says there raises the assurance of the address in its own record, if it may.
The attribute of the profile is computed: true if one of the person's records has proven the address that is
shown, and absent otherwise. So a new address never appears as verified because the one before it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from discretion.catalogue.assurance import ANONYMOUS_CLAIM, Assurance
from discretion.catalogue.model import MAX_CATALOGUES, Attribute, Catalogue
from discretion.catalogue.reserved_source import CORRECTION_SOURCE
from discretion.domain.profiles.erased_scopes import read_erased_scopes
from discretion.store.source_record import Cell, RecordIdentifier, SourceRecord


@dataclass(frozen=True, slots=True)
class AddressAttributes:
    """The attribute with an address, and the one that says whether the person has proven it."""

    address: Attribute
    verified: Attribute


@lru_cache(maxsize=MAX_CATALOGUES)
def index_addresses(catalogue: Catalogue) -> Mapping[str, tuple[Attribute, ...]]:
    """Return the attributes whose values are addresses, by the type of the address."""
    return {
        key: tuple(attribute for attribute in catalogue.attributes.values() if attribute.identifier == key)
        for key, identifier_type in catalogue.identifiers.items()
        if identifier_type.is_address
    }


@lru_cache(maxsize=MAX_CATALOGUES)
def list_address_attributes(catalogue: Catalogue) -> tuple[AddressAttributes, ...]:
    """Return the addresses of the catalogue that have an attribute for their proof."""
    verified_by_trait = {
        trait: attribute
        for attribute in catalogue.attributes.values()
        if attribute.identifier is None
        for trait in attribute.traits
    }
    pairs = []
    for attribute in catalogue.attributes.values():
        identifier_type = catalogue.identifiers.get(attribute.identifier or "")
        if identifier_type is None or identifier_type.verified_by is None:
            continue
        verified = verified_by_trait.get(identifier_type.verified_by)
        if verified is not None:
            pairs.append(AddressAttributes(attribute, verified))
    return tuple(pairs)


def find_proofs(
    attributes: Sequence[AddressAttributes], records: Sequence[SourceRecord], shown: Mapping[str, Cell]
) -> Iterator[tuple[str, int, str]]:
    """Yield for each proven address its attribute of proof, when the address was observed, and the source.

    Args:
        attributes: The attributes of addresses.
        records: The records of one person, in the order of their ids.
        shown: The cell of each attribute in the profile, by attribute key.
    """
    for pair in attributes:
        cell = shown.get(pair.address.key)
        if cell is None:  # as in most profiles that a message changes
            continue
        owner = next((record for record in records if record.cells.get(pair.address.key) is cell), None)
        if owner is None:
            continue
        stated = _find_stated(owner, str(pair.address.identifier), cell.at)
        # Of two addresses that were stated at once, it is not known which one the cell has.
        if len(stated) != 1:
            continue
        erased_at = max(
            (at for scope, at in read_erased_scopes(owner) if scope.covers_attribute(pair.verified)),
            default=-1,
        )
        proofs = [
            (proven_at, record.source)
            for record in records
            for identifier in record.identifiers
            if identifier.entry == stated[0].entry
            and (proven_at := identifier.times.get(Assurance.PROVEN, -1)) > erased_at
        ]
        if proofs:
            yield pair.verified.key, cell.at, min(proofs)[1]


def rank_addresses(
    catalogue: Catalogue, records: Sequence[SourceRecord], shown: Mapping[str, Cell]
) -> Iterator[tuple[str, int]]:
    """Yield for each address that is not proven its attribute and its rank (``catalogue.assurance``).

    The strongest mention by any of the person's records counts. A correction needs a code to the new address,
    or a steward.
    """
    for pair in list_address_attributes(catalogue):
        key, cell = pair.address.key, shown.get(pair.address.key)
        if cell is None:
            continue
        owner = next((record for record in records if record.cells.get(key) is cell), None)
        if owner is None or owner.source == CORRECTION_SOURCE.key:
            continue
        entries = {
            identifier.entry for identifier in _find_stated(owner, str(pair.address.identifier), cell.at)
        }
        ranks = [
            min(
                rank_mention(record, identifier)
                for record in records
                for identifier in record.identifiers
                if identifier.entry == entry
            )
            for entry in entries
        ]
        # Of several addresses that were stated at once, it is not known which one the cell has.
        rank = max(ranks, default=_rank_claim(owner))
        if rank > Assurance.PROVEN:
            yield key, rank


def rank_mention(record: SourceRecord, identifier: RecordIdentifier) -> int:
    """Return how certain a mention is: its assurance, or ``ANONYMOUS_CLAIM`` of a weaker one.

    That is a claim without a number, and one of an identifier whose owner refuses something: an account that
    typed it does not agree for them.
    """
    if identifier.assurance.links:
        return int(identifier.assurance)
    return ANONYMOUS_CLAIM if identifier.entry.hex() in record.claim_refusals else _rank_claim(record)


def _rank_claim(record: SourceRecord) -> int:
    return ANONYMOUS_CLAIM if record.number_assurance is None else int(Assurance.CLAIMED)


def _find_stated(record: SourceRecord, identifier_type: str, at: int) -> list[RecordIdentifier]:
    """Return the identifiers that a record stated at a time, as the last of their type."""
    stated = [
        (identifier.stated.last, identifier)
        for identifier in record.identifiers
        if identifier.type == identifier_type and identifier.stated is not None
    ]
    latest = max((last for last, _ in stated), default=None)
    return [identifier for last, identifier in stated if last == latest == at]
