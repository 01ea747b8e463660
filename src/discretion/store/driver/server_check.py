"""Whether the server behind a URL is one we can work with."""

from __future__ import annotations

from collections.abc import Sequence

from discretion.errors import Misconfigured, Unavailable
from discretion.store.driver.database import Database, Refused

OLDEST = (6, 0)
UNAUTHORISED = frozenset({13, 18, 8000})  # Unauthorized, AuthenticationFailed, Atlas' own


async def inspect(database: Database) -> None:
    """Look at the server before anything is written to it.

    Raises:
        Misconfigured: ``MONGO_UNREACHABLE``, ``MONGO_LOGIN_REFUSED``, ``MONGO_TOO_OLD`` or
            ``MONGO_NOT_REPLICA_SET``.
    """
    try:
        hello = await database.command({"hello": 1}, admin=True)
        build = await database.command({"buildInfo": 1}, admin=True)
    except Unavailable as away:
        raise Misconfigured(
            "MONGO_UNREACHABLE",
            away.message,
            "See that it runs, that DISCRETION_MONGO_URL leads to it, and that the names its replica set "
            "gives its members lead there too.",
        ) from None
    except Refused as refused:
        if refused.number not in UNAUTHORISED:
            raise
        raise Misconfigured(
            "MONGO_LOGIN_REFUSED",
            "MongoDB refuses the login.",
            "Look at user and password in DISCRETION_MONGO_URL.",
        ) from None
    check_version(build["versionArray"])
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        raise Misconfigured(
            "MONGO_NOT_REPLICA_SET",
            "This MongoDB is no replica set, so it has no transactions.",
            "A single server becomes one: start it with --replSet rs0, then run rs.initiate() in mongosh.",
        )


def check_version(version: Sequence[int]) -> None:
    """See that a server is new enough.

    Args:
        version: As ``buildInfo`` gives it, such as ``[6, 0, 5, 0]``.

    Raises:
        Misconfigured: ``MONGO_TOO_OLD``.
    """
    if tuple(version[:2]) < OLDEST:
        found, oldest = (".".join(str(part) for part in one) for one in (version[:3], OLDEST))
        raise Misconfigured("MONGO_TOO_OLD", f"This MongoDB is {found}.", f"Use {oldest} or newer.")
