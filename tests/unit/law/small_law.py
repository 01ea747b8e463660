"""Two small valid jurisdictions, which tests modify."""

from __future__ import annotations

from pathlib import Path

from discretion.catalogue.load import load_catalogue
from discretion.law.jurisdiction import Lawbook
from discretion.law.load import load_lawbook

CATALOGUE = load_catalogue()

HEAD = """\
label: Small
law: The small law
time_zone: Europe/Vienna
holidays: AT
authority: {name: Office, url: https://office.example/}
"""

SMALL_LAW = (
    HEAD
    + """\
places: [AT]
called:
  AT: [Austria]
consent:
  - families: [necessary, security, improvement, statistics, personalisation, messages, texts, advertising]
    model: basis
    from: 2020-01-01
    source: Art. 1
  - families: [sharing]
    model: opt_out
    from: 2020-01-01
    source: Art. 2
sensitive:
  - {kinds: [health], model: opt_out, from: 2020-01-01, source: Art. 3}
ages:
  - {below: 16, needs: guardian, families: [sharing], from: 2020-01-01, source: Art. 4}
signals:
  - {bind: false, from: 2020-01-01, source: Art. 5}
renewal:
  - {anew: false, from: 2020-01-01, source: Art. 6}
rights:
  - {rights: [access], from: 2020-01-01, source: Art. 7}
deadlines:
  - {rights: [access], step: respond, within: 45 cd, from: 2020-01-01, source: Art. 8}
"""
)

UNKNOWN_LAW = """\
label: Unknown
law: The strictest
time_zone: Etc/UTC
authority: {name: Office, url: https://office.example/}
consent:
  - families: [necessary, security, improvement]
    model: basis
    from: 1970-01-01
    source: All
  - families: [statistics, personalisation, messages, texts, advertising, sharing]
    model: opt_in
    from: 1970-01-01
    source: All
sensitive:
  - {kinds: [health, criminal], model: opt_in, from: 1970-01-01, source: All}
ages:
  - {below: 18, needs: never, families: [sharing], from: 1970-01-01, source: All}
signals:
  - {bind: true, from: 1970-01-01, source: All}
renewal:
  - {anew: true, from: 1970-01-01, source: All}
rights:
  - {rights: [access], from: 1970-01-01, source: All}
deadlines:
  - {rights: [access], step: respond, within: 10 cd, from: 1970-01-01, source: All}
"""


def write_jurisdictions(folder: Path, small: str = SMALL_LAW, unknown: str = UNKNOWN_LAW) -> Path:
    """Write ``at.yaml`` and ``unknown.yaml`` into a folder; return the folder."""
    (folder / "at.yaml").write_text(small, "utf-8")
    (folder / "unknown.yaml").write_text(unknown, "utf-8")
    return folder


def load_small_lawbook(folder: Path, small: str = SMALL_LAW, unknown: str = UNKNOWN_LAW) -> Lawbook:
    """Load the lawbook of both jurisdictions."""
    return load_lawbook(write_jurisdictions(folder, small, unknown), CATALOGUE)


def add_rule(section: str, rule: str) -> str:
    """Return the small law with one more rule, at the top of a section."""
    assert f"\n{section}:\n" in SMALL_LAW
    return SMALL_LAW.replace(f"\n{section}:\n", f"\n{section}:\n  - {rule}\n", 1)
