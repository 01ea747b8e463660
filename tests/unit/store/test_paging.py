"""Pages follow each other without a gap and without a repetition."""

from __future__ import annotations

from discretion.store.paging import KeysetOrder

NEWEST_FIRST = KeysetOrder("at")
POSITION = (5, b"e")


def test_the_first_page_has_no_further_condition() -> None:
    assert NEWEST_FIRST.continue_after({"customer": b"c"}, None) == {"customer": b"c"}


def test_the_next_page_has_older_documents_and_equal_times_by_id() -> None:
    assert NEWEST_FIRST.continue_after({"customer": b"c"}, POSITION) == {
        "customer": b"c",
        "$or": [{"at": {"$lt": 5}}, {"at": 5, "_id": {"$lt": b"e"}}],
    }


def test_alternatives_of_the_query_still_hold_on_the_next_page() -> None:
    query = {"$or": [{"type": "a"}, {"type": "b"}]}
    combined = NEWEST_FIRST.continue_after(query, POSITION)
    assert combined["$and"][0] == query
    assert combined["$and"][1] == NEWEST_FIRST.continue_after({}, POSITION)


def test_the_id_may_have_a_direction_of_its_own() -> None:
    order = KeysetOrder("weight", -1, 1)
    assert order.sort == [("weight", -1), ("_id", 1)]
    assert order.continue_after({}, (0.5, b"i"))["$or"][1] == {"weight": 0.5, "_id": {"$gt": b"i"}}


def test_a_list_may_be_ordered_by_the_id_alone() -> None:
    order = KeysetOrder(None, id_direction=1)
    assert order.sort == [("_id", 1)]
    assert order.continue_after({}, (None, b"i")) == {"_id": {"$gt": b"i"}}
    assert order.continue_after({"_id": b"c"}, (None, b"i")) == {
        "$and": [{"_id": b"c"}, {"_id": {"$gt": b"i"}}]
    }


def test_null_sorts_before_all_values() -> None:
    order = KeysetOrder("due", 1, 1, has_nulls=True)
    later = {"due": {"$ne": None}}
    assert order.continue_after({}, (None, b"i"))["$or"] == [later, {"due": None, "_id": {"$gt": b"i"}}]
