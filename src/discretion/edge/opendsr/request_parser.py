"""Parsing of a controller's request; every problem is reported at once (OpenDSR 2.0, sections 5 and 7.1)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from discretion.catalogue.model import Catalogue
from discretion.domain.ingest.message import ExternalIdentifier
from discretion.domain.ingest.value_parsing import WrongType, parse_timestamp
from discretion.edge.opendsr.protocol_terms import (
    IDENTITIES,
    IDENTITY_FORMATS,
    RAW_FORMAT,
    REGULATIONS,
    REQUEST_TYPES,
)
from discretion.seal.normalisation import NORMALISATION_RULES
from discretion.seal.redacted import Redacted

MAX_IDENTITIES = 50
MAX_CALLBACKS = 5
MAX_URL = 2048
_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class OpenDsrRequest:
    """One request. ``submitted_at`` (ms since 1970) is when the data subject made it to the controller."""

    id: str
    type: str
    regulation: str
    submitted_at: int
    identifiers: tuple[ExternalIdentifier, ...]
    callbacks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpenDsrProblem:
    """One problem: a stable code, and a message that quotes nothing of the request."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class InvalidOpenDsrRequest:
    """All problems of a request; at least one."""

    problems: tuple[OpenDsrProblem, ...]


def parse_opendsr_request(
    body: Mapping[str, Any], catalogue: Catalogue, regulation: str | None = None
) -> OpenDsrRequest | InvalidOpenDsrRequest:
    """Parse a request. ``regulation`` is its default, for the first version, which had no such member."""
    problems = [*_check_fields(body, regulation), *_check_callbacks(body)]
    identifiers, identity_problems = _parse_identities(body.get("subject_identities"), catalogue)
    if problems := [*problems, *identity_problems]:
        return InvalidOpenDsrRequest(tuple(problems))
    return OpenDsrRequest(
        body["subject_request_id"],
        body["subject_request_type"],
        body.get("regulation", regulation),
        parse_timestamp(body["submitted_time"]),
        identifiers,
        tuple(dict.fromkeys(body.get("status_callback_urls") or ())),
    )


def list_supported_identities(catalogue: Catalogue) -> list[dict[str, str]]:
    """Return the identities by which customers can be found, as ``/discovery`` lists them."""
    return [
        {"identity_type": identity_type, "identity_format": RAW_FORMAT}
        for identity_type, identifier_type in IDENTITIES.items()
        if identifier_type is not None and identifier_type in catalogue.identifiers
    ]


def is_request_id(text: str) -> bool:
    """Return whether a text is a UUID of version 4 in lower case."""
    return _UUID4.fullmatch(text) is not None


def _check_fields(body: Mapping[str, object], regulation: str | None) -> Iterator[OpenDsrProblem]:
    if body.get("regulation", regulation) not in REGULATIONS:
        yield OpenDsrProblem("REGULATION_INVALID", f"regulation is one of {', '.join(REGULATIONS)}.")
    if not isinstance(subject_request_id := body.get("subject_request_id"), str) or not is_request_id(
        subject_request_id
    ):
        yield OpenDsrProblem("REQUEST_ID_INVALID", "subject_request_id is a UUID of version 4 in lower case.")
    if body.get("subject_request_type") not in REQUEST_TYPES:
        yield OpenDsrProblem(
            "REQUEST_TYPE_INVALID", f"subject_request_type is one of {', '.join(REQUEST_TYPES)}."
        )
    try:
        if not _RFC3339.fullmatch(str(body.get("submitted_time"))):
            raise WrongType("an RFC 3339 time")
        parse_timestamp(body["submitted_time"])
    except WrongType:
        yield OpenDsrProblem("SUBMITTED_TIME_INVALID", "submitted_time is an RFC 3339 time with its offset.")
    version = body.get("api_version")
    if version is not None and not (isinstance(version, str) and re.fullmatch(r"[12](\.\d+){0,2}", version)):
        yield OpenDsrProblem("API_VERSION_UNSUPPORTED", "api_version is 2.0, or 1.0 as OpenGDPR.")
    if not isinstance(body.get("extensions", {}), dict):
        yield OpenDsrProblem(
            "EXTENSIONS_INVALID", "extensions is an object by domain; this processor has none."
        )


