"""Builds the components that notify the recipients of personal data (GDPR Art. 19)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from discretion.app.wiring.context import WiringContext
from discretion.domain.kit.egress import EgressClient
from discretion.domain.kit.workflow.runner import StepAction
from discretion.domain.recipients.acknowledgement import AcknowledgementRecorder
from discretion.domain.recipients.delivery_worker import DeliveryWorker
from discretion.domain.recipients.manual_deliveries import ManualDeliveryMonitor
from discretion.domain.recipients.notification import NotificationSigner
from discretion.domain.recipients.notification_result import NotificationResults, SignAgain
from discretion.domain.recipients.notification_steps import build_notification_steps
from discretion.domain.recipients.recipient_notifier import RecipientNotifier
from discretion.domain.recipients.recipient_register import RecipientRegister
from discretion.ledger.storage import LedgerStorage
from discretion.store.deliveries import DeliveryStore
from discretion.store.people import PeopleStore
from discretion.store.requests import RequestStore
from discretion.store.transactions import Transactions


@dataclass(frozen=True, slots=True)
class RecipientComponents:
    """The register of recipients, the delivery of notifications, and their acknowledgements.

    ``steps`` are the workflow steps of this package, by their stored names.
    """

    recipient_register: RecipientRegister
    notifier: RecipientNotifier
    delivery_worker: DeliveryWorker
    acknowledgements: AcknowledgementRecorder
    egress: EgressClient
    steps: Mapping[str, StepAction]


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
    notifier = RecipientNotifier(catalogue, LedgerStorage(database), deliveries, context.pairwise)
    signer = NotificationSigner(context.signing_keys.select, settings.issuer)
    transactions = Transactions(database)
    results = NotificationResults(RequestStore(database), notifier, sign_again)
    monitor = ManualDeliveryMonitor(transactions, deliveries, results, clock)
    return RecipientComponents(
        recipient_register=RecipientRegister(catalogue, deliveries, egress, clock),
        notifier=notifier,
        delivery_worker=DeliveryWorker(
            transactions, deliveries, results, monitor, signer, egress, clock, context.entropy
        ),
        acknowledgements=AcknowledgementRecorder(transactions, deliveries, results, clock),
        egress=egress,
        steps=build_notification_steps(transactions, PeopleStore(database), notifier, context.buckets, clock),
    )
