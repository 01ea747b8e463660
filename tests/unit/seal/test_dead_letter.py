"""Letters open in their place only, and for as long as the key of their day is there."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.errors import Broken, Misconfigured, Unavailable
from discretion.reveal.dead_letters import opened
from discretion.seal.daily_keys import DayKeys
from discretion.seal.dead_letter import bound, shut_letter
from discretion.seal.open import open_letter

ROOT, KEY = bytes(range(32)), bytes(range(1, 33))
ID, OTHER = b"a" * 16, b"b" * 16
DAY = 86_400_000
MONDAY = 20_000 * DAY + 5
PLACE = bound(ID, "tills", MONDAY)
MESSAGE = {"type": "track", "userId": "u1", "properties": {"total": 19.99}}


def days(folder: Path) -> DayKeys:
    """The keys of a folder."""
    return DayKeys(folder / "letters", ROOT, os.urandom)


def stored(keys: DayKeys, received: int = MONDAY) -> dict[str, object]:
    """A letter as the database has it."""
    sealed = shut_letter(keys.to_seal(received), bound(ID, "tills", received), bytes(12), MESSAGE)
    return {"_id": ID, "source": "tills", "received": received, "sealed": sealed}


@given(st.dictionaries(st.text(), st.text() | st.integers(-(2**53), 2**53) | st.booleans()))
def test_a_letter_opens_to_what_was_sealed(message: dict[str, object]) -> None:
    assert open_letter(KEY, PLACE, shut_letter(KEY, PLACE, bytes(12), message)) == message


@pytest.mark.parametrize(
    "place",
    [bound(OTHER, "tills", MONDAY), bound(ID, "web-shop", MONDAY), bound(ID, "tills", MONDAY - 1)],
    ids=["another letter", "another source", "another time"],
)
def test_a_letter_opens_only_in_its_place(place: bytes) -> None:
    """The attack: have a till's message replayed as the shop's, or as older than it is."""
    with pytest.raises(Broken, match="moved or altered"):
        open_letter(KEY, place, shut_letter(KEY, PLACE, bytes(12), MESSAGE))


def test_an_altered_or_shortened_letter_does_not_open() -> None:
    """At any byte."""
    letter = shut_letter(KEY, PLACE, bytes(12), MESSAGE)
    for position in range(len(letter)):
        flipped = bytearray(letter)
        flipped[position] ^= 1
        for wrong in (bytes(flipped), letter[:position]):
            with pytest.raises(Broken):
                open_letter(KEY, PLACE, wrong)


def test_a_letter_cannot_be_opened_after_its_key_is_gone(tmp_path: Path) -> None:
    """Whoever kept a copy of it has nothing; a letter of the next day still opens."""
    keys = days(tmp_path)
    monday, tuesday = stored(keys), stored(keys, MONDAY + DAY)
    assert opened(days(tmp_path), monday).value == MESSAGE
    keys.destroy(MONDAY + DAY)
    for process in (keys, days(tmp_path)):
        with pytest.raises(Broken) as refusal:
            opened(process, monday)
        assert refusal.value.code == "KEY_DESTROYED"
        assert opened(process, tuesday).value == MESSAGE
    # A key made anew for that day is another one.
    days(tmp_path).to_seal(MONDAY)
    with pytest.raises(Broken) as broken:
        opened(keys, monday)
    assert broken.value.code == "SEAL_BROKEN"


def test_a_key_lives_until_its_day_is_wholly_over(tmp_path: Path) -> None:
    """It may have sealed a letter in the last millisecond of its day."""
    keys = days(tmp_path)
    midnight = (MONDAY // DAY + 1) * DAY
    sealed = keys.to_seal(midnight - 1)
    assert keys.destroy(midnight - 1) == 0
    assert keys.to_open(MONDAY) == sealed
    assert keys.destroy(midnight) == 1
    assert keys.to_open(MONDAY) is None
    assert list((tmp_path / "letters").iterdir()) == []


def test_a_draft_that_a_crash_left_is_destroyed_with_its_day(tmp_path: Path) -> None:
    """It holds a key too."""
    keys = days(tmp_path)
    keys.to_seal(MONDAY)
    (kept,) = (tmp_path / "letters").iterdir()
    kept.with_name(f"{kept.stem}.00ff.new").write_bytes(kept.read_bytes())
    keys.destroy(MONDAY + DAY)
    assert list((tmp_path / "letters").iterdir()) == []


def test_every_day_has_its_own_key_and_keeps_it(tmp_path: Path) -> None:
    """Asked for again, after a restart, by another process."""
    keys = days(tmp_path)
    made = [keys.to_seal(MONDAY + n * DAY) for n in range(3)]
    assert len(set(made)) == 3
    assert [days(tmp_path).to_seal(MONDAY + n * DAY) for n in range(3)] == made
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "letters").iterdir())


def test_processes_that_make_a_key_at_once_make_one(tmp_path: Path) -> None:
    """A second key would lose what was sealed under the first."""
    for day in range(20):
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda n: days(tmp_path).to_seal(MONDAY + n * DAY), [day] * 8))
        assert len(set(made)) == 1
    assert len(list((tmp_path / "letters").iterdir())) == 20


def test_day_keys_need_the_root_key_and_their_own_name(tmp_path: Path) -> None:
    """The attack: put one day's key in the place of another."""
    days(tmp_path).to_seal(MONDAY)
    with pytest.raises(Misconfigured):
        DayKeys(tmp_path / "letters", KEY, os.urandom).to_open(MONDAY)
    (kept,) = (tmp_path / "letters").iterdir()
    kept.rename(kept.with_name("2099-01-01.key"))
    with pytest.raises(Misconfigured):
        days(tmp_path).to_open(4_070_908_800_000)


def test_there_may_be_no_keys_yet(tmp_path: Path) -> None:
    """Nothing was ever refused."""
    keys = days(tmp_path)
    assert keys.destroy(MONDAY) == 0
    assert keys.to_open(MONDAY) is None
    assert repr(keys) == "DayKeys(****)"


def test_a_key_that_cannot_be_kept_seals_nothing(tmp_path: Path) -> None:
    """The sender is to ask again: a letter under a key that is only in memory would be lost."""
    (tmp_path / "letters").write_bytes(b"in the way")
    with pytest.raises(Unavailable) as refusal:
        days(tmp_path).to_seal(MONDAY)
    assert refusal.value.code == "KEY_UNAVAILABLE"
