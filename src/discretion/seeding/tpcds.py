"""Customers and purchases of TPC-DS, generated on this machine by DuckDB, without a network.

TPC-DS (Transaction Processing Performance Council, TPC Benchmark DS) models one retailer with stores, a web
shop and a mail-order catalogue. Orders of the catalogue are used here as orders of the app. All three have
the same customer number for a buyer, which is the ground truth of identity resolution and is never sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import TYPE_CHECKING

from discretion.errors import BadRequest, Misconfigured
from discretion.extras import import_extra, require_extra
from discretion.seeding.message import APP, TILLS, WEB, SeedMessage
from discretion.seeding.shopper import (
    Purchase,
    SeedProduct,
    Shopper,
    TpcdsCustomer,
    UniqueContacts,
    build_shopper,
    generate_shopper_messages,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MIN_CUSTOMERS = 1_000
MAX_CUSTOMERS = 100_000
"""Customers at scale factor 1. Above it TPC-DS grows in large steps, too large for a laptop."""

_CUSTOMERS_SQL = """
    SELECT c_customer_sk, c_first_name, c_last_name, c_salutation, c_birth_year, c_birth_month, c_birth_day,
           c_birth_country, ca_street_number, ca_street_name, ca_street_type, ca_city, ca_state, ca_zip,
           cd_gender, cd_marital_status, cd_education_status, hd_dep_count
    FROM customer
    LEFT JOIN customer_address ON ca_address_sk = c_current_addr_sk
    LEFT JOIN customer_demographics ON cd_demo_sk = c_current_cdemo_sk
    LEFT JOIN household_demographics ON hd_demo_sk = c_current_hdemo_sk
    WHERE c_customer_sk <= ? ORDER BY c_customer_sk"""

_ORDERS_SQL = """
    SELECT {p}_{buyer}_sk, {p}_{number}, min(d_date), min({p}_sold_time_sk), sum({p}_net_paid_inc_tax),
           count(*), list(DISTINCT {p}_item_sk ORDER BY {p}_item_sk)[:5]
    FROM {table}
    JOIN date_dim ON d_date_sk = {p}_sold_date_sk
    WHERE {p}_{buyer}_sk <= ?
    GROUP BY ALL ORDER BY 1, 2"""

_SALES_TABLES = {
    TILLS: {"table": "store_sales", "p": "ss", "buyer": "customer", "number": "ticket_number"},
    WEB: {"table": "web_sales", "p": "ws", "buyer": "bill_customer", "number": "order_number"},
    APP: {"table": "catalog_sales", "p": "cs", "buyer": "bill_customer", "number": "order_number"},
}


def generate_customer_messages(customers: int, now_ms: int) -> Iterator[SeedMessage]:
    """Yield all messages about the first ``customers`` customers of TPC-DS, customer by customer.

    The same arguments give the same messages. The last purchase is two days before ``now_ms``.

    Raises:
        BadRequest: ``CUSTOMERS_INVALID``.
        Misconfigured: ``EXTRA_MISSING`` or ``TPCDS_MISSING``.
    """
    for shopper, products in _generate_shoppers(customers):
        yield from generate_shopper_messages(shopper, products, now_ms)


def require_generator() -> None:
    """Check that the packages which generate customers are installed.

    Raises:
        Misconfigured: ``EXTRA_MISSING``.
    """
    require_extra("duckdb", "demo")
    require_extra("duckdb_extension_tpcds", "demo")


def compute_true_clusters(customers: int) -> Mapping[str, tuple[frozenset[str], ...]]:
    """Return the ground truth: for each person, sets of records (``source:id``) that share an identifier.

    A person with one set can be resolved by exact identifiers. A person with several sets gave each channel
    different identifiers, so that only probabilistic matching can find them.
    """
    return {shopper.person_id: shopper.true_clusters() for shopper, _ in _generate_shoppers(customers)}


def _generate_shoppers(customers: int) -> Iterator[tuple[Shopper, tuple[SeedProduct, ...]]]:
    if not 0 <= customers <= MAX_CUSTOMERS:
        raise BadRequest("CUSTOMERS_INVALID", f"There can be 0 to {MAX_CUSTOMERS} customers.")
    if customers == 0:
        return
    with _generate_tables(max(customers, MIN_CUSTOMERS) / MAX_CUSTOMERS) as database:
        products = _load_products(database)
        purchases_by_source = {
            source: _BuyerPurchases(_iter_purchases(database, source, customers)) for source in _SALES_TABLES
        }
        contacts = UniqueContacts()
        # Four results are read in turn. A connection has one open result, so each gets a cursor of its own.
        rows = database.cursor().execute(_CUSTOMERS_SQL, [customers])
        while row := rows.fetchone():
            purchases = tuple(
                purchase
                for buyer_purchases in purchases_by_source.values()
                for purchase in buyer_purchases.take_for_buyer(row[0])
            )
            yield build_shopper(_build_customer(row), purchases, contacts), products


def _generate_tables(scale: float) -> DuckDBPyConnection:
    """Return a database in memory with the tables of TPC-DS; DuckDB's extension is loaded from its wheel."""
    duckdb = import_extra("duckdb", "demo")
    extension_package = import_extra("duckdb_extension_tpcds", "demo")
    # DuckDB must not download an extension by itself: the demo works without a network.
    database: DuckDBPyConnection = duckdb.connect(
        config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    )
    version = f"v{duckdb.__version__}"
    try:
        extension = files(extension_package) / "extensions" / version / "tpcds.duckdb_extension"
        database.load_extension(str(extension))
    except duckdb.Error as error:
        raise Misconfigured(
            "TPCDS_MISSING",
            f"DuckDB {version} finds no TPC-DS extension of the same version ({type(error).__name__}).",
            f"Install duckdb-extension-tpcds=={duckdb.__version__}, or use 0 customers.",
        ) from None
    database.execute(f"CALL dsdgen(sf={scale})")
    return database


