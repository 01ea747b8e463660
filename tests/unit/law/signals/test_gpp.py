"""A GPP string is read section by section; what is not known grants nothing and hides nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.law.signals.bit_reader import LETTERS
from discretion.law.signals.gpp import LIMIT, Choice, Gpp, Section, decode
from discretion.law.signals.section_layouts import LAYOUTS
from discretion.law.signals.tcf import Tcf
from discretion.law.signals.unreadable_signal import Reason, Unread
from tests.unit.law.signals.strings import (
    CALIFORNIA,
    CONNECTICUT,
    NATIONAL,
    SILENT_TCF,
    VIRGINIA,
    fibonacci,
    header,
    letters,
)

NOT, OUT, NA = Choice.NOT, Choice.OPTED_OUT, Choice.NOT_APPLICABLE
KNOWN = {2, 6, *LAYOUTS}


def only(text: str) -> Section:
    """The one section that a string has."""
    read = decode(text)
    assert isinstance(read, Gpp)
    assert (read.tcf, read.unknown, read.problems) == (None, (), ())
    (section,) = read.sections
    return section


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("DBABM", [2]),
        ("DBABMA", [2]),
        ("DBACNY", [2, 6]),
        ("DBACNYA", [2, 6]),
        ("DBABjw", [5, 6]),
        ("DBAA", []),
    ],
)
def test_the_headers_of_the_specification_name_their_sections(text: str, ids: list[int]) -> None:
    """With the padding of the specification's text, and with that of its examples."""
    parts = {2: SILENT_TCF, 5: "BAAA", 6: "1YNN"}
    read = decode("~".join([text, *(parts[one] for one in ids)]))
    assert isinstance(read, Gpp)
    assert (read.tcf is not None, [one.id for one in read.sections]) == (2 in ids, [6] if 6 in ids else [])
    assert (read.unknown, read.problems) == ((5,) if 5 in ids else (), ())


def test_the_example_of_the_specification_has_europe_and_the_old_string() -> None:
    read = decode(f"DBACNYA~{SILENT_TCF}~1YNN")
    assert isinstance(read, Gpp)
    assert isinstance(read.tcf, Tcf)
    assert read.sections == (Section(6, "uspv1", 1, sale=NOT),)


@pytest.mark.parametrize(
    ("text", "section"),
    [
        (CALIFORNIA["not applicable"], Section(8, "usca", 1)),
        (
            CALIFORNIA["with the browser's word"],
            Section(8, "usca", 1, sale=NOT, sharing=NOT, gpc=True, known_child=True),
        ),
        (NATIONAL, Section(7, "usnat", 1, OUT, OUT, OUT, gpc=True, known_child=True)),
        (VIRGINIA, Section(9, "usva", 1, sale=OUT, advertising=OUT, known_child=True)),
        (CONNECTICUT, Section(12, "usct", 1, sale=OUT, advertising=OUT, known_child=True)),
        ("DBABLA~BVVVkkkkkpFY.Y", Section(7, "usnat", 1, OUT, OUT, OUT, gpc=True, known_child=True)),
        ("DBABLA~BAAAAAAAAABA.Q", Section(7, "usnat", 1)),
    ],
)
def test_strings_of_other_hands_are_read_as_they_are_meant(text: str, section: Section) -> None:
    """The last two by an encoder that made the national section longer before it raised its version."""
    assert only(text) == section


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("1YNN", Section(6, "uspv1", 1, sale=NOT)),
        ("1YYN", Section(6, "uspv1", 1, sale=OUT)),
        ("1NYY", Section(6, "uspv1", 1, sale=OUT)),
        ("1---", Section(6, "uspv1", 1, sale=NA)),
        ("1yyn", Section(6, "uspv1", 1, sale=OUT)),
        ("2YYN", Unread(Reason.VERSION, "6")),
        ("1Y", Unread(Reason.VALUE, "6")),
        ("1YXN", Unread(Reason.VALUE, "6")),
        ("1YYNN", Unread(Reason.VALUE, "6")),
        ("", Unread(Reason.VALUE, "6")),
    ],
)
def test_the_old_string_is_four_characters(text: str, read: Section | Unread) -> None:
    got = decode(f"{header([6])}~{text}")
    assert isinstance(got, Gpp)
    assert [*got.sections, *got.problems] == [read]


def test_a_new_state_may_put_a_header_before_its_core() -> None:
    """Specification of Maryland, "Section Header": the encoder of the IAB leaves it out, both are meant."""
    core = letters(f"{1:06b}" + "01" * 2 + "01" * 3 + "01" + "10" + "00")
    section = Section(24, "usmd", 1, sale=OUT, advertising=NOT, gpc=True)
    assert only(f"{header([24])}~{core}.YA") == section
    assert only(f"{header([24])}~{letters(f'{24:06b}{1:06b}' + '0' * 12)}.{core}.YA") == section
    assert decode(f"{header([24])}~{letters(f'{24:06b}{2:06b}')}.{core}.YA") == Gpp(
        problems=(Unread(Reason.VERSION, "24"),)
    )
    assert decode(f"{header([24])}~YB") == Gpp(problems=(Unread(Reason.SHORT, "24"),))


