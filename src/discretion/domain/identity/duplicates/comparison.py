"""Comparison of records with a match model, computed by Splink.

The compared values stay in the memory of this process: DuckDB gets no temporary directory and no access to
files. Spark, for installations that need more than one machine, encrypts what it spills to disk and sends.
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from discretion.domain.identity.duplicates.match_rules import (
    DUPLICATE_SHARE,
    MIN_POPULATION,
    MIN_TRAINING_PAIRS,
    MISSING,
    SURE_BLOCK_RECALL,
    AgreementRule,
    BlockingRule,
    FeatureCheck,
    FeatureComparison,
    MatchModel,
)
from discretion.errors import Broken, Misconfigured
from discretion.extras import import_extra, require_extra
from discretion.store.suggestions import ComparisonResult

MAX_SAMPLED_PAIRS = 2e6
"""Random pairs from which the ``u`` probabilities are estimated."""

SEED = 1
"""Seed of that sample. It is fixed so that the same records give the same result."""

MAX_THRESHOLD = 1 - 1e-9
"""The highest threshold: Splink computes odds from it, and a probability of 1 has none."""

INSTALL_SPARK_ADVICE = "Install it with: pip install pyspark; it needs Java 17."

FeatureTable = Mapping[str, Sequence[str | None]]
"""Values by column: ``id``, and one column for each feature."""


class Backend(StrEnum):
    """Where the comparison runs."""

    DUCKDB = "duckdb"
    SPARK = "spark"


@dataclass(frozen=True, slots=True)
class MatchedPair:
    """Two record ids that are one person with probability ``score``; ``weight`` is the log2 of its odds."""

    left: str = field(repr=False)
    right: str = field(repr=False)
    score: float
    weight: float
    evidence: tuple[ComparisonResult, ...]


def compare_records(
    tables: Sequence[FeatureTable], model: MatchModel, threshold: float, backend: Backend = Backend.DUCKDB
) -> list[MatchedPair]:
    """Return the pairs within one table, or between two, with at least ``threshold``, the likeliest first.

    Raises:
        Misconfigured: ``EXTRA_MISSING``, ``SPARK_MISSING`` or ``MEMORY_TOO_SMALL``.
        Broken: ``COMPARISON_FAILED``, with the name of the error's class only: a database error quotes
            values.
    """
    if not model.comparisons or not model.blocks or sum(len(table["id"]) for table in tables) < 2:
        return []
    splink = import_extra("splink", "suggest")
    api = _build_api(backend)
    try:
        return _find_pairs(splink, api, tables, model, threshold)
    except Exception as error:  # noqa: BLE001 - any error may quote personal data
        failure = _build_failure(error)
    # Outside the handler: raised inside, the original error would be chained and end up in a log.
    raise failure


def require_backend(backend: Backend) -> None:
    """Check that the libraries of a backend are installed.

    Raises:
        Misconfigured: ``EXTRA_MISSING`` or ``SPARK_MISSING``.
    """
    require_extra("splink", "suggest")
    if backend is Backend.SPARK:
        _import_spark("pyspark")


def _import_spark(module_name: str) -> Any:
    try:
        return importlib.import_module(module_name)
    except ImportError:
        missing = Misconfigured(
            "SPARK_MISSING", "The package pyspark is not installed.", INSTALL_SPARK_ADVICE
        )
    raise missing


def _build_failure(error: Exception) -> Misconfigured | Broken:
    cause = error.__cause__ or error
    error_name = type(cause).__name__
    if error_name == "OutOfMemoryException":
        return Misconfigured(
            "MEMORY_TOO_SMALL",
            "The comparison does not fit into memory, and nothing is written to disk.",
            "Use a machine with more memory, or --backend spark.",
        )
    return Broken("COMPARISON_FAILED", f"The comparison ended with {error_name}.")


def _build_api(backend: Backend) -> Any:
    if backend is Backend.SPARK:
        return _build_spark_api()
    duckdb = import_extra("duckdb", "suggest")
    # No temporary directory: DuckDB fails when it runs out of memory instead of writing personal data to
    # disk.
    connection = duckdb.connect(":memory:", config={"temp_directory": ""})
    connection.execute("SET enable_external_access = false")
    return import_extra("splink", "suggest").DuckDBAPI(connection)


def _build_spark_api() -> Any:
    """Build a Spark session from the machine's own configuration, with encrypted spills and network.

    A separate cluster needs ``spark.authenticate.secret`` in that configuration.
    """
    sql = _import_spark("pyspark.sql")
    backends = import_extra("splink.backends.spark", "suggest")
    builder = sql.SparkSession.builder.appName("discretion identity suggest")
    for name in ("spark.io.encryption.enabled", "spark.authenticate", "spark.network.crypto.enabled"):
        builder = builder.config(name, "true")
    builder = builder.config("spark.jars", backends.similarity_jar_location())
    # "persist" keeps intermediate results in the executors; Splink's default writes them as files.
    return backends.SparkAPI(spark_session=builder.getOrCreate(), break_lineage_method="persist")


def _find_pairs(
    splink: Any, api: Any, tables: Sequence[FeatureTable], model: MatchModel, threshold: float
) -> list[MatchedPair]:
    # With too few sure pairs, the estimates would depend on single records: the model's own values are used.
    is_trained = count_sure_pairs(tables, model) >= MIN_TRAINING_PAIRS
    model = model if is_trained else model.without_frequencies()
    columns = {"id", *(feature for comparison in model.comparisons for feature in comparison.needs)}
    arrow = import_extra("pyarrow", "suggest")
    registered_tables = [
        api.register(
            arrow.table({name: arrow.array(table[name], arrow.string()) for name in sorted(columns)})
        )
        for table in tables
    ]
    linker = splink.Linker(registered_tables, build_settings(splink, tables, model), log_level=None)
    if is_trained:
        _train_linker(splink, linker, model)
    min_probability = min(threshold, MAX_THRESHOLD)
    predictions = linker.inference.predict(threshold_match_probability=min_probability, warning_mode="never")
    column_list = ", ".join(_prediction_columns(model))
    statement = f"SELECT {column_list} FROM {{this}}"  # noqa: S608 - column names only, no input
    pairs = [_build_pair(row, model) for row in predictions.query_sql(statement).as_record_list()]
    return sorted(pairs, key=lambda pair: (-pair.weight, pair.left, pair.right))


def build_settings(splink: Any, tables: Sequence[FeatureTable], model: MatchModel) -> Any:
    """Build Splink's settings for a match model; they are the same for every backend."""
    records = max(sum(len(table["id"]) for table in tables), MIN_POPULATION)
    return splink.SettingsCreator(
        link_type="dedupe_only" if len(tables) == 1 else "link_only",
        unique_id_column_name="id",
        probability_two_random_records_match=2 * DUPLICATE_SHARE / (records - 1),
        comparisons=[_build_comparison(comparison) for comparison in model.comparisons],
        blocking_rules_to_generate_predictions=[_build_block(splink, block) for block in model.blocks],
        retain_matching_columns=True,  # for the grades, which Splink keeps only together with the values
        retain_intermediate_calculation_columns=True,
    )


