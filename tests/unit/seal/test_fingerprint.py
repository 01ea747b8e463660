"""The fingerprint of the keys tells installations apart and survives every rotation."""

from __future__ import annotations

import os
from pathlib import Path

from discretion.seal.bucket_keys import BucketKeys
from discretion.seal.fingerprint import compute_fingerprint
from discretion.token.key_schedule import KeySchedule
from discretion.token.keys import generate_signing_key

ROOT, OTHER_ROOT = bytes(range(32)), bytes(range(1, 33))


async def test_the_fingerprint_stays_when_keys_are_replaced(tmp_path: Path) -> None:
    """Each erasure replaces a bucket key; signing keys are replaced on request."""
    buckets = BucketKeys.open_or_create(tmp_path / "buckets.keys", ROOT, 4, os.urandom)
    signing = KeySchedule.start(generate_signing_key(), 0)
    before = compute_fingerprint(ROOT, buckets.ring.id, signing.installation_id)
    keys_before = [buckets.ring[bucket].key for bucket in range(4)]
    await buckets.publish_new_keys(range(4))
    await buckets.destroy_retiring_keys(range(4), 1)
    for number in (1, 2):
        now = number * 10**11
        signing = signing.rotate(generate_signing_key(), now).destroy_retired(now)
    assert [key.signing is None for key in signing.keys] == [True, False, False]
    assert not set(keys_before) & {buckets.ring[bucket].key for bucket in range(4)}
    reopened = BucketKeys.open_or_create(tmp_path / "buckets.keys", ROOT, 4, os.urandom)
    reloaded = KeySchedule.from_private_json(signing.to_private_json())
    assert compute_fingerprint(ROOT, reopened.ring.id, reloaded.installation_id) == before


def test_other_keys_and_other_root_keys_have_another_fingerprint(tmp_path: Path) -> None:
    """Each part differs by itself, so that the operator learns which file is wrong."""
    rings = [
        BucketKeys.open_or_create(tmp_path / name / "buckets.keys", ROOT, 4, os.urandom).ring
        for name in ("one", "two")
    ]
    ids = [generate_signing_key().verifying.kid for _ in range(2)]
    usual = compute_fingerprint(ROOT, rings[0].id, ids[0])
    other_ring = compute_fingerprint(ROOT, rings[1].id, ids[0])
    other_signing = compute_fingerprint(ROOT, rings[0].id, ids[1])
    assert other_ring.bucket_keys != usual.bucket_keys
    assert other_ring.signing_keys == usual.signing_keys
    assert other_signing.bucket_keys == usual.bucket_keys
    assert other_signing.signing_keys != usual.signing_keys
    other_root = compute_fingerprint(OTHER_ROOT, rings[0].id, ids[0])
    assert other_root.bucket_keys != usual.bucket_keys
    assert other_root.signing_keys != usual.signing_keys
    assert rings[0].id not in usual.bucket_keys
