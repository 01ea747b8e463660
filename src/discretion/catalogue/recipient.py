"""Who receives personal data, in the words of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """As what somebody receives personal data."""

    STAFF = "staff"  # people of the controller's own, under its authority (GDPR Art. 29)
    PROCESSOR = "processor"  # works on the controller's behalf (GDPR Art. 4(8))
    THIRD_PARTY = "third_party"  # answers for what it does itself (GDPR Art. 4(10))


@dataclass(frozen=True, slots=True)
class Recipient:
    """An organisation, or a kind of one, that receives personal data for some purposes (GDPR Art. 4(9)).

    ``transfers`` has the countries outside the controller's own legal area that data go to, as ISO 3166-1
    alpha-2, each with what protects the data there (GDPR Art. 44 to 49). ``clients`` are the ids of clients
    that are it, beside its own key.
    """

    key: str
    label: str
    description: str
    role: Role
    purposes: tuple[str, ...]
    transfers: Mapping[str, str] = field(default_factory=dict)
    clients: tuple[str, ...] = ()
