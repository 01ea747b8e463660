"""The score counts pairs correctly and finds the reason of each missing pair."""

from __future__ import annotations

from dataclasses import replace

from discretion.app.clock import now_ms
from discretion.catalogue.load import load_catalogue
from discretion.seeding.tpcds import compute_true_clusters, generate_customer_messages
from tests.bench.linking.evidence import SentRecord, collect_records
from tests.bench.linking.score import (
    BLOCKED_IDENTIFIER,
    NOT_FOUND,
    NOTHING_PROVEN,
    OVER_LIMIT,
    SHARED_IDENTIFIER,
    UNEXPLAINED,
    UNREAD_SPELLING,
    compute_score,
)

CATALOGUE = load_catalogue(None)
EMAIL = ("email", "ada@post.example")


def build_records(**identifiers_by_name: tuple[tuple[str, str], ...]) -> dict[str, SentRecord]:
    """Build records with their own ids and the given identifiers."""
    return {
        name: SentRecord("web-shop", ("user_id", name), {("user_id", name), *identifiers})
        for name, identifiers in identifiers_by_name.items()
    }


def test_pairs_are_counted_as_in_a_hand_made_example() -> None:
    """Ada has three records in two sets, and one of them is linked with Ben's record."""
    true_clusters = {"ada": (frozenset("ab"), frozenset("c")), "ben": (frozenset("d"),)}
    sent_records = build_records(a=(EMAIL,), b=(EMAIL,), c=(), d=())
    linking_score = compute_score(
        true_clusters, {"a": "1", "b": "1", "c": "2", "d": "2"}, sent_records, CATALOGUE
    )
    assert (
        linking_score.records,
        linking_score.persons,
        linking_score.customers,
        linking_score.complete_persons,
    ) == (4, 2, 2, 1)
    assert (
        linking_score.correct_pairs,
        linking_score.wrong_pairs,
        linking_score.true_pairs,
        linking_score.linkable_pairs,
    ) == (1, 1, 3, 1)
    assert (linking_score.precision, linking_score.recall, linking_score.deterministic_recall) == (
        1 / 2,
        1 / 3,
        1,
    )
    assert linking_score.missing_pairs == {NOTHING_PROVEN: 2}


def test_each_missing_pair_has_its_reason() -> None:
    """The common identifier is blocked, shared, over the limit or unread, or the pair is unexplained."""
    blocked, shared = ("email", "guest@post.example"), ("cookie", "tablet")
    crowd = {f"x{n}": SentRecord("web-shop", ("cookie", "tablet"), {shared}) for n in range(5)}
    for identifiers, reason in (
        ((), UNREAD_SPELLING),
        ((blocked,), BLOCKED_IDENTIFIER),
        ((shared,), SHARED_IDENTIFIER),
    ):
        sent_records = {**build_records(a=identifiers, b=identifiers), **crowd}
        sent_records["b"] = replace(sent_records["b"], source="ios-app")
        assert _count_missing_pairs(sent_records) == {reason: 1}
    sent_records = build_records(a=(EMAIL,), b=(EMAIL,))
    assert _count_missing_pairs(sent_records) == {OVER_LIMIT: 1}
    sent_records["b"] = replace(sent_records["b"], source="ios-app")
    assert _count_missing_pairs(sent_records) == {UNEXPLAINED: 1}
    assert _count_missing_pairs(sent_records, unknown_record="b") == {NOT_FOUND: 1}


def test_the_messages_cover_exactly_the_true_records() -> None:
    """All true records and no others. Perfect linking misses only pairs without a common identifier."""
    true_clusters, sent_records = (
        compute_true_clusters(200),
        collect_records(generate_customer_messages(200, now_ms()), CATALOGUE),
    )
    true_records = {
        record for clusters in true_clusters.values() for cluster in clusters for record in cluster
    }
    assert sent_records.keys() == true_records
    best_linking = {
        record_name: min(cluster)
        for clusters in true_clusters.values()
        for cluster in clusters
        for record_name in cluster
    }
    linking_score = compute_score(true_clusters, best_linking, sent_records, CATALOGUE)
    assert (linking_score.precision, linking_score.deterministic_recall, linking_score.persons) == (1, 1, 200)
    assert linking_score.missing_pairs.keys() == {NOTHING_PROVEN}
    unlinked_score = compute_score(
        true_clusters, {record: record for record in true_records}, sent_records, CATALOGUE
    )
    assert unlinked_score.correct_pairs == 0
    assert unlinked_score.missing_pairs.keys() == {NOTHING_PROVEN, UNEXPLAINED}


def _count_missing_pairs(sent_records: dict[str, SentRecord], unknown_record: str = "") -> dict[str, int]:
    customers = {record: None if record == unknown_record else record for record in sent_records}
    return dict(compute_score({"ada": (frozenset("ab"),)}, customers, sent_records, CATALOGUE).missing_pairs)
