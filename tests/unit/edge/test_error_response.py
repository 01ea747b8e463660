"""Errors outside GraphQL: the caller reads the code of a fault, and the log no text of an exception."""

from __future__ import annotations

import orjson
import pytest

from discretion.edge.error_response import build_error_response
from discretion.errors import Broken, Unavailable

ADDRESS = "ann@shop.example"


def build_broken_error() -> Broken:
    """Return a fault whose cause quotes personal data, as raised."""
    try:
        try:
            raise ValueError(f"cannot store {ADDRESS}")
        except ValueError as error:
            raise Broken("STORE_REFUSED", f"not stored: {ADDRESS}") from error
    except Broken as broken:
        return broken


def test_the_log_of_a_fault_names_lines_and_types_only(caplog: pytest.LogCaptureFixture) -> None:
    """The text of a foreign exception may quote what somebody sent."""
    response = build_error_response(build_broken_error())
    assert ADDRESS not in caplog.text
    assert "Broken STORE_REFUSED" in caplog.text
    assert "ValueError: " in caplog.text
    assert "test_error_response.py" in caplog.text
    assert ADDRESS not in bytes(response.body).decode()


def test_a_fault_is_answered_with_its_code_and_when_to_ask_again() -> None:
    """The message of a fault is for the operator."""
    response = build_error_response(Unavailable("LEDGER_UNAVAILABLE", "host db-1 is down"))
    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    body = orjson.loads(bytes(response.body))
    assert body["code"] == "LEDGER_UNAVAILABLE"
    assert "db-1" not in body["message"]
