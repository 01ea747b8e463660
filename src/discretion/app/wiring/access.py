"""Builds the components that make access packages and deliver them."""

from __future__ import annotations

from dataclasses import dataclass

from discretion.app.wiring.context import WiringContext
from discretion.disclose import Discloser
from discretion.domain.access.download_links import DownloadLinks
from discretion.domain.access.package_page import PAGE_ROWS
from discretion.domain.access.package_steps import GatherPackage
from discretion.domain.access.subject_history import SubjectHistory
from discretion.domain.access.transfer import SendPackage
from discretion.domain.consent.receipt import ReceiptSigner
from discretion.domain.kit.egress import EgressClient
from discretion.ledger.storage import LedgerStorage
from discretion.store.consents import ConsentStore
from discretion.store.dead_letters import DeadLetterStore
from discretion.store.packages import PackageStore
from discretion.store.requests import RequestStore
from discretion.store.suggestions import SuggestionStore


@dataclass(frozen=True, slots=True)
class AccessComponents:
    """The download links of packages, and the workflow steps that make and send them."""

    download_links: DownloadLinks
    gather: GatherPackage
    send: SendPackage


def build_access(
    context: WiringContext, discloser: Discloser, receipts: ReceiptSigner, egress: EgressClient
) -> AccessComponents:
    """Build the components of access and portability."""
    catalogue, database = context.catalogue, context.database
    requests, packages = RequestStore(database), PackageStore(database)
    history = SubjectHistory(
        stores=context.stores,
        suggestions=SuggestionStore(database=database, now_ms=context.clock),
        dead_letters=DeadLetterStore(database=database, tombstones=context.tombstones),
        consents=ConsentStore(database),
        ledger=LedgerStorage(database=database, register=catalogue.register, entropy=context.entropy),
        requests=requests,
        receipts=receipts,
        batch_size=PAGE_ROWS,
    )
    gather = GatherPackage(
        catalogue=catalogue,
        lawbook=context.lawbook,
        office=context.notices.office,
        history=history,
        packages=packages,
        discloser=discloser,
        buckets=context.buckets,
    )
    download_links = DownloadLinks(
        catalogue=catalogue,
        discloser=discloser,
        requests=requests,
        packages=packages,
        stores=context.stores,
        base_url=receipts.issuer,
    )
    send = SendPackage(
        download_links=download_links,
        egress=egress,
        select_keys=context.signing_keys.select,
        issuer=receipts.issuer,
    )
    return AccessComponents(download_links=download_links, gather=gather, send=send)
