"""The composition root: settings -> a running platform. The only file that knows everyone.

Clock, entropy and keys enter here and are handed down; nothing below asks for them itself.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial

from starlette.applications import Starlette

from discretion.app.clock import now_ms
from discretion.app.keys import bucket_keys, ensure_keys, root_key, signing_keys
from discretion.app.wiring.access import Access
from discretion.app.wiring.agents import Acting, acting
from discretion.app.wiring.erasure import Erasing
from discretion.app.wiring.ingest import receiving
from discretion.app.wiring.recipients import Telling
from discretion.app.wiring.requests import Rights
from discretion.app.wiring.subject_rights import Ground, asking
from discretion.background import beside
from discretion.catalogue.load import load
from discretion.catalogue.model import Catalogue
from discretion.catalogue.taxonomy import taxonomy
from discretion.disclose import Conductor
from discretion.domain.access.download_links import HandOut
from discretion.domain.agents.callbacks import informing
from discretion.domain.backup.erasure_replay import Banish
from discretion.domain.backup.restore import Restore
from discretion.domain.consent.opt_out_signal import Heed
from discretion.domain.consent.receipt import Receipts
from discretion.domain.consent.recompute import Rejudge
from discretion.domain.consent.record_statement import Say
from discretion.domain.consent.source_statements import Evidence
from discretion.domain.consent.statement_writer import Speak
from discretion.domain.consent.terms_registry import Agreed
from discretion.domain.erasure.crypto_shred import Shred
from discretion.domain.erasure.erasure_log import Remember
from discretion.domain.identity.duplicates.suggestion_run import GRANT, Suggest
from discretion.domain.identity.stewardship import Stewardship
from discretion.domain.identity.unit_of_work import Workshop
from discretion.domain.ingest.dead_letters.replay import Replay
from discretion.domain.ingest.dead_letters.retention import Letters
from discretion.domain.ingest.intake import Intake
from discretion.domain.ingest.write_keys import WriteKeys
from discretion.domain.kit.graphql.context import Records, Verbs
from discretion.domain.kit.workflow.lease import At, nowhere
from discretion.domain.kit.workflow.runner import carrying
from discretion.domain.notices.editions import material
from discretion.domain.notices.load import load as load_notices
from discretion.domain.notices.presentation import Present
from discretion.domain.profiles.api.customers import pages
from discretion.domain.recipients.delivery_worker import delivering
from discretion.domain.requests.deadline_monitor import watching
from discretion.domain.requests.subscription import Follow
from discretion.domain.retention.sweep import Sweep
from discretion.edge.acknowledgement_endpoint import Acknowledgements
from discretion.edge.application import Doors, application
from discretion.edge.error_mask import Mask
from discretion.edge.graphql.document_cache import Documents
from discretion.edge.graphql.internal_client import Inside
from discretion.edge.graphql.operation_runner import Answer, known_purpose
from discretion.edge.graphql.schema_builder import build_schema
from discretion.edge.package_endpoint import PackageDoor
from discretion.edge.tracking_endpoint import Tracking
from discretion.errors import DiscretionError
from discretion.law.jurisdiction import Lawbook
from discretion.law.load import load as load_law
from discretion.ledger.append import Ledger
from discretion.ledger.storage import LedgerStorage
from discretion.plan.permission_window import Standing
from discretion.plan.plan_cache import Plans
from discretion.purpose.permission_engine import Judge
from discretion.reveal.forms import Forms
from discretion.reveal.revealer import Revealer
from discretion.seal.blind_index import BlindIndex
from discretion.seal.bucket_keys import Buckets
from discretion.seal.bucket_keys import watching as keys_watched
from discretion.seal.key_files import derive
from discretion.seal.pairwise_ids import Pairwise
from discretion.settings import Settings
from discretion.store.consents import Consents
from discretion.store.customers import Customers
from discretion.store.driver.database import CommandListener, Database, connect
from discretion.store.driver.server_check import inspect
from discretion.store.embedded import mongo_server as embedded
from discretion.store.events import Events
from discretion.store.identities import Identities
from discretion.store.rulebooks import Rulebooks
from discretion.store.schema.apply import prepare
from discretion.store.suggestions import Suggestions
from discretion.store.sweeps import Sweeps
from discretion.store.tombstones import Tombstones
from discretion.token.issue import Issuer
from discretion.token.keys import KeySet
from discretion.token.verify import Verifier

EXPIRE_EVERY_S = 3600
JUDGE_EVERY_S = 20.0
JUDGE_PAUSE_S = 0.05
_log = logging.getLogger(__name__)


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
    rejudge: Rejudge
    sweep: Sweep
    rights: Rights
    telling: Telling
    access: Access
    shred: Shred
    erasing: Erasing
    remember: Remember
    restore: Restore
    acting: Acting


@asynccontextmanager
async def platform(
    settings: Settings,
    listeners: tuple[CommandListener, ...] = (),
    *,
    idle: bool = False,
    restoring: bool = False,
) -> AsyncIterator[Platform]:
    """A platform, from start to stop.

    An ``idle`` one does nothing that it is not asked for, nor puts its rules in force; one for ``restoring``
    opens on a database that nobody may be served from yet.

    Raises:
        Misconfigured: what the operator has to mend, before anything is served.
    """
    catalogue = load(settings.catalogue_dir)
    changes = material(load_notices(catalogue, settings.notices_dir).editions)
    lawbook = load_law(settings.jurisdictions_dir, catalogue, changes)
    root = root_key(settings)
    async with mongo_url(settings) as url:
        database = await connect(url, settings.mongo_database, settings.mongo_driver, listeners)
        try:
            await inspect(database)
            await prepare(database, [one.key for one in catalogue.attributes.values() if one.ordered])
            await ensure_keys(settings, database)
            trusted = await trust(database, Judge(catalogue, lawbook.law), enforce=not idle)
            running = assemble(settings, catalogue, lawbook, database, root, trusted)
            if not restoring:
                await running.remember.check()
            async with keys_watched(running.conductor.revealer.buckets):
                if idle:
                    yield running
                    return
                async with (
                    expiring(running.letters),
                    judging(running.rejudge),
                    carrying(running.rights.engine),
                    delivering(running.telling.deliver),
                    informing(running.acting.tell),
                    watching(running.rights.watch),
                ):
                    yield running
        finally:
            await database.close()


async def trust(database: Database, judge: Judge, *, enforce: bool = True) -> dict[str, int]:
    """Put the rules in force; of those before them, the purposes that are judged as ever."""
    books = Rulebooks(database)
    if enforce:
        await books.keep(judge.version, judge.purposes, now_ms())
    known = await books.all()
    return {one: judge.trusted(purposes) for one, purposes in known.items() if one != judge.version}


@asynccontextmanager
async def judging(rejudge: Rejudge) -> AsyncIterator[None]:
    """Have customers judged anew whose rules changed or for whom time ran on, again and again."""

    async def judge() -> None:
        while True:
            try:
                await rejudge.run(pause_s=JUDGE_PAUSE_S)
            except DiscretionError as error:
                _log.error("customers could not be judged anew: %s", error.code)
            await asyncio.sleep(JUDGE_EVERY_S)

    async with beside(judge()):
        yield


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

    async with beside(expire()):
        yield


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
    lawbook: Lawbook,
    database: Database,
    root: bytes,
    trusted: Mapping[str, int] | None = None,
    clock: Callable[[], int] = now_ms,
    entropy: Callable[[int], bytes] = os.urandom,
    at: At = nowhere,
) -> Platform:
    """Put the parts together; ``clock`` gives ms since 1970, ``at`` is told where each step of a request is.

    ``trusted`` has, by the version of rules that customers were judged by before, the purposes whose
    rules are the same today.
    """
    buckets = Buckets.keep(bucket_keys(settings), root, settings.buckets, entropy)
    judge = Judge(catalogue, lawbook.law)
    blind = BlindIndex(derive(root, "blind"))

    def workshop() -> Workshop:
        return Workshop(catalogue, judge, lawbook.of_place, buckets, entropy, clock())

    ground = Ground(
        settings,
        catalogue,
        lawbook,
        database,
        root,
        workshop,
        Tombstones(database, blind),
        buckets,
        signing_keys(settings, root),
        Pairwise(derive(root, "pairwise")),
        clock,
        entropy,
    )
    return _upon(ground, blind, Standing(judge.version, judge.binding(), trusted or {}), at)


def _upon(on: Ground, blind: BlindIndex, standing: Standing, at: At) -> Platform:
    """Everything that stands on the ground."""
    settings, catalogue, lawbook, database = on.settings, on.catalogue, on.lawbook, on.database
    workshop, clock, entropy, keys = on.workshop, on.clock, on.entropy, on.keys
    forms, storage = Forms(derive(on.root, "pseudonym")), LedgerStorage(database)
    revealer = Revealer(catalogue, standing, on.buckets, forms, on.pairwise)
    conductor = Conductor(revealer, Ledger(storage), clock, entropy)
    stationery = load_notices(catalogue, settings.notices_dir)
    agreed = Agreed(catalogue, stationery.office, Consents(database))
    evidence = Evidence(agreed)
    told = receiving(
        settings, database, catalogue, workshop, evidence, on.tombstones, blind, on.root, clock, entropy
    )
    speak = Speak(database, workshop)
    say, receipts = Say(agreed, speak, entropy), Receipts(keys, settings.issuer)
    steward, suggestions = Stewardship(database, workshop), Suggestions(database, clock)
    asked = asking(on, conductor, stationery.office, receipts, say, speak, at)
    present = Present(catalogue, stationery, lawbook.jurisdictions, clock)
    verbs = (told.intake, steward, say, agreed.consents, receipts, lawbook, suggestions, told.stored, present)
    records = Records(
        catalogue,
        Customers(database, lambda mask: standing.clause(mask, clock())),
        Events(database),
        storage,
        blind,
        on.pairwise,
        Identities(database),
        Verbs(*verbs, *asked.verbs),
    )
    heed = Heed(speak, on.pairwise, clock, evidence.heeded)
    doors, write_keys = _doors(
        settings, conductor, records, keys, forms, database, heed, told.intake, asked.telling
    )
    doing = acting(on, records, asked, stationery.office)
    return Platform(
        app=application(replace(doors, acting=doing.routes)),
        acting=doing,
        catalogue=catalogue,
        database=database,
        issuer=_issuer(settings, keys, catalogue, clock, entropy),
        write_keys=write_keys,
        conductor=conductor,
        suggest=Suggest(catalogue, Inside(doors.documents, doors.answer, GRANT), on.pairwise, suggestions),
        letters=told.letters,
        replay=told.replay,
        rejudge=Rejudge(database, workshop),
        rights=asked.rights,
        erasing=asked.erasing,
        telling=asked.telling,
        access=asked.access,
        sweep=Sweep(Sweeps(database), database, catalogue, workshop, clock),
        shred=asked.erasing.destroy.shred,
        remember=asked.remember,
        restore=Restore(database, on.buckets, asked.remember, Banish(database, blind, workshop), clock),
    )


def _doors(
    settings: Settings,
    conductor: Conductor,
    records: Records,
    keys: KeySet,
    forms: Forms,
    database: Database,
    heed: Heed,
    intake: Intake,
    hears: Telling,
) -> tuple[Doors, WriteKeys]:
    """What the doors are made of, and the keys of those who send."""
    catalogue, clock, entropy = records.catalogue, conductor.now_ms, conductor.entropy
    schema = build_schema(catalogue)
    mask = Mask(entropy)
    write_keys = WriteKeys(database, catalogue, entropy, clock)
    known = partial(known_purpose, catalogue)
    verifier = Verifier(keys, settings.issuer, settings.audience, clock, known)
    documents = Documents(schema._schema, pages=pages(catalogue))
    plans = Plans(schema._schema, catalogue, forms.render)
    for forget in (verifier.forget_all, documents.forget, plans.forget, heed.forget):
        conductor.revealer.buckets.listen(forget)  # each erasure changes keys, in every process
    doors = Doors(
        verifier=verifier,
        documents=documents,
        answer=Answer(schema, plans, conductor, records, mask),
        mask=mask,
        heed=heed,
        tracking=Tracking(write_keys, intake),
        packages=PackageDoor(records.verbs[HandOut]),
        acknowledgements=Acknowledgements(hears.confirm, verifier.from_header),
        jwks=keys.public_jwks(),
        database=database,
        follow=records.verbs[Follow],
        now_ms=clock,
    )
    return doors, write_keys


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
