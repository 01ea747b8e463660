"""A TC string is read whole, or it says nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.law.signals.bit_reader import LETTERS
from discretion.law.signals.tcf import LIMIT, Tcf, decode
from discretion.law.signals.unreadable_signal import Reason, Unread
from tests.unit.law.signals.strings import SILENT_TCF, VENDOR_TCF, letters, tc_string

ALL = tc_string(range(1, 25))


def ms(text: str) -> int:
    """A moment in milliseconds."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def test_the_example_of_the_platform_consents_to_nothing() -> None:
    assert decode(SILENT_TCF) == Tcf(
        created=ms("2022-04-20T22:00:00"),
        updated=ms("2022-04-20T22:00:00"),
        cmp=31,
        cmp_version=640,
        screen=1,
        language="EN",
        vendor_list=126,
        policy=2,
        service_specific=True,
        own_stacks=False,
        features=frozenset(),
        consents=frozenset(),
        interests=frozenset(),
        purpose_one=False,
        country="DE",
    )


def test_the_example_of_the_framework_consents_to_three_purposes() -> None:
    """With a segment about vendors after the core, which is left alone."""
    read = decode(VENDOR_TCF)
    assert isinstance(read, Tcf)
    assert (read.consents, read.interests, read.features) == (frozenset({1, 2, 3}), frozenset(), frozenset())
    assert (read.cmp, read.language, read.vendor_list, read.policy) == (27, "EN", 15, 2)
    assert read.created == read.updated == ms("2020-02-20T23:57:39.3")


@given(st.frozensets(st.integers(1, 24)))
def test_the_purposes_consented_to_are_those_whose_bit_is_set(consents: frozenset[int]) -> None:
    read = decode(tc_string(sorted(consents)))
    assert isinstance(read, Tcf)
    assert read.consents == consents


@pytest.mark.parametrize("text", [SILENT_TCF, VENDOR_TCF.partition(".")[0], ALL])
def test_a_string_that_was_cut_is_not_read(text: str) -> None:
    """Wherever it was cut before the vendors end: a yes in what is left may be half of something else."""
    assert isinstance(decode(text), Tcf)
    needed = 213 + 2 * (16 + 1 + (8 if text in VENDOR_TCF else 0))
    for end in range(-(-needed // 6)):
        assert decode(text[:end]) == Unread(Reason.SHORT), end


def test_vendors_in_ranges_are_passed_over_and_must_all_be_there() -> None:
    """Two ranges and a single one announced; the last is missing its end."""
    head = ALL[:35]
    vendors = f"{900:016b}1{3:012b}" + f"1{3:016b}{70:016b}" + f"0{90:016b}" + f"1{100:016b}{900:016b}"
    tail = f"{0:016b}0"
    bits = "".join(f"{LETTERS.index(one):06b}" for one in head) + "000"
    assert len(bits) == 213
    assert isinstance(decode(letters(bits + vendors + tail)), Tcf)
    assert decode(letters(bits + vendors[:-12])) == Unread(Reason.SHORT)
    many = f"{900:016b}1{4095:012b}"
    assert decode(letters(bits + many + tail)) == Unread(Reason.SHORT)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Reason.SHORT),
        ("." + SILENT_TCF, Reason.SHORT),
        ("B" + SILENT_TCF[1:], Reason.VERSION),
        ("D" + SILENT_TCF[1:], Reason.VERSION),
        (SILENT_TCF + "=", Reason.LETTER),
        (SILENT_TCF + "+/", Reason.LETTER),
        (SILENT_TCF + "\u00e9", Reason.LETTER),
        (SILENT_TCF + "A" * LIMIT, Reason.LONG),
        (SILENT_TCF[:18] + "__" + SILENT_TCF[20:], Reason.VALUE),
    ],
)
def test_what_is_no_string_of_version_two_is_refused_with_a_reason(text: str, reason: Reason) -> None:
    assert decode(text) == Unread(reason)


@pytest.mark.parametrize("text", [SILENT_TCF, VENDOR_TCF, ALL])
def test_no_changed_letter_raises(text: str) -> None:
    for at in range(len(text)):
        for letter in LETTERS + ".~= \n\u00e9\ud800":
            assert isinstance(decode(text[:at] + letter + text[at + 1 :]), Tcf | Unread)


@given(st.one_of(st.text(), st.text(alphabet=LETTERS + ".").map("C".__add__)))
def test_no_text_at_all_raises(text: str) -> None:
    assert isinstance(decode(text), Tcf | Unread)
