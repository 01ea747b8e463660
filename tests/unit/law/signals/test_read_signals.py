"""What a header and a message's context say together."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.load import load as load_catalogue
from discretion.catalogue.model import Family
from discretion.law.signals.load import load
from discretion.law.signals.model import OPT_OUTS, Signals
from discretion.law.signals.read_signals import MEMBERS, SILENCE, Signal, hear
from discretion.law.signals.unreadable_signal import Reason, Unread
from tests.unit.law.signals.strings import (
    CALIFORNIA,
    NATIONAL,
    SILENT_TCF,
    VENDOR_TCF,
    VIRGINIA,
    header,
    letters,
    tc_string,
)

SHARING = frozenset({Family.SHARING})
SIGNALS = Signals(
    opt_outs=dict.fromkeys(OPT_OUTS, SHARING),
    needs={"personalize.content": frozenset({1, 5, 6}), "marketing.advertising": frozenset({1, 3})},
)
PAGES, ADVERTISING = "personalize.content", "marketing.advertising"
NOW = 1_650_492_000_000

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


def heard(header_gpc: bool = False, **context: Any) -> Signal:
    """A message's signals."""
    return hear(SIGNALS, header_gpc, context)


@pytest.mark.parametrize(
    "context", [{}, {"ip": "203.0.113.9"}, {"consent": {"categoryPreferences": {"marketing": True}}}]
)
def test_a_message_without_a_signal_costs_nothing(context: dict[str, Any]) -> None:
    """The same value for all of them: nothing is read, nothing is made."""
    assert hear(SIGNALS, False, context) is SILENCE
    assert (SILENCE.opt_out, SILENCE.words, SILENCE.raw) == (False, {}, {})


def test_the_header_refuses_sharing_whatever_the_message_says() -> None:
    for context in ({}, {"gpc": False}, {"gpc": None}, {"gppString": f"{header([6])}~1YNN"}):
        said = heard(True, **context)
        assert (said.opt_out, said.opted_out, said.sources) == (True, SHARING, ("Sec-GPC",))


@pytest.mark.parametrize(
    ("given", "says", "problem"),
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
def test_the_browsers_word_in_a_message_is_a_boolean(given: Any, says: bool, problem: bool) -> None:
    said = heard(gpc=given)
    assert (said.opt_out, said.sources) == (says, ("gpc",) if says else ())
    assert said.problems == ((Unread(Reason.TYPE, "gpc"),) if problem else ())


def california(**fields: int) -> str:
    """A string of California's section."""
    names = ("sale_notice", "sharing_notice", "limit_notice", "sale", "sharing")
    core = "".join(f"{fields.get(name, 0):02b}" for name in names) + "00" * 15
    return f"{header([8])}~{letters(f'{1:06b}' + core)}"


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        (california(sale=1), ("usca",)),
        (california(sharing=1), ("usca",)),
        (california(sale=2, sharing=2), ()),
        (california(sale_notice=1, sharing_notice=1, limit_notice=1), ()),
        (CALIFORNIA["with the browser's word"], ("usca",)),
        (VIRGINIA, ("usva",)),
        (NATIONAL, ("usnat",)),
        (f"{header([6])}~1YYN", ("uspv1",)),
        (f"{header([6])}~1NNN", ()),
        (f"{header([6, 8])}~1YYN~{california(sale=1).partition('~')[2]}", ("uspv1", "usca")),
    ],
)
def test_an_opt_out_of_any_section_counts(text: str, sources: tuple[str, ...]) -> None:
    said = heard(gppString=text)
    assert (said.opted_out, said.sources, said.problems) == (SHARING if sources else frozenset(), sources, ())
    assert said.raw == {"gppString": text}


def test_an_opt_out_counts_where_its_section_is_not_said_to_apply() -> None:
    """It is the person's word all the same; only a yes needs a law that asks for it."""
    assert heard(gppString=california(sale=1), gppSid=[2]).opt_out


def test_a_string_of_consents_is_a_yes_where_all_that_is_needed_is_there() -> None:
    said = heard(tcString=tc_string([1, 3, 5]))
    assert said.words == {PAGES: False, ADVERTISING: True}
    assert (said.told, said.sources, said.opt_out) == (NOW, ("tcfeuv2",), False)


@given(st.frozensets(st.integers(1, 24)))
def test_a_yes_takes_every_purpose_and_a_no_only_one(consents: frozenset[int]) -> None:
    said = heard(tcString=tc_string(sorted(consents)))
    assert said.words == {key: needed <= consents for key, needed in SIGNALS.needs.items()}


@pytest.mark.parametrize(
    "context",
    [
        {"tcString": tc_string([1, 3])},
        {"gppString": tc_string([1, 3])},
        {"gppString": f"{header([2])}~{tc_string([1, 3])}"},
        {"gppString": f"{header([2])}~{tc_string([1, 3])}", "gppSid": [2]},
        {"gppString": f"{header([2])}~{tc_string([1, 3])}", "gppSid": 2},
        {"gppString": f"{header([2])}~{tc_string([1, 3])}", "gppSid": "2"},
        {"gppString": f"{header([2])}~{tc_string([1, 3])}", "gppSid": "2_7"},
        {"gppString": f"{header([2])}~{tc_string([1, 3])}", "gppSid": "7,2"},
        {"gppString": f"{header([2])}~{tc_string([1, 3])}", "gppSid": None},
        {"gppString": f"{header([2])}~{tc_string([1, 3])}", "gppSid": ""},
    ],
)
def test_a_string_of_consents_is_heard_wherever_it_stands(context: dict[str, Any]) -> None:
    said = heard(**context)
    assert (said.words[ADVERTISING], said.words[PAGES], said.problems) == (True, False, ())


