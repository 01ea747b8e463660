"""What is needed to correct an attribute when a person says that it is wrong (GDPR Art. 16)."""

from __future__ import annotations

from enum import StrEnum


class Correctable(StrEnum):
    """What is needed for a correction."""

    SELF = "self"  # the person's statement
    EVIDENCE = "evidence"  # evidence, decided by a steward
    NEVER = "never"  # not correctable: computed from events, or about an act of another person
