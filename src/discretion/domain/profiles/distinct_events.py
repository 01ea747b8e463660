"""Counts and sums that use each event once, however often it was sent and by whichever source. No I/O.

A page that is loaded again sends its order again, and the server sends it too. So the total of a record is
not a number but its events: for each, a keyed digest of what identifies it (``Computation.key``,
``EventType.distinct_by``), its time and its amount. Equal digests are one event, of which the latest message
counts; the greater amount decides between equal times. The totals of several records are united in the same
way when the profile is folded, so neither the order of arrival nor merges and splits of records matter.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Any, Final

from discretion.catalogue.computation import Computation, Fold
from discretion.catalogue.exchange_rates import NO_RATES, ExchangeRates
from discretion.catalogue.model import Attribute, ValueType
from discretion.catalogue.money import Money
from discretion.domain.ingest.event_digests import DIGEST_BYTES, EVENT_ITSELF
from discretion.domain.ingest.message import ReceivedEvent

MAX_EVENTS: Final = 2_000
"""The most events of one total of one record: the latest ones. Sums and counts leave out older ones.

A later message can only move an event's time forward, so the result does not depend on the order of messages.
"""

_ENTRY: Final = struct.Struct(f">B{DIGEST_BYTES}s{DIGEST_BYTES}sqq3s")
_NAME_BYTES: Final = 1 + 2 * DIGEST_BYTES
_NO_CURRENCY: Final = bytes(3)
_NO_DIGEST: Final = bytes(DIGEST_BYTES)

TAKES_ALL: Final = -(2**63)
"""The amount of an event that takes off all because it states none; no amount of money is as great."""

_EntryName = tuple[int, bytes, bytes]
_EntryValue = tuple[int, int, bytes]
_NetAmount = tuple[int, tuple[int, bytes]]
"""When an event happened (ms), and minor units with their currency."""


class _Part(IntEnum):
    """What an event does to a total: it is one of the counted ones, takes an amount off, or removes them."""

    COUNTED = 0
    LESS = 1
    WITHOUT = 2


def add_event(
    entries: bytes, rule: Computation, event: ReceivedEvent, at: int, digests: Mapping[str, bytes]
) -> bytes:
    """Return the total of a record with one more event; it is unchanged if the event adds nothing.

    Args:
        entries: The total so far.
        rule: How the attribute is computed.
        event: The event.
        at: When it happened (ms).
        digests: As ``index_event`` returns them.
    """
    part = _find_part(rule, event.type.key)
    key = digests.get(rule.key or EVENT_ITSELF)
    amount = _read_amount(rule, event)
    if key is None or (amount is None and part is _Part.COUNTED):
        return entries
    itself = digests[EVENT_ITSELF] if part is _Part.LESS else _NO_DIGEST
    name, value = (int(part), key, itself), (at, *(amount or (TAKES_ALL, _NO_CURRENCY)))
    return _insert(entries, name, value)


def _insert(entries: bytes, name: _EntryName, value: _EntryValue) -> bytes:
    """Return a total with an entry; it is unchanged if it has the same entry with this or a greater value.

    Entries are sorted by name, and so are the bytes of the names: only one place is looked for and read.
    """
    entry = _ENTRY.pack(*name, *value)
    low, high = 0, len(entries) // _ENTRY.size
    while low < high:
        middle = (low + high) // 2
        start = middle * _ENTRY.size
        if entries[start : start + _NAME_BYTES] < entry[:_NAME_BYTES]:
            low = middle + 1
        else:
            high = middle
    start = end = low * _ENTRY.size
    if entries[start : start + _NAME_BYTES] == entry[:_NAME_BYTES]:
        if _ENTRY.unpack_from(entries, start)[3:] >= value:
            return entries
        end = start + _ENTRY.size
    inserted = entries[:start] + entry + entries[end:]
    if len(inserted) <= MAX_EVENTS * _ENTRY.size:
        return inserted
    by_name = _unpack(inserted)
    del by_name[min(by_name, key=lambda candidate: (by_name[candidate], candidate))]
    return _pack(by_name)


def drop_events_before(entries: bytes, cut_off: int) -> tuple[bytes, int]:
    """Return a total without the events before a time (ms), and their number."""
    by_name = _unpack(entries)
    remaining = {name: value for name, value in by_name.items() if value[0] >= cut_off}
    return _pack(remaining), len(by_name) - len(remaining)


def combine_events(attribute: Attribute, rates: ExchangeRates, totals: Sequence[bytes]) -> Any:
    """Return the value of an attribute over the totals of several records.

    Returns:
        A number, minor units of the attribute's currency, or for a list of money pairs of minor units and
        currency, sorted by currency. None if no event counts.
    """
    rule = attribute.computed
    assert rule is not None
    if not rule.converts:
        rates = NO_RATES
    is_plain = len(totals) == 1 and _has_counted_only(totals[0])
    if rule.fold is Fold.COUNT and is_plain:
        return len(totals[0]) // _ENTRY.size
    nets = _list_amounts(totals[0]) if is_plain else _list_nets(totals, rates)
    if nets is None:
        return None
    if rule.fold is Fold.COUNT:
        return len(nets)
    if attribute.type is not ValueType.MONEY:
        return sum(minor for _, (minor, _) in nets)
    if attribute.many:
        return _sum_by_currency(net for _, net in nets)
    own_currency = attribute.currency.encode()
    converted = [
        minor
        if currency == own_currency
        else rates.convert(Money(minor, currency.decode()), attribute.currency, at)
        for at, (minor, currency) in nets
    ]
    amounts = [amount for amount in converted if amount is not None]
    return sum(amounts) if amounts or not nets else None


def _list_amounts(entries: bytes) -> list[_NetAmount]:
    """Return the time and the amount of each event of a total in which nothing takes away from others."""
    return [(at, (minor, currency)) for _, _, _, at, minor, currency in _ENTRY.iter_unpack(entries)]


def _list_nets(totals: Sequence[bytes], rates: ExchangeRates) -> list[_NetAmount] | None:
    """Return the time of each event that counts and what is left of its amount; None if none ever counted."""
    by_name = _unite(totals)
    counted = {key: value for (part, key, _), value in by_name.items() if part == _Part.COUNTED}
    if not counted:
        return None
    subtracted: dict[bytes, list[_EntryValue]] = {}
    if len(counted) < len(by_name):
        for (part, key, _), value in by_name.items():
            if part == _Part.WITHOUT:
                counted.pop(key, None)
            elif part == _Part.LESS:
                subtracted.setdefault(key, []).append(value)
    return [
        (value[0], _subtract(value, subtracted[key], rates) if key in subtracted else (value[1], value[2]))
        for key, value in counted.items()
    ]


def _has_counted_only(entries: bytes) -> bool:
    """Return whether a total has events, and none that takes away from others; those come last."""
    return bool(entries) and entries[-_ENTRY.size] == _Part.COUNTED


def _unite(totals: Sequence[bytes]) -> dict[_EntryName, _EntryValue]:
    """Return the events of several totals; of equal ones, the latest."""
    by_name = _unpack(totals[0])
    for entries in totals[1:]:
        for name, value in _unpack(entries).items():
            by_name[name] = max(value, by_name.get(name, value))
    return by_name


def _find_part(rule: Computation, event: str) -> _Part:
    if event in rule.without:
        return _Part.WITHOUT
    return _Part.LESS if event in rule.less else _Part.COUNTED


def _read_amount(rule: Computation, event: ReceivedEvent) -> tuple[int, bytes] | None:
    """Return what an event adds: minor units and currency, or a number without one; None if nothing."""
    if rule.fold is Fold.COUNT:
        return 0, _NO_CURRENCY
    value = event.properties.value.get(rule.property)
    if isinstance(value, list):
        minor, currency = Money(*value)
        return minor, currency.encode()
    return (value, _NO_CURRENCY) if isinstance(value, int) else None


def _subtract(
    value: _EntryValue, subtracted: Iterable[_EntryValue], rates: ExchangeRates
) -> tuple[int, bytes]:
    """Return what is left of an amount, in its own currency, and not less than zero.

    What is taken off in another currency is converted at the time of the amount, so that a full refund leaves
    zero.
    """
    at, minor, currency = value
    code, rest = currency.decode(), minor
    for _, taken, taken_currency in subtracted:
        # One that states no amount takes all off.
        amount = (
            rates.convert(Money(taken, taken_currency.decode()), code, at) if taken != TAKES_ALL else minor
        )
        rest -= abs(amount or 0)
    return max(rest, min(minor, 0)), currency


def _sum_by_currency(amounts: Iterable[tuple[int, bytes]]) -> list[list[object]]:
    sums: dict[bytes, int] = {}
    for minor, currency in amounts:
        sums[currency] = sums.get(currency, 0) + minor
    return [[total, currency.decode()] for currency, total in sorted(sums.items())]


def _unpack(entries: bytes) -> dict[_EntryName, _EntryValue]:
    return {entry[:3]: entry[3:] for entry in _ENTRY.iter_unpack(entries)}


def _pack(by_name: Mapping[_EntryName, _EntryValue]) -> bytes:
    return b"".join(_ENTRY.pack(*name, *value) for name, value in sorted(by_name.items()))
