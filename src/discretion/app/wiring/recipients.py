"""Where telling recipients is put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from discretion.catalogue.model import Catalogue
from discretion.domain.kit.egress import Outward
from discretion.domain.kit.workflow.runner import Act
from discretion.domain.recipients.acknowledgement import Confirm
from discretion.domain.recipients.delivery_worker import Deliver
from discretion.domain.recipients.notification import Notices
from discretion.domain.recipients.notification_steps import acts
from discretion.domain.recipients.recipient_notifier import Tell
from discretion.domain.recipients.recipient_register import Register
from discretion.ledger.storage import LedgerStorage
from discretion.seal.bucket_keys import Buckets
from discretion.seal.pairwise_ids import Pairwise
from discretion.settings import Settings
from discretion.store.deliveries import Deliveries
from discretion.store.driver.database import Database
from discretion.token.keys import KeySet


@dataclass(frozen=True, slots=True)
class Telling:
    """Whom to tell, telling them, and hearing that they know; ``acts`` are the steps of a request."""

    register: Register
    tell: Tell
    deliver: Deliver
    confirm: Confirm
    outward: Outward
    acts: Mapping[str, Act]

    @property
    def verbs(self) -> tuple[object, ...]:
        """What resolvers act through."""
        return self.tell, self.confirm, self.outward


def telling(
    settings: Settings,
    catalogue: Catalogue,
    database: Database,
    keys: KeySet,
    buckets: Buckets,
    pairwise: Pairwise,
    clock: Callable[[], int],
    entropy: Callable[[int], bytes],
) -> Telling:
    """Put the parts together."""
    deliveries, outward = Deliveries(database), Outward(loopback=settings.outward_loopback)
    tell = Tell(catalogue, LedgerStorage(database), deliveries, pairwise)
    return Telling(
        register=Register(catalogue, deliveries, outward, clock),
        tell=tell,
        deliver=Deliver(deliveries, Notices(keys, settings.issuer), outward, clock, entropy),
        confirm=Confirm(deliveries, clock),
        outward=outward,
        acts=acts(database, tell, buckets, clock),
    )
