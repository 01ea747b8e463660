"""Forms: how a stored value looks when it is revealed.

Each render is a pure function ``(stored value, now in ms) -> answer``. What a coarser form omits cannot be
computed from its result.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from discretion.catalogue.model import Attribute, EventProperty, Form, ValueType
from discretion.catalogue.money import MINOR_UNITS, format_amount
from discretion.plan.plan import RenderFunction
from discretion.purpose.decision import EVERY_BIT

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AGE_BANDS = ((18, "under 18"), (25, "18-24"), (35, "25-34"), (45, "35-44"), (55, "45-54"), (65, "55-64"))
_OLDEST_LABEL = "65 or over"


class FormRenderer:
    """Builds the render of an attribute in a form. ``key`` is the HMAC key of pseudonyms."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __repr__(self) -> str:
        """Return a text without the key."""
        return "FormRenderer(****)"

    def build_render(self, attribute: Attribute, form: Form) -> RenderFunction | None:
        """Return the render of ``attribute`` in ``form``, or None if the stored value is the answer."""
        if form is Form.CLEAR:
            return build_clear_render(attribute)
        if form is Form.COARSE and attribute.type is ValueType.MONEY:
            return _build_money_render(attribute, _format_magnitude)
        render: RenderFunction
        if form is Form.MASKED:
            render = _render_masked
        elif form is Form.COARSE:
            render = _COARSE_RENDERS.get(attribute.type, _render_prefix)
        else:
            render = self._build_pseudonym_render(attribute.path)
        return _render_each(render) if attribute.many else render

    def _build_pseudonym_render(self, path: str) -> RenderFunction:
        def render(value: Any, _now: int) -> str:
            # The path is part of the input, so equal values of two attributes have different pseudonyms.
            return hmac.digest(self._key, f"{path}\0{value}".encode(), "sha256")[:12].hex()

        return render


def build_clear_render(attribute: Attribute) -> RenderFunction | None:
    """Return the render of an attribute in clear, or None if the stored value is the answer."""
    if attribute.type is ValueType.MONEY:
        return _build_money_render(attribute, format_amount)
    render = CLEAR_RENDERS.get(attribute.type)
    return render if render is None or not attribute.many else _render_each(render)


def is_seen(declared: EventProperty, bits: int) -> bool:
    """Return whether purposes, as bits, see a property of an event that they see in clear."""
    return not declared.uses or any(bits >> use.purpose.bit & 1 for use in declared.uses)


def render_property(declared: EventProperty, value: Any, bits: int = EVERY_BIT) -> Any:
    """Return a stored value of an event's property in clear, with those members that these purposes see."""
    if declared.members:
        items = value if declared.many else [value]
        rendered = [_render_object(declared, item, bits) for item in items]
        return rendered if declared.many else rendered[0]
    render = CLEAR_RENDERS.get(declared.type)
    if render is None:
        return value
    return _render_each(render)(value, 0) if declared.many else render(value, 0)


def _render_object(declared: EventProperty, stored: Mapping[str, Any], bits: int) -> dict[str, Any]:
    return {
        member.name: render_property(member, stored[member.name])
        for member in declared.members
        if member.name in stored and is_seen(member, bits)
    }


def _render_each(render: RenderFunction) -> RenderFunction:
    return lambda values, now: [render(value, now) for value in values]


def format_timestamp(ms: int) -> str:
    """Return a time (ms since 1970) as RFC 3339 text in UTC with milliseconds."""
    return (_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def format_month(ms: int) -> str:
    """Return the month of a time (ms since 1970), such as ``2026-05``."""
    return format_timestamp(ms)[:7]


def _render_datetime(value: Any, _now: int) -> str:
    return format_timestamp(value)


def render_money(value: Any, _now: int = 0) -> dict[str, str]:
    """Return minor units and currency as an amount in decimal text and its currency.

    Text, because a JSON number is read as a binary fraction: 0.1 + 0.2 is not 0.3, and 27.50 loses its zero.
    ``Intl.NumberFormat`` of browsers takes such text as it is.
    """
    minor, currency = value
    return {"amount": format_amount(minor, currency), "currency": currency}


def _build_money_render(attribute: Attribute, format_minor: Callable[[int, str], str]) -> RenderFunction:
    currency = attribute.currency

    def render(minor: Any, _now: int) -> dict[str, str]:
        return {"amount": format_minor(minor, currency), "currency": currency}

    def render_list(pairs: Any, _now: int) -> list[dict[str, str]]:
        return [{"amount": format_minor(minor, code), "currency": code} for minor, code in pairs]

    return render_list if attribute.many else render


def _render_masked(value: Any, _now: int) -> str:
    """Return the first character of each part without a hint of the length: ``a***@e***``."""
    text = str(value)
    name, at, host = text.rpartition("@")
    if at:
        return f"{name[:1]}***@{host[:1]}***"
    if text.startswith("+"):
        return f"{text[:3]}***"
    return f"{text[:1]}***"


def _render_age_band(value: Any, now: int) -> str:
    born = date.fromisoformat(value)
    today = (_EPOCH + timedelta(milliseconds=now)).date()
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return next((label for below, label in _AGE_BANDS if age < below), _OLDEST_LABEL)


def _render_month(value: Any, _now: int) -> str:
    return format_month(value)


def _format_magnitude(minor: int, currency: str) -> str:
    return str(_render_magnitude(minor // 10 ** MINOR_UNITS[currency], 0))


def _render_magnitude(value: Any, _now: int) -> int:
    """Round down to one significant digit."""
    whole = int(value)
    step = 10 ** max(len(str(abs(whole))) - 1, 0)
    return int(whole // step * step)


def _render_prefix(value: Any, _now: int) -> str:
    """Return the first two characters; of a postal code they name its region."""
    return f"{str(value)[:2]}…"


CLEAR_RENDERS: dict[ValueType, Callable[[Any, int], Any]] = {
    ValueType.DATETIME: _render_datetime,
    ValueType.MONEY: render_money,
}
"""Renders of the types whose stored form differs from the form in an answer: times (ms), and money with its
currency.

The single amount of an attribute is stored without its currency; ``build_clear_render`` knows it."""
_COARSE_RENDERS: dict[ValueType, Callable[[Any, int], Any]] = {
    ValueType.DATE: _render_age_band,
    ValueType.DATETIME: _render_month,
    ValueType.INT: _render_magnitude,
    ValueType.FLOAT: _render_magnitude,
}
"""Coarse renders by type; all other types show their first two characters."""
