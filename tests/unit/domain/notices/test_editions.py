"""Editions are checked by file and line, and nobody changes what one said without writing the next."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from discretion.domain.notices.compare import difference, purposes_touched
from discretion.domain.notices.editions import Edition, material
from discretion.domain.notices.facts import facts
from discretion.domain.notices.load import load, shipped
from discretion.domain.notices.presentation import closest
from discretion.domain.notices.snapshot import Stated, canonical, print_of, publish, published, state, stated
from discretion.errors import Misconfigured
from tests.unit.domain.notices.shipped_notices import CATALOGUE, LAWS, STATIONERY, changed

EMAIL = "marketing.communications.email"
LAST = STATIONERY.editions[-1]
SECOND = """\
  "2":
    from: 2026-12-01
    material: true
    purposes: [marketing.communications.email]
    summary: {en: We write more often.}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped notices."""
    return Path(shutil.copytree(shipped(), tmp_path / "notices"))


def said(catalogue: object = CATALOGUE) -> Stated:
    """What the notice states."""
    return stated(facts(catalogue), STATIONERY.office, LAWS.values())  # type: ignore[arg-type]


def append(folder: Path, text: str, name: str = "editions.yaml") -> None:
    """Write more at the end of a file."""
    path = folder / name
    path.write_text(path.read_text("utf-8") + text, "utf-8")


def test_a_material_edition_begins_at_midnight_and_names_its_purposes(folder: Path) -> None:
    append(folder, SECOND)
    editions = load(CATALOGUE, folder).editions
    (found,) = material(editions)
    assert found.start == int(datetime(2026, 12, 1, tzinfo=UTC).timestamp() * 1000)
    assert found.purposes == {EMAIL}
    assert [one.version for one in editions] == ["1", "2"]


BREAKS = {
    "unknown purpose": ('"3"', SECOND.replace("communications.email", "comunications.email"), "Did you mean"),
    "no purpose": (
        "material: true",
        SECOND.replace("    purposes: [marketing.communications.email]\n", ""),
        "Name the 'purposes'",
    ),
    "not material": ("material: false", SECOND.replace("true", "false"), "one that is not material has none"),
    "no later": ("from:", SECOND.replace("2026", "2019"), "in the order of their days"),
    "no date": ("from:", SECOND.replace("2026-12-01", "soon"), "It takes"),
    "no English": ("summary:", SECOND.replace("en:", "de:"), "Add 'en:'"),
    "unknown language": ("summary:", SECOND.replace("often.}", "often., xx: Mehr.}"), "'xx' is no language"),
    "bad version": ('"2 b"', SECOND.replace('"2"', '"2 b"'), "letters, digits"),
    "unknown key": ("begins:", SECOND.replace("from:", "begins:"), "unknown key 'begins'"),
}


@pytest.mark.parametrize("case", BREAKS)
def test_a_broken_edition_is_told_with_file_and_line(case: str, folder: Path) -> None:
    _, text, right = BREAKS[case]
    first = (folder / "editions.yaml").read_text("utf-8").count("\n") + 1
    append(folder, text)
    with pytest.raises(Misconfigured) as caught:
        load(CATALOGUE, folder)
    assert caught.value.code == "NOTICES_INVALID"
    lines = [one for one in str(caught.value).splitlines() if right in one]
    assert lines, caught.value
    path, line, _ = lines[0].removeprefix(str(folder)).split(":", 2)
    assert path == "/editions.yaml"
    assert int(line) >= first


SENTENCES = {
    "missing": ("  officer: ", "  oficer: ", "there is no sentence 'officer'"),
    "unknown": ("  officer: ", "  oficer: ", "Did you mean 'officer'?"),
    "another place": ("Data protection", "x", ""),
    "wrong place": ("{authority}, {url}", "{authority}, {link}", "has the places authority, link"),
    "open brace": ("{authority}, {url}", "{authority}, {url", "cannot be filled"),
    "missing word": ("  masked: ", "  maskd: ", "is 'maskd'"),
}


@pytest.mark.parametrize("case", [one for one in SENTENCES if SENTENCES[one][2]])
def test_a_sentence_that_could_not_be_filled_is_told_with_file_and_line(case: str, folder: Path) -> None:
    old, new, told = SENTENCES[case]
    path = folder / "de.yaml"
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(Misconfigured) as caught:
        load(CATALOGUE, folder)
    assert any(one.startswith(f"{path}:") and told in one for one in str(caught.value).splitlines())


@pytest.mark.parametrize("name", ["editions.yaml", "controller.yaml", "en.yaml"])
def test_a_file_that_is_missing_is_told(name: str, folder: Path) -> None:
    (folder / name).unlink()
    with pytest.raises(Misconfigured, match=rf"{name}:1: the file is missing"):
        load(CATALOGUE, folder)


def test_the_last_edition_is_printed_as_it_is() -> None:
    """Renew: see NOTICE_CHANGED."""
    assert state(shipped(), LAST, said()) == "current", "write a new edition: discretion notice diff"


def test_what_an_edition_said_cannot_be_printed_over(folder: Path) -> None:
    """Neither by hand nor by ``schema print --write``."""
    other = said(changed("purposes", EMAIL, lasts="P9Y"))
    assert state(folder, LAST, other) == "changed"
    before = print_of(folder, LAST).read_text("utf-8")
    with pytest.raises(Misconfigured) as caught:
        publish(folder, LAST, other)
    assert caught.value.code == "NOTICE_CHANGED"
    assert "write a new edition" in caught.value.advice
    assert print_of(folder, LAST).read_text("utf-8") == before
    following = Edition("2", LAST.since, frozenset(), {"en": "x"})
    assert state(folder, following, other) == "new"
    publish(folder, following, other)
    assert state(folder, following, other) == "current"
    assert published(folder, [LAST, following]) == json.loads(canonical(other))


def test_a_print_is_facts_and_no_sentences() -> None:
    printed = print_of(shipped(), LAST).read_text("utf-8")
    assert printed == canonical(json.loads(printed))
    assert STATIONERY.wordings["en"].say("uses_say") not in printed
    assert set(json.loads(printed)["jurisdictions"]) == set(LAWS)


def test_a_difference_names_the_fact_before_and_after() -> None:
    other = said(changed("purposes", EMAIL, lasts="P9Y"))
    found = difference(json.loads(canonical(said())), other)
    assert [(one.place, one.before, one.after) for one in found] == [
        (("purposes", EMAIL, "lasts"), "P3Y", "P9Y")
    ]
    assert purposes_touched(found) == (EMAIL,)


def test_what_was_printed_differs_in_nothing_from_what_is_said() -> None:
    """Texts, lists and names of an enumeration are the same in a file and in memory."""
    assert difference(json.loads(canonical(said())), said()) == ()


def test_a_fact_that_is_new_or_gone_is_one() -> None:
    without = json.loads(canonical(said()))
    del without["recipients"]["ad-partner"]
    (new,) = difference(without, said())
    (gone,) = difference(said(), without)
    assert new.place == gone.place == ("recipients", "ad-partner")
    assert (new.before, gone.after) == (None, None)


def test_a_difference_of_one_law_leaves_the_others_out() -> None:
    other = json.loads(canonical(said()))
    other["jurisdictions"]["br"]["law"] = other["jurisdictions"]["jp"]["law"] = "Another"
    found = difference(said(), other, "br")
    assert [one.place for one in found] == [("jurisdictions", "br", "law")]


@pytest.mark.parametrize(
    ("tag", "served"),
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
def test_a_tag_is_served_by_the_closest_language(tag: str, served: str | None) -> None:
    """RFC 4647, section 3.4."""
    assert closest(tag, ["de", "en", "zh-Hant"]) == served
