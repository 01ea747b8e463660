"""Strings of the IAB's own JavaScript libraries decode to the choices that were encoded."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from discretion.law.signals import gpp, tcf
from discretion.law.signals.gpp import GppString, SectionChoice, UsSection
from discretion.law.signals.tcf import TcString
from tests.fixtures.node import NODE, npm_install
from tests.fixtures.waiting import WAIT_S

HERE = Path(__file__).resolve().parent
SEED = 20_261_124
COUNT = 400
CHOICES = [SectionChoice.NOT_APPLICABLE, SectionChoice.OPTED_OUT, SectionChoice.NOT_OPTED_OUT]
USP_CHARACTERS = {
    "Y": SectionChoice.OPTED_OUT,
    "N": SectionChoice.NOT_OPTED_OUT,
    "-": SectionChoice.NOT_APPLICABLE,
}
SECTION_NAMES = {
    **dict(enumerate(("uspv1", "usnat", "usca", "usva", "usco", "usut", "usct", "usfl", "usmt"), 6)),
    **dict(enumerate(("usor", "ustx", "usde", "usia", "usne", "usnh", "usnj", "ustn", "usmn"), 15)),
    **dict(enumerate(("usmd", "usin", "usky", "usri"), 24)),
}
"""The ids and names of sections in the IAB's table "Section Information"."""


@pytest.fixture(scope="module")
def encoded_choices() -> dict[str, Any]:
    """Random choices and the strings that the libraries encode them as."""
    npm_install(HERE.parent)
    command = [NODE, str(HERE / "encode.mjs"), str(SEED), str(COUNT)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WAIT_S)
    assert result.returncode == 0, result.stderr
    choices: dict[str, Any] = json.loads(result.stdout)
    return choices


def test_every_gpp_string_decodes_to_the_encoded_choices(encoded_choices: dict[str, Any]) -> None:
    for case in encoded_choices["gpp"]:
        decoded = gpp.decode_gpp(case["text"])
        assert isinstance(decoded, GppString), case
        assert decoded == GppString(
            build_expected_sections(case["sections"]), decode_expected_tcf(case["sections"])
        ), case


def test_every_tc_string_decodes_to_the_encoded_consents(encoded_choices: dict[str, Any]) -> None:
    for case in encoded_choices["tcf"]:
        decoded = tcf.decode_tcf(case["text"])
        assert isinstance(decoded, TcString), case
        assert decoded == TcString(
            created_at=case["created"],
            updated_at=case["lastUpdated"],
            cmp=case["cmpId"],
            cmp_version=case["cmpVersion"],
            screen=case["consentScreen"],
            language="EN",
            vendor_list=case["vendorListVersion"],
            policy=case["policyVersion"],
            service_specific=case["isServiceSpecific"],
            own_stacks=case["useNonStandardStacks"],
            features=frozenset(case["specialFeatureOptins"]),
            consents=frozenset(case["purposeConsents"]),
            interests=frozenset(case["purposeLegitimateInterests"]),
            purpose_one_undisclosed=case["purposeOneTreatment"],
            country=case["publisherCountryCode"],
        ), case


def test_the_random_choices_cover_every_section_and_every_value(encoded_choices: dict[str, Any]) -> None:
    """Without this check, a decoder that returns only zeros would pass if the choices were all zero."""
    sections = [section for case in encoded_choices["gpp"] for section in case["sections"].items()]
    assert {name for name, _ in sections} - {"tcfeuv2"} == set(SECTION_NAMES.values())
    for name in set(SECTION_NAMES.values()) - {"uspv1"}:
        named_sections = [section for other, section in sections if other == name]
        assert {section["SaleOptOut"] for section in named_sections} == {0, 1, 2}, name
        gpc_values = {(section.get("GpcSegmentIncluded"), section.get("Gpc")) for section in named_sections}
        assert gpc_values in (
            {(None, None)},
            {(is_included, gpc) for is_included in (True, False) for gpc in (True, False)},
        )
    assert any(name == "tcfeuv2" for name, _ in sections)


def build_expected_sections(sections: dict[str, Any]) -> tuple[UsSection, ...]:
    """Return the sections that a decoder must return, in the order of their ids."""
    return tuple(
        _build_section(section_id, name, sections[name])
        for section_id, name in SECTION_NAMES.items()
        if name in sections
    )


def decode_expected_tcf(sections: dict[str, Any]) -> TcString | None:
    """Return the decoded string of the section of Europe.

    Another test checks the decoder of these strings.
    """
    text = sections.get("tcfeuv2")
    decoded = tcf.decode_tcf(text) if text else None
    assert decoded is None or isinstance(decoded, TcString)
    return decoded


def _build_section(section_id: int, name: str, fields: dict[str, Any]) -> UsSection:
    if name == "uspv1":
        return UsSection(section_id, name, fields["Version"], sale=USP_CHARACTERS[fields["OptOutSale"]])
    sale, sharing, advertising = (
        CHOICES[fields.get(field, 0)]
        for field in ("SaleOptOut", "SharingOptOut", "TargetedAdvertisingOptOut")
    )
    child = fields.get("KnownChildSensitiveDataConsents", 0)
    version: int = fields.get("MspaVersion") or fields["Version"]
    return UsSection(
        section_id,
        name,
        version,
        sale,
        sharing,
        advertising,
        gpc=bool(fields.get("GpcSegmentIncluded") and fields["Gpc"]),
        known_child=any(_as_list(child)[: _count_child_fields(name, version)]),
    )


def _as_list(value: int | Sequence[int]) -> list[int]:
    return [value] if isinstance(value, int) else list(value)


def _count_child_fields(name: str, version: int) -> int:
    """Return how many fields about children a section has; version 1 of the national section has two."""
    return 2 if (name, version) == ("usnat", 1) else 9
