"""Encrypted cells, wrapped keys, pairwise ids and blind indexes are bound to their owner."""

from __future__ import annotations

import logging
import os
import pickle
import traceback
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from discretion.errors import Broken, Misconfigured
from discretion.seal.blind_index import BlindIndex
from discretion.seal.bucket_keys import BucketKeys
from discretion.seal.cell import derive_ledger_pseudonym, encrypt_cell
from discretion.seal.cell_transfer import CellOwner, transfer_cell
from discretion.seal.key_files import create_sealed_file, derive_key, read_sealed_file
from discretion.seal.open import CipherCache, build_cell_decryptor
from discretion.seal.pairwise_ids import PairwiseIds
from discretion.seal.redacted import Redacted

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
ANN, BOB = b"a" * 16, b"b" * 16
NAME = b"7"
VALUES = st.text() | st.integers(-(2**53), 2**53) | st.booleans() | st.lists(st.text())


def build_cell(
    value: object, customer: bytes = ANN, key: bytes = KEY, name: bytes = NAME, at: int = 5
) -> bytes:
    """Return an encrypted cell."""
    return encrypt_cell(AESGCM(key), customer, name, at, b"n" * 12, value)


@given(VALUES)
def test_a_cell_decrypts_for_its_customer(value: object) -> None:
    """Encryption and decryption return the value."""
    assert value == build_cell_decryptor(ANN, KEY)(build_cell(value), NAME)


@pytest.mark.parametrize(
    ("customer", "key", "name"),
    [(BOB, KEY, NAME), (ANN, OTHER, NAME), (ANN, KEY, b"9")],
    ids=["another customer", "another key", "another attribute"],
)
def test_a_cell_decrypts_only_for_its_customer_and_attribute(
    customer: bytes, key: bytes, name: bytes
) -> None:
    """The attack: copy a ciphertext to a place where it may be read."""
    with pytest.raises(Broken, match="moved or altered"):
        build_cell_decryptor(customer, key)(build_cell("ann@shop.example"), name)


@given(st.integers(0, 60), st.integers(1, 255))
def test_an_altered_cell_does_not_decrypt(position: int, change: int) -> None:
    """The attack: flip bits, for example in the time, to escape retention."""
    cell = bytearray(build_cell("ann@shop.example"))
    cell[position % len(cell)] ^= change
    with pytest.raises(Broken):
        build_cell_decryptor(ANN, KEY)(bytes(cell), NAME)


def test_a_truncated_cell_does_not_decrypt() -> None:
    """Every shorter cell is refused in the same way."""
    cell = build_cell("ann@shop.example")
    for length in range(len(cell)):
        with pytest.raises(Broken):
            build_cell_decryptor(ANN, KEY)(cell[:length], NAME)


def test_a_transferred_cell_keeps_its_value_and_time() -> None:
    """A merge encrypts a cell anew and does not change its time."""
    cell = build_cell("ann@shop.example", at=77)
    transferred = transfer_cell(cell, NAME, CellOwner(ANN, KEY), CellOwner(BOB, OTHER), b"m" * 12)
    assert transferred[:9] == cell[:9]
    assert build_cell_decryptor(BOB, OTHER)(transferred, NAME) == "ann@shop.example"
    with pytest.raises(Broken):
        build_cell_decryptor(ANN, KEY)(transferred, NAME)


def test_cell_heads_sort_by_time() -> None:
    """Retention compares bytes, so bytes must sort as the times do."""
    times = [0, 1, 255, 256, 1_700_000_000_000, 2**62]
    heads = [build_cell("x", at=at)[:9] for at in times]
    assert heads == sorted(heads)


def test_a_wrapped_key_is_bound_to_its_customer(tmp_path: Path) -> None:
    """A wrapped key that is copied to another customer cannot be unwrapped."""
    buckets = BucketKeys.open_or_create(tmp_path / "buckets.keys", KEY, 8, os.urandom)
    wrapped = buckets.wrap(ANN, OTHER, os.urandom(12))
    assert buckets.unwrap(ANN, wrapped) == OTHER
    same_bucket = ANN[:4] + BOB[4:]
    with pytest.raises(Broken):
        buckets.unwrap(same_bucket, wrapped)


def test_bucket_keys_survive_a_restart_and_need_the_root_key(tmp_path: Path) -> None:
    """The file opens only with its root key, and its number of buckets is fixed."""
    path = tmp_path / "keys" / "buckets.keys"
    wrapped = BucketKeys.open_or_create(path, KEY, 8, os.urandom).wrap(ANN, OTHER, os.urandom(12))
    assert BucketKeys.open_or_create(path, KEY, 8, os.urandom).unwrap(ANN, wrapped) == OTHER
    with pytest.raises(Misconfigured, match="root key"):
        BucketKeys.open_or_create(path, OTHER, 8, os.urandom)
    with pytest.raises(Misconfigured, match="DISCRETION_BUCKETS"):
        BucketKeys.open_or_create(path, KEY, 9, os.urandom)
    assert path.stat().st_mode & 0o077 == 0


