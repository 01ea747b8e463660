"""What a source's statements about purposes count for, as ``sources.yaml`` declares it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SourceConsent:
    """What a source's statements count for.

    Attributes:
        repeated_under_login: Whether an acceptance that the source repeats with every message counts for the
            person who is logged in. A banner's state on a device that several people use says nothing about
            them. A refusal always counts.
        ids: By id of the source's consent manager, the purposes or nodes of their tree that a yes to it
            accepts and a no to it refuses.
    """

    repeated_under_login: bool = True
    ids: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
