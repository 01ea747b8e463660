"""A GPP string is decoded section by section; an unknown section grants nothing and hides nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.law.signals.bit_reader import BASE64URL_ALPHABET
from discretion.law.signals.gpp import MAX_GPP_LENGTH, GppString, SectionChoice, UsSection, decode_gpp
from discretion.law.signals.section_layouts import SECTION_LAYOUTS
from discretion.law.signals.tcf import TcString
from discretion.law.signals.unreadable_signal import UnreadableReason, UnreadableSignal
from tests.unit.law.signals.strings import (
    CALIFORNIA,
    CONNECTICUT,
    NATIONAL,
    SILENT_TCF,
    VIRGINIA,
    encode_base64url,
    encode_fibonacci,
    encode_header,
)

NOT, OUT, NA = SectionChoice.NOT_OPTED_OUT, SectionChoice.OPTED_OUT, SectionChoice.NOT_APPLICABLE
KNOWN_SECTIONS = {2, 6, *SECTION_LAYOUTS}


def decode_single_section(text: str) -> UsSection:
    """Return the section of a string that has exactly one."""
    decoded = decode_gpp(text)
    assert isinstance(decoded, GppString)
    assert (decoded.tcf, decoded.unknown_ids, decoded.problems) == (None, (), ())
    (section,) = decoded.sections
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
def test_the_headers_of_the_specification_list_their_sections(text: str, ids: list[int]) -> None:
    """With the padding of the specification's text, and with that of its examples."""
    texts = {2: SILENT_TCF, 5: "BAAA", 6: "1YNN"}
    decoded = decode_gpp("~".join([text, *(texts[section_id] for section_id in ids)]))
    assert isinstance(decoded, GppString)
    assert (decoded.tcf is not None, [section.id for section in decoded.sections]) == (
        2 in ids,
        [6] if 6 in ids else [],
    )
    assert (decoded.unknown_ids, decoded.problems) == ((5,) if 5 in ids else (), ())


def test_the_example_of_the_specification_has_tcf_and_us_privacy() -> None:
    decoded = decode_gpp(f"DBACNYA~{SILENT_TCF}~1YNN")
    assert isinstance(decoded, GppString)
    assert isinstance(decoded.tcf, TcString)
    assert decoded.sections == (UsSection(6, "uspv1", 1, sale=NOT),)


@pytest.mark.parametrize(
    ("text", "section"),
    [
        (CALIFORNIA["not applicable"], UsSection(8, "usca", 1)),
        (
            CALIFORNIA["with GPC"],
            UsSection(8, "usca", 1, sale=NOT, sharing=NOT, gpc=True, known_child=True),
        ),
        (NATIONAL, UsSection(7, "usnat", 1, OUT, OUT, OUT, gpc=True, known_child=True)),
        (VIRGINIA, UsSection(9, "usva", 1, sale=OUT, advertising=OUT, known_child=True)),
        (CONNECTICUT, UsSection(12, "usct", 1, sale=OUT, advertising=OUT, known_child=True)),
        ("DBABLA~BVVVkkkkkpFY.Y", UsSection(7, "usnat", 1, OUT, OUT, OUT, gpc=True, known_child=True)),
        ("DBABLA~BAAAAAAAAABA.Q", UsSection(7, "usnat", 1)),
    ],
)
def test_strings_of_other_encoders_are_decoded(text: str, section: UsSection) -> None:
    """The last two are of an encoder that extended the national section before it raised its version."""
    assert decode_single_section(text) == section


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1YNN", UsSection(6, "uspv1", 1, sale=NOT)),
        ("1YYN", UsSection(6, "uspv1", 1, sale=OUT)),
        ("1NYY", UsSection(6, "uspv1", 1, sale=OUT)),
        ("1---", UsSection(6, "uspv1", 1, sale=NA)),
        ("1yyn", UsSection(6, "uspv1", 1, sale=OUT)),
        ("2YYN", UnreadableSignal(UnreadableReason.VERSION, "6")),
        ("1Y", UnreadableSignal(UnreadableReason.VALUE, "6")),
        ("1YXN", UnreadableSignal(UnreadableReason.VALUE, "6")),
        ("1YYNN", UnreadableSignal(UnreadableReason.VALUE, "6")),
        ("", UnreadableSignal(UnreadableReason.VALUE, "6")),
    ],
)
def test_the_us_privacy_string_has_four_characters(text: str, expected: UsSection | UnreadableSignal) -> None:
    decoded = decode_gpp(f"{encode_header([6])}~{text}")
    assert isinstance(decoded, GppString)
    assert [*decoded.sections, *decoded.problems] == [expected]


