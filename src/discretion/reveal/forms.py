"""Forms: how a stored value looks when it is revealed.

Each render is a pure function ``(stored value, now in ms) -> answer``; what a coarser form
leaves out cannot be computed back from it.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from discretion.catalogue.model import Attribute, Form, ValueType
from discretion.plan.plan import Render

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AGES = ((18, "under 18"), (25, "18-24"), (35, "25-34"), (45, "35-44"), (55, "45-54"), (65, "55-64"))
_OLDEST = "65 or over"


class Forms:
    """Makes the render of an attribute in a form. ``key`` keys pseudonyms."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __repr__(self) -> str:
        """Without the key."""
        return "Forms(****)"

    def render(self, attribute: Attribute, form: Form) -> Render | None:
        """How ``attribute`` looks in ``form``; None when the stored value is the answer."""
        if form is Form.CLEAR:
            one = CLEAR.get(attribute.type)
        elif form is Form.MASKED:
            one = _masked
        elif form is Form.COARSE:
            one = _COARSE.get(attribute.type, _first_letters)
        else:
            one = self._pseudonym(attribute.path)
        if one is None or not attribute.many:
            return one
        return lambda values, now: [one(value, now) for value in values]

    def _pseudonym(self, path: str) -> Render:
        def render(value: Any, _now: int) -> str:
            return hmac.digest(self._key, f"{path}\0{value}".encode(), "sha256")[:12].hex()

        return render


def iso(ms: int) -> str:
    """A time as RFC 3339 text in UTC with milliseconds."""
    return (_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def month(ms: int) -> str:
    """The month of a time: ``2026-05``."""
    return iso(ms)[:7]


def _datetime(value: Any, _now: int) -> str:
    return iso(value)


def _money(value: Any, _now: int) -> float:
    return float(value) / 100


def _masked(value: Any, _now: int) -> str:
    """The first character of each part and no hint of the length: ``a***@e***``."""
    text = str(value)
    name, at, host = text.rpartition("@")
    if at:
        return f"{name[:1]}***@{host[:1]}***"
    if text.startswith("+"):
        return f"{text[:3]}***"
    return f"{text[:1]}***"


def _age_band(value: Any, now: int) -> str:
    born = date.fromisoformat(value)
    today = (_EPOCH + timedelta(milliseconds=now)).date()
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return next((label for below, label in _AGES if age < below), _OLDEST)


def _month(value: Any, _now: int) -> str:
    return month(value)


def _money_magnitude(value: Any, now: int) -> float:
    return float(_magnitude(value // 100, now))


def _magnitude(value: Any, _now: int) -> int:
    """Rounded down to one significant digit."""
    whole = int(value)
    step = 10 ** max(len(str(abs(whole))) - 1, 0)
    return int(whole // step * step)


def _first_letters(value: Any, _now: int) -> str:
    """The first two characters, as of a postal code: its region."""
    return f"{str(value)[:2]}…"


CLEAR: dict[ValueType, Callable[[Any, int], Any]] = {
    ValueType.DATETIME: _datetime,
    ValueType.MONEY: _money,
}
"""Types whose stored form is not the one an answer carries."""
_COARSE: dict[ValueType, Callable[[Any, int], Any]] = {
    ValueType.DATE: _age_band,
    ValueType.DATETIME: _month,
    ValueType.MONEY: _money_magnitude,
    ValueType.INT: _magnitude,
    ValueType.FLOAT: _magnitude,
}
