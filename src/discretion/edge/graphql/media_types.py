"""Content negotiation of GraphQL responses (RFC 9110, section 12.5.1; "GraphQL over HTTP", "Body")."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache


class GraphQLMediaType(StrEnum):
    """The media types of responses; the first is preferred where the client has no preference."""

    RESPONSE = "application/graphql-response+json"
    JSON = "application/json"
    PAGE = "text/html"


_MEDIA_RANGES = {
    "application/graphql-response+json": GraphQLMediaType.RESPONSE,
    "application/json": GraphQLMediaType.JSON,
    "text/html": GraphQLMediaType.PAGE,
    "application/*": GraphQLMediaType.JSON,
    "*/*": GraphQLMediaType.JSON,
}
_PREFERENCE_ORDER = (GraphQLMediaType.RESPONSE, GraphQLMediaType.JSON, GraphQLMediaType.PAGE)


@lru_cache(maxsize=256)
def negotiate_media_type(accept: str, page_allowed: bool) -> GraphQLMediaType | None:
    """Return the best media type that an ``Accept`` header allows; None if it allows no supported one.

    No header, and ranges such as ``*/*``, mean ``application/json``: clients older than the specification
    send those. ``page_allowed`` says whether GraphiQL may be served.
    """
    if not accept.strip():
        return GraphQLMediaType.JSON
    weights: dict[GraphQLMediaType, tuple[int, float]] = {}
    for media_range in accept.lower().split(","):
        name, *parameters = (piece.strip() for piece in media_range.split(";"))
        media = _MEDIA_RANGES.get(name)
        if media is None or (media is GraphQLMediaType.PAGE and not page_allowed):
            continue
        weight, charset = _parse_parameters(parameters)
        if charset not in {"utf-8", "utf8"}:
            continue
        specificity = 2 - name.count("*")
        # The most specific range that matches decides (RFC 9110, section 12.5.1).
        if specificity >= weights.get(media, (-1, 0.0))[0]:
            weights[media] = (specificity, weight)
    # A weight of 0 means "not acceptable" (RFC 9110, section 12.4.2).
    acceptable = [media for media in _PREFERENCE_ORDER if weights.get(media, (0, 0.0))[1] > 0]
    return max(acceptable, key=lambda media: weights[media][1], default=None)


@lru_cache(maxsize=256)
def is_json(content_type: str) -> bool:
    """Return whether a body is declared as JSON in UTF-8.

    Other types are refused, which protects against cross-site requests: a page of another origin cannot send
    this type without a CORS preflight (Fetch, "CORS-safelisted request-header").
    """
    name, *parameters = (piece.strip() for piece in content_type.lower().split(";"))
    return name == "application/json" and _parse_parameters(parameters)[1] in {"utf-8", "utf8"}


def _parse_parameters(parameters: list[str]) -> tuple[float, str]:
    """Return weight and charset of a media range. A malformed weight counts as 0, which is a refusal."""
    weight, charset = 1.0, "utf-8"
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                weight = float(value)
            except ValueError:
                weight = 0.0
        elif name.strip() == "charset":
            charset = value.strip().strip('"')
    return weight, charset
