"""Quality of record linking: TPC-DS customers are sent through three channels and then looked up.

Each channel has its own ids. The customer number that TPC-DS shares between the channels is the truth and is
never sent. Nine in ten customers give all channels the same e-mail address or phone number, in varying
spellings. One in ten gives each channel a different one, so that exact identifiers cannot link the records.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from discretion.app.clock import now_ms
from discretion.catalogue.load import load_catalogue
from discretion.errors import DiscretionError
from discretion.seeding.send import send_seed_messages
from discretion.seeding.tpcds import MAX_CUSTOMERS, compute_true_clusters, generate_customer_messages
from tests.bench.installation import run_installation
from tests.bench.linking.evidence import collect_records
from tests.bench.linking.queries import find_customers
from tests.bench.linking.score import REASONS, LinkingScore, compute_score
from tests.bench.servers import OURS, SERVE_COMMAND, cpu_seconds, run_server

WIDTH = 120
"""Width of the tables in characters when the output is not a terminal."""


async def run(console: Console, customers: int, senders: int) -> None:
    """Generate customers, send their messages, look up all records and print the tables."""
    catalogue = load_catalogue(None)
    console.print(f"Generating {customers:,} TPC-DS customers and their purchases.")
    messages = await asyncio.to_thread(lambda: list(generate_customer_messages(customers, now_ms())))
    true_clusters, sent_records = (
        await asyncio.to_thread(compute_true_clusters, customers),
        collect_records(messages, catalogue),
    )
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        tempfile.TemporaryDirectory(prefix="discretion-bench-") as folder,
        Progress(*columns, console=console) as progress,
    ):
        async with run_installation(Path(folder)) as installation:
            with run_server(OURS, SERVE_COMMAND, installation.environ, Path(folder) / "server.log") as server:
                url = f"http://127.0.0.1:{server.port}"
                sending_task = progress.add_task("Sending", total=len(messages))
                server_cpu, mongod_cpu, started_at = (
                    cpu_seconds(server.pid),
                    cpu_seconds(installation.mongod_pid),
                    time.perf_counter(),
                )
                send_result = await send_seed_messages(
                    url,
                    installation.write_keys,
                    messages,
                    lambda sent: progress.update(sending_task, completed=sent.total),
                    concurrency=senders,
                )
                elapsed_s = time.perf_counter() - started_at
                cpu_used = (
                    cpu_seconds(server.pid) - server_cpu,
                    cpu_seconds(installation.mongod_pid) - mongod_cpu,
                )
                lookup_task = progress.add_task("Looking up records", total=len(sent_records))
                started_at = time.perf_counter()
                customer_by_record = await find_customers(
                    url,
                    installation.token,
                    sent_records,
                    lambda looked_up: progress.update(lookup_task, completed=looked_up),
                )
                lookup_s = time.perf_counter() - started_at
    ingest_table = _build_table("Ingestion", "messages")
    _add_row(ingest_table, "accepted", f"{send_result.accepted:,}")
    _add_row(ingest_table, "refused", f"{send_result.refused:,}")
    _add_row(ingest_table, "seconds", f"{elapsed_s:,.1f}")
    _add_row(ingest_table, "messages per second", f"{send_result.total / elapsed_s:,.0f}")
    _add_row(ingest_table, "server CPU, ms per message", f"{cpu_used[0] / send_result.total * 1000:.3f}")
    _add_row(ingest_table, "mongod CPU, ms per message", f"{cpu_used[1] / send_result.total * 1000:.3f}")
    _add_row(ingest_table, "records looked up per second", f"{len(sent_records) / lookup_s:,.0f}")
    console.print(ingest_table)
    console.print(
        build_linking_table(compute_score(true_clusters, customer_by_record, sent_records, catalogue))
    )


def build_linking_table(linking_score: LinkingScore) -> Table:
    """Build the table of persons, pairs of records and reasons of missing pairs."""
    table = _build_table(
        "Linking compared with the true customer number", "records, persons, pairs of records"
    )
    _add_row(table, "records", f"{linking_score.records:,}")
    _add_row(table, "true persons", f"{linking_score.persons:,}")
    _add_row(table, "customers found", f"{linking_score.customers:,}")
    _add_row(table, "persons with all records in one customer", f"{linking_score.complete_persons:,}")
    table.add_section()
    _add_row(table, "correctly linked pairs", f"{linking_score.correct_pairs:,}")
    _add_row(table, "wrongly linked pairs", f"{linking_score.wrong_pairs:,}")
    _add_row(table, "precision", f"{linking_score.precision:.4f}")
    _add_row(table, "recall of pairs that share an identifier", f"{linking_score.deterministic_recall:.4f}")
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
) -> None:
    """Measure pairwise precision and recall of exact linking, and count the missing pairs by reason.

    The messages of three channels are sent through the public API. Then a steward looks up the customer of
    each record by the record's own id. A pair is two records. It is correct if both belong to one TPC-DS
    customer.
    """
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    try:
        asyncio.run(run(console, customers, senders))
    except (RuntimeError, DiscretionError) as error:
        console.print(f"[red]{error}[/red]")
        raise typer.Exit(1) from None


if __name__ == "__main__":
    typer.run(main)