@pytest.mark.parametrize(
    ("sections", "problem"),
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
def test_consents_of_a_section_that_does_not_apply_are_not_heard(sections: Any, problem: bool) -> None:
    """Neither are they where nobody can tell which sections apply."""
    said = heard(gppString=f"{header([2])}~{tc_string([1, 3])}", gppSid=sections)
    assert (said.words, said.told) == ({}, None)
    assert said.problems == ((Unread(Reason.TYPE, "gppSid"),) if problem else ())


def test_two_strings_of_consents_give_a_yes_only_together() -> None:
    europe = f"{header([2])}~{tc_string([1, 3, 5, 6], updated=16_504_920_009)}"
    said = heard(gppString=europe, tcString=tc_string([1, 3]))
    assert (said.words, said.told) == ({PAGES: False, ADVERTISING: True}, NOW + 900)
    assert heard(gppString=tc_string([1]), tcString=tc_string([1, 3])).words[ADVERTISING] is False


def test_a_child_that_a_section_knows_of_is_told_of() -> None:
    assert heard(gppString=VIRGINIA).known_child
    assert not heard(gppString=california(sale=1)).known_child


@pytest.mark.parametrize(
    ("context", "problems"),
    [
        ({"gppString": 7}, [Unread(Reason.TYPE, "gppString")]),
        ({"tcString": [SILENT_TCF]}, [Unread(Reason.TYPE, "tcString")]),
        ({"gppString": "hello"}, [Unread(Reason.KIND, "gppString")]),
        ({"gppString": "Chello"}, [Unread(Reason.SHORT, "gppString")]),
        ({"tcString": "DBAA"}, [Unread(Reason.VERSION, "tcString")]),
        ({"gppString": "DBAA" + "~" * 5000}, [Unread(Reason.LONG, "gppString")]),
        ({"gppString": f"{header([2])}~CPXx"}, [Unread(Reason.SHORT, "gppString/2")]),
        ({"gppString": f"{header([8])}~B"}, [Unread(Reason.SHORT, "gppString/8")]),
        ({"gppString": "", "tcString": ""}, []),
    ],
)
def test_what_cannot_be_read_is_a_problem_and_says_nothing(
    context: dict[str, Any], problems: list[Unread]
) -> None:
    said = heard(**context)
    assert list(said.problems) == problems
    assert (said.opt_out, said.words, said.known_child) == (False, {}, False)


def test_what_is_kept_of_a_string_is_what_was_read() -> None:
    """Sections that nobody knows too; but neither garbage nor what stands beside a string that was read."""
    unknown = f"{header([6, 40])}~1YNN~who.knows"
    assert heard(gppString=unknown, tcString=VENDOR_TCF).raw == {"gppString": unknown, "tcString": VENDOR_TCF}
    for text in ("DBAA" + "~" * 5000, "ann@shop.example", f"{header([6, 40])}~1YNN~ann@shop.example"):
        assert heard(gppString=text, tcString=SILENT_TCF).raw == {"tcString": SILENT_TCF}
    assert heard(tcString=f"{SILENT_TCF}.Ann \ud800").raw == {}


def test_a_problem_of_one_does_not_silence_the_other() -> None:
    said = heard(gppString="garbage", tcString=tc_string([1, 3]), gpc=True)
    assert (said.opt_out, said.words[ADVERTISING], len(said.problems)) == (True, True, 1)


@given(st.booleans(), st.dictionaries(st.sampled_from(MEMBERS), ANY_JSON))
def test_no_context_raises_and_none_takes_back_what_the_header_says(
    header_gpc: bool, context: dict[str, Any]
) -> None:
    said = hear(SIGNALS, header_gpc, context)
    assert said.opt_out is (header_gpc or context.get("gpc") is True)
    assert said.words == {}


def test_what_was_heard_cannot_be_changed() -> None:
    said = heard(tcString=SILENT_TCF)
    assert isinstance(said.words, MappingProxyType)
    assert isinstance(said.raw, MappingProxyType)


def test_as_shipped_the_browser_refuses_what_partners_do_and_not_what_the_shop_does() -> None:
    catalogue = load_catalogue()
    said = hear(load(catalogue), True, {})
    refused = {key for key, purpose in catalogue.purposes.items() if purpose.family in said.opted_out}
    assert refused == {"marketing.advertising.third_party.targeted"}


def test_as_shipped_a_string_with_every_consent_is_a_yes_to_what_rests_on_consent_alone() -> None:
    catalogue = load_catalogue()
    said = hear(load(catalogue), False, {"tcString": tc_string(range(1, 25))})
    assert set(said.words.values()) == {True}
    assert {catalogue.purposes[key].basis for key in said.words} == {"consent"}
    assert not [key for key in said.words if key.startswith("marketing.communications")]
