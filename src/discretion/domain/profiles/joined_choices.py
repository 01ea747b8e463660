"""Acceptances of one login that cover the records which are joined with it. Pure functions.

A person's own acceptance belongs to the login under which they stated it. It lifts what the other records of
the person refused before, but only for as long as these are joined: whoever joined an account that is not
theirs has agreed to nothing for its owner. So the other records store it apart from their own statements,
and lose it when the record that states it is separated from them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from discretion.store.source_record import Choice, SourceRecord


def select_own_choices(record: SourceRecord) -> Mapping[str, Choice]:
    """Return the person's own statements that count for a record: of both kinds the latest."""
    own = record.own_choices
    if not record.joined_choices:
        return own
    later = {
        purpose: choice
        for purpose, choice in record.joined_choices.items()
        if purpose not in own or choice.at > own[purpose].at
    }
    return {**own, **later}


def drop_separated_choices(records: Collection[SourceRecord]) -> set[bytes]:
    """Remove acceptances that no record of the person states any more; return the ids of changed records."""
    if not any(record.joined_choices for record in records):
        return set()
    stated = {
        (purpose, choice.message) for record in records for purpose, choice in record.own_choices.items()
    }
    changed: set[bytes] = set()
    for record in records:
        for purpose, choice in list(record.joined_choices.items()):
            if (purpose, choice.message) not in stated:
                del record.joined_choices[purpose]
                changed.add(record.id)
    return changed
