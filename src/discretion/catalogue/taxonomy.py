"""Fideslang's keys, as printed from its package.

Importing the package takes 0.4 s, more than everything else at start, so its keys are stored beside this
module; a test compares them with the installed version. To renew them: ``python -m
discretion.catalogue.taxonomy > src/discretion/catalogue/taxonomy.json``
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

TAXONOMY_FILE = Path(__file__).with_name("taxonomy.json")


@dataclass(frozen=True, slots=True)
class FideslangTaxonomy:
    """Fideslang's data uses and data categories."""

    version: str
    uses: frozenset[str]
    categories: frozenset[str]


@cache
def load_taxonomy() -> FideslangTaxonomy:
    """Load the stored taxonomy."""
    printed_taxonomy = json.loads(TAXONOMY_FILE.read_text("utf-8"))
    return FideslangTaxonomy(
        printed_taxonomy["version"],
        frozenset(printed_taxonomy["uses"]),
        frozenset(printed_taxonomy["categories"]),
    )


def format_taxonomy() -> str:
    """Return the content of ``taxonomy.json`` for the installed package, without deprecated keys."""
    from fideslang.default_taxonomy import DEFAULT_TAXONOMY  # noqa: PLC0415 - a slow import, see the module

    uses = sorted(
        entry.fides_key for entry in DEFAULT_TAXONOMY.data_use or () if not entry.version_deprecated
    )
    categories = sorted(
        entry.fides_key for entry in DEFAULT_TAXONOMY.data_category if not entry.version_deprecated
    )
    printed_taxonomy = {"version": version("fideslang"), "uses": uses, "categories": categories}
    return json.dumps(printed_taxonomy, indent=1) + "\n"


if __name__ == "__main__":
    sys.stdout.write(format_taxonomy())
