"""The signing keys of this installation: one sealed file that all its processes follow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from discretion.domain.kit.workflow.poll import run_polling
from discretion.seal.file_lock import hold_exclusive_lock
from discretion.seal.sealed_file import SealedFile
from discretion.token.key_schedule import KeySchedule, KeyState, KeyStatus
from discretion.token.keys import KeySet, generate_signing_key

POLL_S = 0.5
"""Seconds between two checks of the key file."""
DESTROY_INTERVAL_S = 600.0
"""Seconds between two attempts to destroy the private parts of retired keys."""


class SigningKeys:
    """The signing keys stored in the file at ``path``. ``now_ms`` gives ms since 1970."""

    def __init__(
        self, path: Path, root: bytes, now_ms: Callable[[], int], entropy: Callable[[int], bytes]
    ) -> None:
        self._file = SealedFile(path, root, entropy)
        self._lock_path = path.with_name(path.name + ".lock")
        self._now_ms = now_ms
        content, self._stamp = self._file.read()
        self._schedule = KeySchedule.from_private_json(content)
        self._listeners: list[Callable[[], None]] = []

    def __repr__(self) -> str:
        """Return a text with the number of keys and without the keys."""
        return f"SigningKeys({len(self._schedule.keys)})"

    @classmethod
    def open_or_create(
        cls, path: Path, root: bytes, now_ms: Callable[[], int], entropy: Callable[[int], bytes]
    ) -> SigningKeys:
        """Open the signing keys stored at ``path``; the first time, create one.

        Raises:
            Misconfigured: ``KEY_FILE_UNREADABLE`` or ``SIGNING_KEYS_DAMAGED``.
        """
        # Two processes may both find no file: one of them wins, and both then read the same file.
        if not path.exists():
            first = KeySchedule.start(generate_signing_key(), now_ms())
            SealedFile(path, root, entropy).create(first.to_private_json())
        return cls(path, root, now_ms, entropy)

    @property
    def installation_id(self) -> str:
        """The id of the first key of this installation, which all rotations keep."""
        return self._schedule.installation_id

    def select(self) -> KeySet:
        """Return the keys that sign and verify now."""
        return self._schedule.select(self._now_ms())

    def receipt_jwks(self) -> dict[str, list[dict[str, Any]]]:
        """Return the public parts of all keys, also of retired ones, as a JWK Set."""
        return self._schedule.receipt_jwks()

    def list_statuses(self) -> list[KeyStatus]:
        """Return the state of each key now, oldest first."""
        return self._schedule.list_statuses(self._now_ms())

    def add_listener(self, on_change: Callable[[], None]) -> None:
        """Register a callback that is called whenever the file has changed."""
        self._listeners.append(on_change)

    def reload_if_changed(self) -> bool:
        """Reload the key file if it has changed, and return whether it had.

        Raises:
            OSError: The file cannot be read.
            Misconfigured: ``KEY_FILE_UNREADABLE`` or ``SIGNING_KEYS_DAMAGED``.
        """
        if self._file.read_stamp() == self._stamp:
            return False
        content, stamp = self._file.read()
        self._schedule, self._stamp = KeySchedule.from_private_json(content), stamp
        for listener in self._listeners:
            listener()
        return True

    async def rotate(self) -> KeyStatus:
        """Publish a new key, and return its state.

        If a key is published that does not sign yet, its state is returned and nothing changes.

        Raises:
            OSError: The file cannot be written.
        """
        await self._change(lambda schedule, now: schedule.rotate(generate_signing_key(), now))
        return self.list_statuses()[-1]

    async def replace_leaked(self) -> KeyStatus:
        """Replace all keys at once by a new one, because others know them, and return its state.

        Raises:
            OSError: The file cannot be written.
        """
        await self._change(lambda schedule, now: schedule.replace_leaked(generate_signing_key(), now))
        return self.list_statuses()[-1]

    async def destroy_retired(self) -> None:
        """Destroy the private parts of retired keys.

        Raises:
            OSError: The file cannot be written.
        """
        if self._has_retired(self._schedule):
            await self._change(KeySchedule.destroy_retired)

    async def _change(self, change: Callable[[KeySchedule, int], KeySchedule]) -> None:
        async with hold_exclusive_lock(self._lock_path):
            self.reload_if_changed()
            changed = change(self._schedule, self._now_ms())
            if changed != self._schedule:
                # The write flushes to disk several times, so it runs in a thread.
                await asyncio.to_thread(self._file.write, changed.to_private_json())
                self.reload_if_changed()

    def _has_retired(self, schedule: KeySchedule) -> bool:
        retired = {
            status.kid
            for status in schedule.list_statuses(self._now_ms())
            if status.state is KeyState.RETIRED
        }
        return any(key.signing is not None and key.verifying.kid in retired for key in schedule.keys)


@asynccontextmanager
async def watch_signing_keys(keys: SigningKeys) -> AsyncIterator[None]:
    """Follow the key file while the block runs, and destroy the private parts of retired keys."""

    async def follow() -> None:
        keys.reload_if_changed()

    async def destroy() -> None:
        keys.reload_if_changed()
        await keys.destroy_retired()

    async with (
        run_polling("following the file of signing keys", follow, POLL_S),
        run_polling("destroying retired signing keys", destroy, DESTROY_INTERVAL_S),
    ):
        yield
