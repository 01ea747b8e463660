"""Builds the components that make access packages and deliver them."""

from __future__ import annotations

from collections.abc import Mapping
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
from discretion.domain.kit.workflow.runner import StepAction
from discretion.ledger.storage import LedgerStorage
from discretion.store.consents import ConsentStore
from discretion.store.dead_letters import DeadLetterStore
from discretion.store.packages import PackageStore
from discretion.store.requests import RequestStore
from discretion.store.suggestions import SuggestionStore


@dataclass(frozen=True, slots=True)
class AccessComponents:
    """The download links of packages; ``steps`` are the workflow steps of access, by their stored names."""

    download_links: DownloadLinks
    steps: Mapping[str, StepAction]


def build_access(
    context: WiringContext, discloser: Discloser, receipts: ReceiptSigner, egress: EgressClient
) -> AccessComponents:
    """Build the components of access and portability."""
    catalogue, database = context.catalogue, context.database
    requests, packages = RequestStore(database), PackageStore(database)
    history = SubjectHistory(
        stores=context.stores,
        suggestions=SuggestionStore(database, context.clock),
        dead_letters=DeadLetterStore(database, context.tombstones),
        consents=ConsentStore(database),
        ledger=LedgerStorage(database, catalogue.register, context.entropy),
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
    return AccessComponents(
        download_links=download_links,
        steps={"gather": gather.run, "ready": gather.clear_failed_attempts, "send": send.run},
    )
