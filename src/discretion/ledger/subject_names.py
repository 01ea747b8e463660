"""Which ledger entries are about a person, and which part of each. No other module decides this.

An entry names a person by the pseudonym of the customer they were at the time. While two people were taken
for one customer, one pseudonym named both. After they were separated, each of them finds the entries of that
time. Of such an entry each sees only what their own records had: no attributes of the other, and no requests,
packages and codes, which only one of the two asked for. An entry that shows nothing of theirs is not shown.
The purposes of an entry are those of everything in it, and are shown with it: whoever's data were revealed
must learn for what (GDPR Art. 15(1)(a)). Everything else under an own pseudonym is theirs without a limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from discretion.ledger.entry import LedgerEntry
from discretion.seal.ledger_pseudonym import LedgerKey
from discretion.store.ledger_names import LedgerPseudonym, NamedPeriod, SubjectNames
from discretion.store.source_record import SourceRecord

EVENT_LABEL, IDENTIFIER_LABEL = "event:", "identifier:"
"""Begin the labels by which an entry names event types and identifier types."""

FILTER_LABEL, ORDER_LABEL = "filter:", "order:"
"""Begin the labels of the attributes that customers were found or sorted by."""

CONDITION_LABELS = (FILTER_LABEL, ORDER_LABEL)
TYPE_LABELS = (EVENT_LABEL, IDENTIFIER_LABEL)

COMMON_LABELS = frozenset(
    {
        *("consents", "permissions", "jurisdictions", "optOutSignal"),
        *("disclosures", "identifiers", "identityHistory", "provenance", "told"),
        *("mayBeYours", "unprovenIdentifiers"),
    }
)
"""Labels of what every record contributes to, so that they are about each person of a shared time.

A label that is not here, such as ``requests``, is about a matter of one of them, and is not shown.
"""

READING_MAX_MS = 60_000
"""How far the time of an entry may be from the merge or split that its reading saw.

An entry has the time at which its operation began, and a merge or split the time at which its transaction
began. MongoDB ends a transaction after 60 s.
"""


class SubjectWindow(NamedTuple):
    """A pseudonym, and the time (ms) to which a search for it is limited; None is no limit."""

    pseudonym: bytes
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class EntryPart:
    """The part of an entry that a person may see.

    Attributes:
        attributes: ``(path, form)`` of each attribute of theirs.
        extra: What else was revealed or asked by.
        is_shared: Whether the entry may be about somebody else too.
    """

    attributes: tuple[tuple[str, str], ...]
    extra: tuple[str, ...]
    is_shared: bool

    @property
    def is_visible(self) -> bool:
        """Whether the person may see the entry; of a shared time, only one with something of theirs."""
        return not self.is_shared or bool(self.attributes or self.extra)


@dataclass(frozen=True, slots=True)
class ReceivedPart:
    """What a client received of a person with an entry.

    Attributes:
        names: Attribute paths, event labels and identifier labels.
        pseudonyms: Own pseudonyms under which it received them.
        periods: Times of other pseudonyms under which it received them.
    """

    names: frozenset[str]
    pseudonyms: frozenset[bytes]
    periods: tuple[NamedPeriod, ...]


def open_subject_names(
    keys: Sequence[LedgerKey],
    records: Iterable[SourceRecord],
    find_path: Callable[[str], str],
) -> SubjectNames:
    """Return the names of a customer in the ledger.

    Args:
        keys: The ledger keys of the current id and of all former ids, the current one first.
        records: Their source records, at least those with ledger periods.
        find_path: Returns the path of an attribute by its key.
    """
    return SubjectNames(
        tuple(LedgerPseudonym(key.pseudonym, key.customer) for key in keys),
        tuple(
            NamedPeriod(
                keys[0].open_pseudonym(record.id, period.sealed),
                period.since,
                period.until,
                frozenset({*map(find_path, period.attributes), *period.labels}),
                period.is_shared,
            )
            for record in records
            for period in record.ledger_periods
        ),
    )


def list_windows(names: SubjectNames, slack_ms: int = 0) -> list[SubjectWindow]:
    """Return what to search for. ``slack_ms`` widens the times of pseudonyms that are not their own."""
    own = {pseudonym.value for pseudonym in names.pseudonyms}
    windows = {
        SubjectWindow(period.pseudonym, period.since - slack_ms, period.until + slack_ms): None
        for period in names.periods
        if period.pseudonym not in own
    }
    return [*(SubjectWindow(pseudonym.value) for pseudonym in names.pseudonyms), *windows]


def select_visible_part(names: SubjectNames, entry: LedgerEntry) -> EntryPart:
    """Return what of an entry the person may see."""
    own = {pseudonym.value for pseudonym in names.pseudonyms}
    own_bits, shared_bits, is_own, contents = 0, 0, False, set[str]()
    for pseudonym, bits in entry.subjects.items():
        covering = list(_find_covering(names, pseudonym, entry.at))
        if pseudonym in own and not any(period.is_shared for period in covering):
            own_bits, is_own = own_bits | bits, True
        elif covering:
            shared_bits |= bits
            contents = contents.union(*(period.contents for period in covering))
    return EntryPart(
        tuple(
            (path, form)
            for index, (path, form) in enumerate(entry.attributes)
            if own_bits >> index & 1 or (shared_bits >> index & 1 and path in contents)
        ),
        entry.extra if is_own else tuple(name for name in entry.extra if _is_covered(name, contents)),
        is_shared=not is_own,
    )


def select_received_part(names: SubjectNames, entry: LedgerEntry) -> ReceivedPart:
    """Return what the client of an entry received of the person.

    Not limited under an own pseudonym: the client knows them by it, and whatever it received under it may be
    theirs.
    """
    own = {pseudonym.value for pseudonym in names.pseudonyms}
    received: set[str] = set()
    pseudonyms, periods = set[bytes](), list[NamedPeriod]()
    for pseudonym, bits in entry.subjects.items():
        if pseudonym in own:
            received |= _list_received(entry, bits)
            pseudonyms.add(pseudonym)
            continue
        for period in _find_covering(names, pseudonym, entry.at, READING_MAX_MS):
            if part := _list_received(entry, bits) & period.contents:
                received |= part
                periods.append(period)
    return ReceivedPart(frozenset(received), frozenset(pseudonyms), tuple(periods))


def _list_received(entry: LedgerEntry, bits: int) -> set[str]:
    """Return what an entry disclosed of one of its people.

    Attributes are recorded for each of them. Event and identifier types, and the attributes that were
    filtered or sorted by, are recorded only for the entry as a whole, so they count for everybody in it.
    """
    names = {path for index, (path, _) in enumerate(entry.attributes) if bits >> index & 1}
    # Whoever gets the customers with a value knows the value, also if the answer does not repeat it.
    names |= {name.partition(":")[2] for name in entry.extra if name.startswith(CONDITION_LABELS)}
    return names | {name for name in entry.extra if name.startswith(TYPE_LABELS)}


def _find_covering(
    names: SubjectNames, pseudonym: bytes, at: int, slack_ms: int = 0
) -> Iterator[NamedPeriod]:
    for period in names.periods:
        if period.pseudonym == pseudonym and period.since - slack_ms <= at <= period.until + slack_ms:
            yield period


def _is_covered(label: str, contents: set[str]) -> bool:
    if label.startswith(CONDITION_LABELS):
        return label.partition(":")[2] in contents
    return label in contents or label in COMMON_LABELS
