"""Terminal output of ``discretion notice diff``."""

from __future__ import annotations

import json

from rich.table import Table
from rich.text import Text

from discretion.domain.notices.compare import FactDifference


def render_differences(differences: tuple[FactDifference, ...], before: str, after: str) -> Table:
    """Render a table with one row for each differing fact."""
    table = Table("what", before, after, min_width=60, show_lines=True)
    for difference in differences:
        table.add_row(
            Text(" > ".join(difference.place)),
            Text(_format_value(difference.before)),
            Text(_format_value(difference.after)),
        )
    return table


def _format_value(value: object) -> str:
    if value is None:
        return "not there"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
