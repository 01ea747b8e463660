"""Where making packages and handing them out is put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from discretion.catalogue.model import Catalogue
from discretion.disclose import Conductor
from discretion.domain.access.download_links import HandOut
from discretion.domain.access.package_page import ROWS
from discretion.domain.access.package_steps import Gather
from discretion.domain.access.subject_history import Archive
from discretion.domain.access.transfer import Send
from discretion.domain.consent.receipt import Receipts
from discretion.domain.kit.egress import Outward
from discretion.domain.kit.workflow.runner import Act
from discretion.domain.notices.privacy_office import Office
from discretion.law.jurisdiction import Lawbook
from discretion.ledger.storage import LedgerStorage
from discretion.store.consents import Consents
from discretion.store.driver.database import Database
from discretion.store.identities import Identities
from discretion.store.packages import Packages
from discretion.store.requests import Requests
from discretion.store.subject_reads import Kept
from discretion.token.keys import KeySet


@dataclass(frozen=True, slots=True)
class Access:
    """Making packages, and handing them out; ``acts`` are the steps of a request."""

    hand_out: HandOut
    acts: Mapping[str, Act]

    @property
    def verbs(self) -> tuple[object, ...]:
        """What resolvers act through."""
        return (self.hand_out,)


def access(
    catalogue: Catalogue,
    lawbook: Lawbook,
    database: Database,
    conductor: Conductor,
    office: Office,
    receipts: Receipts,
    outward: Outward,
    keys: KeySet,
) -> Access:
    """Put the parts together."""
    kept, requests, packages = Kept(database), Requests(database), Packages(database)
    archive = Archive(
        kept, Consents(database), Identities(database), LedgerStorage(database), requests, receipts, ROWS
    )
    gather = Gather(catalogue, lawbook, office, archive, packages, conductor, conductor.revealer.buckets)
    hand_out = HandOut(catalogue, conductor, requests, packages, kept, receipts.issuer)
    send = Send(hand_out, outward, keys, receipts.issuer)
    return Access(hand_out, {"gather": gather, "ready": gather.ready, "send": send})
