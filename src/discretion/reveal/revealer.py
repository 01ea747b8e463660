"""One operation's meeting with stored customers: the only place that opens a seal.

A ``Reading`` lives for one operation. It turns documents into rows, rows into answers, and
keeps the account of who was met, what was seen and what was withheld; the conductor hands that
account to the ledger before the answer leaves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

from discretion.catalogue.duration import lapse
from discretion.catalogue.model import Attribute, Catalogue, Form
from discretion.catalogue.retention_cut_off import shorter
from discretion.plan.permission_window import Standing
from discretion.plan.plan import CutOffs, Plan, Shape
from discretion.purpose.decision import EVERY_BIT, Allow, Reason
from discretion.reveal.forms import Forms
from discretion.seal.bucket_keys import Buckets
from discretion.seal.cell import HEAD_BYTES, head
from discretion.seal.open import Keyed, Openers
from discretion.seal.pairwise_ids import Pairwise
from discretion.token.grant import Grant

CUSTOMER_KIND = b"customer"
HELD = "held"
"""What a look at data stands under in the ledger that another law ordered kept."""

MAX_NAMES = 8
"""Ids of one customer that are remembered; more clients than that rarely meet the same one."""
_KINDS = (Reason.NO_VALUE, Reason.CHOICE, Reason.RETENTION)


class Row:
    """One customer as read for one operation."""

    __slots__ = ("_of_kind", "allow", "doc", "id", "keyed")

    def __init__(
        self, doc: dict[str, Any], allow: int, of_kind: Callable[[dict[str, Any], str], int], keyed: Keyed
    ) -> None:
        self.doc = doc
        self.id: bytes = doc["_id"]
        self.allow = allow
        self.keyed = keyed
        self._of_kind = of_kind

    def permitting(self, kinds: Iterable[str]) -> int:
        """The purposes that the person permits for data of these sensitive kinds."""
        bits = self.allow
        for kind in kinds:
            bits &= self._of_kind(self.doc, kind)
        return bits


@dataclass(frozen=True, slots=True)
class Sight:
    """What may be seen of an attribute: its form, when it was observed (ms); ``value`` opens its seal."""

    attribute: Attribute
    form: Form
    observed: int
    value: Callable[[], Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Withheld:
    """``count`` customers' ``field`` stayed shut for ``reason``."""

    field: str
    reason: Reason
    count: int


@dataclass(frozen=True, slots=True)
class Account:
    """What a reading came to.

    ``seen`` maps each met person's ledger pseudonym to the bits of the plan's attributes they
    revealed; ``extra`` names what was revealed beside attributes, such as event types.
    """

    seen: dict[bytes, int] = field(repr=False)
    extra: frozenset[str]
    withheld: tuple[Withheld, ...]


class Revealer:
    """What every reading shares."""

    def __init__(
        self, catalogue: Catalogue, standing: Standing, buckets: Buckets, forms: Forms, pairwise: Pairwise
    ) -> None:
        self.catalogue = catalogue
        self.standing = standing
        self.buckets = buckets
        self.openers = Openers(buckets)
        self.forms = forms
        self.pairwise = pairwise

    def reading(self, plan: Plan, grant: Grant, now_ms: int) -> Reading:
        """A reading for one operation."""
        return Reading(self, plan, grant, now_ms)


