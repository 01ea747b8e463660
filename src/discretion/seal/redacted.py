"""A wrapper that hides a personal value: its text is stars, in logs and tracebacks too."""

from __future__ import annotations

from typing import Generic, TypeVar, final

T_co = TypeVar("T_co", covariant=True)


@final
class Redacted(Generic[T_co]):
    """Holds a personal value between its arrival and its encryption.

    Printing and formatting never show it. ``value`` is the only access, so every use can be found by
    searching for that name.
    """

    __slots__ = ("value",)

    def __init__(self, value: T_co) -> None:
        self.value = value

    def __repr__(self) -> str:
        """Return stars in place of the value."""
        return "Redacted(****)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        """Return stars, whatever the format specification."""
        return "****"

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse to be pickled: a pickle is a copy that crypto-shredding does not reach."""
        raise TypeError("a redacted value cannot be pickled")
