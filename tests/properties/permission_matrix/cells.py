"""Cells of the permission matrix as input for the code under test, and their differences from the oracle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType

from discretion.catalogue.attribute_register import find_next_number
from discretion.catalogue.load import load_catalogue
from discretion.catalogue.model import Attribute, Catalogue, ValueType
from discretion.law.load import load_lawbook
from discretion.law.model import ConsentLaw, MaterialChange
from discretion.purpose.permissions import PermissionBits, PersonState, compute_permitted_bits
from discretion.purpose.statements import AmbientChoice, NodeChoices, PurposeChoice, RecordStatements
from tests.properties.permission_matrix import oracle

DAY = 86_400_000
NOW = int(datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()) * 1000
NEXT_YEAR = int(datetime(2027, 6, 1, 12, tzinfo=UTC).timestamp()) * 1000
EXPIRED_MS = 4 * 365 * DAY
LONG_AGO = 5 * 365 * DAY
AGES = (None, 11, 12, 13, 15, 16, 17, 18)
SIGNALS = ("none", "before", "after")
EXPIRIES = ("lasts", "until")
"""A consent expires when the duration of the purpose ends, or at its own end, to the millisecond."""


SHIPPED = load_catalogue(None)


def _build_catalogue() -> Catalogue:
    """Return the shipped catalogue with one more attribute of each sensitive kind; it has not all of them."""
    shipped = SHIPPED
    kinds = {
        f"store.{kind}": Attribute(
            f"store.{kind}", number, ValueType.STRING, "user", "", (), "P1Y", True, kinds=(kind,)
        )
        for number, kind in enumerate(shipped.sensitive, find_next_number(shipped.register))
    }
    return replace(shipped, attributes=MappingProxyType({**shipped.attributes, **kinds}))


CATALOGUE = _build_catalogue()
LAWBOOK = load_lawbook(None, SHIPPED)
SENSITIVE_KINDS = CATALOGUE.sensitive_kinds
ALL_PURPOSES = frozenset(CATALOGUE.purposes)
PURPOSE_CLASSES: Mapping[tuple[str, str], int] = {
    (basis, family): sum(
        1 << purpose.bit
        for purpose in CATALOGUE.purposes.values()
        if (purpose.basis, purpose.family) == (basis, family)
    )
    for basis, family in sorted(
        {(str(purpose.basis), str(purpose.family)) for purpose in CATALOGUE.purposes.values()}
    )
}
"""Purposes that no law distinguishes: basis and family -> their bits."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One person in one place on one day, for all purposes and kinds of data."""

    place: str
    statement: str
    signal: str = "none"
    age: int | None = None
    restricted: bool = False
    limited: bool = False
    notice_changed: bool = False
    expiry: str = "lasts"
    now: int = NOW
    second_place: str = ""

    def rank_complexity(self) -> tuple[int, str]:
        """Return a sort key: cells with fewer unusual properties come first."""
        unusual = [
            self.signal != "none",
            self.age is not None,
            self.restricted,
            self.limited,
            self.notice_changed,
        ]
        return len(self.statement.split()) + 3 * sum(unusual) + 3 * (self.now != NOW), repr(self)


def build_law(now: int, *, notice_changed: bool) -> ConsentLaw:
    """Return the shipped law; the notice changed before all statements, and if ``notice_changed`` again."""
    starts = (now - LONG_AGO, now - DAY) if notice_changed else (now - LONG_AGO,)
    return replace(
        LAWBOOK.consent_law, material_changes=tuple(MaterialChange(start, ALL_PURPOSES) for start in starts)
    )


LAWS = {
    (now, changed): build_law(now, notice_changed=changed)
    for now in (NOW, NEXT_YEAR)
    for changed in (False, True)
}


LAYERS = {
    ("guardian", "self"): "own_guardian",
    ("guardian",): "guardian",
    ("self",): "own",
    ("stamp",): "ambient",
    (): "explicit",
}
"""By the words of a step, where a record has the statement."""


def build_records(cell: Cell) -> tuple[RecordStatements, ...]:
    """Return the statements in the source records of a person, the same for each purpose."""
    choices: dict[str, dict[str, dict[str, PurposeChoice]]] = {}
    ambient: dict[str, dict[str, AmbientChoice]] = {}
    steps = _split_steps(cell.statement)
    for number, step in enumerate(steps):
        stated_at = cell.now - (20 - 5 * number * (" at once" not in cell.statement)) * DAY
        if "lapsed" in cell.statement and cell.expiry == "lasts" and "lapsed" not in steps[-1]:
            # What follows is of today.
            stated_at -= EXPIRED_MS * ("lapsed" in step)
        elif "lapsed" in cell.statement and cell.expiry == "lasts":
            stated_at -= EXPIRED_MS
        record = "there" if "there" in step else "here"
        layer = LAYERS[tuple(sorted({"guardian", "self", "stamp"}.intersection(step)))]
        for purpose in CATALOGUE.purposes.values():
            node = purpose.key.partition(".")[0] if "parent" in step else purpose.key
            choice = PurposeChoice(stated_at, "m", "yes" in step)
            if "lapsed" in step:
                expires_at = None if cell.expiry == "lasts" and purpose.lasts else cell.now
                choice = replace(choice, until=expires_at)
            if layer == "ambient":
                _add_ambient(ambient.setdefault(record, {}), node, choice)
                continue
            existing = choices.setdefault(record, {}).setdefault(layer, {}).get(node)
            if existing is None or existing.at < choice.at or not choice.accepted:
                choices[record][layer][node] = choice
    opted_out_at = {"none": None, "before": cell.now - 30 * DAY, "after": cell.now - 2 * DAY}[cell.signal]
    logins = {"there" for step in steps if "login" in step}
    # A statement lifts the signal of its own record. Of two records only one has the signal: the one that
    # speaks for the person, or else the silent one.
    is_elsewhere = bool(steps) and all("there" in step for step in steps)
    speaks_for_person = any({"login", "self"}.intersection(step) for step in steps)
    unsignalled = ("here" if speaks_for_person else "there") if is_elsewhere else ""
    return tuple(
        RecordStatements(
            explicit=_list_choices(choices, record, "explicit"),
            guardian=_list_choices(choices, record, "guardian"),
            own=_list_choices(choices, record, "own"),
            own_guardian=_list_choices(choices, record, "own_guardian"),
            ambient=tuple(ambient.get(record, {}).items()),
            opted_out_at=None if record == unsignalled else opted_out_at,
            limits_sensitive_use=cell.limited and record == "here",
            is_login=record in logins,
        )
        for record in ("here", "there")
        if record == "here" or record in choices or record in ambient
    )


