"""Fideslang's keys, as printed from its package.

Importing the package takes 0.4 s, so its keys are stored beside this module. A test compares them with the
package and says how to print them again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
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
