"""Who settles what is right about an attribute when a person says that it is wrong (GDPR Art. 16)."""

from __future__ import annotations

from enum import StrEnum


class Correctable(StrEnum):
    """What a correction takes."""

    SELF = "self"  # the person's word
    EVIDENCE = "evidence"  # something to show, and a steward who looks at it
    NEVER = "never"  # it follows from events, or says what somebody else did
