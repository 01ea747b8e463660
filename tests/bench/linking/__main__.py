"""Quality of record linking: TPC-DS customers are sent through three channels and then looked up.

Each channel has its own ids. The customer number that TPC-DS shares between the channels is the truth and is
never sent. Nine in ten customers give all channels the same e-mail address or phone number, in varying
spellings. One in ten gives each channel a different one, so that exact identifiers cannot link the records.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table

from discretion.app.clock import now_ms
from discretion.catalogue.load import load_catalogue
from discretion.errors import DiscretionError
from discretion.seeding.message import SeedMessage
from discretion.seeding.tpcds import MAX_CUSTOMERS, compute_true_clusters, generate_customer_messages
from tests.bench.linking.attack import STRANGER, generate_attack_messages, name_record
from tests.bench.linking.evidence import SentRecord, collect_records
from tests.bench.linking.score import REASONS, LinkingScore, TrueClusters, compute_score
from tests.bench.release import list_release_folders, run_release

PROGRAM = Path(__file__).with_name("take_in.py")
WIDTH = 120
"""Width of the tables in characters when the output is not a terminal."""


def run(console: Console, customers: int, senders: int, attack_share: float, before: Path | None) -> None:
    """Generate customers and claims, send their messages to each release, and print the tables."""
    catalogue = load_catalogue(None)
    console.print(f"Generating {customers:,} TPC-DS customers, their purchases and claims of strangers.")
    messages = list(generate_customer_messages(customers, now_ms()))
    true_clusters = dict(compute_true_clusters(customers))
    claims = list(generate_attack_messages(messages, attack_share))
    true_clusters |= {claim.person_id: (frozenset({name_record(claim)}),) for claim in claims}
    sent = mix_messages(messages, claims)
    records = collect_records(sent, catalogue)
    with tempfile.TemporaryDirectory(prefix="discretion-bench-") as folder:
        path = Path(folder) / "messages.json"
        path.write_text(json.dumps(_encode(sent, records)), "utf-8")
        for name, release_folder in track(
            list_release_folders(before).items(), "Sending to each release", console=console
        ):
            with run_release(name, release_folder, PROGRAM, (path, senders)) as release:
                figures = release.read_line()
            console.print(_build_ingest_table(name, figures))
            score = compute_score(true_clusters, figures["customers"], records, catalogue)
            console.print(build_linking_table(name, score))
            console.print(_build_marketing_table(true_clusters, figures))


def mix_messages(messages: Sequence[SeedMessage], claims: Sequence[SeedMessage]) -> list[SeedMessage]:
    """Return all messages, with the claims spread evenly among the others."""
    if not claims:
        return list(messages)
    step = len(messages) / len(claims)
    places = {int((number + 1) * step) - 1: claim for number, claim in enumerate(claims)}
    mixed: list[SeedMessage] = []
    for place, message in enumerate(messages):
        mixed.append(message)
        if (claim := places.get(place)) is not None:
            mixed.append(claim)
    return mixed


def _encode(messages: Sequence[SeedMessage], records: Mapping[str, SentRecord]) -> dict[str, Any]:
    return {
        "messages": [[message.person_id, message.source, dict(message.body)] for message in messages],
        "records": {name: [record.source, *record.own_identifier] for name, record in records.items()},
    }


def _build_ingest_table(name: str, figures: Mapping[str, Any]) -> Table:
    total = figures["accepted"] + figures["refused"]
    table = _build_table(f"Ingestion, {name} release", "messages")
    _add_row(table, "accepted", f"{figures['accepted']:,}")
    _add_row(table, "refused", f"{figures['refused']:,}")
    _add_row(table, "messages per second", f"{total / figures['elapsed_s']:,.0f}")
    _add_row(table, "server CPU, ms per message", f"{figures['server_s'] / total * 1000:.3f}")
    _add_row(table, "mongod CPU, ms per message", f"{figures['mongod_s'] / total * 1000:.3f}")
    return table


def _build_marketing_table(true_clusters: TrueClusters, figures: Mapping[str, Any]) -> Table:
    """Build the table of people who may be mailed: a customer with one of their records permits it."""
    marketable = set(figures["marketable"])
    reached = {
        person
        for person, clusters in true_clusters.items()
        if any(figures["customers"][record] in marketable for cluster in clusters for record in cluster)
    }
    customers = {person for person in true_clusters if not person.startswith(STRANGER)}
    table = _build_table("Marketing by e-mail", "people")
    _add_row(table, "customers who may be mailed", f"{len(reached & customers):,}")
    _add_row(table, "share of all customers", f"{len(reached & customers) / len(customers):.4f}")
    return table


def build_linking_table(name: str, linking_score: LinkingScore) -> Table:
    """Build the table of persons, pairs of records and reasons of missing pairs."""
    table = _build_table(
        f"Linking compared with the true customer number, {name} release",
        "records, persons, pairs of records",
    )
    _add_row(table, "records", f"{linking_score.records:,}")
    _add_row(table, "true persons", f"{linking_score.persons:,}")
    _add_row(table, "customers found", f"{linking_score.customers:,}")
    _add_row(table, "persons with all records in one customer", f"{linking_score.complete_persons:,}")
    table.add_section()
    _add_row(table, "correctly linked pairs", f"{linking_score.correct_pairs:,}")
    _add_row(table, "wrongly linked pairs", f"{linking_score.wrong_pairs:,}")
    _add_row(table, "precision", f"{linking_score.precision:.4f}")
    _add_row(table, "recall of pairs that a proof joins", f"{linking_score.deterministic_recall:.4f}")
    _add_row(table, "recall of all true pairs", f"{linking_score.recall:.4f}")
    table.add_section()
    for reason in REASONS:
        _add_row(table, f"missing pairs: {reason}", f"{linking_score.missing_pairs.get(reason, 0):,}")
    return table


def _build_table(title: str, first_column: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(first_column, no_wrap=True)
    table.add_column("", justify="right", no_wrap=True)
    return table


def _add_row(table: Table, name: str, figure: str) -> None:
    table.add_row(name, figure)


def main(
    customers: Annotated[int, typer.Option(help="TPC-DS customers.", min=1, max=MAX_CUSTOMERS)] = 1_000,
    senders: Annotated[int, typer.Option(help="Batches sent at the same time.", min=1)] = 4,
    attack: Annotated[
        float, typer.Option(help="Share of messages that claim somebody else's identifiers.", min=0, max=0.5)
    ] = 0.05,
    before: Annotated[Path | None, typer.Option(help="A checkout of another release.")] = None,
) -> None:
    """Measure pairwise precision and recall of linking under attack, and count missing pairs by reason.

    The messages of three channels, and claims of strangers among them, are sent through the public API. Then
    a steward looks up the customer of each record by the record's own id. A pair is two records. It is
    correct if both belong to one TPC-DS customer; a stranger is a person of their own.
    """
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    try:
        run(console, customers, senders, attack, before)
    except (RuntimeError, DiscretionError) as error:
        console.print(f"[red]{error}[/red]")
        raise typer.Exit(1) from None


if __name__ == "__main__":
    typer.run(main)
