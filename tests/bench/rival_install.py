"""An installation of our own to be measured: MongoDB, keys, and what the server is told."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from discretion.app import platform
from discretion.settings import Settings
from discretion.store.embedded import mongo_server as embedded

ROOT = bytes(range(32))
CLIENT = "bench"
PURPOSES = ("essential.legal_obligation",)
SCOPES = ("steward",)


@dataclass(frozen=True, slots=True)
class Installation:
    """What ``serve`` is told, write keys by source, a steward's token, and MongoDB's URL and process."""

    environ: dict[str, str]
    keys: dict[str, str]
    token: str
    mongo_url: str
    mongod: int


@asynccontextmanager
async def installed(folder: Path) -> AsyncIterator[Installation]:
    """An empty installation, whose MongoDB runs for as long as the block lasts."""
    async with embedded.running(folder / "mongo") as mongo:
        settings = replace(Settings(), data_dir=folder, mongo_url=mongo.url, root_key=ROOT)
        async with platform(settings) as ours:
            keys = {one: await ours.write_keys.issue(one) for one in ours.catalogue.sources}
            token = ours.issuer.issue(CLIENT, CLIENT, SCOPES, PURPOSES, lifetime_s=24 * 3600)
        environ = {
            "DISCRETION_MONGO_URL": mongo.url,
            "DISCRETION_ROOT_KEY": base64.urlsafe_b64encode(ROOT).decode(),
            "DISCRETION_DATA_DIR": str(folder),
        }
        yield Installation(environ, keys, token, mongo.url, mongo.pid)
