"""What differs between two editions, in a terminal."""

from __future__ import annotations

import json
from typing import Any

from rich.table import Table
from rich.text import Text

from discretion.domain.notices.compare import Difference


def differing(found: tuple[Difference, ...], before: str, after: str) -> Table:
    """A row for each fact that differs."""
    table = Table("what", before, after, min_width=60, show_lines=True)
    for one in found:
        table.add_row(Text(" > ".join(one.place)), Text(_shown(one.before)), Text(_shown(one.after)))
    return table


def _shown(value: Any) -> str:
    if value is None:
        return "not there"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
