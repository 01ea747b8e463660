"""The keys of an installation: where each is stored, and how it is created on first use."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from discretion.app.signing_keys import SigningKeys
from discretion.errors import Misconfigured
from discretion.seal.bucket_keys import BucketKeys
from discretion.seal.fingerprint import KeyFingerprint, compute_fingerprint
from discretion.seal.key_files import KEY_BYTES, create_private_file
from discretion.settings import Settings
from discretion.store.driver.database import Database

SIGNING_KEYS_NAME = "signing.keys"


def load_root_key(settings: Settings) -> bytes:
    """Return the root key: from the environment, else the one created on first use with the embedded MongoDB.

    Raises:
        Misconfigured: ``ROOT_KEY_MISSING`` with an external MongoDB. The key that protects real customers has
            to be chosen and backed up by the operator, so none is created there.
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
        create_private_file(path, os.urandom(KEY_BYTES), os.urandom)
    return read_root_key(path)


def read_root_key(path: Path) -> bytes:
    """Return the root key stored at ``path``.

    Raises:
        Misconfigured: ``ROOT_KEY_DAMAGED``.
    """
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise Misconfigured(
            "ROOT_KEY_DAMAGED", f"{path} does not hold {KEY_BYTES} bytes.", "Restore it from its backup."
        )
    return key


def load_key_fingerprint(
    settings: Settings, root: bytes, now_ms: Callable[[], int], entropy: Callable[[int], bytes]
) -> KeyFingerprint:
    """Return the fingerprint of the keys in the data folder; they are created on first use."""
    buckets = BucketKeys.open_or_create(bucket_keys_path(settings), root, settings.buckets, entropy)
    signing = SigningKeys.open_or_create(signing_keys_path(settings), root, now_ms, entropy)
    return compute_fingerprint(root, buckets.ring.id, signing.installation_id)


def find_missing_keys(settings: Settings) -> list[Path]:
    """Return the files of keys that do not exist."""
    return [path for path in (bucket_keys_path(settings), signing_keys_path(settings)) if not path.exists()]


async def require_bucket_keys(settings: Settings, database: Database) -> None:
    """Refuse a database that holds customers and whose bucket keys are missing.

    Bucket keys are created for an empty database only. New keys beside sealed data would hide that the old
    ones are lost.

    Raises:
        Misconfigured: ``KEYS_MISSING``.
    """
    path = bucket_keys_path(settings)
    if path.exists() or await database.find_one("customers", {}, {"_id": 1}) is None:
        return
    raise Misconfigured(
        "KEYS_MISSING",
        f"The database holds customers, and {path}, which opens them, is missing.",
        "Restore the folder of keys from its backup.",
    )


def erasure_ledger_path(settings: Settings) -> Path:
    """Return the path of the erasure ledger."""
    return settings.erasure_ledger or settings.data_dir / "erasures" / "ledger.jsonl"


def signing_keys_path(settings: Settings) -> Path:
    """Return the path of the keys that sign tokens, receipts and certificates."""
    return settings.data_dir / "keys" / SIGNING_KEYS_NAME


def bucket_keys_path(settings: Settings) -> Path:
    """Return the path of the bucket keys."""
    return settings.data_dir / "keys" / "buckets.keys"
