"""Ambient statements: what a source repeats about purposes in the context of its messages."""

from __future__ import annotations

from collections.abc import Mapping

from discretion.purpose.statements import list_purpose_path


def merge_strictest(choices: Mapping[str, bool], other_choices: Mapping[str, bool]) -> Mapping[str, bool]:
    """Merge two mappings of purpose → permitted; if either refuses, the result refuses."""
    if not other_choices:
        return choices
    return {
        **choices,
        **{purpose: permits and choices.get(purpose, True) for purpose, permits in other_choices.items()},
    }


def refuse_contradicted(
    preferences: Mapping[str, bool], string_choices: Mapping[str, bool]
) -> Mapping[str, bool]:
    """Return the preferences of a message, without acceptances that its consent string refuses.

    The two may differ, and the string may be older: of the same message the refusal counts.
    """
    refused = {
        purpose: False
        for purpose, permits in string_choices.items()
        if not permits and any(preferences.get(node) for node in list_purpose_path(purpose))
    }
    return {**preferences, **refused} if refused else preferences
