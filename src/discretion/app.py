"""The composition root: settings -> a running platform. The only file that knows everyone.

Clock, entropy and keys enter here and are handed down; nothing below asks for them itself.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from starlette.applications import Starlette

from discretion.catalogue.load import load
from discretion.catalogue.model import Catalogue
from discretion.catalogue.taxonomy import taxonomy
from discretion.disclose import Conductor
from discretion.domain.channels.validate import Validator
from discretion.domain.channels.write_keys import WriteKeys
from discretion.domain.context import Records, Verbs
from discretion.domain.doubles.suggest import GRANT, Suggest
from discretion.domain.ingest.flow import Flow
from discretion.domain.ingest.intake import Intake
from discretion.domain.letters.keep import Letters
from discretion.domain.letters.prune import Declared
from discretion.domain.letters.replay import Replay
from discretion.domain.notices.editions import material
from discretion.domain.notices.load import load as load_notices
from discretion.domain.notices.present import Present
from discretion.domain.profiles.api.query import pages
from discretion.domain.profiles.stewardship import Stewardship
from discretion.domain.profiles.unify import MAX_TOGETHER, Unify
from discretion.edge.answer import Answer, known_purpose
from discretion.edge.documents import Documents
from discretion.edge.http import Doors, application
from discretion.edge.inside import Inside
from discretion.edge.mask import Mask
from discretion.edge.schema import build_schema
from discretion.edge.tracking import Tracking
from discretion.errors import Misconfigured
from discretion.law.load import load as load_law
from discretion.ledger.append import Ledger
from discretion.ledger.storage import LedgerStorage
from discretion.plan.plans import Plans
from discretion.reveal.form import Forms
from discretion.reveal.reading import Revealer
from discretion.seal.blind import BlindIndex
from discretion.seal.daily import DayKeys
from discretion.seal.keyring import KEY_BYTES, Buckets, derive, open_file, seal_file, write_private
from discretion.seal.pairwise import Pairwise
from discretion.settings import Settings
from discretion.store import embedded
from discretion.store.customers import Customers
from discretion.store.driver import CommandListener, Database, connect
from discretion.store.events import Events
from discretion.store.identities import Identities
from discretion.store.inspect import inspect
from discretion.store.letters import DeadLetters
from discretion.store.prepare import prepare
from discretion.store.suggestions import Suggestions
from discretion.token.issue import Issuer
from discretion.token.keys import KeySet
from discretion.token.verify import Verifier

EXPIRE_EVERY_S = 3600
_log = logging.getLogger(__name__)


def now_ms() -> int:
    """The wall clock, in ms since 1970."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Platform:
    """Everything that runs, by the names its doors use."""

    app: Starlette
    catalogue: Catalogue
    database: Database
    issuer: Issuer
    write_keys: WriteKeys
    conductor: Conductor
    suggest: Suggest
    letters: Letters
    replay: Replay


@asynccontextmanager
async def platform(
    settings: Settings, listeners: tuple[CommandListener, ...] = ()
) -> AsyncIterator[Platform]:
    """A platform, from start to stop.

    Raises:
        Misconfigured: what the operator has to mend, before anything is served.
    """
    catalogue = load(settings.catalogue_dir)
    root = root_key(settings)
    async with mongo_url(settings) as url:
        database = await connect(url, settings.mongo_database, settings.mongo_driver, listeners)
        try:
            await inspect(database)
            await prepare(database, [one.key for one in catalogue.attributes.values() if one.ordered])
            await _ensure_keys(settings, database)
            running = assemble(settings, catalogue, database, root)
            async with expiring(running.letters):
                yield running
        finally:
            await database.close()


@asynccontextmanager
async def expiring(letters: Letters) -> AsyncIterator[None]:
    """Have keys of letters destroyed in time, at the start and every hour."""
    letters.expire()

    async def expire() -> None:
        while True:
            await asyncio.sleep(EXPIRE_EVERY_S)
            try:
                letters.expire()
            except OSError as error:
                _log.error("keys of letters could not be destroyed: %s", type(error).__name__)

    task = asyncio.create_task(expire())
    try:
        yield
    finally:
        task.cancel()


async def _ensure_keys(settings: Settings, database: Database) -> None:
    """New keys are made for an empty database only: beside sealed data they would hide that the old are lost.

    Raises:
        Misconfigured: ``KEYS_MISSING``.
    """
    path = _bucket_keys(settings)
    if path.exists() or await database.find_one("customers", {}, {"_id": 1}) is None:
        return
    raise Misconfigured(
        "KEYS_MISSING",
        f"The database holds customers, and {path}, which opens them, is missing.",
        "Restore the folder of keys from its backup.",
    )


def _bucket_keys(settings: Settings) -> Path:
    return settings.data_dir / "keys" / "buckets.keys"


@asynccontextmanager
async def mongo_url(settings: Settings) -> AsyncIterator[str]:
    """The user's MongoDB, or one of our own for as long as we run."""
    if settings.mongo_url is not None:
        yield settings.mongo_url
        return
    async with embedded.running(settings.data_dir / "mongo") as mongo:
        yield mongo.url


