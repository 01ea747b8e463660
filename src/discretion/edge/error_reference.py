"""The reference of error codes: ``schema/errors.md``, printed from the places in the code that make errors.

A code is a promise: clients compare it, so it never changes its meaning. The reference has the HTTP status of
each code, what it means and what to do next, in the text that the server sends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import discretion
from discretion.edge.error_mask import BAD_USER_INPUT, INTERNAL, PARSE_FAILED, VALIDATION_FAILED
from discretion.edge.error_sites import ErrorSite, find_error_sites, find_statuses, read_modules
from discretion.purpose.decision import WithholdReason

MAX_MESSAGES = 4
"""Most messages of one code that are listed; further ones differ only in the input they describe."""

OPERATOR_ERRORS = frozenset({"Misconfigured"})
MESSAGE_ERRORS = frozenset({"MessageRejected", "RefusedMessage"})
LEFT_OUT_PARTS = frozenset({"LeftOut"})
ROW_ERRORS = frozenset({"RowFault"})
OPEN_DSR_ERRORS = frozenset({"OpenDsrProblem"})

_GRAPHQL_CODES = (
    (PARSE_FAILED, 400, "The document is not GraphQL.", "Mend the place that the error names."),
    (VALIDATION_FAILED, 400, "The document asks for something that the schema does not have.", ""),
    (BAD_USER_INPUT, 400, "A variable or an argument does not fit its type.", ""),
    (INTERNAL, 500, "Unexpected error.", "Quote the id of the answer to the operator."),
)
"""Codes of errors that graphql-core finds, and of errors that nobody expected."""

_WITHHOLD_REASONS = {
    WithholdReason.PURPOSE: "The token holds no purpose that the catalogue allows for the attribute.",
    WithholdReason.CATEGORY: "The token does not cover the attribute's data category.",
    WithholdReason.GAP: "The catalogue does not say what the attribute may be used for.",
    WithholdReason.CHOICE: "The person, or the law that protects them, does not permit the purpose.",
    WithholdReason.RETENTION: "The retention period of the value has ended.",
    WithholdReason.NO_VALUE: "There is no value. Only the person and the steward are told.",
    WithholdReason.ASSURANCE: "The address is not as certain as the purpose needs; somebody only typed it.",
    WithholdReason.WITHHELD: "A reason that depends on the person; others are not told which.",
}

_MEANINGS = {
    "BATCH_INVALID": "The batch is not an object with a list of messages.",
    "CATALOGUE_INVALID": "Files of the catalogue are wrong; the message lists each fault with file and line.",
    "CELL_UNREADABLE": "It does not have the form that the mapping declares, such as its format or codes.",
    "IDENTITIES_MISSING": "'subject_identities' is missing, empty or too long.",
    "JURISDICTIONS_INVALID": "Jurisdiction files are wrong; the message lists each fault with file and line.",
    "METHOD_NOT_ALLOWED": "The HTTP method is not one that this address takes.",
    "MONGO_UNREACHABLE": "MongoDB cannot be reached or refuses the connection.",
    "NOTICES_INVALID": "Files of notices are wrong; the message lists each fault with file and line.",
    "PAUSE_NOT_ALLOWED": "No law that protects the person lets this request pause.",
    "PURPOSES_MISSING": "The message about consent names no purpose.",
    "SIGNALS_INVALID": "Files of signals are wrong; the message lists each fault with file and line.",
    "STORE_REFUSED": "MongoDB understood an operation and refused it.",
}
"""The meaning of codes whose messages are built from the input, so the code has no template of them."""

_HEAD = """\
# Error codes

Printed from the code by `discretion schema print --write`; do not edit. A code never changes its
meaning. Words in `<angle brackets>` stand for a value of the request, a limit or a setting.

