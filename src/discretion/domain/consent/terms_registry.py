"""What people agree to today: the terms of every purpose, on record before anybody's word names them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from discretion.catalogue.model import Catalogue
from discretion.domain.consent.terms import terms
from discretion.domain.notices.privacy_office import Office
from discretion.store.consents import Consents


class Agreed:
    """The terms of a catalogue's purposes, and where they are kept."""

    def __init__(self, catalogue: Catalogue, office: Office, consents: Consents) -> None:
        self.catalogue = catalogue
        self.office = office
        self.consents = consents
        self._kept = False

    @cached_property
    def digests(self) -> Mapping[str, bytes]:
        """By purpose."""
        return {
            key: terms(self.catalogue, self.office, one).digest()
            for key, one in self.catalogue.purposes.items()
        }

    @cached_property
    def documents(self) -> Mapping[bytes, dict[str, Any]]:
        """By digest."""
        told = [terms(self.catalogue, self.office, one) for one in self.catalogue.purposes.values()]
        return {one.digest(): one.document() for one in told}

    async def keep(self) -> None:
        """Put them on record; once is enough, for nothing changes while a process runs."""
        if not self._kept:
            await self.consents.keep_terms(self.documents)
            self._kept = True
