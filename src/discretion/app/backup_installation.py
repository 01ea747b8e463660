"""An installation that is opened to be dumped or restored, and serves nobody."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from discretion import __version__
from discretion.app import platform
from discretion.app.keys import bucket_keys
from discretion.domain.backup.command import Archive
from discretion.settings import read


@asynccontextmanager
async def opening(data_dir: Path | None) -> AsyncIterator[Archive]:
    """The installation that the environment names, on ``data_dir`` if one is given."""
    settings = read(os.environ)
    if data_dir is not None:
        settings = replace(settings, data_dir=data_dir)
    async with platform(settings, idle=True, restoring=True) as running:
        yield Archive(
            running.database,
            running.remember,
            running.restore,
            bucket_keys(settings).parent,
            (__version__, running.catalogue.version),
        )
