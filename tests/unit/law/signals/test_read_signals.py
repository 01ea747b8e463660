"""The GPC header and the signals in a message's context, read together."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.load import load_catalogue
from discretion.catalogue.model import Family
from discretion.law.signals.load import load_signals
from discretion.law.signals.model import OPT_OUT_KINDS, SignalMeanings
from discretion.law.signals.read_signals import NO_SIGNAL, SIGNAL_MEMBERS, PrivacySignal, read_signals
from discretion.law.signals.unreadable_signal import UnreadableReason, UnreadableSignal
from tests.unit.law.signals.strings import (
    CALIFORNIA,
    NATIONAL,
    SILENT_TCF,
    VENDOR_TCF,
    VIRGINIA,
    encode_base64url,
    encode_header,
    encode_tc_string,
)

SHARING = frozenset({Family.SHARING})
SIGNALS = SignalMeanings(
    families_by_opt_out=dict.fromkeys(OPT_OUT_KINDS, SHARING),
    tcf_purposes_by_purpose={
        "personalize.content": frozenset({1, 5, 6}),
        "marketing.advertising": frozenset({1, 3}),
    },
)
PERSONALISATION, ADVERTISING = "personalize.content", "marketing.advertising"
NOW = 1_650_492_000_000

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


def read_message(header_gpc: bool = False, **context: Any) -> PrivacySignal:
    """Return the signals of a message."""
    return read_signals(SIGNALS, header_gpc, context)


@pytest.mark.parametrize(
    "context", [{}, {"ip": "203.0.113.9"}, {"consent": {"categoryPreferences": {"marketing": True}}}]
)
def test_messages_without_a_signal_share_one_value(context: dict[str, Any]) -> None:
    """Nothing is decoded and no object is created."""
    assert read_signals(SIGNALS, False, context) is NO_SIGNAL
    assert (NO_SIGNAL.has_opt_out, NO_SIGNAL.tcf_choices, NO_SIGNAL.raw) == (False, {}, {})


def test_the_header_opts_out_of_sharing_whatever_the_message_says() -> None:
    for context in ({}, {"gpc": False}, {"gpc": None}, {"gppString": f"{encode_header([6])}~1YNN"}):
        signal = read_message(True, **context)
        assert (signal.has_opt_out, signal.opted_out, signal.sources) == (True, SHARING, ("Sec-GPC",))


@pytest.mark.parametrize(
    ("value", "has_opt_out", "has_problem"),
    [
        (True, True, False),
        (False, False, False),
        (None, False, False),
        (1, False, True),
        ("1", False, True),
        ("true", False, True),
        ([True], False, True),
        ({}, False, True),
    ],
    ids=repr,
)
def test_gpc_in_a_message_is_a_boolean(value: Any, has_opt_out: bool, has_problem: bool) -> None:
    signal = read_message(gpc=value)
    assert (signal.has_opt_out, signal.sources) == (has_opt_out, ("gpc",) if has_opt_out else ())
    assert signal.problems == ((UnreadableSignal(UnreadableReason.TYPE, "gpc"),) if has_problem else ())


def encode_california(**fields: int) -> str:
    """Encode a string with a section of California."""
    names = ("sale_notice", "sharing_notice", "limit_notice", "sale", "sharing")
    core = "".join(f"{fields.get(name, 0):02b}" for name in names) + "00" * 15
    return f"{encode_header([8])}~{encode_base64url(f'{1:06b}' + core)}"


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        (encode_california(sale=1), ("usca",)),
        (encode_california(sharing=1), ("usca",)),
        (encode_california(sale=2, sharing=2), ()),
        (encode_california(sale_notice=1, sharing_notice=1, limit_notice=1), ()),
        (CALIFORNIA["with GPC"], ("usca",)),
        (VIRGINIA, ("usva",)),
        (NATIONAL, ("usnat",)),
        (f"{encode_header([6])}~1YYN", ("uspv1",)),
        (f"{encode_header([6])}~1NNN", ()),
        (f"{encode_header([6, 8])}~1YYN~{encode_california(sale=1).partition('~')[2]}", ("uspv1", "usca")),
    ],
)
def test_an_opt_out_of_any_section_counts(text: str, sources: tuple[str, ...]) -> None:
    signal = read_message(gppString=text)
    assert (signal.opted_out, signal.sources, signal.problems) == (
        SHARING if sources else frozenset(),
        sources,
        (),
    )
    assert signal.raw == {"gppString": text}


def test_an_opt_out_counts_even_if_its_section_is_not_listed_as_applicable() -> None:
    """It is the person's choice all the same; only consent needs a law that asks for it."""
    assert read_message(gppString=encode_california(sale=1), gppSid=[2]).has_opt_out