def test_a_sealed_file_swapped_for_another_is_refused(tmp_path: Path) -> None:
    """The attack: rename one key file to another."""
    create_sealed_file(tmp_path / "one", KEY, b"content", os.urandom)
    (tmp_path / "two").write_bytes((tmp_path / "one").read_bytes())
    assert read_sealed_file(tmp_path / "one", KEY) == b"content"
    with pytest.raises(Misconfigured):
        read_sealed_file(tmp_path / "two", KEY)


def test_every_use_has_its_own_derived_key() -> None:
    """No key is used for two purposes."""
    assert len({derive_key(KEY, use) for use in ("a", "b", "c")}) == 3


@given(st.binary(min_size=16, max_size=16), st.text(min_size=1), st.text(min_size=1))
def test_pairwise_ids_are_stable_and_bound_to_their_client(
    customer: bytes, first_client: str, second_client: str
) -> None:
    """Two partners can neither join their data nor use each other's ids."""
    pairwise = PairwiseIds(KEY)
    encoded = pairwise.encode(first_client, b"customer", customer)
    assert encoded == PairwiseIds(KEY).encode(first_client, b"customer", customer)
    assert pairwise.decode(first_client, b"customer", encoded) == customer
    assert pairwise.decode(first_client, b"event", encoded) is None
    if first_client != second_client:
        assert pairwise.decode(second_client, b"customer", encoded) is None
        assert pairwise.encode(second_client, b"customer", customer) != encoded


@given(st.text(max_size=200))
def test_a_text_that_was_not_issued_is_no_id(text: str) -> None:
    """Guessed, padded and respelled texts decode to None without an error."""
    assert PairwiseIds(KEY).decode("client", b"customer", text) is None


def test_one_id_has_one_spelling() -> None:
    """The attack: another base64 spelling of the same bytes, to bypass a list of ids."""
    pairwise = PairwiseIds(KEY)
    encoded = pairwise.encode("client", b"customer", ANN)
    for spelling in (encoded + "=", encoded + "==", encoded + "\n", encoded[:-1] + chr(ord(encoded[-1]) + 1)):
        assert pairwise.decode("client", b"customer", spelling) is None


def test_blind_index_entries_depend_on_type_and_key() -> None:
    """Entries of one text under two types or two keys are unrelated."""
    index = BlindIndex(KEY)
    assert index.index("email", "x") != index.index("phone", "x")
    assert index.index("email", "x") != BlindIndex(OTHER).index("email", "x")
    assert index.index("ab", "c") != index.index("a", "bc")


def test_a_redacted_value_is_never_printed(caplog: pytest.LogCaptureFixture) -> None:
    """Printing, logging, formatting and tracebacks do not show the value."""
    secret = Redacted("ann@shop.example")
    logging.getLogger("test").warning("value %s %r", secret, secret)
    try:
        raise ValueError(secret)
    except ValueError:
        trace = traceback.format_exc()
    text = f"{secret} {secret!r} {secret:>20} {[secret]} {trace} {caplog.text}"
    assert "ann" not in text
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_a_ledger_pseudonym_depends_on_the_data_key() -> None:
    """Different keys have different pseudonyms of 16 bytes."""
    assert derive_ledger_pseudonym(KEY) != derive_ledger_pseudonym(OTHER)
    assert len(derive_ledger_pseudonym(KEY)) == 16


def test_a_cached_key_is_used_for_its_customer_only(tmp_path: Path) -> None:
    """A second use needs no unwrapping, another customer is refused, and ``clear`` empties the cache."""
    buckets = BucketKeys.open_or_create(tmp_path / "buckets.keys", KEY, 4, os.urandom)
    wrapped = buckets.wrap(ANN, KEY, bytes(12))
    cipher_cache = CipherCache(buckets, capacity=2)
    cipher = cipher_cache.get(ANN, wrapped)
    assert cipher_cache.get(ANN, wrapped) is cipher
    assert cipher.decrypt_cell(build_cell("ann@shop.example"), NAME) == "ann@shop.example"
    assert cipher.pseudonym == derive_ledger_pseudonym(KEY)
    assert repr(cipher) == "CustomerCipher(****)"
    with pytest.raises(Broken) as refusal:
        cipher_cache.get(ANN[:4] + BOB[4:], wrapped)
    assert refusal.value.code == "KEY_BROKEN"
    cipher_cache.clear()
    assert cipher_cache.get(ANN, wrapped) is not cipher


def test_the_cipher_cache_is_bounded(tmp_path: Path) -> None:
    """The least recently used customer is evicted."""
    buckets = BucketKeys.open_or_create(tmp_path / "buckets.keys", KEY, 4, os.urandom)
    wrapped = buckets.wrap(ANN, KEY, bytes(12))
    cipher_cache = CipherCache(buckets, capacity=2)
    cipher = cipher_cache.get(ANN, wrapped)
    for nonce in (1, 2):
        cipher_cache.get(ANN, buckets.wrap(ANN, KEY, bytes([nonce]) * 12))
    assert cipher_cache.get(ANN, wrapped) is not cipher
