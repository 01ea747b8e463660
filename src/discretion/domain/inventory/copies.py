"""The inventory of copies: every place personal data may come to lie, and what an erasure does to each.

Collections say it themselves (``store/collections.py``). Here are the others: files, what a process keeps in
memory, partners, and what leaves the house. A test looks for places that nobody declared.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from discretion.store.schema.collections import COLLECTIONS


class Kind(StrEnum):
    """Where a copy lies."""

    COLLECTION = "collection"
    MEMORY = "memory"
    FILE = "file"
    PARTNER = "partner"


@dataclass(frozen=True, slots=True)
class Copy:
    """A place, what it may hold, and what an erasure does to it.

    Of memory the name is the module and what lies there; of a file its path in the data folder, with ``*``.
    """

    kind: Kind
    name: str
    holds: str
    erasure: str


_OPERATION = "Lives for one operation and goes with it, in seconds."
_NONE = "None; no personal data."
_EMPTIED = "Emptied in every process whenever keys change, which each erasure makes them do."
_QUEUE = "Empties within seconds; the write checks the tombstones, so nothing erased gets past it."


def _memory(name: str, holds: str, erasure: str) -> Copy:
    return Copy(Kind.MEMORY, name, holds, erasure)


def _nobody(*names: str) -> tuple[Copy, ...]:
    return tuple(
        _memory(name, "Terms of the catalogue, the law, the schema or the house.", _NONE) for name in names
    )


def _passing(*names: str) -> tuple[Copy, ...]:
    return tuple(_memory(name, "What is read, revealed or written just now.", _OPERATION) for name in names)


MEMORY: tuple[Copy, ...] = (
    _memory("seal.open Openers.of", "Data keys of customers met lately; no opened value.", _EMPTIED),
    _memory("seal.open Keyed.names", "Ids by which clients know a customer.", "Goes with the data key."),
    _memory(
        "edge.graphql.document_cache Documents._kept",
        "Texts of queries, with values somebody wrote in.",
        _EMPTIED,
    ),
    _memory("edge.graphql.document_cache Documents._weighed", "The same documents, weighed.", _EMPTIED),
    _memory("plan.plan_cache Plans._kept", "Plans, and with them documents of queries.", _EMPTIED),
    _memory("token.verify Verifier._kept", "Verified tokens by digest, and whose they are.", _EMPTIED),
    _memory(
        "domain.consent.opt_out_signal Heed._heard", "Ids of customers whose signal was heard.", _EMPTIED
    ),
    _memory("domain.ingest.queue Flow._waiting", "Messages on their way in.", _QUEUE),
    _memory("ledger.append Ledger._waiting", "Disclosures on their way to the ledger.", _QUEUE),
    _memory("store.customers Customers._waiting", "Ids of customers being read.", _OPERATION),
    _memory("store.customers Customers._tasks", "Reads under way.", _OPERATION),
    _memory(
        "law.age attained",
        "Days of birth of children and the days they come of age; nothing says whose.",
        "None; it leads to nobody, and falls out after 4,096 others.",
    ),
    _memory(
        "purpose.permission_engine Judge._remembered",
        "What people of one state permit; states are shared by many and lead to nobody.",
        "None; it leads to nobody.",
    ),
    _memory("purpose.equivalence Likeness._remembered", "Parts of such states.", "None; it leads to nobody."),
    _memory("purpose.equivalence Likeness._numbers", "Parts of such states.", "None; it leads to nobody."),
    _memory(
        "seal.bucket_keys Buckets._ciphers",
        "Keys of buckets, which wrap data keys.",
        "One that was destroyed is let go of within two seconds, in every process.",
    ),
    _memory("seal.bucket_keys Buckets._dying", "Which of them were destroyed just now.", "The same."),
    _memory(
        "domain.erasure.erasure_ledger ErasureLedger._ids",
        "Ids of lines of the erasure ledger; nothing leads back.",
        "Kept: they are how an erasure lasts.",
    ),
    _memory(
        "domain.requests.identity_proofing Pace._tries",
        "Who asked for a code lately, and when.",
        "Falls out when the pace no longer counts it, or after others; it opens nothing.",
    ),
    _memory(
        "edge.graphql.websocket LiveDoor._callers",
        "How many connections each caller has open.",
        "Goes with the last of them, which ends with its token.",
    ),
    _memory(
        "domain.kit.workflow.runner Engine._under_way",
        "Ids of requests that are being carried out.",
        "Goes when a request has come as far as it does now.",
    ),
    *_passing(
        "domain.access.package_page Writing.rows",
        "domain.access.package_page Writing.sections",
        "domain.access.zip_archive _Sink._held",
        "domain.correction.correction_step _Correction.old",
        "domain.backup.restore Restore._survivors",
        "domain.identity.evidence_reader Gathering._whole",
        "domain.identity.clustering _Graph._of",
        "domain.identity.unit_of_work Writing._kept",
        "domain.identity.unit_of_work Writing._owners",
        "domain.identity.unit_of_work Writing._writes",
        "domain.identity.unit_of_work Writing.left_out",
        "law.signals.read_signals _Hearing._opted_out",
        "law.signals.read_signals _Hearing._problems",
        "law.signals.read_signals _Hearing._raw",
        "law.signals.read_signals _Hearing._sources",
        "law.signals.read_signals _Hearing._words",
        "plan.query_cost _Meter._known",
        "plan.selection Selector._customers",
        "plan.selection Selector._live",
        "reveal.revealer Reading._extra",
        "reveal.revealer Reading._seen",
        "reveal.revealer Reading._shut",
    ),
    *_nobody(
        "app.wiring.agents seal",
        "catalogue.duration _back",
        "catalogue.duration end",
        "catalogue.duration parse",
        "catalogue.yaml_file _Reading._lines",
        "catalogue.yaml_file _Reading._seen",
        "catalogue.yaml_file _Reading.problems",
        "catalogue.taxonomy taxonomy",
        "domain.ingest.write_keys WriteKeys._remembered",
        "domain.kit.workflow.runner Engine._kicked",
        "domain.erasure.crypto_shred Shred._waiting",
        "domain.ingest.queue Flow._held",
        "domain.notices.presentation Present._last",
        "edge.graphql.document_cache Documents._pages",
        "edge.graphql.media_types is_json",
        "edge.graphql.media_types preferred",
        "law.holiday_calendar holidays_of",
        "purpose.equivalence Likeness._below",
        "purpose.statements branch",
        "reveal.revealer cut_offs",
        "seal.bucket_keys Buckets._listeners",
        "seal.pairwise_ids Pairwise._ciphers",
        "seeding.geography countries",
        "seeding.shopper Lists._emails",
        "store.driver.database Database._collections",
        "store.driver.database Database._ends",
    ),
)
"""What a process keeps in memory beyond a call, by module and name."""

FILES: tuple[Copy, ...] = (
    Copy(Kind.FILE, "keys/root.key", "The key of everything; no personal data.", "None."),
    Copy(Kind.FILE, "keys/signing.keys", "Keys that tokens are signed with; no personal data.", "None."),
    Copy(Kind.FILE, "keys/processor.key", "The key that controllers are answered under.", "None."),
    Copy(
        Kind.FILE,
        "keys/buckets.keys*",
        "Keys of the buckets, which wrap the data keys of customers.",
        "The key of the person's bucket is replaced and overwritten.",
    ),
    Copy(
        Kind.FILE,
        "keys/rewrapped/*",
        "Wrapped data keys of those who are left in a bucket whose key was replaced.",
        "Written anew without the person when their bucket gets its next key.",
    ),
    Copy(
        Kind.FILE,
        "keys/letters/*",
        "Keys of the days on which refused messages came.",
        "The letters are deleted; the day's key is destroyed after 14 days.",
    ),
    Copy(
        Kind.FILE,
        "erasures/*",
        "The erasure ledger: random ids and keyed digests of who was erased, and when.",
        "Kept: a restored backup is erased again by it.",
    ),
    Copy(
        Kind.FILE,
        "mongo/*",
        "The files of the embedded MongoDB: collections, indexes, journal, log of changes.",
        "What is deleted stays until MongoDB writes over it, sealed under a key that is destroyed.",
    ),
    Copy(
        Kind.FILE,
        "backups/*",
        "Dumps of the database.",
        "Their sealed values are dead with the key; restoring one replays the erasure ledger first.",
    ),
    Copy(
        Kind.FILE,
        "outbox/*",
        "Mail to people about their requests, where no mail server is set.",
        "Not touched: set a mail server, and there are none; what is there is deleted by hand.",
    ),
    Copy(Kind.FILE, "demo.json", "Where the demo runs, and tokens for its invented people.", "None."),
    Copy(Kind.FILE, "*.log", "Codes, counts and times; no value of anybody, by rule.", "None."),
)
"""What is written to disk, by its path in the data folder or as named on the command line."""

PARTNERS = Copy(
    Kind.PARTNER,
    "recipients",
    "What each was shown, as the ledger of disclosures has it.",
    "Each is told of the erasure and tracked until it says it is done (GDPR Art. 19).",
)


def copies() -> tuple[Copy, ...]:
    """Every place there is."""
    stored = (Copy(Kind.COLLECTION, one.name, one.holds, one.erasure) for one in COLLECTIONS)
    return (*stored, *MEMORY, *FILES, PARTNERS)
