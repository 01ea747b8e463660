"""How something was said about purposes: in which way, after which notice, by whom for a child."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from discretion.domain.ingest.rejection import No

REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+-]{0,99}")
"""Has no room for a name or an address."""
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}")  # BCP 47, as far as languages are told
_SHA256 = re.compile(r"[0-9a-f]{64}")
NOTICE = (
    ("version", REFERENCE, "the version of the notice, of letters, digits and . _ : / + -"),
    ("language", _LANGUAGE, "the language of the notice, such as de or pt-BR"),
    ("sha256", _SHA256, "SHA-256 of the notice's text, in 64 small hexadecimal digits"),
)
"""What a notice is named by: member, form, and the form in words."""


class Method(StrEnum):
    """How a word came to us."""

    CLICK = "explicit_click"
    GPC = "gpc"
    GPP = "gpp"
    TCF = "tcf"
    IMPORT = "import"
    AGENT = "agent"  # somebody acted for the person
    GUARDIAN = "guardian"
    SOURCE = "source"  # a source reported it


@dataclass(frozen=True, slots=True)
class Notice:
    """The privacy notice that was shown: its version, language (BCP 47), and SHA-256 of its text in hex."""

    version: str
    language: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Saying:
    """``guardian`` is the retailer's own reference to who agreed for a child, ``signal`` a signal's text."""

    method: Method
    notice: Notice | None = None
    guardian: str | None = None
    signal: str | None = field(default=None, repr=False)


def notice(given: Mapping[str, Any], place: str) -> Notice:
    """A notice, as a source or a client names it.

    Raises:
        No: ``NOTICE_INVALID``.
    """
    for name, form, wanted in NOTICE:
        if not isinstance(given.get(name), str) or not form.fullmatch(given[name]):
            raise No("NOTICE_INVALID", f"It takes {wanted}.", f"{place}.{name}")
    return Notice(given["version"], given["language"], given["sha256"])


def guardian(given: Mapping[str, Any], place: str) -> str:
    """The reference to a guardian's word. Its form has no room for a name or an address.

    Raises:
        No: ``GUARDIAN_INVALID``.
    """
    reference = given.get("reference")
    if not isinstance(reference, str) or not REFERENCE.fullmatch(reference):
        wanted = "the number of your own file on it, of letters, digits and . _ : / + -, and no name"
        raise No("GUARDIAN_INVALID", f"It takes {wanted}.", f"{place}.reference")
    return reference
