"""The digests of an edition are all its texts, and none is lost while the edition is shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from discretion.domain.notices.facts import collect_facts
from discretion.domain.notices.notice_register import NoticeRegister
from discretion.domain.notices.presentation import NoticePresenter
from discretion.domain.notices.text_digests import (
    TextDigests,
    compute_text_digests,
    find_digests_path,
    has_digests,
    print_text_digests,
    read_text_digests,
)
from discretion.errors import Misconfigured
from discretion.store.consent_event import NoticeReference
from tests.unit.domain.notices.shipped_notices import (
    CATALOGUE,
    LAWS,
    NOW,
    TEMPLATES,
    build_shipped_notice,
    change_entry,
)

EDITION = TEMPLATES.editions[-1]
OTHER = "0" * 64


@pytest.fixture(scope="module")
def digests() -> TextDigests:
    return compute_text_digests(collect_facts(CATALOGUE), TEMPLATES, LAWS.values())


@pytest.mark.parametrize("jurisdiction", sorted(LAWS))
def test_every_text_of_every_year_is_among_the_digests(digests: TextDigests, jurisdiction: str) -> None:
    """The text of a jurisdiction changes with its law; each text was or will be shown."""
    law = LAWS[jurisdiction]
    years = range(EDITION.since.year, 2040)
    moments = [
        int(datetime(year, month, 2, tzinfo=UTC).timestamp() * 1000) for year in years for month in (6, 12)
    ]
    changes = [at + 1 for at in law.timeline.list_change_times() if at >= EDITION.start_ms]
    for at in [*moments, *changes]:
        assert build_shipped_notice(jurisdiction=jurisdiction, language="en", now=at).sha256 in digests["en"]


def test_a_text_that_was_shown_stays_when_the_wording_changes(tmp_path: Path) -> None:
    print_text_digests(tmp_path, EDITION, {"en": frozenset({"a"})}, is_new=True)
    print_text_digests(tmp_path, EDITION, {"en": frozenset({"b"}), "de": frozenset({"c"})}, is_new=False)
    stored = read_text_digests(tmp_path, [EDITION])[EDITION.version]
    assert stored == {"en": {"a", "b"}, "de": {"c"}}
    assert has_digests(stored, {"en": frozenset({"b"})})
    assert not has_digests(stored, {"fr": frozenset({"b"})})


def test_an_edition_that_is_printed_anew_was_shown_to_nobody(tmp_path: Path) -> None:
    print_text_digests(tmp_path, EDITION, {"en": frozenset({"a"})}, is_new=True)
    print_text_digests(tmp_path, EDITION, {"en": frozenset({"b"})}, is_new=True)
    assert read_text_digests(tmp_path, [EDITION])[EDITION.version] == {"en": {"b"}}


@pytest.mark.parametrize("content", ["[]", "{", '{"en": 1}'])
def test_a_damaged_file_is_reported_with_what_to_do(tmp_path: Path, content: str) -> None:
    path = find_digests_path(tmp_path, EDITION)
    path.parent.mkdir()
    path.write_text(content, "utf-8")
    with pytest.raises(Misconfigured, match="print --write") as raised:
        read_text_digests(tmp_path, [EDITION])
    assert raised.value.code == "NOTICE_DIGESTS_INVALID"


def build_notice_register(digests: TextDigests) -> NoticeRegister:
    """Build what is known with these digests of the edition, and a catalogue that was changed since."""
    purpose = "marketing.communications.email"
    catalogue = change_entry("purposes", purpose, label="Letters")
    presenter = NoticePresenter(catalogue, TEMPLATES, LAWS, lambda: NOW)
    return NoticeRegister(
        presenter, {EDITION.version: digests, "0": {"en": frozenset({OTHER})}}, LAWS, lambda: NOW
    )


def test_a_notice_is_known_by_version_language_and_digest_together(digests: TextDigests) -> None:
    register = build_notice_register(digests)
    german = NoticeReference(EDITION.version, "de", build_shipped_notice(language="de").sha256)
    assert register.is_known(german)
    assert register.is_known(replace(german, language="DE-ch"))
    assert register.is_known(NoticeReference("0", "en", OTHER))
    for changed in (
        replace(german, version="0"),
        replace(german, language="en"),
        replace(german, sha256=OTHER),
        NoticeReference(EDITION.version, "en", OTHER),
    ):
        assert not register.is_known(changed)


def test_a_text_that_is_shown_but_not_printed_is_known(digests: TextDigests) -> None:
    register = build_notice_register(digests)
    catalogue = change_entry("purposes", "marketing.communications.email", label="Letters")
    shown = build_shipped_notice(catalogue).sha256
    assert shown not in digests["en"]
    assert register.is_known(NoticeReference(EDITION.version, "en", shown))
    assert not register.is_known(NoticeReference("0", "en", shown))
