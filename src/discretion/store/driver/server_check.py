"""The requirements for the MongoDB server: reachable, authorised, recent enough, and a replica set."""

from __future__ import annotations

from collections.abc import Sequence

from discretion.errors import Misconfigured, Unavailable
from discretion.store.driver.database import Database, StoreRefused

OLDEST_VERSION = (6, 0)
UNAUTHORISED = frozenset({13, 18, 8000})  # Unauthorized, AuthenticationFailed, Atlas' own


async def check_server(database: Database) -> None:
    """Check the server before anything is written to it.

    Raises:
        Misconfigured: ``MONGO_UNREACHABLE``, ``MONGO_LOGIN_REFUSED``, ``MONGO_TOO_OLD`` or
            ``MONGO_NOT_REPLICA_SET``. ``MONGO_URL_UNSAFE``: the URL ties this process to one of several
            members; drivers go on reading from it when another one becomes the primary.
    """
    try:
        hello = await database.command({"hello": 1}, admin=True)
        build_info = await database.command({"buildInfo": 1}, admin=True)
    except Unavailable as unavailable:
        raise Misconfigured(
            "MONGO_UNREACHABLE",
            unavailable.message,
            "Check that it runs, that DISCRETION_MONGO_URL points to it, and that the host names of its "
            "replica set members can be resolved from here.",
        ) from None
    except StoreRefused as refused:
        if refused.number not in UNAUTHORISED:
            raise
        raise Misconfigured(
            "MONGO_LOGIN_REFUSED",
            "MongoDB refuses the login.",
            "Check user and password in DISCRETION_MONGO_URL.",
        ) from None
    check_server_version(build_info["versionArray"])
    # A router of a sharded cluster (mongos) has no ``setName`` and answers ``isdbgrid``.
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        raise Misconfigured(
            "MONGO_NOT_REPLICA_SET",
            "This MongoDB is not a replica set, so it has no transactions.",
            "For a single server: start it with --replSet rs0, then run rs.initiate() in mongosh.",
        )
    if database.is_direct and len(hello.get("hosts", ())) + len(hello.get("passives", ())) > 1:
        raise Misconfigured(
            "MONGO_URL_UNSAFE",
            "The MongoDB URL connects directly to one member of a replica set with several.",
            "Leave directConnection out of DISCRETION_MONGO_URL, and name the replica set: replicaSet=name",
        )


def check_server_version(version: Sequence[int]) -> None:
    """Check that a server is recent enough.

    Args:
        version: As in ``buildInfo``, such as ``[6, 0, 5, 0]``.

    Raises:
        Misconfigured: ``MONGO_TOO_OLD``.
    """
    if tuple(version[:2]) < OLDEST_VERSION:
        running, oldest = (".".join(str(part) for part in parts) for parts in (version[:3], OLDEST_VERSION))
        raise Misconfigured("MONGO_TOO_OLD", f"This MongoDB is {running}.", f"Use {oldest} or newer.")
