"""The inventory of copies: every place where personal data may be stored, and what an erasure does to each.

Collections are declared in ``store.schema.collections``. This module adds files, the memory of processes, and
partners. A test (``tests/architecture/test_copies.py``) fails for a cache, queue or file that is not
declared.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from discretion.store.schema.collections import COLLECTIONS


class CopyKind(StrEnum):
    """The kind of place that holds a copy."""

    COLLECTION = "collection"
    MEMORY = "memory"
    FILE = "file"
    PARTNER = "partner"


@dataclass(frozen=True, slots=True)
class DataCopy:
    """A place that may hold personal data.

    Attributes:
        kind: The kind of place.
        name: A collection; a module and the name of the variable; or a path pattern in the data folder.
        holds: What it may hold.
        erasure: What an erasure does to it.
    """

    kind: CopyKind
    name: str
    holds: str
    erasure: str


_PER_OPERATION = "Freed at the end of the operation, within seconds."
_NO_PERSONAL_DATA = "None; no personal data."
_CLEARED_ON_KEY_CHANGE = "Cleared in every process whenever keys change, as each erasure causes."
_DRAINED = "Processed within seconds; the write checks the tombstones, so no erased data are stored again."


def _build_memory_copy(name: str, holds: str, erasure: str) -> DataCopy:
    return DataCopy(CopyKind.MEMORY, name, holds, erasure)


def _list_impersonal(*names: str) -> tuple[DataCopy, ...]:
    return tuple(
        _build_memory_copy(
            name, "Definitions of the catalogue, the law, the schema or the installation.", _NO_PERSONAL_DATA
        )
        for name in names
    )


def _list_transient(*names: str) -> tuple[DataCopy, ...]:
    return tuple(
        _build_memory_copy(
            name, "Data of the current operation that are read, revealed or written.", _PER_OPERATION
        )
        for name in names
    )


MEMORY: tuple[DataCopy, ...] = (
    _build_memory_copy(
        "seal.open CipherCache.get",
        "Data keys of recently read customers; no decrypted value.",
        _CLEARED_ON_KEY_CHANGE,
    ),
    _build_memory_copy(
        "seal.open CustomerCipher.client_ids",
        "Ids by which clients know a customer.",
        "Freed with the data key.",
    ),
    _build_memory_copy(
        "edge.graphql.document_cache DocumentCache._documents",
        "Texts of queries, with the values written into them.",
        _CLEARED_ON_KEY_CHANGE,
    ),
    _build_memory_copy(
        "edge.graphql.document_cache DocumentCache._cost_checks",
        "The same documents with their costs.",
        _CLEARED_ON_KEY_CHANGE,
    ),
    _build_memory_copy(
        "plan.plan_cache PlanCache._plans",
        "Compiled plans with their query documents.",
        _CLEARED_ON_KEY_CHANGE,
    ),
    _build_memory_copy(
        "token.verify TokenVerifier._verified",
        "Verified tokens by digest, with their subjects.",
        _CLEARED_ON_KEY_CHANGE,
    ),
    _build_memory_copy(
        "domain.consent.opt_out_signal OptOutSignalRecorder._recorded_at",
        "Ids of customers whose opt-out signal was recorded.",
        _CLEARED_ON_KEY_CHANGE,
    ),
    _build_memory_copy(
        "domain.ingest.queue IngestQueue._pending", "Messages that wait to be ingested.", _DRAINED
    ),
    _build_memory_copy(
        "ledger.append Ledger._pending", "Disclosures that wait to be written to the ledger.", _DRAINED
    ),
    _build_memory_copy(
        "store.customers CustomerStore._pending", "Ids of customers being read.", _PER_OPERATION
    ),
    _build_memory_copy("store.customers CustomerStore._tasks", "Reads in progress.", _PER_OPERATION),
    _build_memory_copy(
        "law.age find_age_moment",
        "Birth dates of children and the times they come of age, without identifiers.",
        "None; it identifies nobody, and is evicted after 4,096 other entries.",
    ),
    _build_memory_copy(
        "purpose.permission_engine PermissionEngine._cache",
        "What people in the same state permit; a state is shared by many and identifies nobody.",
        "None; it identifies nobody.",
    ),
    _build_memory_copy(
        "purpose.equivalence SituationClassifier._answer_numbers",
        "Parts of such states.",
        "None; it identifies nobody.",
    ),
    _build_memory_copy(
        "purpose.equivalence SituationClassifier._number_by_answers",
        "Parts of such states.",
        "None; it identifies nobody.",
    ),
    _build_memory_copy(
        "seal.bucket_keys BucketKeys._ciphers",
        "Keys of buckets, which wrap data keys.",
        "A destroyed key is removed within two seconds, in every process.",
    ),
    _build_memory_copy(
        "seal.bucket_keys BucketKeys._destroyed_until", "Which keys were destroyed recently.", "The same."
    ),
    _build_memory_copy(
        "domain.erasure.erasure_ledger ErasureLedger._ids",
        "Ids of entries of the erasure ledger; they cannot be traced back to a person.",
        "Kept: they make erasures permanent.",
    ),
    _build_memory_copy(
        "domain.requests.identity_proofing CodeRateLimiter._tries",
        "Who requested a code recently, and when.",
        "Evicted when the rate limit no longer counts it, or after others; it gives no access.",
    ),
    _build_memory_copy(
        "edge.graphql.websocket SubscriptionEndpoint._connections_by_caller",
        "The number of open connections of each caller.",
        "Removed with the caller's last connection, which ends with its token.",
    ),
    _build_memory_copy(
        "domain.kit.workflow.runner WorkflowRunner._running_tasks",
        "Ids of requests that are running.",
        "Removed when the current run of the request ends.",
    ),
    *_list_transient(
        "domain.access.package_page PackageWriter.rows",
        "domain.access.package_page PackageWriter.sections",
        "domain.access.zip_archive _ByteSink._pending",
        "domain.correction.correction_step _CorrectionRun.old_cells",
        "domain.backup.restore DatabaseRestore._survivors",
        "domain.identity.evidence_reader EvidenceReader._complete_customers",
        "domain.identity.clustering _IdentityGraph._cluster_of",
        "domain.identity.unit_of_work UnitOfWork._customers_written",
        "domain.identity.unit_of_work UnitOfWork._identifier_owners",
        "domain.identity.unit_of_work UnitOfWork._writes",
        "domain.identity.unit_of_work UnitOfWork.minimised_counts",
        "law.signals.read_signals _SignalReader._opted_out",
        "law.signals.read_signals _SignalReader._problems",
        "law.signals.read_signals _SignalReader._raw",
        "law.signals.read_signals _SignalReader._sources",
        "law.signals.read_signals _SignalReader._tcf_choices",
        "plan.query_cost _CostMeter._fragment_costs",
        "plan.selection OperationSelector._customers",
        "plan.selection OperationSelector._resolved_names",
        "reveal.revealer Reading._extra",
        "reveal.revealer Reading._revealed",
        "reveal.revealer Reading._withheld",
    ),
    *_list_impersonal(
        "app.wiring.agents load_certificate",
        "catalogue.duration _count_days_back",
        "catalogue.duration add_duration",
        "catalogue.duration parse_duration",
        "catalogue.yaml_file _YamlReader._lines",
        "catalogue.yaml_file _YamlReader._seen_nodes",
        "catalogue.yaml_file _YamlReader.problems",
        "catalogue.taxonomy load_taxonomy",
        "domain.ingest.write_keys WriteKeys._cached_sources",
        "domain.kit.workflow.runner WorkflowRunner._wake_event",
        "domain.erasure.crypto_shred CryptoShredder._waiting_generations",
        "domain.ingest.queue IngestQueue._queued_by_source",
        "domain.notices.presentation NoticePresenter._last_notices",
        "edge.graphql.document_cache DocumentCache._page_sizes",
        "edge.graphql.media_types is_json",
        "edge.graphql.media_types negotiate_media_type",
        "law.holiday_calendar find_holidays",
        "purpose.equivalence SituationClassifier._lengths_by_node",
        "purpose.statements list_purpose_path",
        "reveal.revealer compute_cut_offs",
        "seal.bucket_keys BucketKeys._listeners",
        "seal.pairwise_ids PairwiseIds._ciphers",
        "seeding.geography load_country_codes",
        "seeding.shopper UniqueContacts._emails",
        "store.driver.database Database._collections",
        "store.driver.database Database._end_callbacks",
    ),
)
"""What a process keeps in memory for longer than a call, by module and name."""

FILES: tuple[DataCopy, ...] = (
    DataCopy(CopyKind.FILE, "keys/root.key", "The root key; no personal data.", "None."),
    DataCopy(CopyKind.FILE, "keys/signing.keys", "The keys that sign tokens; no personal data.", "None."),
    DataCopy(CopyKind.FILE, "keys/processor.key", "The key that signs replies to controllers.", "None."),
    DataCopy(
        CopyKind.FILE,
        "keys/buckets.keys*",
        "Keys of the buckets, which wrap the data keys of customers.",
        "The key of the customer's bucket is replaced and overwritten.",
    ),
    DataCopy(
        CopyKind.FILE,
        "keys/rewrapped/*",
        "Wrapped data keys of the other customers of a bucket whose key was replaced.",
        "Rewritten without the customer when their bucket gets its next key.",
    ),
    DataCopy(
        CopyKind.FILE,
        "keys/letters/*",
        "The daily keys of dead letters.",
        "The dead letters are deleted; the daily key is destroyed after 14 days.",
    ),
    DataCopy(
        CopyKind.FILE,
        "erasures/*",
        "The erasure ledger: random ids and keyed digests of who was erased, and when.",
        "Kept: it repeats the erasures after a backup is restored.",
    ),
    DataCopy(
        CopyKind.FILE,
        "mongo/*",
        "The files of the embedded MongoDB: collections, indexes, journal, oplog.",
        "Deleted data stay until MongoDB overwrites them, encrypted under a key that is destroyed.",
    ),
    DataCopy(
        CopyKind.FILE,
        "backups/*",
        "Dumps of the database.",
        "Sealed values are unreadable without the key; a restore replays the erasure ledger first.",
    ),
    DataCopy(
        CopyKind.FILE,
        "outbox/*",
        "Mail to customers about their requests, if no mail server is configured.",
        "Not deleted: the operator deletes it by hand, or configures a mail server to avoid it.",
    ),
    DataCopy(
        CopyKind.FILE, "demo.json", "The address of the demo, and tokens for its fictitious people.", "None."
    ),
    DataCopy(CopyKind.FILE, "*.log", "Codes, counts and times; no personal data, by rule.", "None."),
)
"""Files, by their path in the data folder or as named on the command line."""

PARTNERS = DataCopy(
    CopyKind.PARTNER,
    "recipients",
    "What was disclosed to each, as the ledger of disclosures records it.",
    "Each is notified of the erasure and tracked until it confirms (GDPR Art. 19).",
)


def list_data_copies() -> tuple[DataCopy, ...]:
    """Return every declared place: collections, memory, files and partners."""
    collection_copies = (
        DataCopy(CopyKind.COLLECTION, collection.name, collection.contents, collection.erasure)
        for collection in COLLECTIONS
    )
    return (*collection_copies, *MEMORY, *FILES, PARTNERS)
