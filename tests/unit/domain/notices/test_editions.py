"""Editions are checked by file and line; what an edition stated changes only with the next one."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from discretion.domain.notices.compare import compare_facts, find_affected_purposes
from discretion.domain.notices.editions import NoticeEdition, list_material_changes
from discretion.domain.notices.facts import collect_facts
from discretion.domain.notices.load import find_shipped_notices, load_notice_templates
from discretion.domain.notices.presentation import find_closest_language
from discretion.domain.notices.snapshot import (
    StatedFacts,
    collect_stated_facts,
    compare_with_print,
    find_print_path,
    format_canonical,
    print_edition,
    read_last_print,
)
from discretion.errors import Misconfigured
from tests.unit.domain.notices.shipped_notices import CATALOGUE, LAWS, TEMPLATES, change_entry

EMAIL = "marketing.communications.email"
LAST_EDITION = TEMPLATES.editions[-1]
NEXT_EDITION = """\
  "next":
    from: 2099-12-01
    material: true
    purposes: [marketing.communications.email]
    summary: {en: We write more often.}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped notices."""
    return Path(shutil.copytree(find_shipped_notices(), tmp_path / "notices"))


def collect_shipped_facts(catalogue: object = CATALOGUE) -> StatedFacts:
    """Collect the facts that the notice of a catalogue states."""
    return collect_stated_facts(collect_facts(catalogue), TEMPLATES.office, LAWS.values())  # type: ignore[arg-type]


def append_text(folder: Path, text: str, name: str = "editions.yaml") -> None:
    """Append a text to a file."""
    path = folder / name
    path.write_text(path.read_text("utf-8") + text, "utf-8")


def test_a_material_edition_begins_at_midnight_and_names_its_purposes(folder: Path) -> None:
    append_text(folder, NEXT_EDITION)
    editions = load_notice_templates(CATALOGUE, folder).editions
    change = list_material_changes(editions)[-1]
    assert change.start == int(datetime(2099, 12, 1, tzinfo=UTC).timestamp() * 1000)
    assert change.purposes == {EMAIL}
    assert editions[:-1] == TEMPLATES.editions
    assert editions[-1].version == "next"


BROKEN_EDITIONS = {
    "unknown purpose": (
        '"3"',
        NEXT_EDITION.replace("communications.email", "comunications.email"),
        "Did you mean",
    ),
    "no purpose": (
        "material: true",
        NEXT_EDITION.replace("    purposes: [marketing.communications.email]\n", ""),
        "Name the 'purposes'",
    ),
    "not material": (
        "material: false",
        NEXT_EDITION.replace("true", "false"),
        "one that is not material has none",
    ),
    "no later": ("from:", NEXT_EDITION.replace("2099", "2019"), "in chronological order"),
    "no date": ("from:", NEXT_EDITION.replace("2099-12-01", "soon"), "It takes"),
    "no English": ("summary:", NEXT_EDITION.replace("en:", "de:"), "Add 'en:'"),
    "unknown language": (
        "summary:",
        NEXT_EDITION.replace("often.}", "often., xx: Mehr.}"),
        "'xx' is not a language",
    ),
    "bad version": ('"2 b"', NEXT_EDITION.replace('"next"', '"2 b"'), "letters, digits"),
    "unknown key": ("begins:", NEXT_EDITION.replace("from:", "begins:"), "unknown key 'begins'"),
}


@pytest.mark.parametrize("case", BROKEN_EDITIONS)
def test_a_broken_edition_is_reported_with_file_and_line(case: str, folder: Path) -> None:
    _, text, correction = BROKEN_EDITIONS[case]
    first_line = (folder / "editions.yaml").read_text("utf-8").count("\n") + 1
    append_text(folder, text)
    with pytest.raises(Misconfigured) as refusal:
        load_notice_templates(CATALOGUE, folder)
    assert refusal.value.code == "NOTICES_INVALID"
    lines = [message for message in str(refusal.value).splitlines() if correction in message]
    assert lines, refusal.value
    path, line, _ = lines[0].removeprefix(str(folder)).split(":", 2)
    assert path == "/editions.yaml"
    assert int(line) >= first_line


BROKEN_SENTENCES = {
    "missing": ("  officer: ", "  oficer: ", "there is no sentence 'officer'"),
    "unknown": ("  officer: ", "  oficer: ", "Did you mean 'officer'?"),
    "another place": ("Data protection", "x", ""),
    "wrong place": ("{authority}, {url}", "{authority}, {link}", "has the places authority, link"),
    "open brace": ("{authority}, {url}", "{authority}, {url", "is not a valid template"),
    "missing word": ("  masked: ", "  maskd: ", "is 'maskd'"),
}


@pytest.mark.parametrize("case", [name for name in BROKEN_SENTENCES if BROKEN_SENTENCES[name][2]])
def test_an_invalid_sentence_is_reported_with_file_and_line(case: str, folder: Path) -> None:
    valid, broken, problem = BROKEN_SENTENCES[case]
    path = folder / "de.yaml"
    text = path.read_text("utf-8")
    assert text.count(valid) == 1
    path.write_text(text.replace(valid, broken), "utf-8")
    with pytest.raises(Misconfigured) as refusal:
        load_notice_templates(CATALOGUE, folder)
    assert any(
        message.startswith(f"{path}:") and problem in message for message in str(refusal.value).splitlines()
    )


@pytest.mark.parametrize("name", ["editions.yaml", "controller.yaml", "en.yaml"])
def test_a_missing_file_is_reported(name: str, folder: Path) -> None:
    (folder / name).unlink()
    with pytest.raises(Misconfigured, match=rf"{name}:1: the file is missing"):
        load_notice_templates(CATALOGUE, folder)


def test_the_print_of_the_last_edition_is_current() -> None:
    """If it is not, see NOTICE_CHANGED."""
    assert compare_with_print(find_shipped_notices(), LAST_EDITION, collect_shipped_facts()) == "current", (
        "add a new edition: discretion notice diff"
    )


def test_the_print_of_an_edition_cannot_be_overwritten(folder: Path) -> None:
    """Neither by hand nor by ``schema print --write``."""
    changed_facts = collect_shipped_facts(change_entry("purposes", EMAIL, lasts="P9Y"))
    assert compare_with_print(folder, LAST_EDITION, changed_facts) == "changed"
    before = find_print_path(folder, LAST_EDITION).read_text("utf-8")
    with pytest.raises(Misconfigured) as refusal:
        print_edition(folder, LAST_EDITION, changed_facts)
    assert refusal.value.code == "NOTICE_CHANGED"
    assert "add a new edition" in refusal.value.advice
    assert find_print_path(folder, LAST_EDITION).read_text("utf-8") == before
    next_edition = NoticeEdition("next", LAST_EDITION.since, frozenset(), {"en": "x"})
    assert compare_with_print(folder, next_edition, changed_facts) == "new"
    print_edition(folder, next_edition, changed_facts)
    assert compare_with_print(folder, next_edition, changed_facts) == "current"
    assert read_last_print(folder, [LAST_EDITION, next_edition]) == json.loads(
        format_canonical(changed_facts)
    )


def test_a_print_has_facts_and_no_sentences() -> None:
    printed = find_print_path(find_shipped_notices(), LAST_EDITION).read_text("utf-8")
    assert printed == format_canonical(json.loads(printed))
    assert TEMPLATES.wordings["en"].format_sentence("uses_say") not in printed
    assert set(json.loads(printed)["jurisdictions"]) == set(LAWS)


def test_a_difference_names_the_fact_before_and_after() -> None:
    changed_facts = collect_shipped_facts(change_entry("purposes", EMAIL, lasts="P9Y"))
    differences = compare_facts(json.loads(format_canonical(collect_shipped_facts())), changed_facts)
    assert [(difference.place, difference.before, difference.after) for difference in differences] == [
        (("purposes", EMAIL, "lasts"), "P3Y", "P9Y")
    ]
    assert find_affected_purposes(differences) == (EMAIL,)


def test_printed_facts_equal_the_current_facts() -> None:
    """Texts, lists and enumeration members are equal in a file and in memory."""
    assert compare_facts(json.loads(format_canonical(collect_shipped_facts())), collect_shipped_facts()) == ()


def test_an_added_or_removed_fact_is_one_difference() -> None:
    without = json.loads(format_canonical(collect_shipped_facts()))
    del without["recipients"]["ad-partner"]
    (added,) = compare_facts(without, collect_shipped_facts())
    (removed,) = compare_facts(collect_shipped_facts(), without)
    assert added.place == removed.place == ("recipients", "ad-partner")
    assert (added.before, removed.after) == (None, None)


def test_a_comparison_for_one_law_leaves_the_others_out() -> None:
    changed_facts = json.loads(format_canonical(collect_shipped_facts()))
    changed_facts["jurisdictions"]["br"]["law"] = changed_facts["jurisdictions"]["jp"]["law"] = "Another"
    differences = compare_facts(collect_shipped_facts(), changed_facts, "br")
    assert [difference.place for difference in differences] == [("jurisdictions", "br", "law")]


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("de", "de"),
        ("de-AT", "de"),
        ("DE-at-1996", "de"),
        ("de_CH", "de"),
        ("de-x-private", "de"),
        ("zh-Hant-TW", "zh-Hant"),
        ("zh-CN", None),
        ("d", None),
        ("", None),
        ("xx", None),
    ],
)
def test_a_tag_is_served_by_the_closest_language(tag: str, language: str | None) -> None:
    """RFC 4647, section 3.4."""
    assert find_closest_language(tag, ["de", "en", "zh-Hant"]) == language