GraphQL errors carry the code in `extensions.code`, other endpoints in `error.code`.
"""


@dataclass(frozen=True, slots=True)
class ErrorSection:
    """A part of the reference: a heading, what the codes have in common, and the places that make them."""

    title: str
    explanation: str
    includes: Callable[[str], bool]
    """Whether the errors of a class, by its name, belong here."""


SECTIONS = (
    ErrorSection(
        "Requests",
        "Answers to GraphQL operations and HTTP requests. The caller can mend what has a status of 400 to"
        " 499.\nWith 429 and 503, repeat the request later.",
        lambda callee: callee not in OPERATOR_ERRORS | MESSAGE_ERRORS | LEFT_OUT_PARTS | OPEN_DSR_ERRORS,
    ),
    ErrorSection(
        "Refused messages",
        "Results for single messages of a batch. The request itself succeeds. A message\n"
        "that a changed catalogue could accept is kept as a dead letter.",
        MESSAGE_ERRORS.__contains__,
    ),
    ErrorSection(
        "Accepted messages",
        "Declared parts of an accepted message that were not used, in `leftOut` of its result.",
        LEFT_OUT_PARTS.__contains__,
    ),
    ErrorSection(
        "Rows of imported files",
        "`discretion ingest import` counts them by column, beside the codes of refused messages. Correct\n"
        "the file, the mapping or the catalogue, and import again.",
        ROW_ERRORS.__contains__,
    ),
    ErrorSection(
        "OpenDSR requests",
        "Problems in the list of an answer with status 400 at `/opendsr`.",
        OPEN_DSR_ERRORS.__contains__,
    ),
    ErrorSection(
        "Start and command line",
        "For operators: a command ends with exit code 1 and one of these codes.",
        OPERATOR_ERRORS.__contains__,
    ),
)


def print_error_reference(package: Path | None = None) -> str:
    """Return the text of ``schema/errors.md`` in Markdown.

    Args:
        package: The folder of the source code; the installed package by default.

    Raises:
        KeyError: A code has no message in the source code and no entry in ``_MEANINGS``.
    """
    modules = read_modules(package or Path(discretion.__file__).parent)
    described = {code for code, *_ in _GRAPHQL_CODES}
    sites = [site for site in find_error_sites(modules) if site.code not in described]
    statuses = find_statuses(modules)
    parts = [_HEAD]
    for section in SECTIONS:
        rows = _code_rows([site for site in sites if section.includes(site.callee)], statuses)
        extra = _graphql_rows() if section is SECTIONS[0] else ()
        parts.append(f"## {section.title}\n\n{section.explanation}\n\n{_table(sorted([*rows, *extra]))}")
    parts.append(_withhold_section())
    return "\n".join(parts)


def _code_rows(sites: Iterable[ErrorSite], statuses: dict[str, int]) -> Iterator[tuple[str, ...]]:
    by_code: dict[str, list[ErrorSite]] = defaultdict(list)
    for site in sites:
        by_code[site.code].append(site)
    for code, places in by_code.items():
        callees = {place.callee for place in places} - OPERATOR_ERRORS
        status = {str(statuses[callee]) for callee in callees if callee in statuses}
        messages = dict.fromkeys(place.message for place in places if place.message)
        advice = dict.fromkeys(place.advice for place in places if place.advice)
        shown = [list(texts)[:MAX_MESSAGES] for texts in (messages or [_MEANINGS[code]], advice)]
        yield code, ", ".join(sorted(status)), *("<br>".join(map(_cell, texts)) for texts in shown)


def _graphql_rows() -> Iterator[tuple[str, ...]]:
    for code, status, meaning, advice in _GRAPHQL_CODES:
        yield code, str(status), meaning, advice


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    lines = ["| code | status | meaning | what to do |", "|---|---|---|---|"]
    lines += [f"| `{code}` | {' | '.join(cells)} |" for code, *cells in rows]
    return "\n".join(lines) + "\n"


def _withhold_section() -> str:
    rows = "\n".join(f"| `{reason}` | {_WITHHOLD_REASONS[reason]} |" for reason in WithholdReason)
    return (
        "## Why a value is withheld\n\nReasons in `extensions.disclosure.withheld`. The answer succeeds; the"
        f" field is null.\n\n| reason | meaning |\n|---|---|\n{rows}\n"
    )


def _cell(text: str) -> str:
    """Return a text for a table cell; a placeholder becomes code, so that Markdown shows its brackets."""
    return text.replace("|", "\\|").replace("<", "`<").replace(">", ">`").replace("\n", " ")
