"""The driver's exceptions in our words.

A write concern error means "unknown", never "failed": the document can be stored, and stay,
while the driver raises. So does a connection lost under a write. Messages name the kind of
error and the server's number for it, and never a value: the driver's own quote whole documents.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar

from bson.errors import BSONError
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WriteConcernError,
    WTimeoutError,
)

from discretion.errors import Broken, Conflict, DiscretionError, Unavailable

T = TypeVar("T")
FOREIGN = (PyMongoError, BSONError, OverflowError)
"""What the drivers raise; OverflowError for an integer beyond 64 bits."""

DUPLICATE_KEY = frozenset({11000, 11001, 12582})
DOCUMENT_INVALID = 121
TIMED_OUT = frozenset(
    {50, 202, 262}
)  # MaxTimeMSExpired, NetworkInterfaceExceededTimeLimit, ExceededTimeLimit


class Again(Unavailable):
    """A transaction met another one, or its server went away before the commit; it changed nothing."""


class UnknownCommit(Unavailable):
    """A commit was sent and its answer lost; sending it again is safe."""


class Refused(Broken):
    """The server understood and would not. ``number`` is MongoDB's error code, 0 if there is none."""

    def __init__(self, message: str, number: int = 0) -> None:
        super().__init__("STORE_REFUSED", message)
        self.number = number


async def done(call: Awaitable[T], *, wrote: bool) -> T:
    """A call's result, or what went wrong in our words.

    In a transaction nothing counts as written before its commit, so ``wrote`` is false there.
    """
    try:
        return await call
    except FOREIGN as error:
        fault = mapped(error, wrote=wrote)
    raise fault  # outside, so that the driver's error is not its context


def mapped(error: Exception, *, wrote: bool) -> DiscretionError:
    """Our error for the driver's.

    Args:
        error: What the driver raised.
        wrote: Whether it was asked to write.
    """
    name = _name(error)
    if isinstance(error, PyMongoError):
        if error.has_error_label("UnknownTransactionCommitResult"):
            return UnknownCommit("STORE_WRITE_UNKNOWN", f"A transaction may have been committed ({name}).")
        if error.has_error_label("TransientTransactionError"):
            return Again("STORE_UNAVAILABLE", f"A transaction did not go through ({name}).")
    if isinstance(error, BSONError | OverflowError):
        return Broken("STORE_DOCUMENT_INVALID", f"A value cannot be stored ({name}).")
    if isinstance(error, BulkWriteError):
        return _mapped_bulk(error, name)
    if isinstance(error, DuplicateKeyError):
        return _duplicate()
    if _never_sent(error):
        return Unavailable("STORE_UNAVAILABLE", f"MongoDB cannot be reached ({name}).")
    if _is_unsure(error):
        return (
            _unknown(name)
            if wrote
            else Unavailable("STORE_UNAVAILABLE", f"MongoDB does not answer ({name}).")
        )
    number = _number(error)
    if number == DOCUMENT_INVALID:
        return _invalid(name)
    return Refused(f"MongoDB refused ({name}).", number)


def _mapped_bulk(error: BulkWriteError, name: str) -> DiscretionError:
    """Of several write errors, the one that leaves the most open."""
    details: dict[str, Any] = dict(error.details)
    numbers = {int(one.get("code", 0)) for one in details.get("writeErrors", ())}
    if details.get("writeConcernErrors") or not numbers or numbers & TIMED_OUT:
        return _unknown(name)
    others = numbers - DUPLICATE_KEY
    if not others:
        return _duplicate()
    if others == {DOCUMENT_INVALID}:
        return _invalid(name)
    number = min(others - {DOCUMENT_INVALID})
    return Refused(f"MongoDB refused ({name}, {number}).", number)


def _never_sent(error: Exception) -> bool:
    """No server was found or no connection free. A first try that was sent raises its own error."""
    return isinstance(error, ServerSelectionTimeoutError | WaitQueueTimeoutError)


def _is_unsure(error: Exception) -> bool:
    """Whether a write that ended so may have happened."""
    return isinstance(error, ConnectionFailure | WriteConcernError | WTimeoutError | ExecutionTimeout) or (
        isinstance(error, PyMongoError)
        and (error.timeout or error.has_error_label("RetryableWriteError") or _number(error) in TIMED_OUT)
    )


def _number(error: Exception) -> int:
    return int(error.code or 0) if isinstance(error, OperationFailure) else 0


def _name(error: Exception) -> str:
    number = _number(error)
    return f"{type(error).__name__}, {number}" if number else type(error).__name__


def _unknown(name: str) -> Unavailable:
    return Unavailable("STORE_WRITE_UNKNOWN", f"A write may or may not have happened ({name}).")


def _duplicate() -> Conflict:
    return Conflict("DUPLICATE", "A document with this key exists.")


def _invalid(name: str) -> Broken:
    return Broken("STORE_DOCUMENT_INVALID", f"A document does not fit its collection ({name}).")