def test_a_subsection_about_sensitive_data_is_not_the_browsers_word() -> None:
    """Indiana's first subsection has no type of its own, and begins as the others' does: with 01, a 1."""
    core = letters(f"{1:06b}" + "10" * 9)
    assert only(f"{header([25])}~{core}.{letters('0110' * 4)}").gpc is False


@pytest.mark.parametrize(
    ("segments", "said"),
    [
        ("YA", True),
        ("QA", False),
        ("IA", False),
        ("oA", False),
        ("4A", False),
        ("oA.YA", True),
        ("YA.QA", True),
    ],
)
def test_only_a_subsection_of_its_type_is_the_browsers_word(segments: str, said: bool) -> None:
    """Two bits of type, which must be 1, and a bit; where there are two, one that says so is enough."""
    assert only(f"{header([8])}~BAAAAACA.{segments}").gpc is said


def test_a_section_that_cannot_be_read_leaves_the_others_standing() -> None:
    read = decode(f"{header([8, 9, 12, 40])}~BAAAA!~BVVVVWY~Z~who knows")
    assert read == Gpp(
        sections=(Section(9, "usva", 1, sale=OUT, advertising=OUT, known_child=True),),
        unknown=(40,),
        problems=(Unread(Reason.LETTER, "8"), Unread(Reason.SHORT, "12")),
    )


@pytest.mark.parametrize(
    ("section", "reason"),
    [
        ("", Reason.SHORT),
        ("BAAAAAC", Reason.SHORT),
        ("BAAAAA", Reason.SHORT),
        ("CAAAAACA", Reason.VERSION),
        ("BA8AAACA", Reason.VALUE),
        ("BAAAAACA.", Reason.SHORT),
        ("BAAAAACA.*", Reason.LETTER),
        ("BAAAAACA.IA", None),
        ("BAAAAACA.IA.YA", None),
    ],
)
def test_a_state_section_is_whole_and_defined_or_it_is_refused(section: str, reason: Reason | None) -> None:
    """California's: 46 bits of version 1, whose answers are 0, 1 or 2; other subsections are passed over."""
    read = decode(f"{header([8])}~{section}")
    assert isinstance(read, Gpp)
    assert [one.reason for one in read.problems] == ([] if reason is None else [reason])
    assert len(read.sections) == (reason is None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Reason.KIND),
        ("C", Reason.KIND),
        ("D", Reason.VERSION),
        ("DCAA", Reason.VERSION),
        ("DB", Reason.SHORT),
        ("DBAB", Reason.SHORT),
        ("DBABA", Reason.SHORT),
        ("DBA=", Reason.LETTER),
        ("DBABM", Reason.COUNT),
        (f"DBABM~{SILENT_TCF}~1YNN", Reason.COUNT),
        (f"DBACNY~{SILENT_TCF}", Reason.COUNT),
        ("DBAA~", Reason.COUNT),
        ("DB__" + "_" * 60, Reason.COUNT),
        ("DBAA" + "~" * LIMIT, Reason.LONG),
    ],
)
def test_what_is_no_gpp_string_is_refused_with_a_reason(text: str, reason: Reason) -> None:
    assert decode(text) == Unread(reason)


def test_a_header_that_claims_a_million_sections_is_not_believed() -> None:
    """Nothing is counted out that is not there."""
    group = letters(f"{3:06b}{1:06b}{1:012b}1" + fibonacci(1) + fibonacci(1_000_000))
    assert decode(group + "~1YNN") == Unread(Reason.COUNT)
    endless = letters(f"{3:06b}{1:06b}{1:012b}0" + "01" * 400 + "1")
    assert decode(endless + "~1YNN") == Unread(Reason.SHORT)


@given(
    st.dictionaries(
        st.integers(1, 2000).filter(lambda one: one not in KNOWN), st.text(LETTERS + ".-=! ", max_size=9)
    )
)
def test_a_section_nobody_knows_grants_nothing_and_refuses_nothing(parts: dict[int, str]) -> None:
    ids = sorted(parts)
    assert decode("~".join([header(ids), *(parts[one] for one in ids)])) == Gpp(unknown=tuple(ids))


@pytest.mark.parametrize("text", [NATIONAL, VIRGINIA, f"DBACNYA~{SILENT_TCF}~1YNN"])
def test_no_changed_letter_raises(text: str) -> None:
    for at in range(len(text)):
        for letter in LETTERS + ".~= \n\u00e9\ud800":
            assert isinstance(decode(text[:at] + letter + text[at + 1 :]), Gpp | Unread)


ANY_PART = st.text(LETTERS + ".", max_size=60)


@given(st.one_of(st.text(), st.text(LETTERS + ".~").map("DB".__add__)))
def test_no_text_at_all_raises(text: str) -> None:
    assert isinstance(decode(text), Gpp | Unread)


@given(st.dictionaries(st.sampled_from(sorted(KNOWN)), ANY_PART))
def test_no_section_raises_and_each_is_read_or_refused(parts: dict[int, str]) -> None:
    ids = sorted(parts)
    read = decode("~".join([header(ids), *(parts[one] for one in ids)]))
    assert isinstance(read, Gpp)
    assert len(read.sections) + len(read.problems) + (read.tcf is not None) == len(ids)
