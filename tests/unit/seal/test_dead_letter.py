"""Dead letters decrypt only with their associated data and while the key of their day exists."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.errors import Broken, Misconfigured, Unavailable
from discretion.reveal.dead_letters import open_dead_letter
from discretion.seal.daily_keys import DailyKeys
from discretion.seal.dead_letter import build_associated_data, encrypt_dead_letter
from discretion.seal.open import decrypt_dead_letter
from discretion.store.dead_letters import DeadLetter

ROOT, KEY = bytes(range(32)), bytes(range(1, 33))
ID, OTHER_ID = b"a" * 16, b"b" * 16
DAY = 86_400_000
MONDAY = 20_000 * DAY + 5
ASSOCIATED_DATA = build_associated_data(ID, "tills", MONDAY)
MESSAGE = {"type": "track", "userId": "u1", "properties": {"total": 19.99}}


def open_daily_keys(folder: Path) -> DailyKeys:
    """Return the daily keys of a folder."""
    return DailyKeys(folder / "letters", ROOT, os.urandom)


def build_dead_letter(keys: DailyKeys, received: int = MONDAY) -> DeadLetter:
    """Return a dead letter as the store returns it."""
    sealed = encrypt_dead_letter(
        keys.get_or_create(received), build_associated_data(ID, "tills", received), bytes(12), MESSAGE
    )
    return DeadLetter(
        id=ID, source="tills", code="", place="", received=received, expires=received + DAY, sealed=sealed
    )


@given(st.dictionaries(st.text(), st.text() | st.integers(-(2**53), 2**53) | st.booleans()))
def test_a_dead_letter_decrypts_to_its_message(message: dict[str, object]) -> None:
    assert (
        decrypt_dead_letter(
            KEY, ASSOCIATED_DATA, encrypt_dead_letter(KEY, ASSOCIATED_DATA, bytes(12), message)
        )
        == message
    )


@pytest.mark.parametrize(
    "associated_data",
    [
        build_associated_data(OTHER_ID, "tills", MONDAY),
        build_associated_data(ID, "web-shop", MONDAY),
        build_associated_data(ID, "tills", MONDAY - 1),
    ],
    ids=["another dead letter", "another source", "another time"],
)
def test_a_dead_letter_decrypts_only_with_its_associated_data(associated_data: bytes) -> None:
    """The attack: replay a till's message as one of the web shop, or with an earlier time."""
    with pytest.raises(Broken, match="moved or altered"):
        decrypt_dead_letter(
            KEY, associated_data, encrypt_dead_letter(KEY, ASSOCIATED_DATA, bytes(12), MESSAGE)
        )


def test_an_altered_or_shortened_dead_letter_does_not_decrypt() -> None:
    """This holds for every byte."""
    sealed = encrypt_dead_letter(KEY, ASSOCIATED_DATA, bytes(12), MESSAGE)
    for position in range(len(sealed)):
        flipped = bytearray(sealed)
        flipped[position] ^= 1
        for altered in (bytes(flipped), sealed[:position]):
            with pytest.raises(Broken):
                decrypt_dead_letter(KEY, ASSOCIATED_DATA, altered)


def test_a_dead_letter_cannot_be_decrypted_after_its_key_is_destroyed(tmp_path: Path) -> None:
    """A copy of the dead letter is useless; a dead letter of the next day still decrypts."""
    keys = open_daily_keys(tmp_path)
    monday, tuesday = build_dead_letter(keys), build_dead_letter(keys, MONDAY + DAY)
    assert open_dead_letter(open_daily_keys(tmp_path), monday).value == MESSAGE
    keys.destroy_before(MONDAY + DAY)
    for daily_keys in (keys, open_daily_keys(tmp_path)):
        with pytest.raises(Broken) as refusal:
            open_dead_letter(daily_keys, monday)
        assert refusal.value.code == "KEY_DESTROYED"
        assert open_dead_letter(daily_keys, tuesday).value == MESSAGE
    # A new key for that day is a different key.
    open_daily_keys(tmp_path).get_or_create(MONDAY)
    with pytest.raises(Broken) as broken:
        open_dead_letter(keys, monday)
    assert broken.value.code == "SEAL_BROKEN"


def test_a_daily_key_is_kept_until_its_day_has_ended(tmp_path: Path) -> None:
    """It may have encrypted a dead letter in the last millisecond of its day."""
    keys = open_daily_keys(tmp_path)
    midnight = (MONDAY // DAY + 1) * DAY
    sealed = keys.get_or_create(midnight - 1)
    assert keys.destroy_before(midnight - 1) == 0
    assert keys.find(MONDAY) == sealed
    assert keys.destroy_before(midnight) == 1
    assert keys.find(MONDAY) is None
    assert list((tmp_path / "letters").iterdir()) == []


def test_a_draft_key_left_by_a_crash_is_destroyed_with_its_day(tmp_path: Path) -> None:
    """The draft file has a key, too."""
    keys = open_daily_keys(tmp_path)
    keys.get_or_create(MONDAY)
    (key_file,) = (tmp_path / "letters").iterdir()
    key_file.with_name(f"{key_file.stem}.00ff.new").write_bytes(key_file.read_bytes())
    keys.destroy_before(MONDAY + DAY)
    assert list((tmp_path / "letters").iterdir()) == []


def test_every_day_keeps_a_key_of_its_own(tmp_path: Path) -> None:
    """The key stays the same after a restart and in another process."""
    keys = open_daily_keys(tmp_path)
    day_keys = [keys.get_or_create(MONDAY + n * DAY) for n in range(3)]
    assert len(set(day_keys)) == 3
    assert [open_daily_keys(tmp_path).get_or_create(MONDAY + n * DAY) for n in range(3)] == day_keys
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "letters").iterdir())


def test_processes_that_create_a_daily_key_at_once_share_it(tmp_path: Path) -> None:
    """A second key could not decrypt what the first one encrypted."""
    for day in range(20):
        with ThreadPoolExecutor(8) as pool:
            day_keys = list(
                pool.map(lambda n: open_daily_keys(tmp_path).get_or_create(MONDAY + n * DAY), [day] * 8)
            )
        assert len(set(day_keys)) == 1
    assert len(list((tmp_path / "letters").iterdir())) == 20


def test_daily_keys_need_the_root_key_and_their_own_file_name(tmp_path: Path) -> None:
    """The attack: rename one day's key file to that of another day."""
    open_daily_keys(tmp_path).get_or_create(MONDAY)
    with pytest.raises(Misconfigured):
        DailyKeys(tmp_path / "letters", KEY, os.urandom).find(MONDAY)
    (key_file,) = (tmp_path / "letters").iterdir()
    key_file.rename(key_file.with_name("2099-01-01.key"))
    with pytest.raises(Misconfigured):
        open_daily_keys(tmp_path).find(4_070_908_800_000)


def test_a_missing_key_folder_is_no_error(tmp_path: Path) -> None:
    """A platform that never refused a message has no keys."""
    keys = open_daily_keys(tmp_path)
    assert keys.destroy_before(MONDAY) == 0
    assert keys.find(MONDAY) is None
    assert repr(keys) == "DailyKeys(****)"


def test_a_daily_key_that_cannot_be_stored_is_not_used(tmp_path: Path) -> None:
    """The sender has to retry, because a dead letter under a key in memory only would be lost."""
    (tmp_path / "letters").write_bytes(b"a file where the folder should be")
    with pytest.raises(Unavailable) as refusal:
        open_daily_keys(tmp_path).get_or_create(MONDAY)
    assert refusal.value.code == "KEY_UNAVAILABLE"
