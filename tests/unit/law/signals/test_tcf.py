"""A TC string is decoded completely, or it has no effect."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.law.signals.bit_reader import BASE64URL_ALPHABET
from discretion.law.signals.tcf import MAX_TC_STRING_LENGTH, TcString, decode_tcf
from discretion.law.signals.unreadable_signal import UnreadableReason, UnreadableSignal
from tests.unit.law.signals.strings import SILENT_TCF, VENDOR_TCF, encode_base64url, encode_tc_string

FULL_STRING = encode_tc_string(range(1, 25))


def to_ms(text: str) -> int:
    """Convert an ISO 8601 time in UTC to milliseconds."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def test_the_example_of_the_gpp_specification_consents_to_nothing() -> None:
    assert decode_tcf(SILENT_TCF) == TcString(
        created_at=to_ms("2022-04-20T22:00:00"),
        updated_at=to_ms("2022-04-20T22:00:00"),
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
        purpose_one_undisclosed=False,
        country="DE",
    )


def test_the_example_of_the_tcf_specification_consents_to_three_purposes() -> None:
    """The vendor segment after the core is ignored."""
    decoded = decode_tcf(VENDOR_TCF)
    assert isinstance(decoded, TcString)
    assert (decoded.consents, decoded.interests, decoded.features) == (
        frozenset({1, 2, 3}),
        frozenset(),
        frozenset(),
    )
    assert (decoded.cmp, decoded.language, decoded.vendor_list, decoded.policy) == (27, "EN", 15, 2)
    assert decoded.created_at == decoded.updated_at == to_ms("2020-02-20T23:57:39.3")


@given(st.frozensets(st.integers(1, 24)))
def test_the_purposes_consented_to_are_those_whose_bit_is_set(consents: frozenset[int]) -> None:
    decoded = decode_tcf(encode_tc_string(sorted(consents)))
    assert isinstance(decoded, TcString)
    assert decoded.consents == consents


@pytest.mark.parametrize("text", [SILENT_TCF, VENDOR_TCF.partition(".")[0], FULL_STRING])
def test_a_truncated_string_is_refused(text: str) -> None:
    """Wherever it is cut before the vendors end: a consent in the rest may be half of another field."""
    assert isinstance(decode_tcf(text), TcString)
    needed = 213 + 2 * (16 + 1 + (8 if text in VENDOR_TCF else 0))
    for end in range(-(-needed // 6)):
        assert decode_tcf(text[:end]) == UnreadableSignal(UnreadableReason.SHORT), end


def test_vendor_ranges_are_skipped_and_must_be_complete() -> None:
    """Two ranges and a single vendor are announced; the last range lacks its end."""
    head = FULL_STRING[:35]
    vendors = f"{900:016b}1{3:012b}" + f"1{3:016b}{70:016b}" + f"0{90:016b}" + f"1{100:016b}{900:016b}"
    tail = f"{0:016b}0"
    bits = "".join(f"{BASE64URL_ALPHABET.index(character):06b}" for character in head) + "000"
    assert len(bits) == 213
    assert isinstance(decode_tcf(encode_base64url(bits + vendors + tail)), TcString)
    assert decode_tcf(encode_base64url(bits + vendors[:-12])) == UnreadableSignal(UnreadableReason.SHORT)
    oversized = f"{900:016b}1{4095:012b}"
    assert decode_tcf(encode_base64url(bits + oversized + tail)) == UnreadableSignal(UnreadableReason.SHORT)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", UnreadableReason.SHORT),
        ("." + SILENT_TCF, UnreadableReason.SHORT),
        ("B" + SILENT_TCF[1:], UnreadableReason.VERSION),
        ("D" + SILENT_TCF[1:], UnreadableReason.VERSION),
        (SILENT_TCF + "=", UnreadableReason.ENCODING),
        (SILENT_TCF + "+/", UnreadableReason.ENCODING),
        (SILENT_TCF + "\u00e9", UnreadableReason.ENCODING),
        (SILENT_TCF + "A" * MAX_TC_STRING_LENGTH, UnreadableReason.LONG),
        (SILENT_TCF[:18] + "__" + SILENT_TCF[20:], UnreadableReason.VALUE),
    ],
)
def test_an_invalid_tc_string_is_refused_with_a_reason(text: str, reason: UnreadableReason) -> None:
    assert decode_tcf(text) == UnreadableSignal(reason)


@pytest.mark.parametrize("text", [SILENT_TCF, VENDOR_TCF, FULL_STRING])
def test_no_changed_character_raises(text: str) -> None:
    for index in range(len(text)):
        for character in BASE64URL_ALPHABET + ".~= \n\u00e9\ud800":
            assert isinstance(
                decode_tcf(text[:index] + character + text[index + 1 :]), TcString | UnreadableSignal
            )


@given(st.one_of(st.text(), st.text(alphabet=BASE64URL_ALPHABET + ".").map("C".__add__)))
def test_no_text_raises_an_error(text: str) -> None:
    assert isinstance(decode_tcf(text), TcString | UnreadableSignal)
