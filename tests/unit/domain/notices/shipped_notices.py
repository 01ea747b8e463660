"""The shipped notices, and notices of a catalogue that a test changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from discretion.catalogue.load import load as load_catalogue
from discretion.catalogue.model import Catalogue
from discretion.domain.notices.facts import facts
from discretion.domain.notices.load import load
from discretion.domain.notices.notice import Notice, notice
from discretion.law.load import load as load_law

NOW = 1_795_000_000_000
"""18 November 2026."""

CATALOGUE = load_catalogue(None)
STATIONERY = load(CATALOGUE)
LAWS = load_law(None, CATALOGUE).jurisdictions


def made(
    catalogue: Catalogue = CATALOGUE, jurisdiction: str = "eu", language: str = "en", now: int = NOW
) -> Notice:
    """A notice."""
    law, wording = LAWS[jurisdiction], STATIONERY.wordings[language]
    return notice(facts(catalogue), STATIONERY.office, law, wording, STATIONERY.editions[-1], now)


def changed(section: str, key: str, **fields: Any) -> Catalogue:
    """The shipped catalogue with one entry changed."""
    held = dict(getattr(CATALOGUE, section))
    held[key] = replace(held[key], **fields)
    sections: dict[str, Any] = {section: held}
    return replace(CATALOGUE, **sections)


def section(of: Notice, key: str) -> Any:
    """A section by its key."""
    return next(one for one in of.sections if one.key == key)


def item(of: Notice, part: str, key: str) -> Any:
    """An item by its key."""
    return next(one for one in section(of, part).items if one.key == key)


def line(of: Notice, part: str, key: str, name: str) -> list[str]:
    """What an item says under a name."""
    return [one.text for one in item(of, part, key).lines if one.name == name]