def count_sure_pairs(tables: Sequence[FeatureTable], model: MatchModel) -> int:
    """Count the pairs that agree in the first of the model's ``sure`` rules."""
    if not model.sure:
        return 0
    counts = [_count_block(table, model.sure[0]) for table in tables]
    if len(counts) == 1:
        return sum(count * (count - 1) // 2 for count in counts[0].values())
    return sum(count * counts[1][key] for key, count in counts[0].items())


def _count_block(table: FeatureTable, block: BlockingRule) -> Counter[tuple[str | None, ...]]:
    rows = zip(*(table[term] for term in block.terms), strict=True)
    return Counter(row for row in rows if None not in row)


def _train_linker(splink: Any, linker: Any, model: MatchModel) -> None:
    """Estimate the model's probabilities from the records themselves, without labelled pairs."""
    training = linker.training
    sure_blocks = [_build_block(splink, block) for block in model.sure]
    training.estimate_probability_two_random_records_match(sure_blocks, recall=SURE_BLOCK_RECALL)
    training.estimate_u_using_random_sampling(max_pairs=MAX_SAMPLED_PAIRS, seed=SEED)
    for block in model.trained:
        training.estimate_parameters_using_expectation_maximisation(_build_block(splink, block))


def _build_block(splink: Any, block: BlockingRule) -> Any:
    if not block.crossed:
        return splink.block_on(*block.terms)
    first, second = block.terms
    rule_library = import_extra("splink.blocking_rule_library", "suggest")
    return rule_library.CustomRule(f"l.{first} = r.{second} AND l.{second} = r.{first}")


def _build_comparison(comparison: FeatureComparison) -> Any:
    level_library = import_extra("splink.comparison_level_library", "suggest")
    comparison_library = import_extra("splink.comparison_library", "suggest")
    splink_levels = [
        _combine_levels(level_library, [level_library.NullLevel(feature) for feature in comparison.features])
    ]
    for level in comparison.levels:
        splink_level = _combine_levels(
            level_library, [_build_level(level_library, check) for check in level.checks]
        )
        uses_frequency = comparison.frequency and level is comparison.levels[0]
        adjustment = {"tf_adjustment_column": comparison.name} if uses_frequency else {}
        splink_levels.append(
            splink_level.configure(m_probability=level.m, u_probability=level.u, **adjustment)
        )
    else_probabilities = {
        f"{name}_probability": 1 - sum(getattr(level, name) for level in comparison.levels) for name in "mu"
    }
    splink_levels.append(level_library.ElseLevel().configure(**else_probabilities))
    return comparison_library.CustomComparison(splink_levels, output_column_name=comparison.name)


def _combine_levels(level_library: Any, parts: Sequence[Any]) -> Any:
    return level_library.And(*parts) if len(parts) > 1 else parts[0]


def _build_level(level_library: Any, check: FeatureCheck) -> Any:
    match check.rule:
        case AgreementRule.SAME:
            return level_library.ExactMatchLevel(check.feature)
        case AgreementRule.EDITS:
            return level_library.DamerauLevenshteinLevel(check.feature, int(check.limit))
        case AgreementRule.SPELLED:
            return level_library.JaroWinklerLevel(check.feature, check.limit)
        case AgreementRule.SWAPPED:
            return level_library.ColumnsReversedLevel(check.feature, check.other)
        case AgreementRule.MONTHS:
            return level_library.AbsoluteDateDifferenceLevel(
                check.feature, input_is_string=True, threshold=check.limit, metric="month"
            )


def _prediction_columns(model: MatchModel) -> list[str]:
    """Return the columns to read of a prediction: ids, grades and weights, but no compared values."""
    grades = [f"gamma_{comparison.name}" for comparison in model.comparisons]
    weights = [name for comparison in model.comparisons for name in _weight_columns(comparison)]
    return ["id_l", "id_r", "match_probability", "match_weight", *grades, *weights]


def _weight_columns(comparison: FeatureComparison) -> list[str]:
    adjusted = [f"mw_tf_adj_{comparison.name}"] if comparison.frequency else []
    return [f"mw_{comparison.name}", *adjusted]


def _build_pair(row: Mapping[str, Any], model: MatchModel) -> MatchedPair:
    evidence = []
    for comparison in model.comparisons:
        says = comparison.describe_grade(row[f"gamma_{comparison.name}"])
        weight = sum(row[name] for name in _weight_columns(comparison))
        if says != MISSING:
            evidence.append(ComparisonResult(comparison.name, says, weight))
    return MatchedPair(
        row["id_l"], row["id_r"], row["match_probability"], row["match_weight"], tuple(evidence)
    )
