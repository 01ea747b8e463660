"""The shipped notices, and notices of a catalogue that a test has changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from discretion.catalogue.load import load_catalogue
from discretion.catalogue.model import Catalogue
from discretion.domain.notices.facts import collect_facts
from discretion.domain.notices.load import load_notice_templates
from discretion.domain.notices.notice import RenderedNotice, build_notice
from discretion.law.load import load_lawbook

NOW = 1_795_000_000_000
"""18 November 2026."""

CATALOGUE = load_catalogue(None)
TEMPLATES = load_notice_templates(CATALOGUE)
LAWS = load_lawbook(None, CATALOGUE).jurisdictions


def build_shipped_notice(
    catalogue: Catalogue = CATALOGUE, jurisdiction: str = "eu", language: str = "en", now: int = NOW
) -> RenderedNotice:
    """Build a notice in the shipped wording of a language."""
    law, wording = LAWS[jurisdiction], TEMPLATES.wordings[language]
    return build_notice(collect_facts(catalogue), TEMPLATES.office, law, wording, TEMPLATES.editions[-1], now)


def change_entry(find_section: str, key: str, **fields: Any) -> Catalogue:
    """Return the shipped catalogue with changed fields of one entry."""
    entries = dict(getattr(CATALOGUE, find_section))
    entries[key] = replace(entries[key], **fields)
    changed_sections: dict[str, Any] = {find_section: entries}
    return replace(CATALOGUE, **changed_sections)


def find_section(notice: RenderedNotice, key: str) -> Any:
    """Return a section of a notice by its key."""
    return next(candidate for candidate in notice.sections if candidate.key == key)


def find_item(notice: RenderedNotice, section_key: str, key: str) -> Any:
    """Return an item of a section by its key."""
    return next(candidate for candidate in find_section(notice, section_key).items if candidate.key == key)


def list_lines(notice: RenderedNotice, section_key: str, key: str, name: str) -> list[str]:
    """Return the texts of an item's lines of a name."""
    return [line.text for line in find_item(notice, section_key, key).lines if line.name == name]