def test_a_new_state_may_put_a_header_before_its_core() -> None:
    """Specification of Maryland, "Section Header": the encoder of the IAB omits it; both are valid."""
    core = encode_base64url(f"{1:06b}" + "01" * 2 + "01" * 3 + "01" + "10" + "00")
    section = UsSection(24, "usmd", 1, sale=OUT, advertising=NOT, gpc=True)
    assert decode_single_section(f"{encode_header([24])}~{core}.YA") == section
    assert (
        decode_single_section(
            f"{encode_header([24])}~{encode_base64url(f'{24:06b}{1:06b}' + '0' * 12)}.{core}.YA"
        )
        == section
    )
    assert decode_gpp(f"{encode_header([24])}~{encode_base64url(f'{24:06b}{2:06b}')}.{core}.YA") == GppString(
        problems=(UnreadableSignal(UnreadableReason.VERSION, "24"),)
    )
    assert decode_gpp(f"{encode_header([24])}~YB") == GppString(
        problems=(UnreadableSignal(UnreadableReason.SHORT, "24"),)
    )


def test_a_subsection_about_sensitive_data_is_not_gpc() -> None:
    """Indiana's first subsection has no type and begins like those of other states: with 01 and a 1."""
    core = encode_base64url(f"{1:06b}" + "10" * 9)
    assert decode_single_section(f"{encode_header([25])}~{core}.{encode_base64url('0110' * 4)}").gpc is False


@pytest.mark.parametrize(
    ("segments", "gpc"),
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
def test_only_a_subsection_of_the_gpc_type_is_gpc(segments: str, gpc: bool) -> None:
    """Two bits of type, which must be 1, and one bit; of two subsections, one with the bit is enough."""
    assert decode_single_section(f"{encode_header([8])}~BAAAAACA.{segments}").gpc is gpc


def test_an_unreadable_section_does_not_affect_the_others() -> None:
    decoded = decode_gpp(f"{encode_header([8, 9, 12, 40])}~BAAAA!~BVVVVWY~Z~who knows")
    assert decoded == GppString(
        sections=(UsSection(9, "usva", 1, sale=OUT, advertising=OUT, known_child=True),),
        unknown_ids=(40,),
        problems=(
            UnreadableSignal(UnreadableReason.ENCODING, "8"),
            UnreadableSignal(UnreadableReason.SHORT, "12"),
        ),
    )


@pytest.mark.parametrize(
    ("section", "reason"),
    [
        ("", UnreadableReason.SHORT),
        ("BAAAAAC", UnreadableReason.SHORT),
        ("BAAAAA", UnreadableReason.SHORT),
        ("CAAAAACA", UnreadableReason.VERSION),
        ("BA8AAACA", UnreadableReason.VALUE),
        ("BAAAAACA.", UnreadableReason.SHORT),
        ("BAAAAACA.*", UnreadableReason.ENCODING),
        ("BAAAAACA.IA", None),
        ("BAAAAACA.IA.YA", None),
    ],
)
def test_a_state_section_is_complete_and_valid_or_refused(
    section: str, reason: UnreadableReason | None
) -> None:
    """California's has 46 bits in version 1, with answers 0, 1 or 2; other subsections are skipped."""
    decoded = decode_gpp(f"{encode_header([8])}~{section}")
    assert isinstance(decoded, GppString)
    assert [problem.reason for problem in decoded.problems] == ([] if reason is None else [reason])
    assert len(decoded.sections) == (reason is None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", UnreadableReason.KIND),
        ("C", UnreadableReason.KIND),
        ("D", UnreadableReason.VERSION),
        ("DCAA", UnreadableReason.VERSION),
        ("DB", UnreadableReason.SHORT),
        ("DBAB", UnreadableReason.SHORT),
        ("DBABA", UnreadableReason.SHORT),
        ("DBA=", UnreadableReason.ENCODING),
        ("DBABM", UnreadableReason.COUNT),
        (f"DBABM~{SILENT_TCF}~1YNN", UnreadableReason.COUNT),
        (f"DBACNY~{SILENT_TCF}", UnreadableReason.COUNT),
        ("DBAA~", UnreadableReason.COUNT),
        ("DB__" + "_" * 60, UnreadableReason.COUNT),
        ("DBAA" + "~" * MAX_GPP_LENGTH, UnreadableReason.LONG),
    ],
)
def test_an_invalid_gpp_string_is_refused_with_a_reason(text: str, reason: UnreadableReason) -> None:
    assert decode_gpp(text) == UnreadableSignal(reason)


