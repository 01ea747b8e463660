"""Recipients of personal data as the catalogue declares them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class RecipientRole(StrEnum):
    """The role in which a recipient receives personal data."""

    STAFF = "staff"  # the controller's own staff, under its authority (GDPR Art. 29)
    PROCESSOR = "processor"  # works on the controller's behalf (GDPR Art. 4(8))
    THIRD_PARTY = "third_party"  # a controller of its own (GDPR Art. 4(10))


@dataclass(frozen=True, slots=True)
class Recipient:
    """An organisation, or a kind of organisation, that receives personal data for purposes (GDPR Art. 4(9)).

    Attributes:
        transfers: Countries outside the controller's legal area that data are transferred to, as ISO 3166-1
            alpha-2 codes, each with the safeguard that protects the data there (GDPR Art. 44 to 49).
        clients: Ids of OAuth clients that are this recipient, in addition to the client named like ``key``.
    """

    key: str
    label: str
    description: str
    role: RecipientRole
    purposes: tuple[str, ...]
    transfers: Mapping[str, str] = field(default_factory=dict)
    clients: tuple[str, ...] = ()
