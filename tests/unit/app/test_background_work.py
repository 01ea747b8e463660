"""Background work keeps its promises on time: destroyed keys are forgotten."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from discretion.app.background_work import watch_bucket_keys
from discretion.seal import bucket_keys
from discretion.seal.bucket_keys import GRACE_S
from discretion.seal.open import CipherCache
from tests.fixtures.waiting import WAIT_S
from tests.unit.seal.test_bucket_keys import ANN, DATA_KEY, find_refusal_code, open_keys, rotate_keys


async def test_a_destroyed_key_is_cached_for_a_grace_period_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that read a document earlier can still decrypt it; then keys and ciphers are removed."""
    seconds = [0.0]
    monkeypatch.setattr(bucket_keys, "time", SimpleNamespace(monotonic=lambda: seconds[0]))
    buckets, other_process = open_keys(tmp_path), open_keys(tmp_path)
    cipher_cache = CipherCache(other_process)
    wrapped = buckets.wrap(ANN, DATA_KEY, os.urandom(12))
    cipher = cipher_cache.get(ANN, wrapped)
    await rotate_keys(buckets, ANN)
    async with asyncio.timeout(WAIT_S), watch_bucket_keys(other_process, 0.02):
        while cipher_cache.get(ANN, wrapped) is cipher:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        seconds[0] += GRACE_S
        while (1, 1) in other_process._ciphers:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        assert find_refusal_code(lambda: cipher_cache.get(ANN, wrapped)) == "KEY_DESTROYED"
