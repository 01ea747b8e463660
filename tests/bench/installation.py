"""A fresh installation to measure: MongoDB, keys and the environment of the server."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from discretion.app import open_platform
from discretion.settings import Settings
from discretion.store.embedded import mongo_server as embedded

ROOT_KEY = bytes(range(32))
CLIENT = "bench"
PURPOSES = ("essential.legal_obligation",)
SCOPES = ("steward",)


@dataclass(frozen=True, slots=True)
class Installation:
    """The environment of ``serve``, write keys by source, a steward's token, and MongoDB's URL and pid."""

    environ: dict[str, str]
    write_keys: dict[str, str]
    token: str
    mongo_url: str
    mongod_pid: int


@asynccontextmanager
async def run_installation(folder: Path) -> AsyncIterator[Installation]:
    """Create an empty installation and run its MongoDB until the block ends."""
    async with embedded.run_embedded_mongo(folder / "mongo") as mongo:
        settings = replace(Settings(), data_dir=folder, mongo_url=mongo.url, root_key=ROOT_KEY)
        async with open_platform(settings) as platform:
            write_keys = {
                source: await platform.write_keys.issue_key(source) for source in platform.catalogue.sources
            }
            token = platform.issuer.issue_token(CLIENT, CLIENT, SCOPES, PURPOSES, lifetime_s=24 * 3600)
        environ = {
            "DISCRETION_MONGO_URL": mongo.url,
            "DISCRETION_ROOT_KEY": base64.urlsafe_b64encode(ROOT_KEY).decode(),
            "DISCRETION_DATA_DIR": str(folder),
        }
        yield Installation(environ, write_keys, token, mongo.url, mongo.pid)