def _list_choices(
    choices: Mapping[str, Mapping[str, Mapping[str, PurposeChoice]]], record: str, layer: str
) -> NodeChoices:
    return tuple(choices.get(record, {}).get(layer, {}).items())


def _add_ambient(by_node: dict[str, AmbientChoice], node: str, choice: PurposeChoice) -> None:
    if choice.until is not None:  # a repeated statement has no end of its own, only that of the purpose
        return
    state = by_node.get(node, AmbientChoice())
    by_node[node] = (
        replace(state, accepted_first=choice.at, accepted_last=choice.at)
        if choice.accepted
        else replace(state, refused_last=choice.at)
    )


def _split_steps(statement: str) -> list[list[str]]:
    if statement == "nothing":
        return []
    return [step.split() for step in statement.replace(" and ", ", ").split(", ")]


def compute_actual(cell: Cell) -> PermissionBits:
    """Return what the code under test permits."""
    birth = None if cell.age is None else _find_birthday(cell.now, cell.age)
    laws = tuple(sorted({cell.place, cell.second_place or cell.place}))
    state = PersonState(build_records(cell), laws, cell.restricted, birth)
    return compute_permitted_bits(CATALOGUE, LAWS[cell.now, cell.notice_changed], state, cell.now)


def _find_birthday(now: int, age: int) -> int:
    """Return a birth date (ms) at which the person has this age for some months."""
    today = datetime.fromtimestamp(now / 1000, UTC)
    return int(datetime(today.year - age, 3, 5, tzinfo=UTC).timestamp()) * 1000


def compute_expected(cell: Cell) -> Iterator[tuple[str, int]]:
    """Yield what the oracle permits: kind of data ("" for data that is not sensitive) and bits."""
    day = datetime.fromtimestamp(cell.now / 1000, UTC).date().isoformat()
    for kind in ("", *SENSITIVE_KINDS):
        bits = 0
        for (basis, family), mask in PURPOSE_CLASSES.items():
            if all(
                oracle.is_permitted(
                    place,
                    basis=basis,
                    family=family,
                    statement=cell.statement,
                    signal=cell.signal,
                    restricted=cell.restricted,
                    limited=cell.limited,
                    age=cell.age,
                    kind=kind,
                    notice_changed=cell.notice_changed,
                    day=day,
                )
                for place in {cell.place, cell.second_place or cell.place}
            ):
                bits |= mask
        yield kind, bits


def find_differences(cells: Iterable[Cell]) -> tuple[int, list[str]]:
    """Return the number of checked cells, and one line for the simplest cell of each kind of difference."""
    count = 0
    first_cells: dict[tuple[str, str, str, bool], Cell] = {}
    for cell in sorted(cells, key=Cell.rank_complexity):
        bits = compute_actual(cell)
        actual = dict(zip(("", *SENSITIVE_KINDS), (bits.allow, *bits.kinds), strict=True))
        for kind, expected in compute_expected(cell):
            count += len(CATALOGUE.purposes)
            for (basis, family), mask in PURPOSE_CLASSES.items():
                if (expected ^ actual[kind]) & mask:
                    first_cells.setdefault((basis, family, kind, bool(expected & mask)), cell)
    return count, list(_format_differences(first_cells))


def _format_differences(differing_cells: Mapping[tuple[str, str, str, bool], Cell]) -> Iterator[str]:
    """Yield one line for the differences of a cell that concern different kinds of data."""
    grouped: dict[tuple[Cell, bool, tuple[str, ...]], list[str]] = {}
    kinds: dict[tuple[Cell, bool, str], list[str]] = {}
    for (basis, family, kind, expected), cell in differing_cells.items():
        kinds.setdefault((cell, expected, f"{family} on {basis}"), []).append(kind or "any")
    for (cell, expected, purpose), cell_kinds in kinds.items():
        data_kinds = ("any",) if "any" in cell_kinds else tuple(cell_kinds)
        grouped.setdefault((cell, expected, data_kinds), []).append(purpose)
    for (cell, expected, data_kinds), purposes in grouped.items():
        unusual = [name for name in ("restricted", "limited", "notice_changed") if getattr(cell, name)]
        unusual += [f"signal {cell.signal}"] * (cell.signal != "none") + ["2027"] * (cell.now == NEXT_YEAR)
        where = f"{cell.place} {cell.second_place}".strip()
        person = f"{where}, {cell.age or 'age unknown'}, {cell.statement!r} {' '.join(unusual)}"
        subject = f"{', '.join(purposes)}; data: {', '.join(data_kinds)}"
        yield f"{person}: expected {expected}, got {not expected}: {subject}"
