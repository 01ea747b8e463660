"""The shared objects of a platform: settings, rules, keys, the database, clock and entropy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from discretion.app.configuration import RuleConfiguration
from discretion.app.keys import bucket_keys_path, signing_keys_path
from discretion.app.signing_keys import SigningKeys
from discretion.catalogue.model import Catalogue
from discretion.domain.identity.person_rewrite import PersonRewriter
from discretion.domain.identity.unit_of_work import WriteContext
from discretion.domain.notices.load import NoticeTemplates
from discretion.domain.recipients.person_names import PersonNameReader
from discretion.law.jurisdiction import Lawbook
from discretion.plan.permission_window import PermissionWindow
from discretion.reveal.login_reach import LoginReachResolver
from discretion.seal.blind_index import BlindIndex
from discretion.seal.bucket_keys import BucketKeys
from discretion.seal.key_files import derive_key
from discretion.seal.pairwise_ids import PairwiseIds
from discretion.settings import Settings
from discretion.store.driver.database import Database
from discretion.store.identities import IdentityStore
from discretion.store.person_stores import PersonStores, open_person_stores
from discretion.store.tombstones import TombstoneStore


@dataclass(frozen=True, slots=True)
class WiringContext:
    """The shared objects that the builders of this package take.

    ``open_write_context`` returns a new context at the current time for one write, ``rewriter`` changes what
    is stored about people, ``stores`` are the repositories of people, ``person_names`` reads the names of
    customers in the ledger. ``clock`` gives ms since 1970, ``entropy`` as many random bytes as it is asked
    for.
    """

    settings: Settings
    configuration: RuleConfiguration
    database: Database
    stores: PersonStores
    root: bytes = field(repr=False)
    signing_keys: SigningKeys
    buckets: BucketKeys
    blind_index: BlindIndex
    pairwise: PairwiseIds
    login_reaches: LoginReachResolver
    tombstones: TombstoneStore
    permission_window: PermissionWindow
    open_write_context: Callable[[], WriteContext]
    rewriter: PersonRewriter
    person_names: PersonNameReader
    clock: Callable[[], int]
    entropy: Callable[[int], bytes] = field(repr=False)

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue of the configuration."""
        return self.configuration.catalogue

    @property
    def lawbook(self) -> Lawbook:
        """The laws of the configuration."""
        return self.configuration.lawbook

    @property
    def notices(self) -> NoticeTemplates:
        """The notices of the configuration."""
        return self.configuration.notices


def build_wiring_context(
    settings: Settings,
    configuration: RuleConfiguration,
    database: Database,
    root: bytes,
    trusted_bits: Mapping[str, int],
    clock: Callable[[], int],
    entropy: Callable[[int], bytes],
) -> WiringContext:
    """Load the keys of the installation and derive the others from the root key.

    ``trusted_bits`` has, by the version of earlier rules, the bits of the purposes whose rules are unchanged.
    """
    buckets = BucketKeys.open_or_create(
        path=bucket_keys_path(settings), root=root, count=settings.buckets, entropy=entropy
    )
    catalogue, lawbook = configuration.catalogue, configuration.lawbook
    permission_engine = configuration.engine
    # One derived key for each use: a value encoded for one use cannot be matched with another use.
    # With another name of the use, no stored identifier would be found again.
    blind_index = BlindIndex(derive_key(root, "blind"))

    def open_write_context() -> WriteContext:
        return WriteContext(
            catalogue=catalogue,
            permission_engine=permission_engine,
            jurisdiction=lawbook.find_key_of_place,
            buckets=buckets,
            entropy=entropy,
            now_ms=clock(),
        )

    stores = open_person_stores(database)
    return WiringContext(
        settings=settings,
        configuration=configuration,
        database=database,
        stores=stores,
        root=root,
        signing_keys=SigningKeys.open_or_create(
            path=signing_keys_path(settings), root=root, now_ms=clock, entropy=entropy
        ),
        buckets=buckets,
        blind_index=blind_index,
        pairwise=PairwiseIds(derive_key(root, "pairwise")),
        login_reaches=LoginReachResolver(
            types=catalogue.identifiers,
            blind_index=blind_index,
            identities=IdentityStore(database),
        ),
        tombstones=TombstoneStore(database=database, blind=blind_index),
        permission_window=PermissionWindow(
            rules_version=permission_engine.version,
            fallback_bits=permission_engine.compute_binding_bits(),
            trusted_versions=trusted_bits,
        ),
        open_write_context=open_write_context,
        rewriter=PersonRewriter(stores=stores, write_context=open_write_context),
        person_names=PersonNameReader(stores=stores, catalogue=catalogue, buckets=buckets),
        clock=clock,
        entropy=entropy,
    )
