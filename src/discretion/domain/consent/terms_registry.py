"""The current terms of every purpose. They are stored before a consent event refers to them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from discretion.catalogue.model import Catalogue
from discretion.domain.consent.terms import build_terms
from discretion.domain.notices.privacy_office import PrivacyOffice
from discretion.store.consent_terms import ConsentTerms
from discretion.store.consents import ConsentStore


class TermsRegistry:
    """The terms of a catalogue's purposes, and the store that keeps them."""

    def __init__(self, catalogue: Catalogue, office: PrivacyOffice, consents: ConsentStore) -> None:
        self.catalogue = catalogue
        self.office = office
        self.consents = consents
        self._is_stored = False

    @cached_property
    def digests(self) -> Mapping[str, bytes]:
        """Digests of the current terms by purpose."""
        return {terms.purpose: digest for digest, terms in self.terms.items()}

    @cached_property
    def terms(self) -> Mapping[bytes, ConsentTerms]:
        """The current terms by digest."""
        all_terms = [
            build_terms(self.catalogue, self.office, purpose) for purpose in self.catalogue.purposes.values()
        ]
        return {terms.compute_digest(): terms for terms in all_terms}

    async def store_terms(self) -> None:
        """Store the terms, once for each process: the catalogue does not change while a process runs."""
        # Two calls at the same time store the same documents under the same ids, which is harmless.
        if not self._is_stored:
            await self.consents.save_terms(self.terms)
            self._is_stored = True
