"""The root key, the keys derived from it, and files that are sealed under it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from discretion.errors import Misconfigured

KEY_BYTES = 32
NONCE_BYTES = 12
_MAGIC = b"discretion/keyfile/v1"


def derive_key(root: bytes, use: str, length: int = KEY_BYTES) -> bytes:
    """Derive a key for one use only (HKDF-SHA-256, RFC 5869), so that no key serves two uses."""
    return HKDF(hashes.SHA256(), length, salt=None, info=f"discretion/{use}/v1".encode()).derive(root)


def create_sealed_file(path: Path, root: bytes, content: bytes, entropy: Callable[[int], bytes]) -> None:
    """Create a file sealed under the root key, atomically and durably, unless another process was first."""
    create_private_file(path, encrypt_file_content(path.name, root, content, entropy), entropy)


def encrypt_file_content(name: str, root: bytes, content: bytes, entropy: Callable[[int], bytes]) -> bytes:
    """Return the bytes of a sealed file of this name.

    The name selects the derived key, so a sealed file cannot be exchanged for one of another name.
    """
    nonce = entropy(NONCE_BYTES)
    return _MAGIC + nonce + AESGCM(derive_key(root, f"file/{name}")).encrypt(nonce, content, _MAGIC)


def read_sealed_file(path: Path, root: bytes) -> bytes:
    """Return the content of a file from ``create_sealed_file``.

    Raises:
        Misconfigured: ``KEY_FILE_UNREADABLE``; the root key is a different one or the file is damaged.
    """
    return decrypt_file_content(path.name, root, path.read_bytes())


def decrypt_file_content(name: str, root: bytes, body: bytes) -> bytes:
    """Return the content of a sealed file of this name.

    Raises:
        Misconfigured: ``KEY_FILE_UNREADABLE``.
    """
    start = len(_MAGIC)
    try:
        if not body.startswith(_MAGIC):
            raise InvalidTag
        nonce, sealed = body[start : start + NONCE_BYTES], body[start + NONCE_BYTES :]
        return AESGCM(derive_key(root, f"file/{name}")).decrypt(nonce, sealed, _MAGIC)
    except (InvalidTag, ValueError):
        raise Misconfigured(
            "KEY_FILE_UNREADABLE",
            f"{name} cannot be decrypted with this root key.",
            "Use the root key it was written with, or start on another data folder.",
        ) from None


def write_private_file(path: Path, body: bytes) -> None:
    """Write a file that only its owner can read, atomically and durably."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(path.name + ".new")
    write_flushed_file(draft, body)
    # Readers see the earlier or the new content, never a part; after the flush the new one survives a crash.
    draft.replace(path)
    flush_folder(path.parent)


def create_private_file(path: Path, body: bytes, entropy: Callable[[int], bytes]) -> None:
    """Create a file that only its owner can read, atomically and durably, unless another process was first.

    Whoever wins, all of them find the same file afterwards.
    """
    # Each process writes a draft of its own: on a common name, one would move or cut off what another writes.
    draft = path.with_name(f"{path.name}.{entropy(8).hex()}")
    write_private_file(draft, body)
    try:
        # Unlike a rename, a hard link fails if the target exists.
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
    flush_folder(path.parent)


def write_flushed_file(path: Path, body: bytes) -> None:
    """Write a file that only its owner can read and flush it to disk; the folder must exist."""
    # The mode is set when the file is created. A later ``chmod`` would leave a moment in which others can
    # open it.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
    """Flush a folder, so that created, renamed and deleted names survive a crash."""
    # Windows cannot open a folder as a file.
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
