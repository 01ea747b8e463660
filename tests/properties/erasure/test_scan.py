"""Erased means erased: nothing that was ever told of somebody is anywhere, and no key of theirs opens."""

from __future__ import annotations

from pathlib import Path

from tests.properties.erasure.search import search

PEOPLE = 12


async def test_nothing_of_the_erased_is_found_in_documents_oplog_or_files(tmp_path: Path) -> None:
    found = await search(tmp_path, PEOPLE)
    assert found.hits == []
    assert (found.tried, found.opened) == (PEOPLE, 0)
    assert found.alive == 0
    assert found.messages > PEOPLE
    assert found.control == {"oplog", "journal", "collection-"}
