"""The identity of one generated customer in each channel, and which of their source records are one person.

Web shop and app have one account number in common, and the account has confirmed the card that the tills
scan. One customer in ten keeps the channels apart: other accounts, other addresses, no confirmed card.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from discretion.seeding.geography import PhoneNumber
from discretion.seeding.message import APP, TILLS, WEB, derive_id

PREFIXES = {TILLS: ("L", "card"), WEB: ("w", "ck"), APP: ("a", "dev")}
"""By source, the prefixes of the ids of people and of their cards, browsers and devices."""


@dataclass(frozen=True, slots=True)
class ChannelIdentity:
    """What one channel has of a customer: ids, an address and a number.

    Web shop and app have the account's number as ``user_id``, the tills that of a loyalty card.
    ``confirmed_card`` is a card that the account has confirmed, ``newsletter_id`` a browser in which a
    newsletter was confirmed without an account.
    """

    user_id: str
    anonymous_id: str | None
    email: str | None
    phone: PhoneNumber | None
    seen_before_sign_in: bool
    is_verified: bool = False
    confirmed_card: str | None = None
    newsletter_id: str | None = None


def derive_user_id(source: str, key: str, *, is_shared: bool) -> str:
    """Return the number of a loyalty card or of an account, which web shop and app share or not."""
    channel = WEB if source == APP and is_shared else source
    return f"{PREFIXES[channel][0]}-{derive_id('user', channel, key)}"


def group_records(identities: Mapping[str, ChannelIdentity]) -> tuple[frozenset[str], ...]:
    """Return the source records of a customer, grouped by what joins them.

    Args:
        identities: The identity of the customer in each channel, by source.
    """
    clusters: list[tuple[set[str], set[str]]] = []  # records and numbers
    for source, identity in identities.items():
        records = {f"{source}:{identity.user_id}"}
        if identity.seen_before_sign_in:
            records.add(f"{source}:{identity.anonymous_id}")
        if identity.newsletter_id is not None:
            records.add(f"{source}:{identity.newsletter_id}")
        numbers = {identity.user_id, identity.confirmed_card or identity.user_id}
        joined = [cluster for cluster in clusters if cluster[1] & numbers]
        clusters = [cluster for cluster in clusters if not cluster[1] & numbers]
        for joined_records, joined_numbers in joined:
            records |= joined_records
            numbers |= joined_numbers
        clusters.append((records, numbers))
    return tuple(sorted((frozenset(records) for records, _ in clusters), key=sorted))