def test_a_tc_string_is_consent_where_all_needed_purposes_are_set() -> None:
    signal = read_message(tcString=encode_tc_string([1, 3, 5]))
    assert signal.tcf_choices == {PERSONALISATION: False, ADVERTISING: True}
    assert (signal.recorded_at, signal.sources, signal.has_opt_out) == (NOW, ("tcfeuv2",), False)


@given(st.frozensets(st.integers(1, 24)))
def test_consent_needs_every_purpose_and_refusal_only_one(consents: frozenset[int]) -> None:
    signal = read_message(tcString=encode_tc_string(sorted(consents)))
    assert signal.tcf_choices == {
        key: needed <= consents for key, needed in SIGNALS.tcf_purposes_by_purpose.items()
    }


@pytest.mark.parametrize(
    "context",
    [
        {"tcString": encode_tc_string([1, 3])},
        {"gppString": encode_tc_string([1, 3])},
        {"gppString": f"{encode_header([2])}~{encode_tc_string([1, 3])}"},
        {"gppString": f"{encode_header([2])}~{encode_tc_string([1, 3])}", "gppSid": [2]},
        {"gppString": f"{encode_header([2])}~{encode_tc_string([1, 3])}", "gppSid": 2},
        {"gppString": f"{encode_header([2])}~{encode_tc_string([1, 3])}", "gppSid": "2"},
        {"gppString": f"{encode_header([2])}~{encode_tc_string([1, 3])}", "gppSid": "2_7"},
        {"gppString": f"{encode_header([2])}~{encode_tc_string([1, 3])}", "gppSid": "7,2"},
        {"gppString": f"{encode_header([2])}~{encode_tc_string([1, 3])}", "gppSid": None},
        {"gppString": f"{encode_header([2])}~{encode_tc_string([1, 3])}", "gppSid": ""},
    ],
)
def test_a_tc_string_is_read_from_every_member(context: dict[str, Any]) -> None:
    signal = read_message(**context)
    assert (signal.tcf_choices[ADVERTISING], signal.tcf_choices[PERSONALISATION], signal.problems) == (
        True,
        False,
        (),
    )


@pytest.mark.parametrize(
    ("sections", "has_problem"),
    [
        ([7], False),
        ([], False),
        ([-1], False),
        ("-1", False),
        (0, False),
        ([True, 2], True),
        (["2"], True),
        ("two", True),
        ("2;7", True),
        ("\u0662", True),
        (2.0, True),
        ({"2": True}, True),
    ],
    ids=repr,
)
def test_consents_of_a_section_that_does_not_apply_are_ignored(sections: Any, has_problem: bool) -> None:
    """So are they if the list of applicable sections cannot be read."""
    signal = read_message(gppString=f"{encode_header([2])}~{encode_tc_string([1, 3])}", gppSid=sections)
    assert (signal.tcf_choices, signal.recorded_at) == ({}, None)
    assert signal.problems == ((UnreadableSignal(UnreadableReason.TYPE, "gppSid"),) if has_problem else ())


def test_two_tc_strings_give_consent_only_if_both_do() -> None:
    europe = f"{encode_header([2])}~{encode_tc_string([1, 3, 5, 6], updated=16_504_920_009)}"
    signal = read_message(gppString=europe, tcString=encode_tc_string([1, 3]))
    assert (signal.tcf_choices, signal.recorded_at) == (
        {PERSONALISATION: False, ADVERTISING: True},
        NOW + 900,
    )
    assert (
        read_message(gppString=encode_tc_string([1]), tcString=encode_tc_string([1, 3])).tcf_choices[
            ADVERTISING
        ]
        is False
    )