def assemble(
    settings: Settings,
    catalogue: Catalogue,
    database: Database,
    root: bytes,
    clock: Callable[[], int] = now_ms,
    entropy: Callable[[int], bytes] = os.urandom,
) -> Platform:
    """Put the parts together; ``clock`` gives ms since 1970."""
    buckets = Buckets.keep(_bucket_keys(settings), root, settings.buckets, entropy)
    keys = signing_keys(settings, root)
    blind, pairwise = BlindIndex(derive(root, "blind")), Pairwise(derive(root, "pairwise"))
    forms = Forms(derive(root, "pseudonym"))
    storage = LedgerStorage(database)
    conductor = Conductor(Revealer(catalogue, buckets, forms, pairwise), Ledger(storage), clock, entropy)
    unify = Unify(database, catalogue, buckets, blind, entropy, clock)
    validator = Validator(catalogue, entropy)
    stored = DeadLetters(database)
    days = DayKeys(settings.data_dir / "keys" / "letters", root, entropy)
    letters = Letters(stored, catalogue, Declared.of(catalogue), days, blind, entropy, clock)
    intake = Intake(validator, Flow(unify.take, MAX_TOGETHER), letters, clock)
    replay = Replay(stored, catalogue, days, validator, unify)
    steward = Stewardship(database, catalogue, buckets, entropy, clock)
    suggestions = Suggestions(database, clock)
    stationery = load_notices(catalogue, settings.notices_dir)
    lawbook = load_law(settings.jurisdictions_dir, catalogue, material(stationery.editions))
    present = Present(catalogue, stationery, lawbook.jurisdictions, clock)
    records = Records(
        catalogue,
        Customers(database),
        Events(database),
        storage,
        blind,
        pairwise,
        Identities(database),
        Verbs(intake, steward, suggestions, stored, present),
    )
    schema = build_schema(catalogue)
    core = schema._schema
    mask = Mask(entropy)
    documents = Documents(core, pages=pages(catalogue))
    answer = Answer(schema, Plans(core, catalogue, forms.render), conductor, records, mask)
    write_keys = WriteKeys(database, catalogue, entropy, clock)
    verifier = Verifier(
        keys,
        settings.issuer,
        settings.audience,
        clock,
        partial(known_purpose, catalogue),
    )
    doors = Doors(
        verifier=verifier,
        documents=documents,
        answer=answer,
        mask=mask,
        tracking=Tracking(write_keys, intake),
        jwks=keys.public_jwks(),
        database=database,
    )
    issuer = _issuer(settings, keys, catalogue, clock, entropy)
    suggest = Suggest(catalogue, Inside(documents, answer, GRANT), pairwise, suggestions)
    return Platform(
        application(doors), catalogue, database, issuer, write_keys, conductor, suggest, letters, replay
    )


def token_issuer(settings: Settings) -> Issuer:
    """Issues this installation's tokens; needs its keys and not its database."""
    catalogue = load(settings.catalogue_dir)
    return _issuer(settings, signing_keys(settings, root_key(settings)), catalogue, now_ms, os.urandom)


def _issuer(
    settings: Settings,
    keys: KeySet,
    catalogue: Catalogue,
    clock: Callable[[], int],
    entropy: Callable[[int], bytes],
) -> Issuer:
    known = partial(known_purpose, catalogue)
    categories = taxonomy().categories.__contains__
    return Issuer(keys, settings.issuer, settings.audience, clock, entropy, known, categories)


def root_key(settings: Settings) -> bytes:
    """The root key: from the environment, else one made on first use with the embedded MongoDB.

    Raises:
        Misconfigured: ``ROOT_KEY_MISSING`` for a server of the user's: what protects real people
            is chosen and kept by whoever runs it.
    """
    if settings.root_key is not None:
        return settings.root_key
    if settings.mongo_url is not None:
        raise Misconfigured(
            "ROOT_KEY_MISSING",
            "DISCRETION_MONGO_URL is set and DISCRETION_ROOT_KEY is not.",
            "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))' and keep it safe.",
        )
    path = settings.data_dir / "keys" / "root.key"
    if not path.exists():
        write_private(path, os.urandom(KEY_BYTES))
    return read_root_key(path)


def read_root_key(path: Path) -> bytes:
    """The root key kept at ``path``."""
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise Misconfigured(
            "ROOT_KEY_DAMAGED", f"{path} does not hold {KEY_BYTES} bytes.", "Restore it from its backup."
        )
    return key


def signing_keys(settings: Settings, root: bytes) -> KeySet:
    """The keys tokens are signed with, made on first use and kept sealed."""
    path = settings.data_dir / "keys" / "signing.keys"
    if not path.exists():
        seal_file(path, root, KeySet.generate("EdDSA").to_private_json(), os.urandom)
    return KeySet.from_private_json(open_file(path, root))
