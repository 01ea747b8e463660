"""The document of ``consent_terms``, typed: what a person agreed to or refused, as it was at that time.

Terms contain no personal data, so they are stored once for everybody, under the SHA-256 of their content.
Member names are part of that content: to rename one would change the digest that stored events refer to.

The members are those that ISO/IEC TS 27560:2023 requires on every record besides the event (6.3.4 to 6.3.6):
purpose, data, controller, recipients, place and duration of storage, and how to withdraw.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from discretion.catalogue.model import Basis
from discretion.store.document import Document, MutableDocument


@dataclass(frozen=True, slots=True)
class DataCategoryTerms:
    """A data category, its longest retention for the purpose (ISO 8601), and its sensitive kinds."""

    category: str
    retention: tuple[str, ...]
    sensitive: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ControllerParty:
    """The data controller as the terms of a purpose name it."""

    name: str
    address: str
    contact: str


@dataclass(frozen=True, slots=True)
class ConsentTerms:
    """What is done for a purpose and by whom. ``lasts`` is the validity of a consent (ISO 8601), or empty."""

    purpose: str
    label: str
    description: str
    meaning: str
    basis: Basis
    lasts: str
    data: tuple[DataCategoryTerms, ...]
    controller: ControllerParty
    recipients: tuple[str, ...]
    storage: str
    withdrawal: str
    withdrawal_url: str
    rights_url: str
    authority: str

    def compute_digest(self) -> bytes:
        """Return the SHA-256 of the canonical JSON; equal terms have equal digests."""
        # Stored events refer to this digest: other separators or another order of keys would change it.
        canonical = json.dumps(
            build_terms_document(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )
        return hashlib.sha256(canonical.encode()).digest()


def build_terms_document(terms: ConsentTerms) -> MutableDocument:
    """Build the document that is stored, without its id, and shown; it has JSON values only."""
    document: MutableDocument = json.loads(json.dumps(asdict(terms)))
    return document


def parse_terms(document: Document) -> ConsentTerms:
    """Parse stored terms; their id is the digest of the rest."""
    return ConsentTerms(
        purpose=document["purpose"],
        label=document["label"],
        description=document["description"],
        meaning=document["meaning"],
        basis=Basis(document["basis"]),
        lasts=document["lasts"],
        data=tuple(
            DataCategoryTerms(item["category"], tuple(item["retention"]), tuple(item["sensitive"]))
            for item in document["data"]
        ),
        controller=ControllerParty(**document["controller"]),
        recipients=tuple(document["recipients"]),
        storage=document["storage"],
        withdrawal=document["withdrawal"],
        withdrawal_url=document["withdrawal_url"],
        rights_url=document["rights_url"],
        authority=document["authority"],
    )
