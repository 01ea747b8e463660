"""Which media type a GraphQL answer gets (RFC 9110, section 12.5.1; GraphQL over HTTP, "Body")."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache


class Media(StrEnum):
    """What we can answer with, best first where the client has no preference."""

    RESPONSE = "application/graphql-response+json"
    JSON = "application/json"
    PAGE = "text/html"


_RANGES = {
    "application/graphql-response+json": Media.RESPONSE,
    "application/json": Media.JSON,
    "text/html": Media.PAGE,
    "application/*": Media.JSON,
    "*/*": Media.JSON,
}
_ORDER = (Media.RESPONSE, Media.JSON, Media.PAGE)


@lru_cache(maxsize=256)
def preferred(accept: str, page: bool) -> Media | None:
    """The best of what ``Accept`` takes; None if it takes nothing we have.

    No header, and ranges such as ``*/*``, mean ``application/json``: clients older than the
    specification send those. ``page`` says whether a browser may have the page.
    """
    if not accept.strip():
        return Media.JSON
    weights: dict[Media, tuple[int, float]] = {}
    for part in accept.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        media = _RANGES.get(name)
        if media is None or (media is Media.PAGE and not page):
            continue
        weight, charset = _parameters(parameters)
        if charset not in {"utf-8", "utf8"}:
            continue
        exact = 2 - name.count("*")
        if exact >= weights.get(media, (-1, 0.0))[0]:
            weights[media] = (exact, weight)
    taken = [media for media in _ORDER if weights.get(media, (0, 0.0))[1] > 0]
    return max(taken, key=lambda media: weights[media][1], default=None)


@lru_cache(maxsize=256)
def is_json(content_type: str) -> bool:
    """Whether a body is declared as JSON in UTF-8.

    Nothing else gets in: a page elsewhere cannot make a browser send this type without asking
    first (Fetch, CORS-safelisted request-header).
    """
    name, *parameters = (piece.strip() for piece in content_type.lower().split(";"))
    return name == "application/json" and _parameters(parameters)[1] in {"utf-8", "utf8"}


def _parameters(parameters: list[str]) -> tuple[float, str]:
    """Weight and charset. A weight that is none counts as refusal."""
    weight, charset = 1.0, "utf-8"
    for one in parameters:
        name, _, value = one.partition("=")
        if name.strip() == "q":
            try:
                weight = float(value)
            except ValueError:
                weight = 0.0
        elif name.strip() == "charset":
            charset = value.strip().strip('"')
    return weight, charset
