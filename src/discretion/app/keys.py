"""The keys of an installation: where each is kept, and made the first time."""

from __future__ import annotations

import os
from pathlib import Path

from discretion.errors import Misconfigured
from discretion.seal.key_files import KEY_BYTES, open_file, seal_file, write_private
from discretion.settings import Settings
from discretion.store.driver.database import Database
from discretion.token.keys import KeySet


def root_key(settings: Settings) -> bytes:
    """The root key: from the environment, else one made on first use with the embedded MongoDB.

    Raises:
        Misconfigured: ``ROOT_KEY_MISSING`` for a server of the user's: what protects real people
            is chosen and kept by whoever runs it.
    """
    if settings.root_key is not None:
        return settings.root_key
    if settings.mongo_url is not None:
        raise Misconfigured(
            "ROOT_KEY_MISSING",
            "DISCRETION_MONGO_URL is set and DISCRETION_ROOT_KEY is not.",
            "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))' and keep it safe.",
        )
    path = settings.data_dir / "keys" / "root.key"
    if not path.exists():
        write_private(path, os.urandom(KEY_BYTES))
    return read_root_key(path)


def read_root_key(path: Path) -> bytes:
    """The root key kept at ``path``."""
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise Misconfigured(
            "ROOT_KEY_DAMAGED", f"{path} does not hold {KEY_BYTES} bytes.", "Restore it from its backup."
        )
    return key


def signing_keys(settings: Settings, root: bytes) -> KeySet:
    """The keys tokens are signed with, made on first use and kept sealed."""
    path = settings.data_dir / "keys" / "signing.keys"
    if not path.exists():
        seal_file(path, root, KeySet.generate("EdDSA").to_private_json(), os.urandom)
    return KeySet.from_private_json(open_file(path, root))


async def ensure_keys(settings: Settings, database: Database) -> None:
    """New keys are made for an empty database only: beside sealed data they would hide that the old are lost.

    Raises:
        Misconfigured: ``KEYS_MISSING``.
    """
    path = bucket_keys(settings)
    if path.exists() or await database.find_one("customers", {}, {"_id": 1}) is None:
        return
    raise Misconfigured(
        "KEYS_MISSING",
        f"The database holds customers, and {path}, which opens them, is missing.",
        "Restore the folder of keys from its backup.",
    )


def erasure_ledger(settings: Settings) -> Path:
    """Where the erasure ledger is kept."""
    return settings.erasure_ledger or settings.data_dir / "erasures" / "ledger.jsonl"


def bucket_keys(settings: Settings) -> Path:
    """Where the bucket keys are kept."""
    return settings.data_dir / "keys" / "buckets.keys"
