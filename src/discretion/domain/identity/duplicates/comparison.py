"""Records and a likeness -> pairs that are probably one person: Splink does the arithmetic.

Features stay in this process's memory. DuckDB gets no file to write to and may not open one; Spark, for
those who outgrow one machine, encrypts what it spills.
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from discretion.domain.identity.duplicates.match_rules import (
    AMONG,
    EXPECTED,
    MISSING,
    RECALL,
    TRAINED_FROM,
    Block,
    Check,
    Comparison,
    Likeness,
    Rule,
)
from discretion.errors import Broken, Misconfigured
from discretion.store.suggestions import Agreement

SAMPLED_PAIRS = 2e6
SEED = 1
"""Which pairs are sampled; any will do, and the same ones make the same figures again."""

HIGHEST = 1 - 1e-9
"""The highest threshold: Splink takes the odds of one, and certainty has none."""

INSTALL = "Install it with: pip install 'discretion[suggest]'"
INSTALL_SPARK = "Install it with: pip install pyspark; it needs Java 17."

Table = Mapping[str, Sequence[str | None]]
"""Columns: ``id``, and one for each feature."""


class Backend(StrEnum):
    """Where the comparing is done."""

    DUCKDB = "duckdb"
    SPARK = "spark"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records that are one person with probability ``score``; ``weight`` is its log2 odds."""

    left: str = field(repr=False)
    right: str = field(repr=False)
    score: float
    weight: float
    evidence: tuple[Agreement, ...]


def compare(
    tables: Sequence[Table], likeness: Likeness, threshold: float, backend: Backend = Backend.DUCKDB
) -> list[Pair]:
    """Pairs within one table, or between two, from ``threshold`` up, the likeliest first.

    Raises:
        Misconfigured: ``SPLINK_MISSING``, ``SPARK_MISSING`` or ``MEMORY_TOO_SMALL``.
        Broken: ``COMPARISON_FAILED``; which kind of error it was and nothing of what it says, for a
            database quotes the values it stumbles over.
    """
    if not likeness.comparisons or not likeness.blocks or sum(len(table["id"]) for table in tables) < 2:
        return []
    splink = library("splink", "SPLINK_MISSING", INSTALL)
    api = _api(backend)
    try:
        return _compared(splink, api, tables, likeness, threshold)
    except Exception as error:  # noqa: BLE001 - whatever it is may quote what people are called
        failure = _failure(error)
    raise failure


def require(backend: Backend) -> None:
    """See that the comparison can be done, before anybody's data are read for it.

    Raises:
        Misconfigured: ``SPLINK_MISSING`` or ``SPARK_MISSING``.
    """
    library("splink", "SPLINK_MISSING", INSTALL)
    if backend is Backend.SPARK:
        library("pyspark", "SPARK_MISSING", INSTALL_SPARK)


def library(name: str, code: str, advice: str) -> Any:
    """A package that not every installation needs.

    Raises:
        Misconfigured: ``code``, if it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        missing = Misconfigured(code, f"Comparing people needs {name.partition('.')[0]}.", advice)
    raise missing


def _failure(error: Exception) -> Misconfigured | Broken:
    cause = error.__cause__ or error
    kind = type(cause).__name__
    if kind == "OutOfMemoryException":
        return Misconfigured(
            "MEMORY_TOO_SMALL",
            "The comparison does not fit into memory, and nothing is written to disk.",
            "Give the machine more, or use --backend spark.",
        )
    return Broken("COMPARISON_FAILED", f"The comparison ended with {kind}.")


def _api(backend: Backend) -> Any:
    if backend is Backend.SPARK:
        return _spark()
    duckdb = library("duckdb", "SPLINK_MISSING", INSTALL)
    connection = duckdb.connect(":memory:", config={"temp_directory": ""})
    connection.execute("SET enable_external_access = false")
    return library("splink", "SPLINK_MISSING", INSTALL).DuckDBAPI(connection)


def _spark() -> Any:
    """Spark as the machine's own configuration sets it up, encrypting what it spills and sends.

    A cluster of its own needs ``spark.authenticate.secret`` in that configuration.
    """
    sql = library("pyspark.sql", "SPARK_MISSING", INSTALL_SPARK)
    backends = library("splink.backends.spark", "SPLINK_MISSING", INSTALL)
    builder = sql.SparkSession.builder.appName("discretion identity suggest")
    for name in ("spark.io.encryption.enabled", "spark.authenticate", "spark.network.crypto.enabled"):
        builder = builder.config(name, "true")
    builder = builder.config("spark.jars", backends.similarity_jar_location())
    # "persist" keeps intermediate results in the executors; Splink's default writes them as files.
    return backends.SparkAPI(spark_session=builder.getOrCreate(), break_lineage_method="persist")


def _compared(
    splink: Any, api: Any, tables: Sequence[Table], likeness: Likeness, threshold: float
) -> list[Pair]:
    learned = sure_pairs(tables, likeness) >= TRAINED_FROM
    likeness = likeness if learned else likeness.as_given()
    columns = {"id", *(feature for one in likeness.comparisons for feature in one.needs)}
    arrow = importlib.import_module("pyarrow")
    registered = [
        api.register(
            arrow.table({name: arrow.array(table[name], arrow.string()) for name in sorted(columns)})
        )
        for table in tables
    ]
    linker = splink.Linker(registered, settings(splink, tables, likeness), log_level=None)
    if learned:
        _train(splink, linker, likeness)
    least = min(threshold, HIGHEST)
    predicted = linker.inference.predict(threshold_match_probability=least, warning_mode="never")
    names = ", ".join(_asked(likeness))
    told = predicted.query_sql(f"SELECT {names} FROM {{this}}").as_record_list()  # noqa: S608 - no input in it
    pairs = [_pair(row, likeness) for row in told]
    return sorted(pairs, key=lambda one: (-one.weight, one.left, one.right))


def settings(splink: Any, tables: Sequence[Table], likeness: Likeness) -> Any:
    """The likeness as Splink's settings object, the same for every backend."""
    records = max(sum(len(table["id"]) for table in tables), AMONG)
    return splink.SettingsCreator(
        link_type="dedupe_only" if len(tables) == 1 else "link_only",
        unique_id_column_name="id",
        probability_two_random_records_match=2 * EXPECTED / (records - 1),
        comparisons=[_comparison(one) for one in likeness.comparisons],
        blocking_rules_to_generate_predictions=[_block(splink, one) for one in likeness.blocks],
        retain_matching_columns=True,  # for the grades, which Splink keeps with the values or not at all
        retain_intermediate_calculation_columns=True,
    )


