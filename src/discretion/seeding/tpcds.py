"""Customers and what they bought, from TPC-DS: made on this machine by DuckDB, without a network.

TPC-DS (Transaction Processing Performance Council, TPC Benchmark DS) models one retailer with
stores, a web shop and a catalogue; the catalogue's orders are taken here as the app's. All three know
a buyer by one shared customer number, which here serves as the truth and is never sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from importlib.resources import files

import duckdb

from discretion.errors import BadRequest, Misconfigured
from discretion.seeding.message import APP, TILLS, WEB, Message
from discretion.seeding.shopper import Lists, Order, Person, Product, Shopper, messages, shopper

SMALLEST = 1_000
MOST = 100_000
"""Customers at scale factor 1; beyond it TPC-DS grows by steps, and a laptop by none."""

_PEOPLE = """
    SELECT c_customer_sk, c_first_name, c_last_name, c_salutation, c_birth_year, c_birth_month, c_birth_day,
           c_birth_country, ca_street_number, ca_street_name, ca_street_type, ca_city, ca_state, ca_zip,
           cd_gender, cd_marital_status, cd_education_status, hd_dep_count
    FROM customer
    LEFT JOIN customer_address ON ca_address_sk = c_current_addr_sk
    LEFT JOIN customer_demographics ON cd_demo_sk = c_current_cdemo_sk
    LEFT JOIN household_demographics ON hd_demo_sk = c_current_hdemo_sk
    WHERE c_customer_sk <= ? ORDER BY c_customer_sk"""

_ORDERS = """
    SELECT {p}_{buyer}_sk, {p}_{number}, min(d_date), min({p}_sold_time_sk), sum({p}_net_paid_inc_tax),
           count(*), list(DISTINCT {p}_item_sk ORDER BY {p}_item_sk)[:5]
    FROM {table}
    JOIN date_dim ON d_date_sk = {p}_sold_date_sk
    WHERE {p}_{buyer}_sk <= ?
    GROUP BY ALL ORDER BY 1, 2"""

_TABLES = {
    TILLS: {"table": "store_sales", "p": "ss", "buyer": "customer", "number": "ticket_number"},
    WEB: {"table": "web_sales", "p": "ws", "buyer": "bill_customer", "number": "order_number"},
    APP: {"table": "catalog_sales", "p": "cs", "buyer": "bill_customer", "number": "order_number"},
}


def shoppers(customers: int, now_ms: int) -> Iterator[Message]:
    """All messages about the first ``customers`` customers of TPC-DS, person by person.

    The same arguments give the same messages. The latest purchase is two days before ``now_ms``.

    Raises:
        BadRequest: ``CUSTOMERS_INVALID``; Misconfigured: ``TPCDS_MISSING``.
    """
    for one, products in _shoppers(customers):
        yield from messages(one, products, now_ms)


def truth(customers: int) -> Mapping[str, tuple[frozenset[str], ...]]:
    """Who is really who: person -> sets of records, each ``source:id``, that share an identifier.

    One set is somebody whom exact identifiers make whole; several are somebody who gave every
    channel something else and whom no exact match can put together.
    """
    return {one.person: one.clusters() for one, _ in _shoppers(customers)}


def _shoppers(customers: int) -> Iterator[tuple[Shopper, tuple[Product, ...]]]:
    if not 0 <= customers <= MOST:
        raise BadRequest("CUSTOMERS_INVALID", f"There can be 0 to {MOST} customers.")
    if customers == 0:
        return
    with _generated(max(customers, SMALLEST) / MOST) as database:
        products = _products(database)
        orders = {source: _Ahead(_orders(database, source, customers)) for source in _TABLES}
        lists = Lists()
        rows = database.cursor().execute(_PEOPLE, [customers])
        while row := rows.fetchone():
            bought = tuple(order for ahead in orders.values() for order in ahead.of(row[0]))
            yield shopper(_person(row), bought, lists), products


def _generated(scale: float) -> duckdb.DuckDBPyConnection:
    """A database in memory with the tables of TPC-DS; the extension comes out of its wheel."""
    database = duckdb.connect(
        config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    )
    version = f"v{duckdb.__version__}"
    try:
        extension = files("duckdb_extension_tpcds") / "extensions" / version / "tpcds.duckdb_extension"
        database.load_extension(str(extension))
    except (ModuleNotFoundError, duckdb.Error) as error:
        raise Misconfigured(
            "TPCDS_MISSING",
            f"DuckDB {version} finds no TPC-DS extension of the same version ({type(error).__name__}).",
            f"Install duckdb-extension-tpcds=={duckdb.__version__}, or sow 0 customers.",
        ) from None
    database.execute(f"CALL dsdgen(sf={scale})")
    return database


def _person(row: tuple[object, ...]) -> Person:
    born = row[4:7]
    return Person(
        key=str(row[0]),
        first=_text(row[1]) or "",
        last=_text(row[2]) or "",
        salutation=_text(row[3]),
        born=date(*(int(str(part)) for part in born)).isoformat() if None not in born else None,
        born_in=_text(row[7]),
        street=" ".join(part for part in map(_text, row[8:11]) if part) or None,
        city=_text(row[11]),
        state=_text(row[12]),
        postal_code=_text(row[13]),
        gender=_text(row[14]),
        marital=_text(row[15]),
        education=_text(row[16]),
        dependents=int(str(row[17])) if row[17] is not None else None,
    )


def _text(value: object) -> str | None:
    return str(value).strip() or None if value is not None else None


def _orders(database: duckdb.DuckDBPyConnection, source: str, customers: int) -> Iterator[tuple[int, Order]]:
    rows = database.cursor().execute(_ORDERS.format(**_TABLES[source]), [customers])
    while row := rows.fetchone():
        buyer, number, sold, second, paid, lines, items = row
        # A ticket of TPC-DS has a dozen lines of fifty pieces each; a hundredth of it is a shopping bag.
        total = (paid or Decimal(0)) / 100
        products = tuple(map(_number, items))
        yield buyer, Order(source, number, sold, second or 43_200, f"{total:.2f}", lines, products)


def _products(database: duckdb.DuckDBPyConnection) -> tuple[Product, ...]:
    found = database.cursor().execute(
        "SELECT i_item_sk, i_class, i_category, i_current_price FROM item"
        " WHERE i_class IS NOT NULL AND i_category IS NOT NULL AND i_current_price IS NOT NULL"
        " ORDER BY i_item_sk LIMIT 200"
    )
    return tuple(
        Product(_number(item), kind.capitalize(), category.lower(), float(price))
        for item, kind, category, price in found.fetchall()
    )


def _number(item: int) -> str:
    return f"P-{item:05}"


class _Ahead:
    """Orders sorted by buyer, taken buyer by buyer."""

    def __init__(self, orders: Iterator[tuple[int, Order]]) -> None:
        self._orders = orders
        self._next = next(orders, None)

    def of(self, buyer: object) -> Iterator[Order]:
        """The orders of this buyer; buyers are asked for in ascending order."""
        while self._next is not None and self._next[0] == buyer:
            yield self._next[1]
            self._next = next(self._orders, None)
