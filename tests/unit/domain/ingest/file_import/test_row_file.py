"""The same rows in CSV, JSON lines and Parquet are the same rows; what cannot be read is named by its row."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

from discretion.catalogue.import_mapping import ImportedCell, ImportMapping
from discretion.domain.ingest.file_import.open_rows import open_rows
from discretion.domain.ingest.file_import.row_file import MAX_CELL_BYTES, FileFormat, Row, find_format
from discretion.errors import Misconfigured

HEADER = "id,name,unused\n"


def build_mapping(columns: Sequence[str] = ("id", "name"), **file: str) -> ImportMapping:
    cells = {column: ImportedCell(column) for column in columns}
    first = ImportedCell(columns[0])
    return ImportMapping("m", "label", "shop", first, (), first, None, (), cells, (), (), **file)  # type: ignore[arg-type]


def read_rows(path: Path, after: int = 0, mapping: ImportMapping | None = None) -> list[Row]:
    with open_rows(path, find_format(path), mapping or build_mapping()) as rows:
        return list(rows.iterate_rows(after))


def write_text(folder: Path, text: str | bytes, name: str = "f.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def write_parquet(folder: Path, query: str) -> Path:
    path = folder / "f.parquet"
    duckdb.sql(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    return path


def test_rows_are_numbered_as_a_person_counts_in_the_file(tmp_path: Path) -> None:
    csv_rows = read_rows(write_text(tmp_path, HEADER + "1,Ann,x\n2,Bob,x\n"))
    json_rows = read_rows(write_text(tmp_path, '{"id": 1, "name": "Ann"}\n\n{"id": 2}', "f.jsonl"))
    parquet_rows = read_rows(
        write_parquet(tmp_path, "SELECT * FROM (VALUES (1, 'Ann'), (2, NULL)) t(id, name)")
    )
    assert [(row.number, dict(row.cells)) for row in csv_rows] == [
        (2, {"id": "1", "name": "Ann"}),
        (3, {"id": "2", "name": "Bob"}),
    ]
    assert [(row.number, dict(row.cells)) for row in json_rows] == [
        (1, {"id": 1, "name": "Ann"}),
        (3, {"id": 2, "name": None}),
    ]
    assert [(row.number, dict(row.cells)) for row in parquet_rows] == [
        (1, {"id": 1, "name": "Ann"}),
        (2, {"id": 2, "name": None}),
    ]


@pytest.mark.parametrize("name", ["f.csv", "f.jsonl", "f.parquet"])
def test_reading_goes_on_after_any_row(name: str, tmp_path: Path) -> None:
    """The rows after a number are the last rows of all, whatever the number is."""
    names = [f"n{number}" for number in range(2500)]
    if name == "f.parquet":
        path = write_parquet(tmp_path, "SELECT range AS id, 'n' || range AS name FROM range(2500) ORDER BY 1")
    elif name == "f.csv":
        path = write_text(tmp_path, HEADER + "".join(f'{n},"{name}",\n' for n, name in enumerate(names)))
    else:
        lines = (json.dumps({"id": n, "name": name}) for n, name in enumerate(names))
        path = write_text(tmp_path, "\n".join(lines), name)
    rows = read_rows(path)
    assert [row.cells["name"] for row in rows] == names
    for after in (0, 1, 2, 999, 1000, 1001, 2499, 2500, 2501):
        assert read_rows(path, after) == [row for row in rows if row.number > after]


def test_a_column_may_be_nested(tmp_path: Path) -> None:
    mapping = build_mapping(("order.id",))
    in_json = read_rows(write_text(tmp_path, '{"order": {"id": 7}}\n{"order": 3}\n', "f.jsonl"), 0, mapping)
    in_parquet = read_rows(write_parquet(tmp_path, "SELECT {'id': 7} AS \"order\""), 0, mapping)
    assert [row.cells for row in in_json] == [{"order.id": 7}, {"order.id": None}]
    assert [row.cells for row in in_parquet] == [{"order.id": 7}]


def test_a_row_of_another_shape_is_malformed_and_the_next_is_read(tmp_path: Path) -> None:
    csv_rows = read_rows(write_text(tmp_path, HEADER + "1,Ann\n2,Bob,x,y\n3,Cy,x\n"))
    long_line = '{"id": "' + "x" * MAX_CELL_BYTES + '"}'
    twice = '{"id": 1, "name": "Ann", "name": "Bob"}'
    lines = ["[1]", "no json", long_line, twice, '{"id": 5}']
    json_rows = read_rows(write_text(tmp_path, "\n".join(lines), "f.jsonl"))
    assert [row.is_malformed for row in csv_rows] == [True, True, False]
    assert [row.is_malformed for row in json_rows] == [True, True, True, True, False]


def test_a_spreadsheet_of_western_europe_is_read(tmp_path: Path) -> None:
    text = 'id;name\n1;Jürgen "X" Weiß\n'
    mapping = build_mapping(delimiter=";", encoding="cp1252")
    assert (
        read_rows(write_text(tmp_path, text.encode("cp1252")), 0, mapping)[0].cells["name"]
        == 'Jürgen "X" Weiß'
    )


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    assert read_rows(write_text(tmp_path, "\ufeff" + HEADER + "1,Ann,\n"))[0].cells["id"] == "1"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"id,names\n1,Ann\n", "IMPORT_COLUMN_MISSING"),
        (b"", "IMPORT_COLUMN_MISSING"),
        (b"id,name,name\n1,Ann,x\n", "IMPORT_COLUMN_REPEATED"),
        (b"id,name\n1,J\xfcrgen\n", "IMPORT_FILE_UNREADABLE"),
        (b'id,name\n1,"' + b"x" * (MAX_CELL_BYTES + 1), "IMPORT_FILE_UNREADABLE"),
        (b'id,name\n1,"Ann" x\n', "IMPORT_FILE_UNREADABLE"),
    ],
)
def test_a_csv_file_that_cannot_be_read_says_what_to_do(content: bytes, code: str, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as refusal:
        read_rows(write_text(tmp_path, content))
    assert refusal.value.code == code
    assert refusal.value.advice
    assert "Ann" not in str(refusal.value)


def test_a_file_that_is_no_parquet_says_so(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as refusal:
        read_rows(write_text(tmp_path, "id,name\n", "f.parquet"))
    assert refusal.value.code == "IMPORT_FILE_UNREADABLE"
    with pytest.raises(Misconfigured) as refusal:
        read_rows(write_parquet(tmp_path, "SELECT 1 AS id"))
    assert refusal.value.code == "IMPORT_COLUMN_MISSING"
    assert "'name'" in refusal.value.message


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = write_text(tmp_path, HEADER + "1,Ann,\n")

    def read_while_it_grows() -> None:
        with open_rows(path, FileFormat.CSV, build_mapping()) as rows:
            assert len(list(rows.iterate_rows(0))) == 1
            path.write_text(HEADER + "1,Ann,\n2,Bob,\n")

    with pytest.raises(Misconfigured) as refusal:
        read_while_it_grows()
    assert refusal.value.code == "IMPORT_FILE_CHANGED"


@pytest.mark.parametrize("name", ["f.csv", "f.jsonl"])
def test_memory_does_not_grow_with_the_file(name: str, tmp_path: Path) -> None:
    """Ten times the rows need no more memory than before."""
    peaks = []
    for count in (2_000, 20_000):
        line = '1,"a name of some length",x\n' if name == "f.csv" else '{"id": 1, "name": "a long name"}\n'
        path = write_text(tmp_path, (HEADER if name == "f.csv" else "") + line * count, name)
        tracemalloc.start()
        with open_rows(path, find_format(path), build_mapping()) as rows:
            assert sum(1 for _ in rows.iterate_rows(0)) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]


def test_a_name_without_a_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as refusal:
        find_format(tmp_path / "export")
    assert refusal.value.code == "IMPORT_FORMAT_UNKNOWN"
    assert "--format" in refusal.value.advice