def sure_pairs(tables: Sequence[Table], likeness: Likeness) -> int:
    """How many pairs agree in the first of ``sure``."""
    if not likeness.sure:
        return 0
    counts = [_counted(table, likeness.sure[0]) for table in tables]
    if len(counts) == 1:
        return sum(many * (many - 1) // 2 for many in counts[0].values())
    return sum(many * counts[1][key] for key, many in counts[0].items())


def _counted(table: Table, block: Block) -> Counter[tuple[str | None, ...]]:
    rows = zip(*(table[term] for term in block.terms), strict=True)
    return Counter(row for row in rows if None not in row)


def _train(splink: Any, linker: Any, likeness: Likeness) -> None:
    """Learn the figures from the records themselves, without being told who is who."""
    training = linker.training
    sure = [_block(splink, one) for one in likeness.sure]
    training.estimate_probability_two_random_records_match(sure, recall=RECALL)
    training.estimate_u_using_random_sampling(max_pairs=SAMPLED_PAIRS, seed=SEED)
    for block in likeness.trained:
        training.estimate_parameters_using_expectation_maximisation(_block(splink, block))


def _block(splink: Any, block: Block) -> Any:
    if not block.crossed:
        return splink.block_on(*block.terms)
    first, second = block.terms
    rules = importlib.import_module("splink.blocking_rule_library")
    return rules.CustomRule(f"l.{first} = r.{second} AND l.{second} = r.{first}")


def _comparison(comparison: Comparison) -> Any:
    levels = importlib.import_module("splink.comparison_level_library")
    library = importlib.import_module("splink.comparison_library")
    made = [_all(levels, [levels.NullLevel(feature) for feature in comparison.features])]
    for level in comparison.levels:
        one = _all(levels, [_check(levels, check) for check in level.checks])
        counted = comparison.frequency and level is comparison.levels[0]
        frequency = {"tf_adjustment_column": comparison.name} if counted else {}
        made.append(one.configure(m_probability=level.m, u_probability=level.u, **frequency))
    rest = {f"{name}_probability": 1 - sum(getattr(one, name) for one in comparison.levels) for name in "mu"}
    made.append(levels.ElseLevel().configure(**rest))
    return library.CustomComparison(made, output_column_name=comparison.name)


def _all(levels: Any, parts: Sequence[Any]) -> Any:
    return levels.And(*parts) if len(parts) > 1 else parts[0]


def _check(levels: Any, check: Check) -> Any:
    match check.rule:
        case Rule.SAME:
            return levels.ExactMatchLevel(check.feature)
        case Rule.EDITS:
            return levels.DamerauLevenshteinLevel(check.feature, int(check.limit))
        case Rule.SPELLED:
            return levels.JaroWinklerLevel(check.feature, check.limit)
        case Rule.SWAPPED:
            return levels.ColumnsReversedLevel(check.feature, check.other)
        case Rule.MONTHS:
            return levels.AbsoluteDateDifferenceLevel(
                check.feature, input_is_string=True, threshold=check.limit, metric="month"
            )


def _asked(likeness: Likeness) -> list[str]:
    """What is read of a prediction: ids, grades and weights, and none of the values beside them."""
    grades = [f"gamma_{one.name}" for one in likeness.comparisons]
    weights = [name for one in likeness.comparisons for name in _weights(one)]
    return ["id_l", "id_r", "match_probability", "match_weight", *grades, *weights]


def _weights(comparison: Comparison) -> list[str]:
    adjusted = [f"mw_tf_adj_{comparison.name}"] if comparison.frequency else []
    return [f"mw_{comparison.name}", *adjusted]


def _pair(row: Mapping[str, Any], likeness: Likeness) -> Pair:
    evidence = []
    for one in likeness.comparisons:
        says = one.says(row[f"gamma_{one.name}"])
        weight = sum(row[name] for name in _weights(one))
        if says != MISSING:
            evidence.append(Agreement(one.name, says, weight))
    return Pair(row["id_l"], row["id_r"], row["match_probability"], row["match_weight"], tuple(evidence))
