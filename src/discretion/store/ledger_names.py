"""Under which pseudonyms, and when, the ledger names a person: as records have it, and opened."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LedgerPeriod:
    """A time in which a source record was disclosed under a pseudonym, as the record has it.

    Attributes:
        sealed: The pseudonym, sealed under the key of the record's customer (``seal.ledger_pseudonym``).
        since: When the record came to the customer with this pseudonym (ms).
        until: When it left them, or was separated from the other records (ms); the last moment included.
        attributes: Keys of the attributes that the record had at the end.
        labels: The types of its events and identifiers at the end, as the ledger labels them.
        is_shared: Whether records were among the customer's that are another person's since.
    """

    sealed: bytes = field(repr=False)
    since: int
    until: int
    attributes: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    is_shared: bool = False


@dataclass(frozen=True, slots=True)
class LedgerPseudonym:
    """A pseudonym of a customer in the ledger, and the customer id it belongs to."""

    value: bytes = field(repr=False)
    customer: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class NamedPeriod:
    """A time in which a person was named by a pseudonym, and what of the entries is about them.

    Attributes:
        pseudonym: The pseudonym, which may be another customer's.
        since: Its first moment (ms).
        until: Its last moment (ms).
        contents: Paths of the attributes that the person's records had, and labels of events and identifiers.
        is_shared: Whether the pseudonym also named somebody else then.
        customer: The customer id it belongs to, if it is needed and they are still a customer.
    """

    pseudonym: bytes = field(repr=False)
    since: int
    until: int
    contents: frozenset[str]
    is_shared: bool
    customer: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SubjectNames:
    """All names of a person in the ledger.

    Attributes:
        pseudonyms: Their own, the one of the current id first.
        periods: Times in which an own pseudonym named somebody else too, or another one named them.
    """

    pseudonyms: tuple[LedgerPseudonym, ...] = field(default=(), repr=False)
    periods: tuple[NamedPeriod, ...] = field(default=(), repr=False)
