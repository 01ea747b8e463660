"""The memory of processes in the map of places: what is kept for longer than a call."""

from __future__ import annotations

from datetime import timedelta

from discretion.store.places.place import LAWS, Departure, Place, PlaceKind

KEY_CHANGE_HORIZON = timedelta(seconds=2)
"""Until then every process has noticed that keys changed, as they do with each erasure."""
OPERATION_LIFETIME = timedelta(minutes=1)
"""No operation takes longer, except those of background work on one person."""


def _build_memory(
    name: str, holds: str, departure: Departure, how: str, expires_after: timedelta | None = None
) -> Place:
    return Place(PlaceKind.MEMORY, name, holds, departure, how, expires_after, law=LAWS[departure])


def _build_cleared(name: str, holds: str) -> Place:
    return _build_memory(
        name,
        holds,
        Departure.DELETED,
        "Cleared in every process whenever keys change, as each erasure causes.",
        KEY_CHANGE_HORIZON,
    )


def _build_passing(
    name: str, holds: str, how: str = "Freed at the end of the operation, within seconds."
) -> Place:
    return _build_memory(name, holds, Departure.EXPIRES, how, OPERATION_LIFETIME)


def _build_impersonal(name: str, holds: str, how: str = "None; it identifies nobody.") -> Place:
    return _build_memory(name, holds, Departure.NO_PERSON, how)


_DRAINED = "Processed within seconds; the write checks the tombstones, so no erased data are stored again."

_NAMED: tuple[Place, ...] = (
    _build_cleared("seal.open CipherCache.get", "Data keys of recently read customers; no decrypted value."),
    _build_cleared("seal.open CustomerCipher.client_ids", "Ids by which clients know a customer."),
    _build_cleared(
        "edge.graphql.document_cache DocumentCache._documents",
        "Texts of queries, with the values written into them.",
    ),
    _build_cleared(
        "edge.graphql.document_cache DocumentCache._cost_checks", "The same documents with their costs."
    ),
    _build_cleared("plan.plan_cache PlanCache._plans", "Compiled plans with their query documents."),
    _build_cleared("token.verify TokenVerifier._verified", "Verified tokens by digest, with their subjects."),
    _build_cleared(
        "domain.consent.opt_out_signal OptOutSignalRecorder._recorded_at",
        "Ids of customers whose opt-out signal was recorded.",
    ),
    _build_passing(
        "domain.ingest.queue IngestQueue._pending", "Messages that wait to be ingested.", _DRAINED
    ),
    _build_passing(
        "domain.ingest.tracking_plan.violation_recorder ViolationRecorder._pending",
        "Names of undeclared events and properties; those of one message alone are not written.",
        "Counted and written every five seconds.",
    ),
    _build_impersonal(
        "domain.ingest.outcome_feed.outcome_feed OutcomeFeed._entries",
        "What became of messages while a steward watches: types, events, codes.",
    ),
    _build_passing(
        "ledger.append Ledger._pending", "Disclosures that wait to be written to the ledger.", _DRAINED
    ),
    _build_passing("store.customers CustomerStore._pending", "Ids of customers being read."),
    _build_passing("store.customers CustomerStore._tasks", "Reads in progress."),
    _build_impersonal(
        "law.age find_age_moment",
        "Birth dates of children and the times they come of age, without identifiers.",
        "None; it identifies nobody, and is evicted after 4,096 other entries.",
    ),
    _build_impersonal(
        "purpose.permission_engine PermissionEngine._cache",
        "What people in the same state permit; a state is shared by many and identifies nobody.",
    ),
    _build_impersonal("purpose.equivalence SituationClassifier._answer_numbers", "Parts of such states."),
    _build_impersonal("purpose.equivalence SituationClassifier._number_by_answers", "Parts of such states."),
    _build_memory(
        "seal.bucket_keys BucketKeys._ciphers",
        "Keys of buckets, which wrap data keys.",
        Departure.KEY_DESTROYED,
        "A destroyed key is removed within two seconds, in every process.",
        KEY_CHANGE_HORIZON,
    ),
    _build_memory(
        "seal.bucket_keys BucketKeys._destroyed_until",
        "Which keys were destroyed recently.",
        Departure.KEY_DESTROYED,
        "Removed with the key, within two seconds.",
        KEY_CHANGE_HORIZON,
    ),
    _build_memory(
        "domain.erasure.erasure_ledger ErasureLedger._ids",
        "Ids of entries of the erasure ledger; they cannot be traced back to a person.",
        Departure.EVIDENCE,
        "Kept: they make erasures permanent.",
    ),
    _build_memory(
        "domain.requests.one_time_codes CodeRateLimiter._tries",
        "Who requested a code recently, and when.",
        Departure.EXPIRES,
        "Evicted when the rate limit no longer counts it, or after others; it gives no access.",
        timedelta(hours=1),
    ),
    _build_passing(
        "edge.graphql.websocket SubscriptionEndpoint._connections_by_caller",
        "The number of open connections of each caller.",
        "Removed with the caller's last connection, which ends with its token.",
    ),
    _build_passing(
        "domain.kit.workflow.runner WorkflowRunner._running_tasks",
        "Ids of requests that are running.",
        "Removed when the current run of the request ends.",
    ),
)

