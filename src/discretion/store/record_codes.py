"""The ``record_codes`` collection: codes by which a login proves that a record of somebody else is theirs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from discretion.store.document import Document, MutableDocument, build_date
from discretion.store.driver.database import Database, Session
from discretion.store.request_codec import build_code, parse_code
from discretion.store.subject_request import IdentityCode

COLLECTION = "record_codes"


@dataclass(frozen=True, slots=True)
class RecordCode:
    """The codes that one login had sent for one record.

    Attributes:
        login: The source record of the login.
        record: The source record that may be theirs.
        address: Blind index of the address that the last code was sent to; None if it was sent to nobody.
        code: The code that was sent last.
        sent: When codes were sent within the last hour (ms).
    """

    login: bytes
    record: bytes
    address: bytes | None = None
    code: IdentityCode | None = None
    sent: tuple[int, ...] = ()

    @property
    def id(self) -> bytes:
        """The same id for the same login and record."""
        return hashlib.sha256(self.login + self.record).digest()[:16]


class RecordCodeStore:
    """Reads and writes of codes for records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, login: bytes, record: bytes, session: Session | None = None) -> RecordCode:
        """Return what is stored of a login and a record; without anything stored, no code was sent."""
        empty = RecordCode(login, record)
        document = await self._database.find_one(COLLECTION, {"_id": empty.id}, session=session)
        return empty if document is None else parse_record_code(document)

    async def save(self, codes: RecordCode, now_ms: int, expires_at: int, session: Session) -> None:
        """Store codes now (ms), until MongoDB may delete them (ms)."""
        document = build_record_code_document(codes, now_ms, expires_at)
        await self._database.replace_one(
            COLLECTION, {"_id": codes.id}, document, upsert=True, session=session
        )

    async def count_of_login(self, login: bytes, since: int, limit: int) -> int:
        """Count the codes after a time (ms) of a login, for all records.

        At most ``limit`` documents are read.
        """
        return await self._count({"login": login}, since, limit)

    async def count_for_record(self, record: bytes, since: int, limit: int) -> int:
        """Count the codes after a time (ms) for a record; at most ``limit`` documents are read."""
        return await self._count({"record": record}, since, limit)

    async def _count(self, query: Mapping[str, object], since: int, limit: int) -> int:
        documents = await self._database.find(
            COLLECTION, {**query, "codes": {"$gt": since}}, {"codes": 1}, limit=limit
        )
        return sum(at > since for document in documents for at in document["codes"])


def parse_record_code(document: Document) -> RecordCode:
    """Parse the stored document."""
    return RecordCode(
        document["login"],
        document["record"],
        document.get("address"),
        parse_code(document.get("code")),
        tuple(document["codes"]),
    )


def build_record_code_document(codes: RecordCode, now_ms: int, expires_at: int) -> MutableDocument:
    """Build the stored document."""
    code = build_code(codes.code)
    return {
        "_id": codes.id,
        "login": codes.login,
        "record": codes.record,
        "codes": list(codes.sent),
        "at": now_ms,
        "expires": build_date(expires_at),
        **({} if codes.address is None else {"address": codes.address}),
        **({} if code is None else {"code": code}),
    }