def _build_customer(row: tuple[object, ...]) -> TpcdsCustomer:
    birth_parts = row[4:7]
    return TpcdsCustomer(
        key=str(row[0]),
        first_name=_text(row[1]) or "",
        last_name=_text(row[2]) or "",
        salutation=_text(row[3]),
        birth_date=date(*(int(str(part)) for part in birth_parts)).isoformat()
        if None not in birth_parts
        else None,
        birth_country=_text(row[7]),
        street=" ".join(part for part in map(_text, row[8:11]) if part) or None,
        city=_text(row[11]),
        state=_text(row[12]),
        postal_code=_text(row[13]),
        gender=_text(row[14]),
        marital_status=_text(row[15]),
        education=_text(row[16]),
        dependents=int(str(row[17])) if row[17] is not None else None,
    )


def _text(value: object) -> str | None:
    return str(value).strip() or None if value is not None else None


def _iter_purchases(
    database: DuckDBPyConnection, source: str, customers: int
) -> Iterator[tuple[int, Purchase]]:
    rows = database.cursor().execute(_ORDERS_SQL.format(**_SALES_TABLES[source]), [customers])
    while row := rows.fetchone():
        buyer, number, sold_on, second_of_day, paid, line_count, items = row
        # A ticket of TPC-DS has a dozen lines of fifty pieces each; a hundredth is a usual amount.
        total = (paid or Decimal(0)) / 100
        products = tuple(map(_product_id, items))
        yield (
            buyer,
            Purchase(source, number, sold_on, second_of_day or 43_200, f"{total:.2f}", line_count, products),
        )


def _load_products(database: DuckDBPyConnection) -> tuple[SeedProduct, ...]:
    result = database.cursor().execute(
        "SELECT i_item_sk, i_class, i_category, i_current_price FROM item"
        " WHERE i_class IS NOT NULL AND i_category IS NOT NULL AND i_current_price IS NOT NULL"
        " ORDER BY i_item_sk LIMIT 200"
    )
    return tuple(
        SeedProduct(_product_id(item), product_class.capitalize(), category.lower(), float(price))
        for item, product_class, category, price in result.fetchall()
    )


def _product_id(item: int) -> str:
    return f"P-{item:05}"


class _BuyerPurchases:
    """Purchases sorted by buyer, read buyer by buyer with one row of look-ahead."""

    def __init__(self, orders: Iterator[tuple[int, Purchase]]) -> None:
        self._orders = orders
        self._next = next(orders, None)

    def take_for_buyer(self, buyer: object) -> Iterator[Purchase]:
        """Yield the purchases of a buyer; has to be called for buyers in ascending order."""
        while self._next is not None and self._next[0] == buyer:
            yield self._next[1]
            self._next = next(self._orders, None)
