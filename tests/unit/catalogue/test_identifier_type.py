"""What broken clients send in place of an id identifies nobody, whatever the type of the id."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.load import load_catalogue
from discretion.errors import Misconfigured
from tests.unit.catalogue.small_catalogue import SMALL_CATALOGUE, write_catalogue

CATALOGUE = load_catalogue(None)
TOKENS = [key for key, declared in CATALOGUE.identifiers.items() if declared.normalise == "token"]

PLACEHOLDERS = [
    *(
        "null",
        "NULL",
        "None",
        "nil",
        "<nil>",
        "undefined",
        "NaN",
        "Infinity",
        "-Infinity",
        "n/a",
        "NA",
        "(null)",
    ),
    *(
        "true",
        "False",
        "yes",
        "0",
        "00",
        "-1",
        "0000-0000",
        "-",
        "--",
        "[]",
        "{}",
        "()",
        "???",
        "xxxx",
        "***",
    ),
    *("anonymous", "guest", "unknown", "anon", "not_authenticated", "not set", "(not set)", "not-logged-in"),
    *("distinct_id", "distinctid", "id", "email", "user_id", "userId", "customer-id", "uuid", "anonymousId"),
    *("'null'", '"undefined"', "`id`", "'[object Object]'", "external_id", "e-mail", "Phone Number", "IDFA"),
    *(
        "[object Object]",
        "[object Undefined]",
        "[object HTMLInputElement]",
        "function () { return x }",
        "() => id",
    ),
    *(
        "<User object at 0x7f8a3c0d1e50>",
        "<__main__.User object at 0x10>",
        "#<User:0x00007f>",
        "<class 'int'>",
    ),
    *(
        "java.lang.Object@1b6d3586",
        "[Ljava.lang.String;@4554617c",
        "User@1b6d3586",
        "Optional.empty",
        "Array",
    ),
    *("Optional[u-1]", "Optional(nil)", "%!s(<nil>)", "%!d(string=7)", "System.Object", "System.String[]"),
    *(
        "{{user.id}}",
        "{{ user.id }}",
        "u-{{id}}",
        "{% user %}",
        "${id}",
        "u-${user.id}",
        "#{id}",
        "<%= id %>",
    ),
    *("%%EMAIL%%", "*|EMAIL|*", "[[user.id]]", "[%user%]", "{!Contact.Id}", "%7B%7Bid%7D%7D", "$(id)"),
    *(
        "{0}",
        "{user_id}",
        "<user_id>",
        "[USER]",
        "$user_id",
        ":id",
        "%s",
        "%(id)s",
        "%USERNAME%",
        "__USER_ID__",
    ),
    *("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "000000000000000"),
    *(
        "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
        "{00000000-0000-0000-0000-000000000000}",
        "11111111",
        "aaaaaaaaaa",
    ),
    *(
        "9774d56d682e549c",
        "02:00:00:00:00:00",
        "00:00:00:00:00:00",
        "lmy47d",
        "123e4567-e89b-12d3-a456-426614174000",
    ),
]
IDS_OF_PEOPLE = [
    *(
        "u-1",
        "4711",
        "1001",
        "10",
        "L-9000-0002",
        "ann",
        "nora",
        "nullius",
        "trueman",
        "guestbook-7",
        "w-643ce65e9afa",
        "e1",
    ),
    *(
        "ann@shop.example",
        "5f2b1c9e-3d4a-4f6b-8c7d-9e0f1a2b3c4d",
        "auth0|507f1f77bcf86cd799439011",
        "a.b_c-d",
    ),
    *(
        "$device:5f2b1c9e-3d4a",
        "#1234",
        "user-12",
        "id-77",
        "arn:aws:iam::1:user/x",
        "google-oauth2|117",
        "ids",
    ),
    *(
        "22223333",
        "A0000001",
        "20000000",
        "=?UTF-8?x",
        "o'neil",
        "\u4f60\u597d",
        "100%",
        "a%b",
        "x-y",
        "object-7",
    ),
]


@pytest.mark.parametrize("identifier_type", TOKENS)
@pytest.mark.parametrize("text", PLACEHOLDERS, ids=ascii)
def test_a_placeholder_identifies_nobody(identifier_type: str, text: str) -> None:
    assert CATALOGUE.identifiers[identifier_type].blocks(text)


@pytest.mark.parametrize("identifier_type", TOKENS)
@pytest.mark.parametrize("text", IDS_OF_PEOPLE, ids=ascii)
def test_an_id_that_only_resembles_one_identifies_its_person(identifier_type: str, text: str) -> None:
    assert not CATALOGUE.identifiers[identifier_type].blocks(text)


@given(st.uuids(version=4))
def test_a_random_uuid_identifies_its_person(value: object) -> None:
    for identifier_type in TOKENS:
        assert not CATALOGUE.identifiers[identifier_type].blocks(str(value))


@pytest.mark.parametrize(
    "address",
    ["null@shop.example", "undefined@undefined.example", "guest@shop.example", "not_set@shop.example"],
)
def test_an_address_of_nobody_links_nobody(address: str) -> None:
    assert CATALOGUE.identifiers["email"].blocks(address)


@pytest.mark.parametrize(
    "address",
    ["nan@shop.example", "n.a@shop.example", "id@shop.example", "none.such@shop.example", "no@shop.example"],
)
def test_an_address_may_have_a_name_that_as_an_id_is_a_placeholder(address: str) -> None:
    """Nan is a given name, and initials may be N. A."""
    assert not CATALOGUE.identifiers["email"].blocks(address)


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("{description: X, sources: [y], patterns: ['a(']}", "no regular expression"),
        ("{description: X, sources: [], patterns: [a]}", "sources"),
        ("{description: X, patterns: [a]}", "sources"),
        ("{description: X, sources: [y], patterns: []}", "patterns"),
    ],
)
def test_an_entry_without_source_or_pattern_is_reported(tmp_path: Path, entry: str, problem: str) -> None:
    text = f"{SMALL_CATALOGUE}placeholders:\n  junk: {entry}\n"
    with pytest.raises(Misconfigured) as refusal:
        load_catalogue(write_catalogue(tmp_path, text))
    assert problem in str(refusal.value)


@pytest.mark.parametrize("expression", ["test-[0-9]+", "TEST-[0-9]+", r"test-\S+"])
def test_a_value_is_blocked_in_any_case(expression: str) -> None:
    identifier_type = replace(CATALOGUE.identifiers["user_id"], blocked=(expression,))
    assert all(identifier_type.blocks(value) for value in ("test-1", "Test-1", "TEST-1"))
    assert not identifier_type.blocks("tests-1")
