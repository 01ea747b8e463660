"""The ``recipients`` and ``deliveries`` collections: webhooks of clients, and notifications for them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from discretion.store.document import Document, MutableDocument, TimePosition, drop_unset, parse_readable
from discretion.store.document_update import list_changed_members
from discretion.store.driver.database import Database, Session, build_update
from discretion.store.lease import LeasedCollection
from discretion.store.paging import KeysetOrder

RECIPIENTS, DELIVERIES = "recipients", "deliveries"
OLDEST_FIRST = KeysetOrder("created", direction=1, id_direction=1)
"""By the time of creation."""


class DeliveryState(StrEnum):
    """State of a delivery."""

    OPEN = "open"  # has to be sent, or sent again
    RECEIVED = "received"  # the recipient replied with 202 and will acknowledge later
    ACKNOWLEDGED = "told"  # acknowledged by the recipient or by a steward
    BY_HAND = "by_hand"  # the recipient has no webhook; a steward informs it
    STUCK = "stuck"  # not acknowledged within the retry period; a steward informs the recipient
    EXPIRED = "lapsed"  # nobody informed the recipient in time; the ids of the person were deleted


@dataclass(frozen=True, slots=True)
class Webhook:
    """The webhook of a client; ``recipient_key`` is its catalogue key, ``added_at`` in ms since 1970."""

    client: str
    recipient_key: str | None
    url: str
    added_at: int


@dataclass(frozen=True, slots=True)
class MergedSubject:
    """A pairwise id of somebody else, and the time (ms) in which data of the person were given under it."""

    subject: str = field(repr=False)
    since: int
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The notification of one client about one request; times in ms since 1970.

    Attributes:
        id: Id of the delivery.
        request: Id of the rights request.
        client: The recipient.
        right: The right that was exercised: ``erasure``, ``correction`` or ``restriction``.
        subjects: Pairwise ids by which this client knows the person. Deleted when it has acknowledged.
        merged: Ids by which it knew the person together with somebody else. Deleted with ``subjects``.
        attributes: Paths of the attributes that it received and that are concerned.
        purposes: The purposes it received them for.
        state: State of the delivery.
        created: When it was created.
        attempts: Number of attempts.
        fence: Number of the lease under which it was read (``store.lease``), which says nothing about it.
        next_attempt: When the next attempt is due.
        acknowledged: When it was acknowledged.
        acknowledged_by: ``webhook``, ``client:…`` or ``steward:…``.
        failure: Stable code of the last failure, such as ``HTTP_503``.
        warnings: Warnings that were given before it expires.
        informed: When the recipient was informed, according to the steward who acknowledged it.
        reason: How it was informed and where the proof is, or why it could not be; no personal data.
    """

    id: bytes
    request: bytes
    client: str
    right: str
    subjects: tuple[str, ...] = field(repr=False)
    attributes: tuple[str, ...]
    purposes: tuple[str, ...]
    state: DeliveryState
    created: int
    attempts: int = 0
    fence: int = field(default=0, compare=False)
    next_attempt: int | None = None
    acknowledged: int | None = None
    acknowledged_by: str | None = None
    failure: str | None = None
    warnings: tuple[str, ...] = ()
    informed: int | None = None
    reason: str | None = None
    merged: tuple[MergedSubject, ...] = field(default=(), repr=False)


