"""Seals stay shut for everyone but their owner."""

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
from discretion.seal import normalisation as normalise
from discretion.seal.blind_index import BlindIndex
from discretion.seal.bucket_keys import Buckets
from discretion.seal.cell import pseudonym, shut
from discretion.seal.cell_transfer import move
from discretion.seal.key_files import derive, open_file, seal_file
from discretion.seal.open import Openers, opener
from discretion.seal.pairwise_ids import Pairwise
from discretion.seal.redacted import Shut

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
ANN, BOB = b"a" * 16, b"b" * 16
NAME = b"contact/email"
VALUES = st.text() | st.integers(-(2**53), 2**53) | st.booleans() | st.lists(st.text())


def sealed(value: object, customer: bytes = ANN, key: bytes = KEY, name: bytes = NAME, at: int = 5) -> bytes:
    """A cell."""
    return shut(AESGCM(key), customer, name, at, b"n" * 12, value)


@given(VALUES)
def test_what_was_sealed_is_opened_by_its_owner(value: object) -> None:
    """Round trip."""
    assert value == opener(ANN, KEY)(sealed(value), NAME)


@pytest.mark.parametrize(
    ("customer", "key", "name"),
    [(BOB, KEY, NAME), (ANN, OTHER, NAME), (ANN, KEY, b"contact/phone")],
    ids=["another customer", "another key", "another attribute"],
)
def test_a_cell_opens_only_in_its_place(customer: bytes, key: bytes, name: bytes) -> None:
    """The attack: copy a ciphertext to where it may be read."""
    with pytest.raises(Broken, match="moved or altered"):
        opener(customer, key)(sealed("ann@shop.example"), name)


@given(st.integers(0, 60), st.integers(1, 255))
def test_an_altered_cell_does_not_open(position: int, change: int) -> None:
    """The attack: flip bits, for instance in the date, to escape retention."""
    cell = bytearray(sealed("ann@shop.example"))
    cell[position % len(cell)] ^= change
    with pytest.raises(Broken):
        opener(ANN, KEY)(bytes(cell), NAME)


def test_a_cut_cell_does_not_open() -> None:
    """Every shorter cell is refused in the same way."""
    cell = sealed("ann@shop.example")
    for length in range(len(cell)):
        with pytest.raises(Broken):
            opener(ANN, KEY)(cell[:length], NAME)


def test_a_moved_cell_keeps_its_value_and_date_and_changes_owner() -> None:
    """Merging re-seals, it does not re-date."""
    cell = sealed("ann@shop.example", at=77)
    there = move(cell, NAME, (ANN, KEY), (BOB, OTHER), b"m" * 12)
    assert there[:9] == cell[:9]
    assert opener(BOB, OTHER)(there, NAME) == "ann@shop.example"
    with pytest.raises(Broken):
        opener(ANN, KEY)(there, NAME)


def test_heads_sort_by_time() -> None:
    """Retention compares bytes, so bytes must sort as times do."""
    times = [0, 1, 255, 256, 1_700_000_000_000, 2**62]
    heads = [sealed("x", at=at)[:9] for at in times]
    assert heads == sorted(heads)


def test_a_bucket_wraps_for_one_customer_only(tmp_path: Path) -> None:
    """A wrapped key moved to another customer does not open."""
    buckets = Buckets.keep(tmp_path / "buckets.keys", KEY, 8, os.urandom)
    wrapped = buckets.wrap(ANN, OTHER, os.urandom(12))
    assert buckets.unwrap(ANN, wrapped) == OTHER
    same_bucket = ANN[:4] + BOB[4:]
    with pytest.raises(Broken):
        buckets.unwrap(same_bucket, wrapped)


def test_bucket_keys_survive_a_restart_and_need_the_root_key(tmp_path: Path) -> None:
    """The file opens with its own root key only, and its size is fixed."""
    path = tmp_path / "keys" / "buckets.keys"
    wrapped = Buckets.keep(path, KEY, 8, os.urandom).wrap(ANN, OTHER, os.urandom(12))
    assert Buckets.keep(path, KEY, 8, os.urandom).unwrap(ANN, wrapped) == OTHER
    with pytest.raises(Misconfigured, match="root key"):
        Buckets.keep(path, OTHER, 8, os.urandom)
    with pytest.raises(Misconfigured, match="DISCRETION_BUCKETS"):
        Buckets.keep(path, KEY, 9, os.urandom)
    assert path.stat().st_mode & 0o077 == 0


def test_a_sealed_file_swapped_for_another_is_refused(tmp_path: Path) -> None:
    """The attack: rename one key file to another."""
    seal_file(tmp_path / "one", KEY, b"content", os.urandom)
    (tmp_path / "two").write_bytes((tmp_path / "one").read_bytes())
    assert open_file(tmp_path / "one", KEY) == b"content"
    with pytest.raises(Misconfigured):
        open_file(tmp_path / "two", KEY)


def test_every_use_has_its_own_key() -> None:
    """No key does two things."""
    assert len({derive(KEY, use) for use in ("a", "b", "c")}) == 3


