"""Rows become messages: people, values, events and statements at their places, under ids that repeat."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from discretion.catalogue.load import find_shipped_catalogue, load_catalogue
from discretion.catalogue.model import Catalogue
from discretion.domain.ingest.file_import.row_file import Row
from discretion.domain.ingest.file_import.row_messages import RowMessageBuilder
from discretion.domain.ingest.file_import.row_result import RowMessages
from discretion.seal.blind_index import BlindIndex
from tests.unit.domain.ingest.messages import CATALOGUE

MAPPING = """
imports:
  past:
    label: The past
    source: web-shop
    key: [order_no]
    time: changed
    user_id: customer
    anonymous_id: cookie
    identifiers:
      loyalty_id: {column: card, assurance: proven}
    traits:
      email: mail
      address.city: city
      address.country: {value: DE}
      birthday: {column: born, format: '%d.%m.%Y'}
    events:
      Order Completed:
        only_if: {column: state, values: [paid]}
        time: ordered
        properties: {order_id: order_no, total: amount, product_ids: {column: articles, separator: ' '}}
      page:
        only_if: {column: page}
        properties: {name: page, path: {value: /}}
      group:
        only_if: {column: household}
        properties: {groupId: household, role: {value: owner}}
    statements:
      - only_if: {column: asked}
        time: {column: asked, format: '%Y-%m-%d'}
        purposes:
          marketing.communications.email: {column: mails, codes: {J: 'true', N: 'false'}}
          marketing.communications.sms: {column: texts, codes: {J: 'true', N: 'false'}}
        method: {column: by, codes: {click: explicit_click}}
        notice: {version: edition, language: {value: de}, sha256: {column: hash}}
        valid_until: {column: until, format: '%Y-%m-%d'}
        guardian: file