def _check_callbacks(body: Mapping[str, object]) -> Iterator[OpenDsrProblem]:
    callback_urls = body.get("status_callback_urls") or []
    if not isinstance(callback_urls, list) or len(callback_urls) > MAX_CALLBACKS:
        yield OpenDsrProblem(
            "CALLBACKS_INVALID", f"status_callback_urls is a list of at most {MAX_CALLBACKS} URLs."
        )
    elif not all(isinstance(url, str) and len(url) <= MAX_URL for url in callback_urls):
        yield OpenDsrProblem("CALLBACKS_INVALID", f"A callback URL is text of at most {MAX_URL} characters.")


def _parse_identities(
    entries: object, catalogue: Catalogue
) -> tuple[tuple[ExternalIdentifier, ...], list[OpenDsrProblem]]:
    if not isinstance(entries, list) or not 0 < len(entries) <= MAX_IDENTITIES:
        message = (
            f"subject_identities is a list of 1 to {MAX_IDENTITIES} identities; extensions have none here."
        )
        return (), [OpenDsrProblem("IDENTITIES_MISSING", message)]
    identifiers: dict[str, ExternalIdentifier] = {}
    problems, hashed = [], []
    for index, entry in enumerate(entries):
        parsed = _parse_identity(entry, f"subject_identities[{index}]", catalogue)
        if isinstance(parsed, OpenDsrProblem):
            problems.append(parsed)
        elif isinstance(parsed, _HashedIdentity):
            hashed.append(parsed)
        else:
            identifiers[f"{parsed.type} {parsed.value.value}"] = parsed
    problems += [
        _unmatched_problem(identity)
        for identity in hashed
        if not any(_is_digest_of(identity, identifier) for identifier in identifiers.values())
    ]
    return tuple(identifiers.values()), problems


@dataclass(frozen=True, slots=True)
class _HashedIdentity:
    """An identity as a digest; ``place`` is where in the request it is."""

    place: str
    identifier_type: str
    format: str
    digest: str


def _parse_identity(
    entry: object, place: str, catalogue: Catalogue
) -> ExternalIdentifier | _HashedIdentity | OpenDsrProblem:
    if not isinstance(entry, dict):
        return OpenDsrProblem("IDENTITY_INVALID", f"{place} is not an object.")
    identity_type, identity_format, value = (
        entry.get(f"identity_{suffix}") for suffix in ("type", "format", "value")
    )
    if (
        not isinstance(identity_type, str)
        or identity_type not in IDENTITIES
        or identity_format not in IDENTITY_FORMATS
    ):
        return OpenDsrProblem(
            "IDENTITY_INVALID", f"{place} has a type or format that the specification does not have."
        )
    identifier_type = IDENTITIES[identity_type]
    if identifier_type is None or identifier_type not in catalogue.identifiers:
        return OpenDsrProblem(
            "IDENTITY_TYPE_UNSUPPORTED", f"{place}: no {identity_type} is stored here; see /discovery."
        )
    if not isinstance(value, str):
        return OpenDsrProblem("IDENTITY_INVALID", f"{place} has no value.")
    if identity_format != RAW_FORMAT:
        return _HashedIdentity(place, identifier_type, identity_format, value.strip().lower())
    normalised = NORMALISATION_RULES[catalogue.identifiers[identifier_type].normalise](value, None)
    if normalised is None:
        return OpenDsrProblem("IDENTITY_INVALID", f"{place} is not a valid {identity_type}.")
    return ExternalIdentifier(identifier_type, Redacted(normalised))


def _is_digest_of(hashed: _HashedIdentity, identifier: ExternalIdentifier) -> bool:
    """Return whether a digest repeats an identifier that the request has in clear; then it is redundant."""
    # MD5 and SHA-1 are formats of the protocol. OpenSSL in FIPS mode refuses them unless they are declared as
    # no protection.
    digest = hashlib.new(hashed.format, identifier.value.value.encode(), usedforsecurity=False).hexdigest()
    return hashed.identifier_type == identifier.type and digest == hashed.digest


def _unmatched_problem(hashed: _HashedIdentity) -> OpenDsrProblem:
    return OpenDsrProblem(
        "IDENTITY_FORMAT_UNSUPPORTED",
        f"{hashed.place}: ids are stored under a secret key and not found by {hashed.format}; send it raw.",
    )
