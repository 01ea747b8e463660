"""Re-encryption of sealed values under another key.

It is used when records are merged, and when data are retained after an erasure.

The value is decrypted for the duration of one expression and never handed to a caller.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.seal.cell import HEADER_BYTES, encrypt_cell
from discretion.seal.nested_members import MemberName, leave_out_members
from discretion.seal.open import build_cell_decryptor


@dataclass(frozen=True, slots=True)
class CellOwner:
    """Whose key a cell is encrypted under: an id that the cell is bound to, and its data key."""

    id: bytes
    key: bytes = field(repr=False)


def transfer_cell(cell: bytes, key: bytes, from_owner: CellOwner, to_owner: CellOwner, nonce: bytes) -> bytes:
    """Return the same value and date, encrypted under another customer's key."""
    return transfer_cell_as(cell, key, from_owner, key, to_owner, nonce)


def transfer_cell_as(
    cell: bytes,
    key: bytes,
    from_owner: CellOwner,
    new_key: bytes,
    to_owner: CellOwner,
    nonce: bytes,
    included: Collection[str] | None = None,
    excluded: Collection[MemberName] = (),
) -> bytes:
    """Return the same value and date, encrypted under another customer's key and bound to another key.

    Args:
        cell: The sealed value.
        key: What it is bound to.
        from_owner: Whose key it is sealed under.
        new_key: What the result is bound to.
        to_owner: Whose key the result is sealed under.
        nonce: 12 random bytes.
        included: Of a value that is an object, the members to keep; None keeps all.
        excluded: Of a value that is an object, members to leave out, also of the objects in it.
    """
    # The date is carried over: retention counts from the observation, not from the transfer.
    observed = int.from_bytes(cell[1:HEADER_BYTES])
    decrypt = build_cell_decryptor(from_owner.id, from_owner.key)
    value = _select_properties(decrypt(cell, key), included, excluded)
    return encrypt_cell(AESGCM(to_owner.key), to_owner.id, new_key, observed, nonce, value)


def _select_properties(
    value: object, included: Collection[str] | None, excluded: Collection[MemberName]
) -> object:
    if not isinstance(value, Mapping):
        return value
    members = {name: member for name, member in value.items() if included is None or name in included}
    return leave_out_members(members, excluded)