class Reading:
    """See the module."""

    def __init__(self, revealer: Revealer, plan: Plan, grant: Grant, now_ms: int) -> None:
        self.plan = plan
        self.grant = grant
        self.now_ms = now_ms
        self._revealer = revealer
        self._cut = cut_offs(plan, now_ms // 1000)
        self._seen: dict[bytes, int] = {}
        self._extra: set[str] = set()
        self._shut: defaultdict[tuple[int, int], set[bytes]] = defaultdict(set)
        self._struck: dict[str, set[bytes]] = {path: set() for path in plan.struck}
        self._position = {one.path: index for index, one in enumerate(plan.attributes)}
        self._of_kind = _every_bit_of_kind if grant.is_self else self._of_kind_now
        self.name = revealer.pairwise.shutter(grant.client, CUSTOMER_KIND)

    def identify(self, text: str) -> bytes | None:
        """The customer behind an id, if it was made for this client."""
        return self._revealer.pairwise.open(self.grant.client, CUSTOMER_KIND, text)

    def shut(self, kind: bytes, content: bytes) -> str:
        """An id or cursor that only this client can hand back."""
        return self._revealer.pairwise.shut(self.grant.client, kind, content)

    def unshut(self, kind: bytes, text: str) -> bytes | None:
        """What ``shut`` was given, if it was for this client and kind."""
        return self._revealer.pairwise.open(self.grant.client, kind, text)

    def rows(self, docs: Iterable[dict[str, Any]]) -> list[Row]:
        """Documents, each with its key unwrapped and its account opened."""
        keyed_of, seen, now = self._revealer.openers.of, self._seen, self.now_ms
        bits = _every_bit if self.grant.is_self else self._revealer.standing.bits
        rows = []
        for doc in docs:
            if doc.get("contested"):
                put_back(doc)
            keyed = keyed_of(doc["_id"], doc["key"])
            seen.setdefault(keyed.pseudonym, 0)
            rows.append(Row(doc, bits(doc, now), self._of_kind, keyed))
        return rows

    def permitting(self, mask: int) -> dict[str, Any]:
        """Matches customers who permit one of these purposes now."""
        return self._revealer.standing.clause(mask, self.now_ms)

    def shape(self, shape: Shape, rows: Sequence[Row]) -> list[Any]:
        """The answers of many rows, by the compiled function of one place."""
        function, seen, now, name = shape.function, self._seen, self.now_ms, self._named
        cut, shut = self._cut, self._shut
        times, heads, spans = cut.times, cut.heads, cut.shorter
        answers = []
        for row in rows:
            answer, bits = function(row, times, heads, spans, shut, now, name)
            seen[row.keyed.pseudonym] |= bits
            answers.append(answer)
        for path in shape.struck:
            self._struck[path].update(row.id for row in rows)
        return answers

    def _named(self, row: Row) -> bytes:
        """The JSON of the row's id, remembered beside its key."""
        names = row.keyed.names
        name = names.get(self.grant.client)
        if name is None:
            if len(names) >= MAX_NAMES:
                names.clear()
            name = names[self.grant.client] = b'"%b"' % self.name(row.id).encode()
        return name

    def _of_kind_now(self, doc: dict[str, Any], kind: str) -> int:
        return self._revealer.standing.kind_bits(doc, kind, self.now_ms)

    def value(self, row: Row, attribute: Attribute) -> Any:
        """One attribute of one row, without a compiled function: stock execution uses this."""
        found = self.look(row, attribute)
        return None if found is None else found.value()

    def look(self, row: Row, attribute: Attribute) -> Sight | None:
        """An attribute of a row as the grant may see it, or None; either goes on the account."""
        if attribute.path in self._struck:
            self._struck[attribute.path].add(row.id)
            return None
        index = self._position[attribute.path]
        decision = self.plan.decisions[attribute.path]
        assert isinstance(decision, Allow)
        stored, observed = _stored(row.doc, attribute)
        permitted = bits = row.permitting(attribute.kinds)
        for purpose, earliest in shorter(attribute, self.now_ms // 1000 * 1000 + 999):
            bits &= -1 if observed >= earliest else ~purpose
        way = next((way for way in decision.ways if bits & way.mask), None)
        if stored is None or way is None or observed < self._cut.times[index]:
            kind = 0 if stored is None else 2 if permitted & decision.mask else 1
            self._shut[index, kind].add(row.id)
            return None
        self._seen[row.keyed.pseudonym] |= 1 << index
        return Sight(attribute, way.form, observed, partial(self._shown, row, attribute, way.form, stored))

    def _shown(self, row: Row, attribute: Attribute, form: Form, stored: Any) -> Any:
        value = row.keyed.open(stored, attribute.key.encode()) if attribute.sealed else stored
        render = self._revealer.forms.render(attribute, form)
        return value if render is None else render(value, self.now_ms)

    def reveal_cell(self, row: Row, cell: bytes, key: str, what: str) -> Any:
        """Open something of this customer that is not an attribute, and put it on the account."""
        self._extra.add(what)
        return row.keyed.open(cell, key.encode())

    def reveal_former(
        self, row: Row, former: Mapping[bytes, bytes], owner: bytes, cell: bytes, key: str, what: str
    ) -> Any:
        """The same for what is shut under an id they had before; ``former`` has the wrapped keys of those."""
        if owner == row.id:
            return self.reveal_cell(row, cell, key, what)
        self._extra.add(what)
        return self._revealer.openers.of(owner, former[owner]).open(cell, key.encode())

    def reveal_held(self, holder: tuple[bytes, bytes], cell: bytes, key: bytes) -> Any:
        """Open something that another law ordered kept of somebody erased, and put it on the account.

        ``holder`` is the random id that stands for them there, and its wrapped key.
        """
        keyed = self._revealer.openers.of(*holder)
        self._seen.setdefault(keyed.pseudonym, 0)
        self._extra.add(HELD)
        return keyed.open(cell, key)

    def pseudonyms(self, row: Row, former: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
        """The ledger's names of a customer; ``former`` are merged ids, each with its wrapped key."""
        of = self._revealer.openers.of
        return [row.keyed.pseudonym, *(of(customer, wrapped).pseudonym for customer, wrapped in former)]

    def note(self, what: str) -> None:
        """Put something revealed beside attributes on the account."""
        self._extra.add(what)

    def account(self) -> Account:
        """The account so far; person-dependent reasons are told apart only to whom they concern."""
        told_apart = self.grant.is_self or self.grant.is_steward
        withheld = [
            Withheld(path, self.plan.struck[path], len(customers)) for path, customers in self._struck.items()
        ]
        together: defaultdict[int, set[bytes]] = defaultdict(set)
        for (index, kind), who in self._shut.items():
            if told_apart:
                withheld.append(Withheld(self.plan.attributes[index].path, _KINDS[kind], len(who)))
            else:
                together[index] |= who
        for index, who in together.items():
            withheld.append(Withheld(self.plan.attributes[index].path, Reason.WITHHELD, len(who)))
        withheld.sort(key=lambda one: (one.field, one.reason))
        return Account(self._seen, frozenset(self._extra), tuple(withheld))


def _every_bit(_doc: dict[str, Any], _now_ms: int) -> int:
    return EVERY_BIT


def _every_bit_of_kind(_doc: dict[str, Any], _kind: str) -> int:
    return EVERY_BIT


@lru_cache(maxsize=1024)
def cut_offs(plan: Plan, second: int) -> CutOffs:
    """The earliest observation of each attribute that retention lets us show throughout a second."""
    at_ms = second * 1000 + 999
    times = tuple(lapse(one.retention, at_ms) for one in plan.attributes)
    spans = tuple(
        tuple((bits, head(at) if one.sealed else at) for bits, at in shorter(one, at_ms))
        for one in plan.attributes
    )
    return CutOffs(times, tuple(head(time) for time in times), spans)


def put_back(doc: dict[str, Any]) -> None:
    """Put what the person denies where it would stand; it is only there if the plan asked for it."""
    for key, one in doc["contested"].items():
        if "c" in one:
            doc.setdefault("s", {})[key] = one["c"]
        elif "v" in one:
            doc.setdefault("o", {})[key] = one["v"]
            doc.setdefault("t", {})[key] = one["t"]
        doc.setdefault("p", {})[key] = one["p"]


def _stored(doc: dict[str, Any], attribute: Attribute) -> tuple[Any, int]:
    if attribute.sealed:
        cell = (doc.get("s") or {}).get(attribute.key)
        return cell, int.from_bytes(cell[1:HEAD_BYTES]) if cell else 0
    return (doc.get("o") or {}).get(attribute.key), (doc.get("t") or {}).get(attribute.key, 0)
