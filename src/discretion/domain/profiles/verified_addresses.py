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

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.model import MAX_CATALOGUES, Attribute, Catalogue
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


def _find_stated(record: SourceRecord, identifier_type: str, at: int) -> list[RecordIdentifier]:
    """Return the identifiers that a record stated at a time, as the last of their type."""
    stated = [
        (identifier.stated.last, identifier)
        for identifier in record.identifiers
        if identifier.type == identifier_type and identifier.stated is not None
    ]
    latest = max((last for last, _ in stated), default=None)
    return [identifier for last, identifier in stated if last == latest == at]
