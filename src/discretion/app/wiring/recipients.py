"""Builds the components that notify the recipients of personal data (GDPR Art. 19)."""

from __future__ import annotations

from dataclasses import dataclass

from discretion.app.wiring.context import WiringContext
from discretion.domain.kit.egress import EgressClient
from discretion.domain.recipients.acknowledgement import AcknowledgementRecorder
from discretion.domain.recipients.delivery_worker import DeliveryWorker
from discretion.domain.recipients.manual_deliveries import ManualDeliveryMonitor
from discretion.domain.recipients.notification import NotificationSigner
from discretion.domain.recipients.notification_result import NotificationResults, SignAgain
from discretion.domain.recipients.notification_steps import NotificationSteps
from discretion.domain.recipients.recipient_notifier import RecipientNotifier
from discretion.domain.recipients.recipient_register import RecipientRegister
from discretion.ledger.storage import LedgerStorage
from discretion.store.deliveries import DeliveryStore
from discretion.store.requests import RequestStore
from discretion.store.transactions import Transactions


@dataclass(frozen=True, slots=True)
class RecipientComponents:
    """The register of recipients, the delivery of notifications, and their acknowledgements.

    ``steps`` are the workflow steps of this package.
    """

    recipient_register: RecipientRegister
    notifier: RecipientNotifier
    delivery_worker: DeliveryWorker
    acknowledgements: AcknowledgementRecorder
    egress: EgressClient
    steps: NotificationSteps


def build_recipients(context: WiringContext, sign_again: SignAgain) -> RecipientComponents:
    """Build the components of recipients.

    ``sign_again`` signs a certificate with a later result of the notifications.
    """
    settings, catalogue, database, clock = (
        context.settings,
        context.catalogue,
        context.database,
        context.clock,
    )
    deliveries = DeliveryStore(database)
    egress = EgressClient(loopback=settings.outward_loopback)
    notifier = RecipientNotifier(
        catalogue=catalogue,
        ledger=LedgerStorage(database=database, register=catalogue.register, entropy=context.entropy),
        deliveries=deliveries,
        pairwise=context.pairwise,
    )
    signer = NotificationSigner(select_keys=context.signing_keys.select, issuer=settings.issuer)
    transactions = Transactions(database)
    results = NotificationResults(requests=RequestStore(database), notifier=notifier, sign_again=sign_again)
    monitor = ManualDeliveryMonitor(
        transactions=transactions, deliveries=deliveries, results=results, now_ms=clock
    )
    return RecipientComponents(
        recipient_register=RecipientRegister(
            catalogue=catalogue, deliveries=deliveries, egress=egress, now_ms=clock
        ),
        notifier=notifier,
        delivery_worker=DeliveryWorker(
            transactions=transactions,
            deliveries=deliveries,
            results=results,
            monitor=monitor,
            signer=signer,
            egress=egress,
            now_ms=clock,
            entropy=context.entropy,
        ),
        acknowledgements=AcknowledgementRecorder(
            transactions=transactions, deliveries=deliveries, results=results, now_ms=clock
        ),
        egress=egress,
        steps=NotificationSteps(
            transactions=transactions,
            names=context.person_names,
            notifier=notifier,
            now_ms=clock,
        ),
    )
