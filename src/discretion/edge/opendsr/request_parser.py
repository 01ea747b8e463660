"""What a controller asks, or everything that is wrong with it (OpenDSR 2.0, sections 5 and 7.1)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from discretion.catalogue.model import Catalogue
from discretion.domain.ingest.message import Identifier
from discretion.domain.ingest.value_parsing import WrongType, moment
from discretion.edge.opendsr.protocol_terms import FORMATS, IDENTITIES, RAW, REGULATIONS, TYPES
from discretion.seal.normalisation import RULES
from discretion.seal.redacted import Shut

MAX_IDENTITIES = 50
MAX_CALLBACKS = 5
MAX_URL = 2048
_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request; ``submitted``, ms since 1970, is when the person made it to the controller."""

    id: str
    type: str
    regulation: str
    submitted: int
    identifiers: tuple[Identifier, ...]
    callbacks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: a stable code, and a sentence that repeats nothing of what was sent."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """Everything that is wrong with a request; at least one."""

    problems: tuple[Problem, ...]


def asked(body: Mapping[str, Any], catalogue: Catalogue, regulation: str | None = None) -> Asked | Wrong:
    """Read a request; ``regulation`` is what it has where its version knew of one only."""
    problems = [*_shape(body, regulation), *_callbacks(body)]
    identifiers, wrong = _identities(body.get("subject_identities"), catalogue)
    if problems := [*problems, *wrong]:
        return Wrong(tuple(problems))
    return Asked(
        body["subject_request_id"],
        body["subject_request_type"],
        body.get("regulation", regulation),
        moment(body["submitted_time"]),
        identifiers,
        tuple(dict.fromkeys(body.get("status_callback_urls") or ())),
    )


def supported(catalogue: Catalogue) -> list[dict[str, str]]:
    """The identities by which people can be found, as ``/discovery`` lists them."""
    return [
        {"identity_type": one, "identity_format": RAW}
        for one, kind in IDENTITIES.items()
        if kind is not None and kind in catalogue.identifiers
    ]


def request_id(text: str) -> bool:
    """Whether it is a UUID of version 4 in lower case."""
    return _UUID4.fullmatch(text) is not None


def _shape(body: Mapping[str, Any], regulation: str | None) -> Iterator[Problem]:
    if body.get("regulation", regulation) not in REGULATIONS:
        yield Problem("REGULATION_INVALID", f"regulation is one of {', '.join(REGULATIONS)}.")
    if not isinstance(given := body.get("subject_request_id"), str) or not request_id(given):
        yield Problem("REQUEST_ID_INVALID", "subject_request_id is a UUID of version 4 in lower case.")
    if body.get("subject_request_type") not in TYPES:
        yield Problem("REQUEST_TYPE_INVALID", f"subject_request_type is one of {', '.join(TYPES)}.")
    try:
        if not _RFC3339.fullmatch(str(body.get("submitted_time"))):
            raise WrongType("an RFC 3339 time")
        moment(body["submitted_time"])
    except WrongType:
        yield Problem("SUBMITTED_TIME_INVALID", "submitted_time is an RFC 3339 time with its offset.")
    version = body.get("api_version")
    if version is not None and not (isinstance(version, str) and re.fullmatch(r"[12](\.\d+){0,2}", version)):
        yield Problem("API_VERSION_UNSUPPORTED", "api_version is 2.0, or 1.0 as OpenGDPR.")
    if not isinstance(body.get("extensions", {}), dict):
        yield Problem("EXTENSIONS_INVALID", "extensions is an object by domain; this processor has none.")


def _callbacks(body: Mapping[str, Any]) -> Iterator[Problem]:
    given = body.get("status_callback_urls") or []
    if not isinstance(given, list) or len(given) > MAX_CALLBACKS:
        yield Problem("CALLBACKS_INVALID", f"status_callback_urls is a list of at most {MAX_CALLBACKS} URLs.")
    elif not all(isinstance(one, str) and len(one) <= MAX_URL for one in given):
        yield Problem("CALLBACKS_INVALID", f"A callback URL is text of at most {MAX_URL} characters.")


def _identities(given: Any, catalogue: Catalogue) -> tuple[tuple[Identifier, ...], list[Problem]]:
    if not isinstance(given, list) or not 0 < len(given) <= MAX_IDENTITIES:
        message = (
            f"subject_identities is a list of 1 to {MAX_IDENTITIES} identities; extensions have none here."
        )
        return (), [Problem("IDENTITIES_MISSING", message)]
    found: dict[str, Identifier] = {}
    problems, hashed = [], []
    for index, one in enumerate(given):
        read = _identity(one, f"subject_identities[{index}]", catalogue)
        if isinstance(read, Problem):
            problems.append(read)
        elif isinstance(read, _Hashed):
            hashed.append(read)
        else:
            found[f"{read.type} {read.value.value}"] = read
    problems += [_unmatched(one) for one in hashed if not any(_is_of(one, raw) for raw in found.values())]
    return tuple(found.values()), problems


@dataclass(frozen=True, slots=True)
class _Hashed:
    place: str
    kind: str
    format: str
    digest: str


def _identity(one: Any, place: str, catalogue: Catalogue) -> Identifier | _Hashed | Problem:
    if not isinstance(one, dict):
        return Problem("IDENTITY_INVALID", f"{place} is not an object.")
    kind, form, value = (one.get(f"identity_{name}") for name in ("type", "format", "value"))
    if not isinstance(kind, str) or kind not in IDENTITIES or form not in FORMATS:
        return Problem(
            "IDENTITY_INVALID", f"{place} has a type or format that the specification does not have."
        )
    ours = IDENTITIES[kind]
    if ours is None or ours not in catalogue.identifiers:
        return Problem("IDENTITY_TYPE_UNSUPPORTED", f"{place}: no {kind} is kept here; see /discovery.")
    if not isinstance(value, str):
        return Problem("IDENTITY_INVALID", f"{place} has no value.")
    if form != RAW:
        return _Hashed(place, ours, form, value.strip().lower())
    spelled = RULES[catalogue.identifiers[ours].normalise](value, None)
    if spelled is None:
        return Problem("IDENTITY_INVALID", f"{place} is not a valid {kind}.")
    return Identifier(ours, Shut(spelled))


def _is_of(hashed: _Hashed, raw: Identifier) -> bool:
    """Whether a digest is of an id that stands beside it in the clear; then it says nothing more."""
    digest = hashlib.new(hashed.format, raw.value.value.encode(), usedforsecurity=False).hexdigest()
    return hashed.kind == raw.type and digest == hashed.digest


def _unmatched(hashed: _Hashed) -> Problem:
    return Problem(
        "IDENTITY_FORMAT_UNSUPPORTED",
        f"{hashed.place}: ids are kept under a secret key, nobody is found by {hashed.format}; send it raw.",
    )
