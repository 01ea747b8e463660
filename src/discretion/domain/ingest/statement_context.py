"""The context of a statement about purposes: the method, the notice shown, and a child's guardian.

It is the proof that consent was given (GDPR Art. 7(1)).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from discretion.domain.ingest.rejection import MessageRejected
from discretion.store.consent_event import NoticeReference, StatementMethod

REFERENCE_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+-]{0,99}")
"""The form of references; without blanks and ``@`` it has no room for a full name or an address."""
# BCP 47: language, script, region and variants
_LANGUAGE_PATTERN = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}")
_SHA256_PATTERN = re.compile(r"[0-9a-f]{64}")
NOTICE_MEMBERS = (
    ("version", REFERENCE_PATTERN, "the version of the notice, of letters, digits and . _ : / + -"),
    ("language", _LANGUAGE_PATTERN, "the language of the notice, such as de or pt-BR"),
    ("sha256", _SHA256_PATTERN, "SHA-256 of the notice's text, in 64 small hexadecimal digits"),
)
"""The members of a notice reference: name, pattern, and a description of the pattern."""


@dataclass(frozen=True, slots=True)
class StatementContext:
    """How a statement was made.

    ``guardian`` is the retailer's file reference for the guardian who agreed for a child. ``signal`` is the
    text of the opt-out signal.
    """

    method: StatementMethod
    notice: NoticeReference | None = None
    guardian: str | None = None
    signal: str | None = field(default=None, repr=False)


def parse_notice_reference(raw_notice: Mapping[str, object], place: str) -> NoticeReference:
    """Parse the reference to a notice in a source's or a client's request; ``place`` is its path.

    Raises:
        MessageRejected: ``NOTICE_INVALID``.
    """
    members: dict[str, str] = {}
    for member, pattern, expected in NOTICE_MEMBERS:
        value = raw_notice.get(member)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise MessageRejected("NOTICE_INVALID", f"It takes {expected}.", f"{place}.{member}")
        members[member] = value
    return NoticeReference(**members)


def parse_guardian_reference(raw_guardian: Mapping[str, object], place: str) -> str:
    """Parse the file reference for a guardian's agreement; its form has no room for a name or an address.

    Raises:
        MessageRejected: ``GUARDIAN_INVALID``.
    """
    reference = raw_guardian.get("reference")
    if not isinstance(reference, str) or not REFERENCE_PATTERN.fullmatch(reference):
        expected = "the number of your own file on it, of letters, digits and . _ : / + -, and no name"
        raise MessageRejected("GUARDIAN_INVALID", f"It takes {expected}.", f"{place}.reference")
    return reference
