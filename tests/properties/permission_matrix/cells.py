"""What was said, as the code under test hears it, and the cells in which it differs from the oracle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType

from discretion.catalogue.load import load as load_catalogue
from discretion.catalogue.model import Attribute, Catalogue, ValueType
from discretion.law.load import load
from discretion.law.model import Edition, Law
from discretion.purpose.permissions import Bits, PersonState, permitted
from discretion.purpose.statements import Choice, Heard
from tests.properties.permission_matrix import oracle

DAY = 86_400_000
NOW = int(datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()) * 1000
LATER = int(datetime(2027, 6, 1, 12, tzinfo=UTC).timestamp()) * 1000
LAPSED = 4 * 365 * DAY
LONG_AGO = 5 * 365 * DAY
AGES = (None, 11, 12, 13, 15, 16, 17, 18)
SIGNALS = ("none", "before", "after")
LAPSES = ("lasts", "until")
"""A yes is over when the purpose's time is, or when its own end has come, to the millisecond."""

Told = tuple[tuple[str, str, Choice], ...]


SHIPPED = load_catalogue(None)


def _catalogue() -> Catalogue:
    """What is shipped, and an attribute of each sensitive kind, for the shipped one does not keep all."""
    shipped = SHIPPED
    kinds = {
        f"store.{kind}": Attribute(
            f"store.{kind}", ValueType.STRING, "user", "", (), "P1Y", True, kinds=(kind,)
        )
        for kind in shipped.sensitive
    }
    return replace(shipped, attributes=MappingProxyType({**shipped.attributes, **kinds}))


CATALOGUE = _catalogue()
BOOK = load(None, SHIPPED)
KINDS = CATALOGUE.kinds_kept
EVERY = frozenset(CATALOGUE.purposes)
CLASSES: Mapping[tuple[str, str], int] = {
    (basis, family): sum(
        1 << one.bit for one in CATALOGUE.purposes.values() if (one.basis, one.family) == (basis, family)
    )
    for basis, family in sorted({(str(one.basis), str(one.family)) for one in CATALOGUE.purposes.values()})
}
"""Purposes that no law tells apart: basis and family -> their bits."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One person in one place on one day, for whatever purpose and kind of data."""

    place: str
    said: str
    signal: str = "none"
    age: int | None = None
    restricted: bool = False
    limited: bool = False
    changed: bool = False
    lapse: str = "lasts"
    now: int = NOW
    also: str = ""

    def plainness(self) -> tuple[int, str]:
        """Plain cells first: those with the least that is out of the ordinary."""
        odd = [self.signal != "none", self.age is not None, self.restricted, self.limited, self.changed]
        return len(self.said.split()) + 3 * sum(odd) + 3 * (self.now != NOW), repr(self)


def law(now: int, *, changed: bool) -> Law:
    """The shipped law; the notice changed before everything that was said, and perhaps once more since."""
    starts = (now - LONG_AGO, now - DAY) if changed else (now - LONG_AGO,)
    return replace(BOOK.law, editions=tuple(Edition(start, EVERY) for start in starts))


LAWS = {(now, changed): law(now, changed=changed) for now in (NOW, LATER) for changed in (False, True)}


def heard(cell: Cell) -> tuple[Heard, ...]:
    """What the source records of a person heard, each purpose alike."""
    told: dict[str, dict[str, dict[str, Choice]]] = {}
    for number, step in enumerate(_steps(cell.said)):
        at = cell.now - (20 - 5 * number * (" at once" not in cell.said)) * DAY
        if "lapsed" in cell.said and cell.lapse == "lasts":
            at -= LAPSED
        record = "there" if "there" in step else "here"
        layer = "guards" if "guardian" in step else "stamps" if "stamp" in step else "words"
        for purpose in CATALOGUE.purposes.values():
            node = purpose.key.partition(".")[0] if "parent" in step else purpose.key
            choice = Choice(at, "m", "yes" in step)
            if "lapsed" in step:
                ends = None if cell.lapse == "lasts" and purpose.lasts else cell.now
                choice = replace(choice, until=ends)
            known = told.setdefault(record, {}).setdefault(layer, {}).get(node)
            if known is None or known.at < choice.at or not choice.given:
                told[record][layer][node] = choice
    opted_out = {"none": None, "before": cell.now - 30 * DAY, "after": cell.now - 2 * DAY}[cell.signal]
    return tuple(
        Heard(
            **{layer: tuple(words.items()) for layer, words in told.get(record, {}).items()},
            opted_out=opted_out,
            limited=cell.limited and record == "here",
        )
        for record in ("here", "there")
        if record == "here" or record in told
    )


