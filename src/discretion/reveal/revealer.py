"""Readings: the only code that decrypts stored customers for an answer.

A ``Reading`` lives for one operation. It turns documents into rows and rows into answers, and it keeps the
account of which customers were read, what was shown and what was withheld. ``disclose`` writes that account
to the ledger before the answer leaves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from discretion.catalogue.assurance import compute_withheld_bits
from discretion.catalogue.model import Attribute, Catalogue, Form
from discretion.catalogue.retention_cut_off import list_shorter_cut_offs
from discretion.plan.customer_members import ASSURANCE, CONTESTED, WRAPPED_KEY, name_time
from discretion.plan.permission_window import PermissionWindow
from discretion.plan.plan import QueryPlan, ResponseShape
from discretion.purpose.decision import EVERY_BIT, Allow, WithholdReason
from discretion.reveal.contested_values import restore_contested_values
from discretion.reveal.forms import FormRenderer
from discretion.reveal.login_reach import LoginReach
from discretion.reveal.plan_cut_offs import compute_cut_offs
from discretion.seal.bucket_keys import BucketKeys
from discretion.seal.cell import HEADER_BYTES
from discretion.seal.ledger_pseudonym import LedgerKey
from discretion.seal.open import CipherCache, CustomerCipher
from discretion.seal.pairwise_ids import PairwiseIds
from discretion.store.customer_codec import CustomerDocument, build_customer_document
from discretion.store.document import Document, MutableDocument
from discretion.token.grant import Grant

CUSTOMER_ID_KIND = b"customer"
REQUEST_ID_KIND = b"request"
"""Kinds of what an id for one client stands for; an id of one kind is none of another."""

RETAINED_DATA = "held"
"""Ledger label of access to data that another law orders kept after an erasure."""

MAX_CLIENT_IDS = 8
"""Pairwise ids cached per customer; the same customer is rarely read by more clients than that."""
_WITHHOLD_REASONS = (
    WithholdReason.NO_VALUE,
    WithholdReason.CHOICE,
    WithholdReason.RETENTION,
    WithholdReason.ASSURANCE,
)
"""Reasons by the number that compiled functions write: 0 no value, 1 not permitted, 2 past its retention, 3
an address that is not certain enough."""


class CustomerRow:
    """One customer as read for one operation."""

    __slots__ = ("_permitted_for_kind", "allow", "cipher", "doc", "id")

    def __init__(
        self,
        doc: MutableDocument,
        allow: int,
        permitted_for_kind: Callable[[Document, str], int],
        cipher: CustomerCipher,
    ) -> None:
        self.doc = doc
        self.id: bytes = doc["_id"]
        self.allow = allow
        self.cipher = cipher
        self._permitted_for_kind = permitted_for_kind

    def permitted_for(self, kinds: Iterable[str]) -> int:
        """Return the bits of the purposes that the person permits for data of these sensitive kinds."""
        bits = self.allow
        for kind in kinds:
            bits &= self._permitted_for_kind(self.doc, kind)
        return bits


@dataclass(frozen=True, slots=True)
class VisibleValue:
    """What may be seen of an attribute: its form and when it was observed (ms).

    ``value`` decrypts and renders it.
    """

    attribute: Attribute
    form: Form
    observed: int
    value: Callable[[], Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class WithheldField:
    """An attribute that was withheld from the answer for ``count`` customers, with the ``reason``."""

    field: str
    reason: WithholdReason
    count: int


@dataclass(frozen=True, slots=True)
class RevealAccount:
    """The result of a reading, as it goes to the ledger.

    Attributes:
        revealed: For each customer that was read, by ledger pseudonym, the bits of the plan's attributes that
            were revealed. A customer of whom nothing was revealed has 0.
        extra: Labels of what was revealed besides attributes, such as event types.
        withheld: What was withheld, by attribute and reason.
    """

    revealed: dict[bytes, int] = field(repr=False)
    extra: frozenset[str]
    withheld: tuple[WithheldField, ...]


class Revealer:
    """The dependencies that all readings share."""

    def __init__(
        self,
        catalogue: Catalogue,
        permission_window: PermissionWindow,
        buckets: BucketKeys,
        forms: FormRenderer,
        pairwise: PairwiseIds,
    ) -> None:
        self.catalogue = catalogue
        self.permission_window = permission_window
        self.buckets = buckets
        self.ciphers = CipherCache(buckets)
        self.forms = forms
        self.pairwise = pairwise

    def start_reading(
        self, plan: QueryPlan, grant: Grant, now_ms: int, login_reach: LoginReach | None
    ) -> Reading:
        """Start the reading of one operation; ``login_reach`` is what a customer's own login reaches now."""
        return Reading(self, plan, grant, now_ms, login_reach)


