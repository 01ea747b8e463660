"""The connection to MongoDB: a URL becomes a ``Database`` over one of the two drivers."""

from __future__ import annotations

from collections.abc import Sequence

from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError
from pymongo.monitoring import CommandListener

from discretion.errors import Misconfigured
from discretion.store.document import MutableDocument
from discretion.store.driver.database import Database, MotorDatabase

__all__ = ["CommandListener", "connect_database"]

SERVER_SELECTION_MS = 5_000
"""Time until a primary must be found."""

OPERATION_MS = 10_000
"""Time for one call, its retries included."""


async def connect_database(
    url: str, name: str, driver: str = "pymongo", listeners: Sequence[CommandListener] = ()
) -> Database:
    """Create a database client. Nothing is sent yet; ``check_server`` tests the connection.

    Time limits in the URL take precedence over the defaults. Its write concern, read preference and read
    concern have no effect: writes wait for a majority, reads go to the primary.

    Args:
        url: MongoDB connection string.
        name: Name of the database.
        driver: ``pymongo`` or ``motor``.
        listeners: Are notified of every command.

    Raises:
        Misconfigured: ``MONGO_URL_INVALID``.
    """
    options: MutableDocument = {
        "appname": "discretion",
        # Defaults of the whole client: an acknowledged write survives the loss of the primary and a crash of
        # its process.
        "w": "majority",
        "journal": True,
        "retryWrites": True,
        "retryReads": True,
        "tz_aware": True,
        "uuidRepresentation": "standard",
        "event_listeners": list(listeners),
    }
    for option, value in (("serverSelectionTimeoutMS", SERVER_SELECTION_MS), ("timeoutMS", OPERATION_MS)):
        # PyMongo lets a keyword argument override the URL, so an option that the URL names must not be
        # passed.
        if f"{option}=".lower() not in url.lower():
            options[option] = value
    try:
        if driver == "motor":
            from motor.motor_asyncio import AsyncIOMotorClient  # noqa: PLC0415 - only if asked for

            return MotorDatabase(AsyncIOMotorClient(url, **options), name)
        return Database(AsyncMongoClient(url, **options), name)
    except (PyMongoError, ValueError) as error:
        invalid = Misconfigured(
            "MONGO_URL_INVALID",
            f"The MongoDB URL is invalid ({type(error).__name__}).",
            "It looks like mongodb://host:27017/?replicaSet=name",
        )
    raise invalid  # outside, so that the driver's message, which may quote a password, is not its context
