"""Reach of a login: which customer a customer's own token is about. It is resolved at each request.

A login rests on an account or loyalty number and reaches the customer whose records have *proven* it. So an
account that only claims somebody's number reaches nothing, and after a split a token reaches the part that
has the login, whatever it reached before. An address is no login: its owner changes, and several may have
proven it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.identifier_type import IdentifierType
from discretion.seal.blind_index import BlindIndex
from discretion.seal.normalisation import NORMALISATION_RULES
from discretion.store.identities import IdentityStore
from discretion.store.source_record import SourceRecord
from discretion.store.transactions import Session
from discretion.token.grant import Login

_LOGIN_DIGEST_KIND = "login"


@dataclass(frozen=True, slots=True)
class LoginReach:
    """What a login resolves to.

    Attributes:
        entry: Blind index of the identifier that the login rests on.
        digest: Keyed digest of the login in hex; it cannot be joined with ``identifiers``.
        customer: The customer it reaches now; None if it reaches nobody.
        lasting_customer: A present or former id of that customer that stays with the records of the login
            when others are separated from them. What is filed or stated under it concerns nobody else.
        record: The source record of the login; None if it reaches nobody.
    """

    entry: bytes
    digest: str
    customer: bytes | None = field(repr=False)
    lasting_customer: bytes | None = field(repr=False)
    record: bytes | None = field(default=None, repr=False)

    @property
    def may_change(self) -> bool:
        """Whether the customer's id may be that of somebody else after a split: it was not theirs first."""
        return self.customer != self.lasting_customer


@dataclass(frozen=True, slots=True)
class LoginReachResolver:
    """Resolves logins to customers; ``types`` are the catalogue's identifier types by key."""

    types: Mapping[str, IdentifierType]
    blind_index: BlindIndex
    identities: IdentityStore

    async def resolve(self, login: Login) -> LoginReach:
        """Resolve a login. What is no number, or no record has proven, reaches nobody."""
        identifier_type = self.types.get(login.type)
        normalised = (
            NORMALISATION_RULES[identifier_type.normalise](login.value, None)
            if identifier_type is not None and identifier_type.number
            else None
        )
        entry = self.blind_index.index(login.type, login.value if normalised is None else normalised)
        digest = self.blind_index.index(_LOGIN_DIGEST_KIND, login.issuer, login.type, login.value).hex()
        record = None if normalised is None else await self._find_record(entry)
        if record is None:
            return LoginReach(entry, digest, None, None)
        return LoginReach(entry, digest, record.customer, record.home or record.customer, record.id)

    async def find_customer(self, entry: bytes, session: Session | None = None) -> bytes | None:
        """Return the customer whose records have proven a number now, by its blind index."""
        record = await self._find_record(entry, session)
        return None if record is None else record.customer

    async def list_reached_numbers(
        self, customer: bytes, salt: bytes, session: Session | None = None
    ) -> tuple[bytes, ...]:
        """Return digests of the numbers by which logins reach a customer now, in the order of the digests.

        A number that a record only claims or presents is not among them. ``salt`` makes the digests those of
        one request: they can be compared with each other, and not be joined with ``identifiers``.
        """
        numbers = [identifier_type.key for identifier_type in self.types.values() if identifier_type.number]
        entries = {
            identifier.entry
            for record in await self.identities.list_identifiers(customer, numbers, session)
            for identifier in record.identifiers
            if identifier.is_own or identifier.assurance is Assurance.PROVEN
        }
        return tuple(sorted(hashlib.sha256(salt + entry).digest()[:16] for entry in entries))

    async def _find_record(self, entry: bytes, session: Session | None = None) -> SourceRecord | None:
        # A ruling may have separated the records of one number: the login is that of the eldest account.
        proven = [
            (not identifier.is_own, record.born, record.id, record)
            for record in await self.identities.list_linking(entry, session)
            for identifier in record.identifiers
            if identifier.assurance is Assurance.PROVEN
        ]
        return min(proven)[3] if proven else None