class Reading:
    """The access to customers of one operation, and the account of what it revealed."""

    def __init__(
        self, revealer: Revealer, plan: QueryPlan, grant: Grant, now_ms: int, login_reach: LoginReach | None
    ) -> None:
        self.login_reach = login_reach
        self.plan = plan
        self.grant = grant
        self.now_ms = now_ms
        self._revealer = revealer
        self._cut_offs = compute_cut_offs(plan, now_ms // 1000)
        self._revealed: dict[bytes, int] = {}
        self._extra: set[str] = set()
        # Sets of ids and not counters: a document that selects an attribute twice counts a customer once.
        self._withheld: defaultdict[tuple[int, int], set[bytes]] = defaultdict(set)
        self._denied: dict[str, set[bytes]] = {path: set() for path in plan.denied}
        self._positions = {attribute.path: index for index, attribute in enumerate(plan.attributes)}
        self._permitted_for_kind = _every_bit_of_kind if grant.is_self else self._permitted_for_kind_now
        self.encode_customer_id = revealer.pairwise.build_encoder(grant.client, CUSTOMER_ID_KIND)

    @property
    def own_customer(self) -> bytes | None:
        """The customer a customer's own token is about; None for other tokens, or if it reaches nobody."""
        return None if self.login_reach is None else self.login_reach.customer

    @property
    def requester_subject(self) -> str:
        """What names the caller in requests: the subject, or of a customer the digest of their login."""
        return self.grant.subject if self.login_reach is None else self.login_reach.digest

    def decode_customer_id(self, text: str) -> bytes | None:
        """Return the customer behind a pairwise id, or None if the id was not made for this client."""
        return self._revealer.pairwise.decode(self.grant.client, CUSTOMER_ID_KIND, text)

    def encode_id(self, kind: bytes, content: bytes) -> str:
        """Return an id or cursor that only this client can use."""
        return self._revealer.pairwise.encode(self.grant.client, kind, content)

    def decode_id(self, kind: bytes, text: str) -> bytes | None:
        """Return the content of an id from ``encode_id``, or None if it is of another client or kind."""
        return self._revealer.pairwise.decode(self.grant.client, kind, text)

    def open_rows(self, documents: Iterable[MutableDocument]) -> list[CustomerRow]:
        """Return a row for each document, with its key unwrapped and an entry in the account."""
        cipher_of, revealed, now = self._revealer.ciphers.get, self._revealed, self.now_ms
        permitted_bits = _every_bit if self.grant.is_self else self._revealer.permission_window.permitted_bits
        rows = []
        for document in documents:
            # The plan projects contested values only for the person themselves and for purposes that a law
            # demands.
            if document.get(CONTESTED):
                restore_contested_values(document)
            cipher = cipher_of(document["_id"], document[WRAPPED_KEY])
            # A customer who was read is recorded even if none of their attributes are revealed.
            revealed.setdefault(cipher.pseudonym, 0)
            rows.append(
                CustomerRow(document, permitted_bits(document, now), self._permitted_for_kind, cipher)
            )
        return rows

    def open_customer(self, customer: CustomerDocument) -> CustomerRow:
        """Return the row of a customer who was read whole, and not for a plan."""
        (row,) = self.open_rows([build_customer_document(customer)])
        return row

    def open_key(self, customer: bytes, wrapped_key: bytes) -> CustomerRow:
        """Return a row without attributes, to decrypt what is sealed under a present or former id."""
        cipher = self._revealer.ciphers.get(customer, wrapped_key)
        self._revealed.setdefault(cipher.pseudonym, 0)
        return CustomerRow({"_id": customer}, 0, self._permitted_for_kind, cipher)

    def build_permission_clause(self, mask: int) -> dict[str, Any]:
        """Return a query clause that matches customers who permit one of these purposes now."""
        return self._revealer.permission_window.build_clause(mask, self.now_ms)

    def build_candidate_clause(self, mask: int) -> dict[str, Any]:
        """Return a cheaper query clause that in addition matches customers whose window is not current."""
        return self._revealer.permission_window.build_candidate_clause(mask, self.now_ms)

    def build_answers(self, shape: ResponseShape, rows: Sequence[CustomerRow]) -> list[Any]:
        """Return the answers of many rows, made by the compiled function of one place of the response."""
        function, revealed, now, encoded_id = shape.function, self._revealed, self.now_ms, self._encode_row_id
        cut_offs, withheld = self._cut_offs, self._withheld
        earliest, latest, purpose_cut_offs = cut_offs.earliest, cut_offs.latest, cut_offs.purpose_cut_offs
        answers = []
        for row in rows:
            answer, bits = function(row, earliest, latest, purpose_cut_offs, withheld, now, encoded_id)
            revealed[row.cipher.pseudonym] |= bits
            answers.append(answer)
        # Denied attributes are not in the compiled function, so they are counted here for all rows.
        for path in shape.denied:
            self._denied[path].update(row.id for row in rows)
        return answers

    def _encode_row_id(self, row: CustomerRow) -> bytes:
        """Return the JSON of the row's pairwise id, cached beside the customer's key."""
        client_ids = row.cipher.client_ids
        client_id = client_ids.get(self.grant.client)
        if client_id is None:
            if len(client_ids) >= MAX_CLIENT_IDS:
                client_ids.clear()
            client_id = client_ids[self.grant.client] = b'"%b"' % self.encode_customer_id(row.id).encode()
        return client_id

    def _permitted_for_kind_now(self, doc: Document, kind: str) -> int:
        return self._revealer.permission_window.permitted_kind_bits(doc, kind, self.now_ms)

    def read_value(self, row: CustomerRow, attribute: Attribute) -> Any:
        """Reveal one attribute of one row without a compiled function, for the stock GraphQL executor."""
        visible = self.read_attribute(row, attribute)
        return None if visible is None else visible.value()

    def read_attribute(self, row: CustomerRow, attribute: Attribute) -> VisibleValue | None:
        """Return an attribute of a row as the grant may see it, or None.

        Both results are added to the account.
        """
        if attribute.path in self._denied:
            self._denied[attribute.path].add(row.id)
            return None
        index = self._positions[attribute.path]
        decision = self.plan.decisions[attribute.path]
        assert isinstance(decision, Allow)
        stored, observed = _read_stored(row.doc, attribute)
        permitted_bits = bits = row.permitted_for(attribute.kinds)
        # Some purposes keep the attribute for less time than its own retention; they do not justify an older
        # value.
        for purpose, earliest in list_shorter_cut_offs(attribute, self.now_ms // 1000 * 1000 + 999):
            bits &= -1 if observed >= earliest else ~purpose
        uncertain = compute_withheld_bits(
            attribute.assurance, row.doc.get(ASSURANCE, {}).get(attribute.key, 0)
        )
        bits &= ~uncertain
        permitted_form = next(
            (permitted_form for permitted_form in decision.permitted_forms if bits & permitted_form.mask),
            None,
        )
        if stored is None or permitted_form is None or observed < self._cut_offs.times[index]:
            # Numbers of ``_WITHHOLD_REASONS``, the same as in the functions that ``plan.compile`` generates.
            reason = 0 if stored is None else 2 if permitted_bits & decision.mask else 1
            if reason == 2 and not permitted_bits & ~uncertain & decision.mask:
                reason = 3
            self._withheld[index, reason].add(row.id)
            return None
        # Recorded before ``VisibleValue.value`` decrypts, so that no value can be revealed without its entry.
        self._revealed[row.cipher.pseudonym] |= 1 << index
        return VisibleValue(
            attribute,
            permitted_form.form,
            observed,
            partial(self._reveal_value, row, attribute, permitted_form.form, stored),
        )

    def _reveal_value(self, row: CustomerRow, attribute: Attribute, form: Form, stored: Any) -> Any:
        value = row.cipher.decrypt_cell(stored, attribute.key.encode()) if attribute.sealed else stored
        render = self._revealer.forms.build_render(attribute, form)
        return value if render is None else render(value, self.now_ms)

    def reveal_cell(self, row: CustomerRow, cell: bytes, key: str, label: str) -> Any:
        """Decrypt a value of this customer that is not an attribute, and add ``label`` to the account."""
        # Recorded before the decryption, so that no value can be revealed without its entry.
        self._extra.add(label)
        return row.cipher.decrypt_cell(cell, key.encode())

    def reveal_former_cell(
        self, row: CustomerRow, former: Mapping[bytes, bytes], owner: bytes, cell: bytes, key: str, label: str
    ) -> Any:
        """Decrypt a value that is sealed under a former id of this customer, and add it to the account.

        Args:
            row: The customer.
            former: Wrapped data keys by former customer id.
            owner: The id under whose key the cell is sealed; may be the present one.
            cell: The sealed value.
            key: What the cell is bound to.
            label: What is recorded in the ledger.
        """
        if owner == row.id:
            return self.reveal_cell(row, cell, key, label)
        self._extra.add(label)
        return self._revealer.ciphers.get(owner, former[owner]).decrypt_cell(cell, key.encode())

    def reveal_retained_cell(self, holder: tuple[bytes, bytes], cell: bytes, key: bytes) -> Any:
        """Decrypt a value that another law orders kept of an erased person, and add it to the account.

        ``holder`` is the random id under which the data are retained, and its wrapped key.
        """
        cipher = self._revealer.ciphers.get(*holder)
        self._revealed.setdefault(cipher.pseudonym, 0)
        self._extra.add(RETAINED_DATA)
        return cipher.decrypt_cell(cell, key)

    def list_ledger_keys(self, row: CustomerRow, former: Iterable[tuple[bytes, bytes]]) -> list[LedgerKey]:
        """Return the ledger keys of a customer, the one of the current id first.

        Args:
            row: The customer.
            former: Former ids, each with its wrapped data key.
        """
        ciphers = [
            (row.id, row.cipher),
            *((id_, self._revealer.ciphers.get(id_, key)) for id_, key in former),
        ]
        return [LedgerKey(customer, cipher.pseudonym, cipher.decrypt_raw) for customer, cipher in ciphers]

    def record_extra(self, label: str) -> None:
        """Add something that was revealed besides attributes to the account."""
        self._extra.add(label)

    def build_account(self) -> RevealAccount:
        """Return the account so far.

        Only the person themselves and a steward receive the reasons that depend on the person; for all others
        they are merged into ``WITHHELD``.
        """
        shows_reasons = self.grant.is_self_or_steward
        withheld = [
            WithheldField(path, self.plan.denied[path], len(customers))
            for path, customers in self._denied.items()
        ]
        customers_by_attribute: defaultdict[int, set[bytes]] = defaultdict(set)
        for (index, reason), withheld_customers in self._withheld.items():
            if shows_reasons:
                withheld.append(
                    WithheldField(
                        self.plan.attributes[index].path, _WITHHOLD_REASONS[reason], len(withheld_customers)
                    )
                )
            else:
                # A third party must not learn whether a value was withheld or never existed.
                customers_by_attribute[index] |= withheld_customers
        for index, withheld_customers in customers_by_attribute.items():
            withheld.append(
                WithheldField(
                    self.plan.attributes[index].path, WithholdReason.WITHHELD, len(withheld_customers)
                )
            )
        withheld.sort(key=lambda withheld_field: (withheld_field.field, withheld_field.reason))
        return RevealAccount(self._revealed, frozenset(self._extra), tuple(withheld))


def _every_bit(_doc: Document, _now_ms: int) -> int:
    # A person may read all their own data (GDPR Art. 15), whatever they permit others.
    return EVERY_BIT


def _every_bit_of_kind(_doc: Document, _kind: str) -> int:
    return EVERY_BIT


def _read_stored(document: Document, attribute: Attribute) -> tuple[Any, int]:
    stored = document.get(attribute.key)
    if attribute.sealed:
        return stored, int.from_bytes(stored[1:HEADER_BYTES]) if stored else 0
    return stored, document.get(name_time(attribute.key), 0)
