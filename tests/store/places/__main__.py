"""Shows for every mutant of the map of places which test notices it: ``python -m tests.store.places``."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections import Counter
from pathlib import Path

from rich.console import Console

from discretion.store.embedded import mongo_server as embedded
from tests.fixtures.platform import open_platform
from tests.store.places.mutants import Installation, find_notice, generate_mutants

console = Console(highlight=False)


async def run_mutants(folder: Path, only: str) -> int:
    """Run the mutants whose names contain a text; return how many nothing notices."""
    unnoticed, kinds = 0, Counter[str]()
    async with (
        embedded.run_embedded_mongo(folder / "mongo") as mongo,
        open_platform(mongo.url, folder / "data") as platform,
    ):
        at = Installation(platform, folder / "data", mongo.url)
        for mutant in generate_mutants():
            if only in mutant.name:
                notice = await find_notice(mutant, at)
                unnoticed += notice is None
                kinds[(notice or "UNNOTICED").split(":")[0]] += 1
                console.print(f"{mutant.name}: {notice or 'UNNOTICED'}", soft_wrap=True)
    console.print(
        f"{kinds.total()} mutants, {unnoticed} unnoticed; noticed by: {dict(kinds)}", soft_wrap=True
    )
    return unnoticed


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="discretion-mutants-") as temporary:
        sys.exit(1 if asyncio.run(run_mutants(Path(temporary), sys.argv[1] if sys.argv[1:] else "")) else 0)