class DeliveryStore:
    """The ``recipients`` and ``deliveries`` collections."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._leases = LeasedCollection(database, DELIVERIES, take_counts=("attempts",))

    async def list_webhooks(self, clients: Sequence[str] | None = None) -> list[Webhook]:
        """List the webhooks of these clients, or of all clients."""
        query = {} if clients is None else {"_id": {"$in": list(clients)}}
        documents = await self._database.find(RECIPIENTS, query, sort=[("_id", 1)])
        return [parse_webhook(document) for document in documents]

    async def save_webhook(self, webhook: Webhook) -> None:
        """Save a client's webhook, replacing an earlier one."""
        document = build_webhook_document(webhook)
        await self._database.replace_one(RECIPIENTS, {"_id": webhook.client}, document, upsert=True)

    async def delete_webhook(self, client: str) -> bool:
        """Delete a client's webhook, and return whether there was one."""
        return await self._database.delete_many(RECIPIENTS, {"_id": client}) == 1

    async def add(self, deliveries: Sequence[Delivery], session: Session) -> None:
        """Add deliveries in a transaction; a delivery that exists already stays unchanged."""
        # The workflow step that adds them can run again after a crash; a delivery must not be reset or sent
        # twice.
        writes = []
        for delivery in deliveries:
            document = build_delivery_document(delivery) | {"until": 0}
            writes.append(build_update({"_id": document.pop("_id")}, {"$setOnInsert": document}, upsert=True))
        await self._database.bulk_write(DELIVERIES, writes, session=session)

    async def find(self, delivery: bytes, session: Session | None = None) -> Delivery | None:
        """Return the delivery with this id."""
        document = await self._database.find_one(DELIVERIES, {"_id": delivery}, session=session)
        return None if document is None else parse_delivery(document)

    async def list_by_request(self, request: bytes, session: Session | None = None) -> list[Delivery]:
        """List the deliveries of a request, sorted by client."""
        documents = await self._database.find(
            DELIVERIES, {"request": request}, sort=[("client", 1)], session=session
        )
        return [parse_delivery(document) for document in documents]

    async def list_unacknowledged(
        self, states: Collection[DeliveryState], position: TimePosition | None, limit: int
    ) -> list[Delivery]:
        """List deliveries in these states that nobody has acknowledged, oldest first.

        Args:
            states: Their states.
            position: Time and id of the last delivery of the page before.
            limit: Deliveries at most.
        """
        query = {**_match_states(states), "acknowledged": {"$exists": False}}
        return await self._list_oldest(OLDEST_FIRST.continue_after(query, position), limit)

    async def list_unwarned(
        self, states: Collection[DeliveryState], created: int, warning: str, limit: int
    ) -> list[Delivery]:
        """List deliveries in these states that were created before a time (ms) and lack a warning."""
        query = {**_match_states(states), "created": {"$lt": created}, "warned": {"$ne": warning}}
        return await self._list_oldest(query, limit)

    async def list_older_than(
        self, states: Collection[DeliveryState], created: int, limit: int
    ) -> list[Delivery]:
        """List deliveries in these states that were created before a time (ms), oldest first."""
        return await self._list_oldest({**_match_states(states), "created": {"$lt": created}}, limit)

    async def list_by_client(self, client: str, states: Collection[DeliveryState]) -> list[Delivery]:
        """List a client's deliveries in these states."""
        documents = await self._database.find(DELIVERIES, {"client": client, **_match_states(states)})
        return [parse_delivery(document) for document in documents]

    async def mark_warned(self, delivery: bytes, warnings: Sequence[str]) -> bool:
        """Record warnings about a delivery, and return whether the first of them was new."""
        result = await self._database.update_one(
            DELIVERIES,
            {"_id": delivery, "warned": {"$ne": warnings[0]}},
            {"$addToSet": {"warned": {"$each": list(warnings)}}},
        )
        return result.matched == 1

    async def take_due(self, now: int, until: int, limit: int) -> list[Delivery]:
        """Lease the deliveries whose attempt is due, the longest waiting first. A lease counts an attempt.

        Args:
            now: The current time (ms).
            until: When the leases end (ms).
            limit: Deliveries at most.
        """
        # One that cannot be read is due again after its lease.
        return parse_readable(await self._leases.take_due(now, until, limit), parse_delivery)

    async def save_outcome(self, before: Delivery, after: Delivery, session: Session | None = None) -> bool:
        """Save what an attempt changed and end its lease; return whether the lease was still held."""
        change = {**_list_changes(before, after), "until": 0}
        return await self._leases.save(before.id, before.fence, change, session)

    async def overrule(self, before: Delivery, after: Delivery, session: Session | None = None) -> bool:
        """Save a change by somebody else than the worker, and return whether the state was still the same.

        The outcome of an attempt that is under way is not stored any more.
        """
        query = {"_id": before.id, "state": before.state.value}
        return await self._leases.overrule(query, _list_changes(before, after), session)

    async def _list_oldest(self, query: Document, limit: int) -> list[Delivery]:
        documents = await self._database.find(DELIVERIES, query, sort=OLDEST_FIRST.sort, limit=limit)
        return [parse_delivery(document) for document in documents]


def parse_webhook(document: Document) -> Webhook:
    """Parse a stored webhook."""
    return Webhook(document["_id"], document.get("kind"), document["url"], document["added"])


def build_webhook_document(webhook: Webhook) -> MutableDocument:
    """Build the stored document of a webhook."""
    kind = {} if webhook.recipient_key is None else {"kind": webhook.recipient_key}
    return {"_id": webhook.client, "url": webhook.url, "added": webhook.added_at, **kind}


def parse_delivery(document: Document) -> Delivery:
    """Parse a stored delivery."""
    get = document.get
    return Delivery(
        id=document["_id"],
        request=document["request"],
        client=document["client"],
        right=document["what"],
        subjects=tuple(get("subjects", ())),
        attributes=tuple(document["attributes"]),
        purposes=tuple(document["purposes"]),
        state=DeliveryState(document["state"]),
        created=document["created"],
        attempts=document["attempts"],
        fence=document["fence"],
        next_attempt=get("next"),
        acknowledged=get("acknowledged"),
        acknowledged_by=get("by"),
        failure=get("why"),
        warnings=tuple(get("warned", ())),
        informed=get("informed"),
        reason=get("reason"),
        merged=tuple(MergedSubject(item["n"], item["f"], item["t"]) for item in get("merged", ())),
    )


def build_delivery_document(delivery: Delivery) -> MutableDocument:
    """Build the stored document of a delivery, without the end of its lease."""
    optional = {
        "subjects": list(delivery.subjects) or None,
        "merged": [{"n": item.subject, "f": item.since, "t": item.until} for item in delivery.merged] or None,
        "next": delivery.next_attempt,
        "acknowledged": delivery.acknowledged,
        "by": delivery.acknowledged_by,
        "why": delivery.failure,
        "warned": list(delivery.warnings) or None,
        "informed": delivery.informed,
        "reason": delivery.reason,
    }
    return {
        "_id": delivery.id,
        "request": delivery.request,
        "client": delivery.client,
        "what": delivery.right,
        "attributes": list(delivery.attributes),
        "purposes": list(delivery.purposes),
        "state": delivery.state.value,
        "created": delivery.created,
        "attempts": delivery.attempts,
        "fence": delivery.fence,
        **drop_unset(optional),
    }


def _list_changes(before: Delivery, after: Delivery) -> MutableDocument:
    return list_changed_members(build_delivery_document(before), build_delivery_document(after))


def _match_states(states: Collection[DeliveryState]) -> MutableDocument:
    return {"state": {"$in": [state.value for state in states]}}