"""
BASE = {"customer": "c1", "changed": "2024-01-01T00:00:00Z"}
ORDER = {**BASE, "order_no": "o1", "state": "paid", "ordered": "2023-01-01T00:00:00Z", "amount": "9.90"}
STATEMENT = {**BASE, "asked": "2022-02-02", "mails": "J", "by": "click", "edition": "1", "hash": "ab"}


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    """Return the shipped catalogue with the mapping of this file."""
    folder: Path = tmp_path_factory.mktemp("catalogue")
    for path in find_shipped_catalogue().glob("*.yaml"):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "imports.yaml").write_text(MAPPING)
    return load_catalogue(folder)


def build(catalogue: Catalogue, key: Any = "k", **cells: Any) -> RowMessages:
    """Build the messages of a row."""
    builder = RowMessageBuilder(catalogue, catalogue.imports["past"], BlindIndex(key.encode() * 32))
    return builder.build(Row(2, cells))


def build_one(catalogue: Catalogue, **cells: object) -> dict[str, Any]:
    """Build the only message of a row without faults, apart from what only describes the person."""
    result = build(catalogue, **cells)
    assert not result.faults
    [message] = [message for message in result.messages if message["type"] != "identify"]
    return message


def test_a_row_describes_a_person(catalogue: Catalogue) -> None:
    [identify] = build(
        catalogue, **BASE, cookie="k1", card="900", mail="Ann@mail.example", city="Ulm", born="03.02.1990"
    ).messages
    assert identify.pop("messageId")
    assert identify == {
        "type": "identify",
        "userId": "c1",
        "anonymousId": "k1",
        "timestamp": "2024-01-01T00:00:00+00:00",
        "traits": {
            "email": "Ann@mail.example",
            "address": {"city": "Ulm", "country": "DE"},
            "birthday": "1990-02-03",
        },
        "context": {
            "externalIds": [
                {
                    "id": "900",
                    "type": "loyalty_id",
                    "collection": "users",
                    "encoding": "none",
                    "assurance": "proven",
                }
            ]
        },
    }


def test_an_event_has_its_own_time_and_properties(catalogue: Catalogue) -> None:
    order = build_one(catalogue, **ORDER, articles="A1 B2")
    assert (order["type"], order["event"], order["timestamp"]) == (
        "track",
        "Order Completed",
        "2023-01-01T00:00:00+00:00",
    )
    assert order["properties"] == {"order_id": "o1", "total": "9.90", "product_ids": ["A1", "B2"]}


def test_a_condition_selects_rows(catalogue: Catalogue) -> None:
    messages = build(catalogue, **{**ORDER, "state": "open"}).messages
    assert [message["type"] for message in messages] == ["identify"]


def test_pages_and_groups_have_the_members_of_their_calls(catalogue: Catalogue) -> None:
    page = build_one(catalogue, **BASE, order_no="1", page="Home")
    group = build_one(catalogue, **BASE, order_no="1", household="h1")
    assert (page["type"], page["properties"]) == ("page", {"name": "Home", "path": "/"})
    assert (group["type"], group["groupId"], group["traits"]) == ("group", "h1", {"role": "owner"})


def test_a_statement_has_its_proof(catalogue: Catalogue) -> None:
    statement = build_one(catalogue, **STATEMENT, until="2030-01-01", file="f-1")
    assert statement.pop("messageId")
    assert statement == {
        "type": "consent",
        "userId": "c1",
        "timestamp": "2022-02-02T00:00:00+00:00",
        "purposes": {"marketing.communications.email": True},
        "method": "explicit_click",
        "notice": {"version": "1", "language": "de", "sha256": "ab"},
        "validUntil": "2030-01-01T00:00:00+00:00",
        "guardian": {"reference": "f-1"},
    }


def test_a_row_that_says_neither_yes_nor_no_makes_no_statement(catalogue: Catalogue) -> None:
    messages = build(catalogue, **{**STATEMENT, "mails": ""}).messages
    assert [message["type"] for message in messages] == ["identify"]


def list_statements(result: RowMessages) -> list[dict[str, Any]]:
    return [message for message in result.messages if message["type"] == "consent"]


def test_an_unreadable_choice_is_left_out_and_the_others_stand(catalogue: Catalogue) -> None:
    result = build(catalogue, **STATEMENT, texts="x")
    [statement] = list_statements(result)
    assert statement["purposes"] == {"marketing.communications.email": True}
    assert [(fault.code, fault.column, fault.refuses) for fault in result.faults] == [
        ("CELL_UNREADABLE", "texts", False)
    ]


@pytest.mark.parametrize(
    "change", [{"by": "smoke"}, {"until": "31.12.2029 x"}, {"asked": "soon"}, {"asked": "?"}], ids=str
)
def test_without_a_readable_proof_a_no_stands_and_a_yes_does_not(
    catalogue: Catalogue, change: dict[str, str]
) -> None:
    result = build(catalogue, **{**STATEMENT, "texts": "N", **change})
    [statement] = list_statements(result)
    assert statement["purposes"] == {"marketing.communications.sms": False}
    assert [fault.refuses for fault in result.faults] == [True]
    assert not list_statements(build(catalogue, **{**STATEMENT, **change}))


def test_a_statement_without_a_method_is_known_from_an_import(catalogue: Catalogue) -> None:
    [statement] = list_statements(build(catalogue, **{**STATEMENT, "by": ""}))
    assert statement["method"] == "import"


def test_an_unreadable_trait_is_left_out_and_named(catalogue: Catalogue) -> None:
    result = build(catalogue, **BASE, mail="a@mail.example", born="1990-02-03")
    [identify] = result.messages
    assert "birthday" not in identify["traits"]  # type: ignore[operator]
    [fault] = result.faults
    assert (fault.code, fault.column, fault.refuses) == ("CELL_UNREADABLE", "born", False)


@pytest.mark.parametrize(
    ("cells", "code", "column"),
    [
        ({**ORDER, "order_no": ""}, "KEY_MISSING", "order_no"),
        ({**ORDER, "ordered": ""}, "TIME_MISSING", "ordered"),
    ],
)
def test_an_event_without_key_or_time_is_refused(
    catalogue: Catalogue, cells: dict[str, str], code: str, column: str
) -> None:
    [fault] = build(catalogue, **cells).faults
    assert (fault.code, fault.column, fault.refuses) == (code, column, True)


def test_a_malformed_row_is_refused(catalogue: Catalogue) -> None:
    builder = RowMessageBuilder(catalogue, catalogue.imports["past"], BlindIndex(bytes(32)))
    assert [fault.code for fault in builder.build(Row(2, is_malformed=True)).faults] == ["ROW_MALFORMED"]


def test_where_a_row_is_in_its_file_has_no_effect(catalogue: Catalogue) -> None:
    """So a file can be split, joined and sorted."""
    builder = RowMessageBuilder(catalogue, catalogue.imports["past"], BlindIndex(bytes(32)))
    row = {**ORDER, **STATEMENT}
    assert builder.build(Row(2, row)).messages == builder.build(Row(20_000, row)).messages


def test_an_event_is_known_by_its_key_alone(catalogue: Catalogue) -> None:
    order = build_one(catalogue, **ORDER)["messageId"]
    assert build_one(catalogue, **{**ORDER, "amount": "8.00", "customer": "c2"})["messageId"] == order
    assert build_one(catalogue, **{**ORDER, "order_no": "o2"})["messageId"] != order


@pytest.mark.parametrize(
    "change", [{"mails": "N"}, {"asked": "2022-02-03"}, {"customer": "c2"}, {"edition": "2"}], ids=str
)
def test_a_statement_is_known_by_its_content(catalogue: Catalogue, change: dict[str, str]) -> None:
    first = build_one(catalogue, **STATEMENT)["messageId"]
    assert build_one(catalogue, **STATEMENT)["messageId"] == first
    assert build_one(catalogue, **{**STATEMENT, **change})["messageId"] != first


def test_ids_of_messages_tell_nothing_without_the_key_of_the_installation(catalogue: Catalogue) -> None:
    here, there = (build(catalogue, key, **ORDER).messages for key in ("k", "l"))
    assert {message["messageId"] for message in here}.isdisjoint(message["messageId"] for message in there)
    assert all("o1" not in str(message["messageId"]) for message in here)


def test_two_mappings_have_different_orders_under_one_number(catalogue: Catalogue) -> None:
    """Two shops of the past may both have an order 1001."""
    other = replace(catalogue.imports["past"], key="other")
    ids = [
        RowMessageBuilder(catalogue, mapping, BlindIndex(bytes(32)))
        .build(Row(2, ORDER))
        .messages[-1]["messageId"]
        for mapping in (catalogue.imports["past"], other)
    ]
    assert ids[0] != ids[1]


def test_the_shipped_mappings_build_readers() -> None:
    for mapping in CATALOGUE.imports.values():
        assert RowMessageBuilder(CATALOGUE, mapping, BlindIndex(bytes(32))).build(Row(1)) is not None
