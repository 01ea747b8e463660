"""Translation of the driver's exceptions into the platform's errors.

A write concern error means "outcome unknown", never "failed": the document can be stored, and stay stored,
while the driver raises. The same holds for a connection that is lost during a write. Messages name the kind
of error and the server's number for it, never a value: the driver's messages quote whole documents.
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
DRIVER_ERRORS = (PyMongoError, BSONError, OverflowError)
"""Exceptions that the drivers raise; OverflowError for an integer beyond 64 bits."""

DUPLICATE_KEY = frozenset({11000, 11001, 12582})
DOCUMENT_INVALID = 121
TIMED_OUT = frozenset(
    {50, 202, 262}
)  # MaxTimeMSExpired, NetworkInterfaceExceededTimeLimit, ExceededTimeLimit


class TransactionAborted(Unavailable):
    """A transaction conflicted with another, or its server failed before the commit. Nothing was written."""


class CommitOutcomeUnknown(Unavailable):
    """A commit was sent and its answer lost. It can be sent again safely."""


class StoreRefused(Broken):
    """The server understood an operation and refused it.

    ``number`` is MongoDB's error code, 0 if there is none.
    """

    def __init__(self, message: str, number: int = 0) -> None:
        super().__init__("STORE_REFUSED", message)
        self.number = number


async def run_translated(call: Awaitable[T], *, is_write: bool) -> T:
    """Await a call of the driver and translate its errors.

    Args:
        call: The awaitable of the driver.
        is_write: Whether the call may have written. In a transaction nothing counts as written before the
            commit, so it is False there.
    """
    try:
        return await call
    except DRIVER_ERRORS as error:
        fault = translate_error(error, is_write=is_write)
    raise fault  # outside, so that the driver's error is not its context


def translate_error(error: Exception, *, is_write: bool) -> DiscretionError:
    """Return the platform's error for an error of the driver.

    Args:
        error: What the driver raised.
        is_write: Whether the call may have written.
    """
    name = _error_name(error)
    if isinstance(error, PyMongoError):
        # The labels are read before the class. A lost connection has the same class inside and outside of a
        # transaction, and only the label says what happened to the transaction.
        if error.has_error_label("UnknownTransactionCommitResult"):
            return CommitOutcomeUnknown(
                "STORE_WRITE_UNKNOWN", f"A transaction may have been committed ({name})."
            )
        if error.has_error_label("TransientTransactionError"):
            return TransactionAborted("STORE_UNAVAILABLE", f"A transaction was aborted ({name}).")
    if isinstance(error, BSONError | OverflowError):
        return Broken("STORE_DOCUMENT_INVALID", f"A value cannot be stored ({name}).")
    if isinstance(error, BulkWriteError):
        return _translate_bulk_error(error, name)
    if isinstance(error, DuplicateKeyError):
        return _duplicate_key()
    # Before ``_may_have_happened``: the classes of ``_never_sent`` are subclasses of ``ConnectionFailure``.
    if _never_sent(error):
        return Unavailable("STORE_UNAVAILABLE", f"MongoDB cannot be reached ({name}).")
    if _may_have_happened(error):
        return (
            _outcome_unknown(name)
            if is_write
            else Unavailable("STORE_UNAVAILABLE", f"MongoDB does not answer ({name}).")
        )
    number = _error_number(error)
    if number == DOCUMENT_INVALID:
        return _document_invalid(name)
    return StoreRefused(f"MongoDB refused ({name}).", number)


def _translate_bulk_error(error: BulkWriteError, name: str) -> DiscretionError:
    """Return, of several write errors, the one that leaves the most uncertainty."""
    details: dict[str, Any] = dict(error.details)
    numbers = {int(write_error.get("code", 0)) for write_error in details.get("writeErrors", ())}
    if details.get("writeConcernErrors") or not numbers or numbers & TIMED_OUT:
        return _outcome_unknown(name)
    others = numbers - DUPLICATE_KEY
    if not others:
        return _duplicate_key()
    if others == {DOCUMENT_INVALID}:
        return _document_invalid(name)
    number = min(others - {DOCUMENT_INVALID})
    return StoreRefused(f"MongoDB refused ({name}, {number}).", number)


def _never_sent(error: Exception) -> bool:
    """Return whether the call was not sent: no server was found, or no connection was free.

    A retry that finds no server raises the error of the first attempt instead.
    """
    return isinstance(error, ServerSelectionTimeoutError | WaitQueueTimeoutError)


def _may_have_happened(error: Exception) -> bool:
    """Return whether a write that ended with this error may have happened."""
    return isinstance(error, ConnectionFailure | WriteConcernError | WTimeoutError | ExecutionTimeout) or (
        isinstance(error, PyMongoError)
        and (
            error.timeout or error.has_error_label("RetryableWriteError") or _error_number(error) in TIMED_OUT
        )
    )


def _error_number(error: Exception) -> int:
    return int(error.code or 0) if isinstance(error, OperationFailure) else 0


def _error_name(error: Exception) -> str:
    number = _error_number(error)
    return f"{type(error).__name__}, {number}" if number else type(error).__name__


def _outcome_unknown(name: str) -> Unavailable:
    return Unavailable("STORE_WRITE_UNKNOWN", f"A write may or may not have happened ({name}).")


def _duplicate_key() -> Conflict:
    return Conflict("DUPLICATE", "A document with this key exists.")


def _document_invalid(name: str) -> Broken:
    return Broken(
        "STORE_DOCUMENT_INVALID", f"A document does not match the schema of its collection ({name})."
    )
