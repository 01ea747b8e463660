"""Fideslang's keys, as printed from its package.

Importing the package costs more than everything else at start (0.4 s), so its keys are kept
beside this module; a test compares them with the installed version. To renew them:
``python -m discretion.catalogue.taxonomy > src/discretion/catalogue/taxonomy.json``
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

SNAPSHOT = Path(__file__).with_name("taxonomy.json")


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """What data may be used for, and what they may be about."""

    version: str
    uses: frozenset[str]
    categories: frozenset[str]


@cache
def taxonomy() -> Taxonomy:
    """The taxonomy of this version."""
    kept = json.loads(SNAPSHOT.read_text("utf-8"))
    return Taxonomy(kept["version"], frozenset(kept["uses"]), frozenset(kept["categories"]))


def printed() -> str:
    """What the snapshot should be, from the installed package; keys it deprecates are left out."""
    from fideslang.default_taxonomy import DEFAULT_TAXONOMY  # noqa: PLC0415 - see the module

    uses = sorted(one.fides_key for one in DEFAULT_TAXONOMY.data_use or () if not one.version_deprecated)
    categories = sorted(one.fides_key for one in DEFAULT_TAXONOMY.data_category if not one.version_deprecated)
    kept = {"version": version("fideslang"), "uses": uses, "categories": categories}
    return json.dumps(kept, indent=1) + "\n"


if __name__ == "__main__":
    sys.stdout.write(printed())
