"""``discretion notice`` and ``discretion ropa``: what people are told, and what an authority is shown."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from discretion.catalogue.load import load as load_catalogue
from discretion.catalogue.model import Catalogue
from discretion.domain.notices.compare import difference, purposes_touched
from discretion.domain.notices.dpv import as_jsonld
from discretion.domain.notices.facts import facts
from discretion.domain.notices.load import Stationery, shipped
from discretion.domain.notices.load import load as load_stationery
from discretion.domain.notices.notice import texts_of, to_translate
from discretion.domain.notices.presentation import Present
from discretion.domain.notices.processing_record import Activity, activities, as_csv, as_json
from discretion.domain.notices.snapshot import Stated, changed, print_of, publish, published, state, stated
from discretion.domain.notices.terminal import differing
from discretion.domain.notices.wording import ENGLISH, fingerprint
from discretion.errors import BadRequest, Misconfigured
from discretion.law.load import load as load_law
from discretion.law.model import UNKNOWN
from discretion.settings import Settings, read

ropa = typer.Typer(help="The record of processing activities (GDPR Art. 30).", no_args_is_help=True)


class Format(StrEnum):
    """How the record is written."""

    CSV = "csv"
    JSON = "json"
    JSONLD = "jsonld"


def commands(clock: Callable[[], int]) -> typer.Typer:
    """The commands; ``clock`` gives ms since 1970."""
    notice = typer.Typer(help="The privacy notice that the catalogue makes.", no_args_is_help=True)

    @notice.command("show")
    def notice_show(
        jurisdiction: Annotated[
            str, typer.Option(help="Whose law protects the reader, such as eu or us-ca.")
        ] = UNKNOWN,
        language: Annotated[str, typer.Option(help="Such as de; de-AT is served by de.")] = ENGLISH,
    ) -> None:
        """Print the notice as Markdown, as people of a jurisdiction read it today.

        What it says of data, purposes, times and recipients comes from the catalogue, what it says of rights
        from the law; only the sentences around them are written, in schema/notices. The API has the same:
        { privacyNotice(jurisdiction: "eu", language: "de") { text sha256 } }, without a token.
        """
        settings = read(os.environ)
        catalogue, stationery = _written(settings)
        laws = load_law(settings.jurisdictions_dir, catalogue).jurisdictions
        sys.stdout.write(Present(catalogue, stationery, laws, clock).notice(jurisdiction, language).text)

    notice.command("diff")(notice_diff)
    return notice


def notice_diff(
    from_catalogue: Annotated[
        Path | None,
        typer.Option(help="Compare with the notice that the catalogue in this folder makes."),
    ] = None,
    jurisdiction: Annotated[
        str | None, typer.Option(help="Only what this law says, and what holds everywhere.")
    ] = None,
) -> None:
    """Show what the notice says and the last edition that was printed did not, fact by fact.

    What differs takes a new edition in schema/notices/editions.yaml. If somebody who agreed before would
    want to know, it is material and names the purposes; where the law asks for it, their consent
    has to be given anew. A translation of a text that changed is not shown any more; what is to be
    translated is told with the fingerprint that goes with it.
    """
    settings = read(os.environ)
    now, stationery = _stated(settings)
    if jurisdiction is not None and jurisdiction not in now["jurisdictions"]:
        known = ", ".join(sorted(now["jurisdictions"]))
        raise BadRequest(
            "NOTICE_JURISDICTION_UNKNOWN", f"There is no {jurisdiction!r}.", f"There are {known}."
        )
    if from_catalogue is None:
        before = published(_folder(settings), stationery.editions)
        name = "last edition printed"
    else:
        before = _stated(settings, load_catalogue(from_catalogue))[0]
        name = str(from_catalogue)
    if before is None:
        raise Misconfigured(
            "NOTICE_NEVER_PRINTED", "No edition is printed.", "Print one: discretion schema print --write"
        )
    found = difference(before, now, jurisdiction)
    if found:
        Console().print(differing(found, name, "now"))
    else:
        sys.stdout.write("The notice says the same.\n")
    for wanted in _translations(settings):
        sys.stdout.write(f"{wanted}\n")
    if touched := purposes_touched(found):
        sys.stdout.write(f"Purposes concerned: {', '.join(touched)}\n")


@ropa.command("export")
def ropa_export(
    written: Annotated[
        Format, typer.Option("--format", help="csv for a spreadsheet, json, or jsonld (DPV).")
    ] = Format.CSV,
    output: Annotated[Path | None, typer.Option(help="A file to write; else standard output.")] = None,
) -> None:
    """Write the record of processing activities: one row for each purpose.

    Legal basis, people, data, recipients, transfers, retention and security measures, from the catalogue
    and schema/notices/controller.yaml. jsonld is the Data Privacy Vocabulary (W3C), readable
    without a network.
    """
    settings = read(os.environ)
    catalogue, stationery = _written(settings)
    english = stationery.wordings[ENGLISH].words.categories
    rows = activities(facts(catalogue), stationery.office, english)
    text = _FORMATS[written](rows, catalogue.version)
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, "utf-8", newline="")


_FORMATS: Mapping[Format, Callable[[tuple[Activity, ...], str], str]] = {
    Format.CSV: lambda rows, _: as_csv(rows),
    Format.JSON: lambda rows, _: as_json(rows),
    Format.JSONLD: as_jsonld,
}


def print_notice(settings: Settings) -> None:
    """Print the last edition, if it is not printed yet.

    Raises:
        Misconfigured: ``NOTICE_CHANGED``.
    """
    now, stationery = _stated(settings)
    publish(_folder(settings), stationery.editions[-1], now)


def stale_notice(settings: Settings) -> str:
    """What is to be done about the print of the last edition; the empty string if nothing is."""
    now, stationery = _stated(settings)
    edition, folder = stationery.editions[-1], _folder(settings)
    found = state(folder, edition, now)
    if found == "new":
        return f"{print_of(folder, edition)} is missing."
    return str(changed(edition, print_of(folder, edition))) if found == "changed" else ""


def _folder(settings: Settings) -> Path:
    return settings.notices_dir or shipped()


def _written(settings: Settings) -> tuple[Catalogue, Stationery]:
    catalogue = load_catalogue(settings.catalogue_dir)
    return catalogue, load_stationery(catalogue, settings.notices_dir)


def _translations(settings: Settings) -> Iterator[str]:
    catalogue, stationery = _written(settings)
    for language, wording in stationery.wordings.items():
        if language != ENGLISH:
            for section, one in to_translate(wording, facts(catalogue)):
                mark = fingerprint(texts_of(one))
                yield f"To translate in {language}.yaml: {section} > {one.key} (of: {mark})"


def _stated(settings: Settings, other: Catalogue | None = None) -> tuple[Stated, Stationery]:
    """What the notice states now, or would with another catalogue."""
    catalogue, stationery = _written(settings)
    laws = load_law(settings.jurisdictions_dir, catalogue).jurisdictions
    return stated(facts(other or catalogue), stationery.office, laws.values()), stationery
