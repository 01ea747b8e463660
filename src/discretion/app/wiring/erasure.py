"""Builds the components that erase customers, or only the data that a scoped request names."""

from __future__ import annotations

from dataclasses import dataclass

from discretion.app.keys import erasure_ledger_path
from discretion.app.wiring.context import WiringContext
from discretion.domain.backup.erasure_replay import ErasureReplay
from discretion.domain.erasure.certification import SignCertificate
from discretion.domain.erasure.crypto_shred import CryptoShredder
from discretion.domain.erasure.dry_run import ErasureDryRun
from discretion.domain.erasure.erasure_ledger import ErasureLedger
from discretion.domain.erasure.erasure_log import ErasureLog
from discretion.domain.erasure.key_destruction import ShredKeys
from discretion.domain.erasure.ledger_step import RecordErasure
from discretion.domain.erasure.mail_erasure import MailErasure
from discretion.domain.erasure.profile_deletion import DeleteProfile
from discretion.domain.erasure.purge import PurgeCollections
from discretion.domain.erasure.scoped_erasure import ScopedErasure
from discretion.domain.erasure.verification import VerifyErasure
from discretion.domain.legal_retention.legal_holds import LegalHolds
from discretion.domain.legal_retention.retained_data_expiry import RetainedDataExpiry
from discretion.store.erasures import ErasureStore
from discretion.store.legal_holds import LegalHoldStore
from discretion.store.places.eraser import PlaceEraser
from discretion.store.places.search import IdSearch
from discretion.store.retained_data import RetainedDataStore
from discretion.store.wrapped_keys import WrappedKeyStore

REQUIRED_STEPS = ("depart", "remember", "purge", "shred", "verify")
"""Stored names of the steps that must be done before an erasure is certified."""


@dataclass(frozen=True, slots=True)
class ErasureComponents:
    """The steps of an erasure, its log, its preview, and legal holds."""

    profile_deletion: DeleteProfile
    ledger_step: RecordErasure
    purge: PurgeCollections
    key_destruction: ShredKeys
    retained_data_expiry: RetainedDataExpiry
    verification: VerifyErasure
    certification: SignCertificate
    scoped_erasure: ScopedErasure
    erasure_preview: ErasureDryRun
    legal_holds: LegalHolds
    erasure_log: ErasureLog
    erasure_replay: ErasureReplay


def build_erasure(context: WiringContext) -> ErasureComponents:
    """Build the components of erasure."""
    database, clock = context.database, context.clock
    tombstones, open_write_context = context.tombstones, context.open_write_context
    erasures = ErasureStore(database)
    erasure_ledger = ErasureLedger(path=erasure_ledger_path(context.settings), root=context.root)
    erasure_log = ErasureLog(erasures=erasures, ledger=erasure_ledger)
    stores, search = context.stores, IdSearch(database)
    eraser = PlaceEraser(database=database, tombstones=tombstones)
    mail = MailErasure(outbox=context.settings.data_dir / "outbox", blind_index=context.blind_index)
    holds, retained = LegalHoldStore(database), RetainedDataStore(database)
    shredder = CryptoShredder(
        keys=WrappedKeyStore(database), buckets=context.buckets, clock=clock, entropy=context.entropy
    )
    return ErasureComponents(
        profile_deletion=DeleteProfile(
            people=stores,
            holds=holds,
            retained=retained,
            erasures=erasures,
            eraser=eraser,
            build_context=open_write_context,
            lawbook=context.lawbook,
            tombstones=tombstones,
            names=context.person_names,
        ),
        ledger_step=RecordErasure(erasure_log=erasure_log, tombstones=tombstones),
        purge=PurgeCollections(
            transactions=stores.transactions, eraser=eraser, tombstones=tombstones, mail=mail
        ),
        key_destruction=ShredKeys(shredder),
        retained_data_expiry=RetainedDataExpiry(retained=retained, now_ms=clock, destroy_keys=shredder.shred),
        verification=VerifyErasure(search=search, tombstones=tombstones),
        certification=SignCertificate(
            select_keys=context.signing_keys.select,
            issuer=context.settings.issuer,
            now_ms=clock,
            required_steps=REQUIRED_STEPS,
        ),
        scoped_erasure=ScopedErasure(rewriter=context.rewriter, tombstones=tombstones),
        erasure_preview=ErasureDryRun(
            people=stores,
            holds=holds,
            eraser=eraser,
            build_context=open_write_context,
            lawbook=context.lawbook,
        ),
        legal_holds=LegalHolds(
            people=stores, holds=holds, retained=retained, entropy=context.entropy, now_ms=clock
        ),
        erasure_log=erasure_log,
        erasure_replay=ErasureReplay(
            rewriter=context.rewriter, eraser=eraser, search=search, tombstones=tombstones
        ),
    )
