"""The root key, what is derived from it, and files that are sealed under it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from discretion.errors import Misconfigured

KEY_BYTES = 32
NONCE_BYTES = 12
_MAGIC = b"discretion/keyfile/v1"


def derive(root: bytes, use: str, length: int = KEY_BYTES) -> bytes:
    """A key for one use only (HKDF-SHA-256, RFC 5869), so that no key does two things."""
    return HKDF(hashes.SHA256(), length, salt=None, info=f"discretion/{use}/v1".encode()).derive(root)


def seal_file(path: Path, root: bytes, content: bytes, entropy: Callable[[int], bytes]) -> None:
    """Write ``content`` under the root key: whole or not at all, flushed before it is renamed."""
    write_private(path, sealed_for(path.name, root, content, entropy))


def sealed_for(name: str, root: bytes, content: bytes, entropy: Callable[[int], bytes]) -> bytes:
    """What a sealed file of this name holds."""
    nonce = entropy(NONCE_BYTES)
    return _MAGIC + nonce + AESGCM(derive(root, f"file/{name}")).encrypt(nonce, content, _MAGIC)


def open_file(path: Path, root: bytes) -> bytes:
    """Read what ``seal_file`` wrote.

    Raises:
        Misconfigured: ``KEY_FILE_UNREADABLE``, the root key is another one or the file is damaged.
    """
    return opened(path.name, root, path.read_bytes())


def opened(name: str, root: bytes, body: bytes) -> bytes:
    """The content of a sealed file of this name.

    Raises:
        Misconfigured: ``KEY_FILE_UNREADABLE``.
    """
    start = len(_MAGIC)
    try:
        if not body.startswith(_MAGIC):
            raise InvalidTag
        nonce, sealed = body[start : start + NONCE_BYTES], body[start + NONCE_BYTES :]
        return AESGCM(derive(root, f"file/{name}")).decrypt(nonce, sealed, _MAGIC)
    except (InvalidTag, ValueError):
        raise Misconfigured(
            "KEY_FILE_UNREADABLE",
            f"{name} does not open with this root key.",
            "Use the root key it was written with, or start on another data folder.",
        ) from None


def write_private(path: Path, body: bytes) -> None:
    """Write a file only its owner can read, atomically and durably."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(path.name + ".new")
    write_draft(draft, body)
    draft.replace(path)
    flush(path.parent)


def write_draft(path: Path, body: bytes) -> None:
    """Write a file only its owner can read, durably, in a folder that is there."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def flush(folder: Path) -> None:
    """Have the names in a folder survive a crash, those that are gone too."""
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
