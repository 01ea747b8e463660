"""What the IAB's own JavaScript libraries write down is what is read."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from discretion.law.signals import gpp, tcf
from discretion.law.signals.gpp import Choice, Gpp, Section
from discretion.law.signals.tcf import Tcf
from tests.fixtures.node import NODE, npm_install

HERE = Path(__file__).resolve().parent
SEED = 20_261_124
COUNT = 400
CHOICES = [Choice.NOT_APPLICABLE, Choice.OPTED_OUT, Choice.NOT]
LETTERS = {"Y": Choice.OPTED_OUT, "N": Choice.NOT, "-": Choice.NOT_APPLICABLE}
NAMES = {
    **dict(enumerate(("uspv1", "usnat", "usca", "usva", "usco", "usut", "usct", "usfl", "usmt"), 6)),
    **dict(enumerate(("usor", "ustx", "usde", "usia", "usne", "usnh", "usnj", "ustn", "usmn"), 15)),
    **dict(enumerate(("usmd", "usin", "usky", "usri"), 24)),
}
"""The IAB's ids and names of sections ("Section Information")."""


@pytest.fixture(scope="module")
def written() -> dict[str, Any]:
    """Random choices and the strings that the libraries make of them."""
    npm_install(HERE.parent)
    command = [NODE, str(HERE / "encode.mjs"), str(SEED), str(COUNT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_every_choice_in_a_gpp_string_is_read_as_it_was_made(written: dict[str, Any]) -> None:
    for case in written["gpp"]:
        read = gpp.decode(case["text"])
        assert isinstance(read, Gpp), case
        assert read == Gpp(expected(case["sections"]), expected_tcf(case["sections"])), case


def test_every_consent_in_a_tc_string_is_read_as_it_was_given(written: dict[str, Any]) -> None:
    for case in written["tcf"]:
        read = tcf.decode(case["text"])
        assert isinstance(read, Tcf), case
        assert read == Tcf(
            created=case["created"],
            updated=case["lastUpdated"],
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
            purpose_one=case["purposeOneTreatment"],
            country=case["publisherCountryCode"],
        ), case


def test_the_choices_reach_every_section_and_every_answer(written: dict[str, Any]) -> None:
    """Encoders that wrote nothing but zeros would agree with anybody."""
    made = [section for case in written["gpp"] for section in case["sections"].items()]
    assert {name for name, _ in made} - {"tcfeuv2"} == set(NAMES.values())
    for name in set(NAMES.values()) - {"uspv1"}:
        own = [section for other, section in made if other == name]
        assert {section["SaleOptOut"] for section in own} == {0, 1, 2}, name
        browser = {(section.get("GpcSegmentIncluded"), section.get("Gpc")) for section in own}
        assert browser in (
            {(None, None)},
            {(there, said) for there in (True, False) for said in (True, False)},
        )
    assert any(name == "tcfeuv2" for name, _ in made)


def expected(sections: dict[str, Any]) -> tuple[Section, ...]:
    """What was chosen, in the order of ids."""
    return tuple(_section(one, name, sections[name]) for one, name in NAMES.items() if name in sections)


def expected_tcf(sections: dict[str, Any]) -> Tcf | None:
    """The string that was put into the section of Europe; that it is read rightly is another test's."""
    text = sections.get("tcfeuv2")
    read = tcf.decode(text) if text else None
    assert read is None or isinstance(read, Tcf)
    return read


def _section(one: int, name: str, made: dict[str, Any]) -> Section:
    if name == "uspv1":
        return Section(one, name, made["Version"], sale=LETTERS[made["OptOutSale"]])
    sale, sharing, advertising = (
        CHOICES[made.get(field, 0)] for field in ("SaleOptOut", "SharingOptOut", "TargetedAdvertisingOptOut")
    )
    child = made.get("KnownChildSensitiveDataConsents", 0)
    version: int = made.get("MspaVersion") or made["Version"]
    return Section(
        one,
        name,
        version,
        sale,
        sharing,
        advertising,
        gpc=bool(made.get("GpcSegmentIncluded") and made["Gpc"]),
        known_child=any(_as_list(child)[: _children(name, version)]),
    )


def _as_list(value: int | Sequence[int]) -> list[int]:
    return [value] if isinstance(value, int) else list(value)


def _children(name: str, version: int) -> int:
    """The first version of the national section has no place for the third."""
    return 2 if (name, version) == ("usnat", 1) else 9
