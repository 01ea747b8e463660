"""Files of the past in journeys: receipts of tills, and what support sees of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from discretion.domain.ingest.file_import.file_import import ImportOrder, ImportResult
from discretion.domain.ingest.file_import.row_file import find_format
from tests.fixtures.platform import PlatformUnderTest

RECEIPT_COLUMNS = (
    *("receipt_no", "printed_at", "card_no", "card_token", "amount", "pieces"),
    *("articles", "paid_by", "store", "original_receipt_no", "kind"),
)
CARDS = 40
LOYALTY = """query($card: String!) { customer(identifier: {type: "loyalty_id", value: $card}) {
  commerce { orderCount lifetimeValue { amount currency } refundTotal { amount currency } }
  events(first: 500) { nodes { name occurredAt properties } } } }"""


def build_receipt(number: int, card: int = 0, **cells: str) -> dict[str, str]:
    """Build the row of a receipt of ten euros and a cent, of a card."""
    day = f"{1 + number % 28:02}.{1 + number % 9:02}.2026 10:00"
    row = {"receipt_no": f"R{number}", "printed_at": day, "card_no": f"9{card:06}", "amount": "10,01"}
    return {**dict.fromkeys(RECEIPT_COLUMNS, ""), **row, "pieces": "1", "kind": "sale", **cells}


def write_receipts(path: Path, rows: Sequence[dict[str, str]]) -> Path:
    """Write receipts as a CSV file."""
    lines = [";".join(RECEIPT_COLUMNS), *(";".join(row.values()) for row in rows)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


async def import_file(platform: PlatformUnderTest, path: Path, mapping: str) -> ImportResult:
    """Import a file by a mapping of the catalogue."""
    importer = platform.internals.file_importer
    order = ImportOrder(path, importer.catalogue.imports[mapping], find_format(path))
    return await importer.run(order, lambda _done, _size: None, lambda: asyncio.sleep(0))


async def read_card(platform: PlatformUnderTest, card: int) -> dict[str, Any]:
    """Return what support sees of the customer of a card."""
    token = platform.issue_token("support")
    answer = await platform.query(LOYALTY, token, {"card": f"9{card:06}"})
    customer: dict[str, Any] = answer["data"]["customer"]
    return customer
