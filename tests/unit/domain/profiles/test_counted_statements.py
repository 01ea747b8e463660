"""What the catalogue sets aside narrows what counts, and brings the refusal before it back."""

from __future__ import annotations

from datetime import date

import pytest

from discretion.catalogue.source_consent import SetAside, SourceConsent
from discretion.domain.profiles.counted_statements import select_ambient, select_explicit
from discretion.purpose.statements import AmbientChoice
from discretion.store.source_record import Choice, SourceRecord

DAY = 86_400_000
MAY = SourceConsent(set_aside=(SetAside("Faulty.", "office", date(1970, 1, 11), date(1970, 1, 21)),))
"""The days 10 to 19 since 1970 are set aside."""


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Choice(True, 10 * DAY, "m"), None),
        (Choice(True, 20 * DAY - 1, "m"), None),
        (Choice(True, 20 * DAY, "m"), Choice(True, 20 * DAY, "m")),
        (Choice(True, 10 * DAY - 1, "m"), Choice(True, 10 * DAY - 1, "m")),
        (Choice(False, 15 * DAY, "m"), Choice(False, 15 * DAY, "m")),
        (Choice(True, 15 * DAY, "m", refused_at=3), Choice(False, 3, "m")),
    ],
)
def test_an_explicit_acceptance_of_the_period_does_not_count(choice: Choice, expected: Choice | None) -> None:
    assert select_explicit({"marketing": choice}, MAY).get("marketing") == expected


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (AmbientChoice(12 * DAY, 13 * DAY), None),
        (AmbientChoice(1, 5), AmbientChoice(1, 5)),
        (AmbientChoice(21 * DAY, 22 * DAY), AmbientChoice(21 * DAY, 22 * DAY)),
        # Repeated through the period: whether it was refused in between is unknown.
        (AmbientChoice(1, 40 * DAY), None),
        (AmbientChoice(12 * DAY, 13 * DAY, refused_last=4), AmbientChoice(refused_last=4)),
        (AmbientChoice(refused_last=15 * DAY), AmbientChoice(refused_last=15 * DAY)),
        (AmbientChoice(dated=15 * DAY), None),
        (AmbientChoice(1, 5, None, 15 * DAY), AmbientChoice(1, 5)),
    ],
)
def test_a_repeated_acceptance_of_the_period_does_not_count(
    choice: AmbientChoice, expected: AmbientChoice | None
) -> None:
    record = SourceRecord(b"r", "shop", b"c", 1, 1, 1, 1, ambient_choices={"marketing": choice})
    assert select_ambient(record, MAY).get("marketing") == expected


def test_without_an_end_all_acceptances_to_come_are_set_aside() -> None:
    always = SourceConsent(set_aside=(SetAside("Faulty.", "office"),))
    assert (
        select_explicit({"marketing": Choice(True, 0, "m"), "analytics": Choice(True, 2**50, "m")}, always)
        == {}
    )