def _steps(said: str) -> list[list[str]]:
    if said == "nothing":
        return []
    return [step.split() for step in said.replace(" and ", ", ").split(", ")]


def got(cell: Cell) -> Bits:
    """What the code permits."""
    born = None if cell.age is None else _born(cell.now, cell.age)
    laws = tuple(sorted({cell.place, cell.also or cell.place}))
    state = PersonState(heard(cell), laws, cell.restricted, born)
    return permitted(CATALOGUE, LAWS[cell.now, cell.changed], state, cell.now)


def _born(now: int, age: int) -> int:
    """A birthday some months ago."""
    today = datetime.fromtimestamp(now / 1000, UTC)
    return int(datetime(today.year - age, 3, 5, tzinfo=UTC).timestamp()) * 1000


def expected(cell: Cell) -> Iterator[tuple[str, int]]:
    """What the oracle permits: kind of data ("" for none in particular) -> bits."""
    day = datetime.fromtimestamp(cell.now / 1000, UTC).date().isoformat()
    for kind in ("", *KINDS):
        bits = 0
        for (basis, family), mask in CLASSES.items():
            if all(
                oracle.permitted(
                    place,
                    basis=basis,
                    family=family,
                    said=cell.said,
                    signal=cell.signal,
                    restricted=cell.restricted,
                    limited=cell.limited,
                    age=cell.age,
                    kind=kind,
                    changed=cell.changed,
                    day=day,
                )
                for place in {cell.place, cell.also or cell.place}
            ):
                bits |= mask
        yield kind, bits


def differences(cells: Iterable[Cell]) -> tuple[int, list[str]]:
    """How many cells there were, and the plainest of each sort of difference, one a line."""
    count = 0
    found: dict[tuple[str, str, str, bool], Cell] = {}
    for cell in sorted(cells, key=Cell.plainness):
        bits = got(cell)
        both = dict(zip(("", *KINDS), (bits.allow, *bits.kinds), strict=True))
        for kind, wanted in expected(cell):
            count += len(CATALOGUE.purposes)
            for (basis, family), mask in CLASSES.items():
                if (wanted ^ both[kind]) & mask:
                    found.setdefault((basis, family, kind, bool(wanted & mask)), cell)
    return count, list(_rows(found))


def _rows(found: Mapping[tuple[str, str, str, bool], Cell]) -> Iterator[str]:
    """Differences of one cell, in which only the kind of data differs, on one line."""
    alike: dict[tuple[Cell, bool, tuple[str, ...]], list[str]] = {}
    kinds: dict[tuple[Cell, bool, str], list[str]] = {}
    for (basis, family, kind, wanted), cell in found.items():
        kinds.setdefault((cell, wanted, f"{family} on {basis}"), []).append(kind or "any")
    for (cell, wanted, purpose), some in kinds.items():
        which = ("any",) if "any" in some else tuple(some)
        alike.setdefault((cell, wanted, which), []).append(purpose)
    for (cell, wanted, which), purposes in alike.items():
        odd = [name for name in ("restricted", "limited", "changed") if getattr(cell, name)]
        odd += [f"signal {cell.signal}"] * (cell.signal != "none") + ["2027"] * (cell.now == LATER)
        where = f"{cell.place} {cell.also}".strip()
        who = f"{where}, {cell.age or 'age unknown'}, {cell.said!r} {' '.join(odd)}"
        yield f"{who}: expected {wanted}, got {not wanted}: {', '.join(purposes)}; data: {', '.join(which)}"