@given(st.binary(min_size=16, max_size=16), st.text(min_size=1), st.text(min_size=1))
def test_pairwise_ids_are_stable_for_a_client_and_useless_to_another(
    customer: bytes, one: str, two: str
) -> None:
    """Two partners cannot join their data, nor use each other's ids."""
    pairwise = Pairwise(KEY)
    name = pairwise.shut(one, b"customer", customer)
    assert name == Pairwise(KEY).shut(one, b"customer", customer)
    assert pairwise.open(one, b"customer", name) == customer
    assert pairwise.open(one, b"event", name) is None
    if one != two:
        assert pairwise.open(two, b"customer", name) is None
        assert pairwise.shut(two, b"customer", customer) != name


@given(st.text(max_size=200))
def test_no_text_that_was_not_issued_is_an_id(text: str) -> None:
    """Guessing, padding and respelling give nothing, and no error."""
    assert Pairwise(KEY).open("client", b"customer", text) is None


def test_one_id_has_one_spelling() -> None:
    """The attack: another base64 spelling of the same bytes, to slip past a list of ids."""
    pairwise = Pairwise(KEY)
    name = pairwise.shut("client", b"customer", ANN)
    for spelling in (name + "=", name + "==", name + "\n", name[:-1] + chr(ord(name[-1]) + 1)):
        assert pairwise.open("client", b"customer", spelling) is None


def test_blind_entries_depend_on_type_and_key() -> None:
    """One text under two types, or under two keys, has nothing in common."""
    index = BlindIndex(KEY)
    assert index.of("email", "x") != index.of("phone", "x")
    assert index.of("email", "x") != BlindIndex(OTHER).of("email", "x")
    assert index.of("ab", "c") != index.of("a", "bc")


@pytest.mark.parametrize(
    ("spelling", "folded"),
    [
        ("Ann@Shop.Example", "ann@shop.example"),
        ("  ann@shop.example ", "ann@shop.example"),
        ("ann+news@shop.example", "ann+news@shop.example"),  # noqa: RUF100
        ("ann", None),
        ("ann@", None),
        ("ann@shop", None),
        ("a nn@shop.example", None),
        ("@shop.example", None),
        ("a" * 250 + "@shop.example", None),
    ],
)
def test_an_address_in_two_spellings_is_one(spelling: str, folded: str | None) -> None:
    """Case, width and surrounding space do not make another person."""
    assert folded == normalise.email(spelling)


@pytest.mark.parametrize(
    ("spelling", "region", "number"),
    [
        ("+44 7700 900123", None, "+447700900123"),
        ("07700 900123", "GB", "+447700900123"),
        ("07700 900123", "gb", "+447700900123"),
        ("(202) 555-0123", "US", "+12025550123"),
        ("07700 900123", None, None),
        ("call me", "GB", None),
        ("1" * 300, "GB", None),
    ],
)
def test_a_number_in_two_notations_is_one(spelling: str, region: str | None, number: str | None) -> None:
    """National notation needs a region; without one it is refused, not guessed."""
    assert number == normalise.e164(spelling, region)


def test_a_shut_value_shows_stars_everywhere(caplog: pytest.LogCaptureFixture) -> None:
    """Printing, logging, formatting and tracebacks do not show it."""
    secret = Shut("ann@shop.example")
    logging.getLogger("test").warning("value %s %r", secret, secret)
    try:
        raise ValueError(secret)
    except ValueError:
        trace = traceback.format_exc()
    shown = f"{secret} {secret!r} {secret:>20} {[secret]} {trace} {caplog.text}"
    assert "ann" not in shown
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_a_pseudonym_says_nothing_without_its_key() -> None:
    """Different keys, different names; 16 bytes."""
    assert pseudonym(KEY) != pseudonym(OTHER)
    assert len(pseudonym(KEY)) == 16


def test_an_unwrapped_key_is_remembered_for_its_customer_only(tmp_path: Path) -> None:
    """Met again, no unwrapping; somebody else with their key is refused; forgetting ends it."""
    buckets = Buckets.keep(tmp_path / "buckets.keys", KEY, 4, os.urandom)
    wrapped = buckets.wrap(ANN, KEY, bytes(12))
    openers = Openers(buckets, capacity=2)
    known = openers.of(ANN, wrapped)
    assert openers.of(ANN, wrapped) is known
    assert known.open(sealed("ann@shop.example"), NAME) == "ann@shop.example"
    assert known.pseudonym == pseudonym(KEY)
    assert repr(known) == "Keyed(****)"
    with pytest.raises(Broken) as refusal:
        openers.of(ANN[:4] + BOB[4:], wrapped)
    assert refusal.value.code == "KEY_BROKEN"
    openers.forget()
    assert openers.of(ANN, wrapped) is not known


def test_only_so_many_keys_are_remembered(tmp_path: Path) -> None:
    """Whom nobody asks about is forgotten by itself."""
    buckets = Buckets.keep(tmp_path / "buckets.keys", KEY, 4, os.urandom)
    wrapped = buckets.wrap(ANN, KEY, bytes(12))
    openers = Openers(buckets, capacity=2)
    known = openers.of(ANN, wrapped)
    for nonce in (1, 2):
        openers.of(ANN, buckets.wrap(ANN, KEY, bytes([nonce]) * 12))
    assert openers.of(ANN, wrapped) is not known
