"""Pairs are counted as by hand, and each missing one has its reason."""

from __future__ import annotations

from dataclasses import replace

from discretion.app.clock import now_ms
from discretion.catalogue.load import load
from discretion.seeding.tpcds import shoppers, truth
from tests.bench.linking.evidence import Record, records
from tests.bench.linking.score import BLOCKED, LIMITED, NOT_FOUND, NOTHING, SHARED, UNEXPLAINED, UNREAD, score

CATALOGUE = load(None)
EMAIL = ("email", "ada@post.example")


def known(**named: tuple[tuple[str, str], ...]) -> dict[str, Record]:
    """Records, each under an id of its own, that name these identifiers."""
    return {
        name: Record("web-shop", ("user_id", name), {("user_id", name), *those})
        for name, those in named.items()
    }


def test_pairs_are_counted_as_by_hand() -> None:
    """Ada has three records in two sets, of which one is taken for Ben's."""
    who = {"ada": (frozenset("ab"), frozenset("c")), "ben": (frozenset("d"),)}
    told = known(a=(EMAIL,), b=(EMAIL,), c=(), d=())
    found = score(who, {"a": "1", "b": "1", "c": "2", "d": "2"}, told, CATALOGUE)
    assert (found.records, found.persons, found.found, found.whole) == (4, 2, 2, 1)
    assert (found.right, found.wrong, found.true, found.linkable) == (1, 1, 3, 1)
    assert (found.precision, found.recall, found.deterministic_recall) == (1 / 2, 1 / 3, 1)
    assert found.missing == {NOTHING: 2}


def test_each_missing_pair_has_its_reason() -> None:
    """What would join two records is blocked, shared, too much, unread, or nothing speaks against it."""
    blocked, shared = ("email", "guest@post.example"), ("cookie", "tablet")
    crowd = {f"x{n}": Record("web-shop", ("cookie", "tablet"), {shared}) for n in range(5)}
    for named, reason in (((), UNREAD), ((blocked,), BLOCKED), ((shared,), SHARED)):
        told = {**known(a=named, b=named), **crowd}
        told["b"] = replace(told["b"], source="ios-app")
        assert _missing(told) == {reason: 1}
    told = known(a=(EMAIL,), b=(EMAIL,))
    assert _missing(told) == {LIMITED: 1}
    told["b"] = replace(told["b"], source="ios-app")
    assert _missing(told) == {UNEXPLAINED: 1}
    assert _missing(told, lost="b") == {NOT_FOUND: 1}


def test_what_is_sent_speaks_of_the_records_of_the_truth() -> None:
    """All of them and no others; taking everybody for who they are leaves only what nothing links."""
    who, told = truth(200), records(shoppers(200, now_ms()), CATALOGUE)
    everybody = {record for clusters in who.values() for cluster in clusters for record in cluster}
    assert told.keys() == everybody
    best = {r: min(cluster) for clusters in who.values() for cluster in clusters for r in cluster}
    found = score(who, best, told, CATALOGUE)
    assert (found.precision, found.deterministic_recall, found.persons) == (1, 1, 200)
    assert found.missing.keys() == {NOTHING}
    alone = score(who, {record: record for record in everybody}, told, CATALOGUE)
    assert alone.right == 0
    assert alone.missing.keys() == {NOTHING, UNEXPLAINED}


def _missing(told: dict[str, Record], lost: str = "") -> dict[str, int]:
    customers = {record: None if record == lost else record for record in told}
    return dict(score({"ada": (frozenset("ab"),)}, customers, told, CATALOGUE).missing)
