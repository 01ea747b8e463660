"""Content negotiation, as a table."""

from __future__ import annotations

import pytest

from discretion.edge.graphql.media_types import Media, is_json, preferred

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "page", "wanted"),
    [
        ("", False, Media.JSON),
        ("*/*", False, Media.JSON),
        ("application/*", False, Media.JSON),
        ("application/json", False, Media.JSON),
        ("application/graphql-response+json", False, Media.RESPONSE),
        ("application/graphql-response+json, application/json", False, Media.RESPONSE),
        ("application/json, application/graphql-response+json", False, Media.RESPONSE),
        ("application/graphql-response+json;q=0.5, application/json", False, Media.JSON),
        ("application/graphql-response+json, application/json;q=0.9", False, Media.RESPONSE),
        ("application/graphql-response+json; charset=utf-8", False, Media.RESPONSE),
        ("Application/JSON; Charset=UTF-8", False, Media.JSON),
        ("application/json, multipart/mixed", False, Media.JSON),
        ("application/json;q=0, */*", False, None),
        ("application/json; charset=iso-8859-1", False, None),
        ("text/plain", False, None),
        ("application/json;q=often", False, None),
        (BROWSER, True, Media.PAGE),
        (BROWSER, False, Media.JSON),
        ("application/json, text/html", True, Media.JSON),
        ("text/html", False, None),
    ],
)
def test_the_client_gets_the_best_of_what_it_takes(accept: str, page: bool, wanted: Media | None) -> None:
    assert preferred(accept, page) is wanted


@pytest.mark.parametrize(
    ("content_type", "taken"),
    [
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        ('Application/JSON;charset="UTF-8"', True),
        ("application/json; charset=latin-1", False),
        ("", False),
        ("text/plain", False),
        ("text/plain; application/json", False),
        ("application/x-www-form-urlencoded", False),
        ("multipart/form-data; boundary=x", False),
        ("application/graphql", False),
        ("application/jsonp", False),
    ],
)
def test_only_json_in_utf_8_is_a_body(content_type: str, taken: bool) -> None:
    assert is_json(content_type) is taken
