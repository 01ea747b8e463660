"""Two jurisdictions of one screen that hold; tests break them."""

from __future__ import annotations

from pathlib import Path

from discretion.catalogue.load import load as load_catalogue
from discretion.law.jurisdiction import Lawbook
from discretion.law.load import load

CATALOGUE = load_catalogue()

HEAD = """\
label: Small
law: The small law
time_zone: Europe/Vienna
holidays: AT
authority: {name: Office, url: https://office.example/}
"""

SMALL = (
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

UNKNOWN = """\
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


def written(folder: Path, small: str = SMALL, unknown: str = UNKNOWN) -> Path:
    """A folder with the two files, ``at.yaml`` and ``unknown.yaml``."""
    (folder / "at.yaml").write_text(small, "utf-8")
    (folder / "unknown.yaml").write_text(unknown, "utf-8")
    return folder


def book(folder: Path, small: str = SMALL, unknown: str = UNKNOWN) -> Lawbook:
    """The two, loaded."""
    return load(written(folder, small, unknown), CATALOGUE)


def with_rule(section: str, rule: str) -> str:
    """The small law with one more rule, at the top of a section."""
    assert f"\n{section}:\n" in SMALL
    return SMALL.replace(f"\n{section}:\n", f"\n{section}:\n  - {rule}\n", 1)
