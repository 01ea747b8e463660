"""What a person refuses, as it reaches the records of others."""

from __future__ import annotations

import pytest

from discretion.catalogue.model import Family
from discretion.purpose.refused_nodes import list_refused_nodes
from discretion.purpose.statements import RecordStatements
from tests.fixtures.platform import read_shipped_catalogue
from tests.unit.purpose.test_permissions import no, repeat, yes

PURPOSES = read_shipped_catalogue().purposes
EMAIL, MARKETING, NOW = "marketing.communications.email", "marketing", 1000
BELOW = tuple(sorted(key for key in PURPOSES if key.startswith("marketing.")))
SHARING = tuple(sorted(key for key, purpose in PURPOSES.items() if purpose.family is Family.SHARING))


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (RecordStatements(), ()),
        (RecordStatements(own=yes(EMAIL)), ()),
        (RecordStatements(own=no(EMAIL)), (EMAIL,)),
        (RecordStatements(explicit=no(EMAIL)), (EMAIL,)),
        (RecordStatements(ambient=repeat(no(EMAIL))), (EMAIL,)),
        # A contract is not refused.
        (RecordStatements(own=no("functional.service")), ()),
        (RecordStatements(own=no(MARKETING)), (MARKETING, *BELOW)),
        # Lifted for each purpose below: the node is not refused either.
        (
            RecordStatements(
                own=(*no(MARKETING, at=1), *(choice for key in BELOW for choice in yes(key, at=2)))
            ),
            (),
        ),
        (
            RecordStatements(own=(*no(MARKETING, at=1), *yes(EMAIL, at=2))),
            tuple(key for key in BELOW if key != EMAIL),
        ),
        (RecordStatements(opted_out_at=5), SHARING),
        (
            RecordStatements(
                opted_out_at=5, own=tuple(choice for key in SHARING for choice in yes(key, at=6))
            ),
            (),
        ),
    ],
)
def test_a_refusal_names_purposes_and_fully_refused_nodes(
    record: RecordStatements, expected: tuple[str, ...]
) -> None:
    assert list_refused_nodes(PURPOSES, (record,), NOW) == expected


def test_a_refusal_of_one_record_is_that_of_the_person() -> None:
    records = (RecordStatements(own=yes(EMAIL), is_login=True), RecordStatements(explicit=no(EMAIL)))
    assert list_refused_nodes(PURPOSES, records, NOW) == (EMAIL,)
