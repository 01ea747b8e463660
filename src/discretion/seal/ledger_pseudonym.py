"""A customer's pseudonym in the ledger, and the pseudonyms of others that are sealed under a customer's key.

A source record that was once another customer's remembers under which pseudonym it was disclosed then. In
the open, that would link the ledger to a customer for whoever reads the database. So it is sealed under the
key of the record's customer, and dies with that key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.errors import Broken
from discretion.seal.cell import derive_ledger_pseudonym
from discretion.seal.key_files import NONCE_BYTES

_BINDING = b"ledger/"


@dataclass(frozen=True, slots=True)
class LedgerKey:
    """What a customer's data key says about the ledger.

    Attributes:
        customer: The customer's id.
        pseudonym: Their pseudonym.
        decrypt: The bare AES-GCM decryption under their data key.
    """

    customer: bytes = field(repr=False)
    pseudonym: bytes = field(repr=False)
    decrypt: Callable[[bytes, bytes, bytes], bytes] = field(repr=False)

    def open_pseudonym(self, record: bytes, sealed: bytes) -> bytes:
        """Return a pseudonym that is sealed under this key and bound to a source record.

        Raises:
            Broken: ``SEAL_BROKEN``.
        """
        try:
            return self.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _BINDING + self.customer + record)
        except (InvalidTag, ValueError):
            raise Broken(
                "SEAL_BROKEN", "A sealed value cannot be decrypted: it was moved or altered."
            ) from None


def build_ledger_key(customer: bytes, data_key: bytes) -> LedgerKey:
    """Return the ledger key of a customer."""
    return LedgerKey(customer, derive_ledger_pseudonym(data_key), AESGCM(data_key).decrypt)


def seal_ledger_pseudonym(
    cipher: AESGCM, customer: bytes, record: bytes, pseudonym: bytes, nonce: bytes
) -> bytes:
    """Return a pseudonym sealed under a customer's data key and bound to one of their source records.

    Args:
        cipher: The customer's cipher.
        customer: Their id.
        record: The source record.
        pseudonym: The pseudonym, of this or another customer.
        nonce: 12 random bytes, never used twice under one key.
    """
    return nonce + cipher.encrypt(nonce, pseudonym, _BINDING + customer + record)