def test_a_header_that_claims_a_million_sections_is_refused() -> None:
    """Sections that are not present are not enumerated."""
    range_header = encode_base64url(
        f"{3:06b}{1:06b}{1:012b}1" + encode_fibonacci(1) + encode_fibonacci(1_000_000)
    )
    assert decode_gpp(range_header + "~1YNN") == UnreadableSignal(UnreadableReason.COUNT)
    endless_header = encode_base64url(f"{3:06b}{1:06b}{1:012b}0" + "01" * 400 + "1")
    assert decode_gpp(endless_header + "~1YNN") == UnreadableSignal(UnreadableReason.SHORT)


@given(
    st.dictionaries(
        st.integers(1, 2000).filter(lambda section_id: section_id not in KNOWN_SECTIONS),
        st.text(BASE64URL_ALPHABET + ".-=! ", max_size=9),
    )
)
def test_an_unknown_section_grants_nothing_and_refuses_nothing(texts: dict[int, str]) -> None:
    ids = sorted(texts)
    assert decode_gpp(
        "~".join([encode_header(ids), *(texts[section_id] for section_id in ids)])
    ) == GppString(unknown_ids=tuple(ids))


@pytest.mark.parametrize("text", [NATIONAL, VIRGINIA, f"DBACNYA~{SILENT_TCF}~1YNN"])
def test_no_changed_character_raises(text: str) -> None:
    for index in range(len(text)):
        for character in BASE64URL_ALPHABET + ".~= \n\u00e9\ud800":
            assert isinstance(
                decode_gpp(text[:index] + character + text[index + 1 :]), GppString | UnreadableSignal
            )


SECTION_TEXTS = st.text(BASE64URL_ALPHABET + ".", max_size=60)


@given(st.one_of(st.text(), st.text(BASE64URL_ALPHABET + ".~").map("DB".__add__)))
def test_no_text_raises_an_error(text: str) -> None:
    assert isinstance(decode_gpp(text), GppString | UnreadableSignal)


@given(st.dictionaries(st.sampled_from(sorted(KNOWN_SECTIONS)), SECTION_TEXTS))
def test_no_section_raises_and_each_is_decoded_or_refused(texts: dict[int, str]) -> None:
    ids = sorted(texts)
    decoded = decode_gpp("~".join([encode_header(ids), *(texts[section_id] for section_id in ids)]))
    assert isinstance(decoded, GppString)
    assert len(decoded.sections) + len(decoded.problems) + (decoded.tcf is not None) == len(ids)
