"""Prints Fideslang's keys from its package.

``python -m tests.unit.catalogue.print_taxonomy > src/discretion/catalogue/taxonomy.json``
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version

from fideslang.default_taxonomy import DEFAULT_TAXONOMY


def format_taxonomy() -> str:
    """Return the content of ``taxonomy.json`` for the installed package, without deprecated keys."""
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
