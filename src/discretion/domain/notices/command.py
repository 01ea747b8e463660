"""The commands ``discretion notice`` (privacy notice) and ``discretion ropa`` (processing activities)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from discretion.catalogue.load import load_catalogue
from discretion.catalogue.model import Catalogue
from discretion.domain.notices.compare import compare_facts, find_affected_purposes
from discretion.domain.notices.dpv import format_activities_jsonld
from discretion.domain.notices.facts import collect_facts
from discretion.domain.notices.load import NoticeTemplates, find_shipped_notices, load_notice_templates
from discretion.domain.notices.notice import iterate_untranslated_entries, list_texts
from discretion.domain.notices.presentation import NoticePresenter
from discretion.domain.notices.processing_record import (
    ProcessingActivity,
    format_activities_csv,
    format_activities_json,
    list_activities,
)
from discretion.domain.notices.snapshot import (
    StatedFacts,
    build_changed_error,
    collect_stated_facts,
    compare_with_print,
    find_print_path,
    print_edition,
    read_last_print,
)
from discretion.domain.notices.terminal import render_differences
from discretion.domain.notices.text_digests import (
    TextDigests,
    compute_text_digests,
    find_digests_path,
    has_digests,
    print_text_digests,
    read_text_digests,
)
from discretion.domain.notices.wording import ENGLISH, compute_fingerprint
from discretion.errors import BadRequest, Misconfigured
from discretion.law.load import load_lawbook
from discretion.law.model import UNKNOWN
from discretion.settings import Settings, read_settings

ropa_app = typer.Typer(help="The record of processing activities (GDPR Art. 30).", no_args_is_help=True)


class RopaFormat(StrEnum):
    """File format of the record of processing activities."""

    CSV = "csv"
    JSON = "json"
    JSONLD = "jsonld"


def build_commands(clock: Callable[[], int]) -> typer.Typer:
    """Build the ``notice`` commands; ``clock`` gives ms since 1970."""
    app = typer.Typer(help="The privacy notice generated from the catalogue.", no_args_is_help=True)

    @app.command("show")
    def notice_show(
        jurisdiction: Annotated[
            str, typer.Option(help="The jurisdiction of the reader, such as eu or us-ca.")
        ] = UNKNOWN,
        language: Annotated[
            str, typer.Option(help="A language tag, such as de; de-AT is served by de.")
        ] = ENGLISH,
    ) -> None:
        """Print today's notice for people of a jurisdiction, as Markdown.

        Its statements about data, purposes, times and recipients come from the
        catalogue, those about rights from the law; only the sentences around them
        are written by hand, in schema/notices. The API returns the same without a
        token: { privacyNotice(jurisdiction: "eu", language: "de") { text sha256 } }
        """
        settings = read_settings(os.environ)
        catalogue, templates = _load_catalogue_and_templates(settings)
        laws = load_lawbook(settings.jurisdictions_dir, catalogue).jurisdictions
        sys.stdout.write(
            NoticePresenter(catalogue, templates, laws, clock).render_notice(jurisdiction, language).text
        )

    app.command("diff")(notice_diff)
    return app


def notice_diff(
    from_catalogue: Annotated[
        Path | None,
        typer.Option(help="Compare with the notice of the catalogue in this folder."),
    ] = None,
    jurisdiction: Annotated[
        str | None, typer.Option(help="Only the facts of this jurisdiction, and those common to all.")
    ] = None,
) -> None:
    """Show which facts of the notice differ from the last printed edition.

    A difference needs a new edition in schema/notices/editions.yaml. It is
    material, and names the purposes, if a person who consented before would
    want to know about it; where the law requires it, those people are asked for
    consent again. A translation of a text that changed is no longer shown; the
    texts to translate are listed with their fingerprints.
    """
    settings = read_settings(os.environ)
    current_facts, templates = _collect_current_facts(settings)
    if jurisdiction is not None and jurisdiction not in current_facts["jurisdictions"]:
        known_keys = ", ".join(sorted(current_facts["jurisdictions"]))
        raise BadRequest(
            "NOTICE_JURISDICTION_UNKNOWN", f"There is no {jurisdiction!r}.", f"There are {known_keys}."
        )
    if from_catalogue is None:
        earlier_facts = read_last_print(_find_notices_folder(settings), templates.editions)
        earlier_name = "last edition printed"
    else:
        earlier_facts = _collect_current_facts(settings, load_catalogue(from_catalogue))[0]
        earlier_name = str(from_catalogue)
    if earlier_facts is None:
        raise Misconfigured(
            "NOTICE_NEVER_PRINTED", "No edition is printed.", "Print one: discretion schema print --write"
        )
    differences = compare_facts(earlier_facts, current_facts, jurisdiction)
    if differences:
        Console().print(render_differences(differences, earlier_name, "now"))
    else:
        sys.stdout.write("The notice has the same facts.\n")
    for hint in _iterate_translation_hints(settings):
        sys.stdout.write(f"{hint}\n")
    if affected_purposes := find_affected_purposes(differences):
        sys.stdout.write(f"Purposes concerned: {', '.join(affected_purposes)}\n")


@ropa_app.command("export")
def ropa_export(
    record_format: Annotated[
        RopaFormat, typer.Option("--format", help="csv for a spreadsheet, json, or jsonld (DPV).")
    ] = RopaFormat.CSV,
    output: Annotated[
        Path | None, typer.Option(help="The file to write; standard output if omitted.")
    ] = None,
) -> None:
    """Write the record of processing activities, one row for each purpose.

    Legal basis, data subjects, data, recipients, transfers, retention and
    security measures come from the catalogue and
    schema/notices/controller.yaml. jsonld uses the Data Privacy Vocabulary
    (W3C) and is readable without a network.
    """
    settings = read_settings(os.environ)
    catalogue, templates = _load_catalogue_and_templates(settings)
    english_categories = templates.wordings[ENGLISH].words.categories
    rows = list_activities(collect_facts(catalogue), templates.office, english_categories)
    text = _ROPA_FORMATTERS[record_format](rows, catalogue.version)
    if output is None:
        sys.stdout.write(text)
    else:
        # The CSV has line ends of its own (RFC 4180), which must not be translated.
        output.write_text(text, "utf-8", newline="")


_ROPA_FORMATTERS: Mapping[RopaFormat, Callable[[tuple[ProcessingActivity, ...], str], str]] = {
    RopaFormat.CSV: lambda rows, _: format_activities_csv(rows),
    RopaFormat.JSON: lambda rows, _: format_activities_json(rows),
    RopaFormat.JSONLD: format_activities_jsonld,
}


def print_notice(settings: Settings) -> None:
    """Store the facts of the last edition, if they are not stored yet, and the digests of its texts.

    Raises:
        Misconfigured: ``NOTICE_CHANGED``.
    """
    current_facts, templates = _collect_current_facts(settings)
    folder, edition = _find_notices_folder(settings), templates.editions[-1]
    is_new = compare_with_print(folder, edition, current_facts) == "new"
    print_edition(folder, edition, current_facts)
    print_text_digests(folder, edition, _compute_digests(settings), is_new=is_new)


def describe_stale_notice(settings: Settings) -> str:
    """Return what must be done about what is stored of the last edition; the empty string for nothing."""
    current_facts, templates = _collect_current_facts(settings)
    edition, folder = templates.editions[-1], _find_notices_folder(settings)
    print_state = compare_with_print(folder, edition, current_facts)
    if print_state == "new":
        return f"{find_print_path(folder, edition)} is missing."
    if print_state == "changed":
        return str(build_changed_error(edition, find_print_path(folder, edition)))
    stored = read_text_digests(folder, [edition])[edition.version]
    if not has_digests(stored, _compute_digests(settings)):
        path = find_digests_path(folder, edition)
        return f"{path} lacks texts of the notice. Add them with: discretion schema print --write"
    return ""


def _find_notices_folder(settings: Settings) -> Path:
    return settings.notices_dir or find_shipped_notices()


def _compute_digests(settings: Settings) -> TextDigests:
    catalogue, templates = _load_catalogue_and_templates(settings)
    laws = load_lawbook(settings.jurisdictions_dir, catalogue).jurisdictions
    return compute_text_digests(collect_facts(catalogue), templates, laws.values())


def _load_catalogue_and_templates(settings: Settings) -> tuple[Catalogue, NoticeTemplates]:
    catalogue = load_catalogue(settings.catalogue_dir)
    return catalogue, load_notice_templates(catalogue, settings.notices_dir)


def _iterate_translation_hints(settings: Settings) -> Iterator[str]:
    catalogue, templates = _load_catalogue_and_templates(settings)
    for language, wording in templates.wordings.items():
        if language != ENGLISH:
            for section, entry in iterate_untranslated_entries(wording, collect_facts(catalogue)):
                text_fingerprint = compute_fingerprint(list_texts(entry))
                yield f"To translate in {language}.yaml: {section} > {entry.key} (of: {text_fingerprint})"


def _collect_current_facts(
    settings: Settings, other_catalogue: Catalogue | None = None
) -> tuple[StatedFacts, NoticeTemplates]:
    """Return the facts of the notice, of the configured catalogue or of another one, and the templates."""
    catalogue, templates = _load_catalogue_and_templates(settings)
    laws = load_lawbook(settings.jurisdictions_dir, catalogue).jurisdictions
    return collect_stated_facts(
        collect_facts(other_catalogue or catalogue), templates.office, laws.values()
    ), templates
