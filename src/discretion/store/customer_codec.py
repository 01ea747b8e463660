"""The document of ``customers``, typed, and the codec between it and what is stored.

A stored customer is flat and has short names: names and nesting would be most of its bytes, and most of
MongoDB's work for a page. The names are in ``plan.customer_members``, the legend is beside the schema
(``schema.profiles``). Attributes are known by their number.

Readers who answer a caller do not use this module: the functions of a plan read the stored members
themselves. A block of attributes that are asked together would be one more member, written here and named by
the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from discretion.plan.customer_members import (
    ALLOW,
    ASSURANCE,
    CONTESTED,
    CONTESTS,
    CREATED,
    FORMER,
    FORMER_ID,
    FORMER_KEY,
    KINDS,
    LATER,
    LAWS,
    PROVENANCE,
    RESTRICTED,
    RULES,
    TIME_SUFFIX,
    UNTIL,
    UPDATED,
    VERSION,
    WRAPPED_KEY,
    name_assurance,
    name_contested,
    name_provenance,
    name_time,
)
from discretion.store.document import Document, MutableDocument, OpenValue, Value, select_values
from discretion.store.document_update import build_document_update


@dataclass(frozen=True, slots=True)
class FormerCustomer:
    """A customer that was merged into another: their id, and their wrapped data key."""

    id: bytes
    wrapped_key: bytes = field(repr=False)


def collect_wrapped_keys(
    customer: bytes, wrapped_key: bytes, former: Iterable[FormerCustomer]
) -> dict[bytes, bytes]:
    """Return the wrapped data keys of a customer by the ids that they belong to, the id now first."""
    return {customer: wrapped_key} | {each.id: each.wrapped_key for each in former}


@dataclass(frozen=True, slots=True)
class ContestedValue:
    """A value that the customer contests, sealed or open.

    Attributes:
        at: When it was observed (ms).
        source: Key of the source that sent it.
        sealed: The value, encrypted under the customer's key.
        value: The open value.
    """

    at: int
    source: str
    sealed: bytes | None = field(default=None, repr=False)
    value: OpenValue | None = field(default=None, repr=False)


# Not frozen: every message makes some, and a frozen object takes three times as long to make.
@dataclass(slots=True)
class StoredPermissions:
    """What a customer permits, as ``plan.permission_window`` reads it.

    Attributes:
        allow: Bits of the purposes that are permitted until ``until``.
        until: Until when ``allow`` is valid (ms).
        later: Bits of the purposes that are permitted at least after it.
        kinds: For each sensitive kind of data, the bits before and after.
        rules: Version of the rules that these were computed by.
        laws: Keys of the jurisdictions that protect the person.
        restricted: Whether processing is restricted.
    """

    allow: int
    until: int
    later: int
    kinds: Mapping[str, tuple[int, int]]
    rules: str
    laws: tuple[str, ...]
    restricted: bool

    def find_allowed(self, now_ms: int) -> int:
        """Return the bits of the purposes that readers regard as permitted now, if they trust the rules."""
        return self.allow if now_ms < self.until else self.later


# Not frozen: every message makes some, and a frozen object takes three times as long to make.
@dataclass(slots=True)
class CustomerDocument:
    """A customer as stored, whole or with only some attributes. Maps are by attribute key.

    Attributes:
        id: The customer's id.
        version: Incremented by every change.
        wrapped_key: The data key, wrapped by the key of its bucket.
        permissions: What the customer permits.
        created: When their first data were received (ms).
        updated: When the document was written (ms).
        former: Customers that were merged into this one.
        contests: Whether the customer contests values.
        sealed: Encrypted cells.
        open: Values that may be filtered and sorted by.
        observed: When each open value was observed (ms).
        provenance: Key of the source of each value.
        contested: Values whose accuracy the customer contests (GDPR Art. 18(1)(a)); in no other map.
        ranks: Of addresses that are not proven, their rank: an ``Assurance`` or ``ANONYMOUS_CLAIM``.
    """

    id: bytes
    version: int
    wrapped_key: bytes = field(repr=False)
    permissions: StoredPermissions
    created: int
    updated: int
    former: tuple[FormerCustomer, ...] = ()
    contests: bool = False
    sealed: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    open: Mapping[str, OpenValue] = field(default_factory=dict, repr=False)
    observed: Mapping[str, int] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
    contested: Mapping[str, ContestedValue] = field(default_factory=dict)
    ranks: Mapping[str, int] = field(default_factory=dict)

    @property
    def wrapped_keys(self) -> Mapping[bytes, bytes]:
        """Wrapped data keys by id, the id now first."""
        return collect_wrapped_keys(self.id, self.wrapped_key, self.former)

    def keep_attributes(self, keys: Collection[str]) -> CustomerDocument:
        """Return the customer with only these attributes, as if no others had been read."""
        # Spelled out: ``dataclasses.replace`` takes four times as long.
        return CustomerDocument(
            self.id,
            self.version,
            self.wrapped_key,
            self.permissions,
            self.created,
            self.updated,
            self.former,
            self.contests,
            select_values(self.sealed, keys),
            select_values(self.open, keys),
            select_values(self.observed, keys),
            select_values(self.provenance, keys),
            select_values(self.contested, keys),
            select_values(self.ranks, keys),
        )


PERMISSION_MEMBERS = (ALLOW, UNTIL, LATER, KINDS, RULES, LAWS, RESTRICTED)
PLAIN_MEMBERS = (VERSION, WRAPPED_KEY, *PERMISSION_MEMBERS, CREATED, UPDATED, FORMER, CONTESTS)
"""Members that belong to no attribute; ``_id`` is not among them."""


_MEMBERS_BY_ATTRIBUTE = (name_time, name_provenance, name_contested, name_assurance)
"""What names the members of an attribute, besides the one with its value."""


def build_projection(keys: Iterable[str]) -> dict[str, int]:
    """Return the projection that reads a customer with only these attributes."""
    members = [member for key in keys for member in (key, *(name(key) for name in _MEMBERS_BY_ATTRIBUTE))]
    return dict.fromkeys((*PLAIN_MEMBERS, *members), 1)


def parse_customer(document: Document) -> CustomerDocument:
    """Parse a stored customer, whole or read by ``build_projection``."""
    sealed: dict[str, bytes] = {}
    open_values: dict[str, OpenValue] = {}
    observed: dict[str, int] = {}
    for name, value in document.items():
        if not name[0].isdigit():
            continue
        if name.endswith(TIME_SUFFIX):
            observed[name.removesuffix(TIME_SUFFIX)] = value
        elif isinstance(value, bytes):
            sealed[name] = value
        else:
            open_values[name] = value
    return CustomerDocument(
        id=document["_id"],
        version=document[VERSION],
        wrapped_key=document[WRAPPED_KEY],
        permissions=parse_permissions(document),
        created=document[CREATED],
        updated=document[UPDATED],
        former=parse_former(document),
        contests=CONTESTS in document,
        sealed=sealed,
        open=open_values,
        observed=observed,
        provenance=document.get(PROVENANCE, {}),
        contested={
            key: ContestedValue(contested["t"], contested["p"], contested.get("c"), contested.get("v"))
            for key, contested in document.get(CONTESTED, {}).items()
        },
        ranks=document.get(ASSURANCE, {}),
    )


def parse_former(document: Document) -> tuple[FormerCustomer, ...]:
    """Parse the former customers of a stored customer."""
    return tuple(FormerCustomer(former[FORMER_ID], former[FORMER_KEY]) for former in document[FORMER])


def parse_permissions(document: Document) -> StoredPermissions:
    """Parse the permissions of a stored customer."""
    return StoredPermissions(
        document[ALLOW],
        document[UNTIL],
        document[LATER],
        {kind: (now, later) for kind, (now, later) in document[KINDS].items()},
        document[RULES],
        tuple(document[LAWS]),
        document[RESTRICTED],
    )


def build_customer_document(customer: CustomerDocument) -> MutableDocument:
    """Build the stored document of a customer, with its attributes in the order of their numbers."""
    contested = {key: _encode_contested(value) for key, value in _sort_by_number(customer.contested).items()}
    return {
        "_id": customer.id,
        VERSION: customer.version,
        **build_permission_members(customer.permissions),
        **_build_plain_members(customer),
        **_sort_by_number({**customer.sealed, **customer.open}),
        **_name_members(_sort_by_number(customer.observed), name_time),
        PROVENANCE: _sort_by_number(customer.provenance),
        **({CONTESTED: contested} if contested else {}),
        **({ASSURANCE: _sort_by_number(customer.ranks)} if customer.ranks else {}),
    }


def build_customer_change(before: CustomerDocument, after: CustomerDocument) -> MutableDocument:
    """Return the ``$set`` and ``$unset`` operators that turn one state of a customer into another.

    Both states are read in the same part. Attributes that were not read are not touched.
    """
    # Map by map: every message makes a change, and building both documents would take three times as long.
    pairs: list[tuple[Document, Document]] = [
        (_build_plain_members(before), _build_plain_members(after)),
        ({**before.sealed, **before.open}, {**after.sealed, **after.open}),
    ]
    for values_before, values_after, name_member in (
        (before.observed, after.observed, name_time),
        (before.provenance, after.provenance, name_provenance),
    ):
        if values_before != values_after:
            pairs.append(
                (_name_members(values_before, name_member), _name_members(values_after, name_member))
            )
    if before.permissions != after.permissions:
        pairs.append(
            (build_permission_members(before.permissions), build_permission_members(after.permissions))
        )
    if before.ranks or after.ranks:
        pairs.append(
            (_name_members(before.ranks, name_assurance), _name_members(after.ranks, name_assurance))
        )
    if before.contested or after.contested:
        pairs.append((_encode_contested_members(before), _encode_contested_members(after)))
    set_members: MutableDocument = {}
    unset_members: MutableDocument = {}
    for members_before, members_after in pairs:
        change = build_document_update(members_before, members_after)
        set_members |= change.get("$set", {})
        unset_members |= change.get("$unset", {})
    operators = (("$set", set_members), ("$unset", unset_members))
    return {operator: members for operator, members in operators if members}


def build_permission_members(permissions: StoredPermissions) -> MutableDocument:
    """Build the members of a stored customer that hold what they permit."""
    return {
        ALLOW: permissions.allow,
        UNTIL: permissions.until,
        LATER: permissions.later,
        KINDS: {kind: list(bits) for kind, bits in permissions.kinds.items()},
        RULES: permissions.rules,
        LAWS: list(permissions.laws),
        RESTRICTED: permissions.restricted,
    }


def _build_plain_members(customer: CustomerDocument) -> MutableDocument:
    """Build the members that belong to no attribute, without the permissions and the version."""
    members: MutableDocument = {
        WRAPPED_KEY: customer.wrapped_key,
        CREATED: customer.created,
        UPDATED: customer.updated,
        FORMER: [{FORMER_ID: former.id, FORMER_KEY: former.wrapped_key} for former in customer.former],
    }
    if customer.contests:
        members[CONTESTS] = True
    return members


def _name_members(values: Mapping[str, object], name_member: Callable[[str], str]) -> MutableDocument:
    return {name_member(key): value for key, value in values.items()}


def _encode_contested_members(customer: CustomerDocument) -> MutableDocument:
    return {name_contested(key): _encode_contested(value) for key, value in customer.contested.items()}


def _encode_contested(contested: ContestedValue) -> MutableDocument:
    document: MutableDocument = {"t": contested.at, "p": contested.source}
    if contested.sealed is not None:
        document["c"] = contested.sealed
    if contested.value is not None:
        document["v"] = contested.value
    return document


def _sort_by_number(values: Mapping[str, Value]) -> dict[str, Value]:
    return {key: values[key] for key in sorted(values, key=int)}
