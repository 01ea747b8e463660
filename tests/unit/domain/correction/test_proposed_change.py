"""Proposed changes are checked like values from sources."""

from __future__ import annotations

from typing import Any

import pytest

from discretion.catalogue.load import load_catalogue
from discretion.domain.correction.proposed_change import check_changes
from discretion.errors import BadRequest

NOW = 1_790_000_000_000
INVALID_CHANGES = {
    "nothing": ({}, "CORRECTION_EMPTY"),
    "unknown": ({"contact.emial": "x"}, "ATTRIBUTE_UNKNOWN"),
    "computed": ({"commerce.orderCount": 3}, "CORRECTION_NEVER"),
    "device": ({"web.cookieId": "secret"}, "CORRECTION_NEVER"),
    "type": ({"demographics.birthDate": "secret"}, "TYPE_WRONG"),
    "value": ({"demographics.maritalStatus": "secret"}, "VALUE_UNDECLARED"),
    "country": ({"contact.address.country": "secret"}, "VALUE_INVALID"),
    "future": ({"demographics.birthDate": "9999-12-31"}, "VALUE_INVALID"),
    "address": ({"contact.email": "secret"}, "IDENTIFIER_INVALID"),
    "many": ({f"contact.x{n}": "secret" for n in range(101)}, "CORRECTION_TOO_MANY"),
}


@pytest.mark.parametrize(("changes", "code"), INVALID_CHANGES.values(), ids=INVALID_CHANGES)
def test_invalid_changes_are_refused_without_echoing_values(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(BadRequest) as error:
        check_changes(load_catalogue(None), changes, NOW)
    assert error.value.code == code
    assert "secret" not in str(error.value)
