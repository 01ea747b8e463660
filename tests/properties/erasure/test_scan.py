"""No value of an erased person is stored anywhere, and none of their wrapped keys can be unwrapped."""

from __future__ import annotations

from pathlib import Path

from tests.properties.erasure.search import erase_and_search

PEOPLE = 12


async def test_no_value_of_erased_people_is_in_documents_oplog_or_files(tmp_path: Path) -> None:
    result = await erase_and_search(tmp_path, PEOPLE)
    assert result.hits == []
    assert (result.keys_tried, result.keys_opened) == (PEOPLE, 0)
    assert result.people_found == 0
    assert result.messages_sent > PEOPLE
    assert result.control_locations == {"oplog", "journal", "collection-"}
