"""Erasure: what goes, what another law orders kept, and how it is proven (GDPR Art. 17)."""
