"""Cells become the JSON values of messages: by the declared type, and exactly."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from discretion.catalogue.import_mapping import ImportedCell, ImportMapping
from discretion.catalogue.model import ValueType
from discretion.domain.ingest.file_import.cell import CellReader, CellUnreadable

NO_CELL = ImportedCell("c")


def read_cell(
    raw_value: object,
    value_type: ValueType | None,
    cell: ImportedCell = NO_CELL,
    *,
    many: bool = False,
    **file: object,
) -> object:
    mapping = ImportMapping(
        "m",
        "label",
        "shop",
        NO_CELL,
        (),
        NO_CELL,
        None,
        (),
        {},
        (),
        (),
        **file,  # type: ignore[arg-type]
    )
    return CellReader(cell, mapping, value_type, many).read({"c": raw_value})


@pytest.mark.parametrize(
    ("raw_value", "value_type", "expected"),
    [
        ("007", ValueType.STRING, "007"),
        (4118046048292, ValueType.STRING, "4118046048292"),
        (" padded ", ValueType.STRING, " padded "),
        ("12", ValueType.INT, 12),
        ("1.5", ValueType.FLOAT, 1.5),
        (Decimal("19.99"), ValueType.MONEY, "19.99"),
        ("19.99", ValueType.MONEY, "19.99"),
        ("TRUE", ValueType.BOOLEAN, True),
        (False, ValueType.BOOLEAN, False),
        (date(1990, 2, 3), ValueType.DATE, "1990-02-03"),
        ("1990-02-03", ValueType.DATETIME, "1990-02-03T00:00:00+00:00"),
        (datetime(2020, 7, 1, 12), ValueType.DATETIME, "2020-07-01T12:00:00+00:00"),  # noqa: DTZ001
        ("2020-07-01T12:00:00+02:00", ValueType.DATETIME, "2020-07-01T12:00:00+02:00"),
        ({"price": Decimal("1.5"), "on": [date(2020, 1, 2)]}, None, {"price": "1.5", "on": ["2020-01-02"]}),
        ("", ValueType.STRING, None),
        (None, ValueType.INT, None),
    ],
)
def test_a_value_is_read_by_its_declared_type(
    raw_value: object, value_type: ValueType | None, expected: object
) -> None:
    assert read_cell(raw_value, value_type) == expected


@pytest.mark.parametrize(
    ("raw_value", "value_type"),
    [
        ("abc", ValueType.INT),
        ("1,5", ValueType.FLOAT),
        ("maybe", ValueType.BOOLEAN),
        ("soon", ValueType.DATE),
    ],
)
def test_a_text_of_another_type_is_left_to_the_rules_of_messages(
    raw_value: str, value_type: ValueType
) -> None:
    assert read_cell(raw_value, value_type) == raw_value


def test_a_time_without_a_zone_is_in_the_zone_of_the_mapping() -> None:
    """Also across the change of summer time: Berlin is two hours ahead in July and one in January."""
    cell = ImportedCell("c", format="%d.%m.%Y %H:%M")
    read = {
        text: read_cell(text, ValueType.DATETIME, cell, zone="Europe/Berlin")
        for text in ("01.07.2021 00:30", "01.01.2021 00:30")
    }
    assert read == {
        "01.07.2021 00:30": "2021-07-01T00:30:00+02:00",
        "01.01.2021 00:30": "2021-01-01T00:30:00+01:00",
    }


@pytest.mark.parametrize(("unit", "raw_value"), [("unix", "1600000000"), ("unix_ms", 1600000000000)])
def test_a_number_is_a_time_since_1970(unit: str, raw_value: object) -> None:
    cell = ImportedCell("c", format=unit)
    assert read_cell(raw_value, ValueType.DATETIME, cell) == "2020-09-13T12:26:40+00:00"


def test_a_decimal_comma_keeps_its_cents() -> None:
    assert read_cell("1.299,05", ValueType.MONEY, decimal=",") == "1299.05"


def test_a_list_is_split_and_an_empty_item_is_none() -> None:
    cell = ImportedCell("c", separator="|")
    assert read_cell("A1||B2", ValueType.STRING, cell, many=True) == ["A1", "B2"]


def test_codes_say_what_each_text_means() -> None:
    cell = ImportedCell("c", codes={"J": "true", "N": "false", "1": "true"})
    assert [read_cell(text, ValueType.BOOLEAN, cell) for text in ("J", "N", 1, "")] == [
        True,
        False,
        True,
        None,
    ]


@pytest.mark.parametrize(
    ("raw_value", "cell"),
    [
        ("X", ImportedCell("c", codes={"J": "true"})),
        ("2021-07-01", ImportedCell("c", format="%d.%m.%Y")),
        ("20200102", ImportedCell("c", format="%d%m%Y")),
        ("yesterday", ImportedCell("c", format="unix")),
        ("9" * 18, ImportedCell("c", format="unix")),
    ],
)
def test_a_text_that_breaks_the_mapping_is_unreadable_and_not_repeated(
    raw_value: str, cell: ImportedCell
) -> None:
    with pytest.raises(CellUnreadable) as unreadable:
        read_cell(raw_value, ValueType.DATETIME, cell)
    assert raw_value not in unreadable.value.reason


def test_texts_for_no_value_are_none() -> None:
    assert read_cell("NULL", ValueType.STRING, absent=frozenset({"NULL"})) is None


def test_a_constant_is_the_value_of_every_row() -> None:
    assert read_cell("anything", ValueType.STRING, ImportedCell(None, "EUR")) == "EUR"
