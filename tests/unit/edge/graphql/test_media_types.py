"""Content negotiation of the GraphQL endpoint, as tables."""

from __future__ import annotations

import pytest

from discretion.edge.graphql.media_types import GraphQLMediaType, is_json, negotiate_media_type

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "has_page", "expected"),
    [
        ("", False, GraphQLMediaType.JSON),
        ("*/*", False, GraphQLMediaType.JSON),
        ("application/*", False, GraphQLMediaType.JSON),
        ("application/json", False, GraphQLMediaType.JSON),
        ("application/graphql-response+json", False, GraphQLMediaType.RESPONSE),
        ("application/graphql-response+json, application/json", False, GraphQLMediaType.RESPONSE),
        ("application/json, application/graphql-response+json", False, GraphQLMediaType.RESPONSE),
        ("application/graphql-response+json;q=0.5, application/json", False, GraphQLMediaType.JSON),
        ("application/graphql-response+json, application/json;q=0.9", False, GraphQLMediaType.RESPONSE),
        ("application/graphql-response+json; charset=utf-8", False, GraphQLMediaType.RESPONSE),
        ("Application/JSON; Charset=UTF-8", False, GraphQLMediaType.JSON),
        ("application/json, multipart/mixed", False, GraphQLMediaType.JSON),
        ("application/json;q=0, */*", False, None),
        ("application/json; charset=iso-8859-1", False, None),
        ("text/plain", False, None),
        ("application/json;q=often", False, None),
        (BROWSER, True, GraphQLMediaType.PAGE),
        (BROWSER, False, GraphQLMediaType.JSON),
        ("application/json, text/html", True, GraphQLMediaType.JSON),
        ("text/html", False, None),
    ],
)
def test_the_response_has_the_most_preferred_media_type(
    accept: str, has_page: bool, expected: GraphQLMediaType | None
) -> None:
    assert negotiate_media_type(accept, has_page) is expected


@pytest.mark.parametrize(
    ("content_type", "expected"),
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
def test_only_json_in_utf_8_is_accepted_as_a_body(content_type: str, expected: bool) -> None:
    assert is_json(content_type) is expected
