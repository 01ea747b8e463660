"""A value that keeps itself shut: its repr is stars, in logs and tracebacks too."""

from __future__ import annotations

from typing import Generic, TypeVar, final

T = TypeVar("T")


@final
class Shut(Generic[T]):
    """Holds a personal value on its way from the door to its seal.

    Printing, formatting and comparing never show it. ``value`` is the one way to it, so
    that every use can be found by searching for the word.
    """

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def __repr__(self) -> str:
        """Stars, whatever is inside."""
        return "Shut(****)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        """Stars, whatever is asked."""
        return "****"

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse to be pickled: a pickle is a copy that nothing shreds."""
        raise TypeError("a shut value cannot be pickled")