_TRANSIENT = (
    "domain.access.package_page PackageWriter.rows",
    "domain.access.package_page PackageWriter.sections",
    "domain.access.zip_archive _ByteSink._pending",
    "domain.correction.correction_step _CorrectionRun.old_cells",
    "domain.backup.restore DatabaseRestore._survivors",
    "domain.identity.evidence_reader EvidenceReader._complete_customers",
    "domain.identity.ledger_periods PeriodLog._new_periods",
    "domain.identity.ledger_periods PeriodLog.moved_events",
    "domain.identity.evidence_reader EvidenceReader._read_entries",
    "domain.identity.numbered_persons _NumberGraph._cluster_of",
    "domain.identity.unit_of_work UnitOfWork._customers_written",
    "domain.identity.unit_of_work UnitOfWork._writes",
    "domain.identity.unit_of_work UnitOfWork.minimised_counts",
    "law.signals.read_signals _SignalReader._opted_out",
    "domain.ingest.event_properties ObjectReader._faults",
    "domain.ingest.event_properties ObjectReader.left_out",
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
)
"""Data of the current operation that are read, revealed or written."""

_DEFINITIONS = (
    "domain.ingest.value_codes _list_countries",
    "domain.ingest.value_codes _list_languages",
    "domain.ingest.value_codes _read_names",
    "app.signing_keys SigningKeys._listeners",
    "app.wiring.agents load_certificate",
    "catalogue.duration _find_day",
    "catalogue.duration add_duration",
    "catalogue.duration parse_duration",
    "catalogue.yaml_file _YamlReader._lines",
    "catalogue.yaml_file _YamlReader._seen_nodes",
    "catalogue.yaml_file _YamlReader.problems",
    "catalogue.taxonomy load_taxonomy",
    "domain.ingest.ip_country _read_builtin_data",
    "domain.ingest.write_keys WriteKeys._cached_sources",
    "domain.erasure.crypto_shred CryptoShredder._waiting_generations",
    "domain.ingest.queue IngestQueue._queued_by_source",
    "domain.notices.notice_register NoticeRegister._present",
    "domain.profiles.person_state list_state_attributes",
    "domain.profiles.source_record list_event_attributes",
    "domain.profiles.verified_addresses index_addresses",
    "domain.profiles.verified_addresses list_address_attributes",
    "domain.notices.presentation NoticePresenter._last_notices",
    "edge.graphql.document_cache DocumentCache._page_sizes",
    "edge.graphql.media_types is_json",
    "edge.graphql.media_types negotiate_media_type",
    "law.holiday_calendar find_holidays",
    "purpose.equivalence SituationClassifier._lengths_by_node",
    "purpose.statements list_purpose_path",
    "reveal.plan_cut_offs compute_cut_offs",
    "seal.bucket_keys BucketKeys._listeners",
    "seal.pairwise_ids PairwiseIds._ciphers",
    "seeding.geography load_country_codes",
    "seeding.shopper UniqueContacts._emails",
    "store.driver.database Database._collections",
    "store.driver.database Database._end_callbacks",
)
"""Definitions of the catalogue, the law, the schema or the installation."""

MEMORY_PLACES: tuple[Place, ...] = (
    *_NAMED,
    *(
        _build_passing(name, "Data of the current operation that are read, revealed or written.")
        for name in _TRANSIENT
    ),
    *(
        _build_impersonal(
            name, "Definitions of the catalogue, the law, the schema or the installation.", "None."
        )
        for name in _DEFINITIONS
    ),
)
"""What a process keeps in memory for longer than a call, by module and name."""