def test_a_known_child_is_reported() -> None:
    assert read_message(gppString=VIRGINIA).known_child
    assert not read_message(gppString=encode_california(sale=1)).known_child


@pytest.mark.parametrize(
    ("context", "problems"),
    [
        ({"gppString": 7}, [UnreadableSignal(UnreadableReason.TYPE, "gppString")]),
        ({"tcString": [SILENT_TCF]}, [UnreadableSignal(UnreadableReason.TYPE, "tcString")]),
        ({"gppString": "hello"}, [UnreadableSignal(UnreadableReason.KIND, "gppString")]),
        ({"gppString": "Chello"}, [UnreadableSignal(UnreadableReason.SHORT, "gppString")]),
        ({"tcString": "DBAA"}, [UnreadableSignal(UnreadableReason.VERSION, "tcString")]),
        ({"gppString": "DBAA" + "~" * 5000}, [UnreadableSignal(UnreadableReason.LONG, "gppString")]),
        (
            {"gppString": f"{encode_header([2])}~CPXx"},
            [UnreadableSignal(UnreadableReason.SHORT, "gppString/2")],
        ),
        ({"gppString": f"{encode_header([8])}~B"}, [UnreadableSignal(UnreadableReason.SHORT, "gppString/8")]),
        ({"gppString": "", "tcString": ""}, []),
    ],
)
def test_an_unreadable_signal_is_a_problem_and_has_no_effect(
    context: dict[str, Any], problems: list[UnreadableSignal]
) -> None:
    signal = read_message(**context)
    assert list(signal.problems) == problems
    assert (signal.has_opt_out, signal.tcf_choices, signal.known_child) == (False, {}, False)


def test_only_strings_that_were_decoded_are_kept() -> None:
    """Unknown sections are kept too; invalid strings, and text beside a decoded string, are not."""
    unknown = f"{encode_header([6, 40])}~1YNN~who.knows"
    assert read_message(gppString=unknown, tcString=VENDOR_TCF).raw == {
        "gppString": unknown,
        "tcString": VENDOR_TCF,
    }
    for text in ("DBAA" + "~" * 5000, "ann@shop.example", f"{encode_header([6, 40])}~1YNN~ann@shop.example"):
        assert read_message(gppString=text, tcString=SILENT_TCF).raw == {"tcString": SILENT_TCF}
    assert read_message(tcString=f"{SILENT_TCF}.Ann \ud800").raw == {}


def test_a_problem_of_one_signal_does_not_affect_the_others() -> None:
    signal = read_message(gppString="garbage", tcString=encode_tc_string([1, 3]), gpc=True)
    assert (signal.has_opt_out, signal.tcf_choices[ADVERTISING], len(signal.problems)) == (True, True, 1)


@given(st.booleans(), st.dictionaries(st.sampled_from(SIGNAL_MEMBERS), ANY_JSON))
def test_no_context_raises_or_revokes_the_header(header_gpc: bool, context: dict[str, Any]) -> None:
    signal = read_signals(SIGNALS, header_gpc, context)
    assert signal.has_opt_out is (header_gpc or context.get("gpc") is True)
    assert signal.tcf_choices == {}


def test_a_signal_cannot_be_changed() -> None:
    signal = read_message(tcString=SILENT_TCF)
    assert isinstance(signal.tcf_choices, MappingProxyType)
    assert isinstance(signal.raw, MappingProxyType)


def test_as_shipped_gpc_covers_partners_and_not_the_shop_itself() -> None:
    catalogue = load_catalogue()
    signal = read_signals(load_signals(catalogue), True, {})
    refused = {key for key, purpose in catalogue.purposes.items() if purpose.family in signal.opted_out}
    assert refused == {"marketing.advertising.third_party.targeted"}


def test_as_shipped_a_full_tc_string_consents_only_to_purposes_on_consent() -> None:
    catalogue = load_catalogue()
    signal = read_signals(load_signals(catalogue), False, {"tcString": encode_tc_string(range(1, 25))})
    assert set(signal.tcf_choices.values()) == {True}
    assert {catalogue.purposes[key].basis for key in signal.tcf_choices} == {"consent"}
    assert not [key for key in signal.tcf_choices if key.startswith("marketing.communications")]
