"""Parsing of the properties of an event into stored form, as the catalogue declares them."""

from __future__ import annotations

from collections.abc import Mapping

from discretion.catalogue.exchange_rates import MoneyRules
from discretion.catalogue.model import EventType, ValueType
from discretion.catalogue.money import find_currency
from discretion.domain.ingest.declared_object import DeclaredMember, DeclaredObject
from discretion.domain.ingest.message import ReceivedEvent
from discretion.domain.ingest.rejection import LeftOut, MessageRejected
from discretion.domain.ingest.value_parsing import MAX_ITEMS, WrongType, parse_value
from discretion.seal.redacted import Redacted

ParsedEvent = tuple[ReceivedEvent | None, list[LeftOut], int]
"""An event, what was left out of it, and the number of properties that the catalogue does not declare."""


def parse_properties(
    rules: MoneyRules,
    event_type: EventType,
    declared: DeclaredObject,
    raw_properties: Mapping[str, object],
    place: str,
) -> ParsedEvent:
    """Parse the declared properties of an event; the others are counted.

    A property without a value is read from the first of its aliases that has one. Of a list of objects, what
    is wrong in one object is left out, and the rest stays.

    Raises:
        MessageRejected: ``PROPERTY_MISSING``, ``TYPE_WRONG``, ``CURRENCY_UNKNOWN``; a property that the event
            needs is missing or wrong.
    """
    reader = ObjectReader(rules, declared, raw_properties, place, is_unsigned=event_type.unsigned)
    properties = reader.read()
    for member in declared.required:
        name = member.declared.name
        if name not in properties:
            fault = reader.find_fault(member)
            if fault is None:
                missing_place = f"{place}.{name}"
                raise MessageRejected("PROPERTY_MISSING", f"{event_type.key} needs it.", missing_place)
            raise MessageRejected(fault.code, fault.reason, fault.place)
    return ReceivedEvent(event_type, Redacted(properties)), reader.left_out, reader.undeclared


class ObjectReader:
    """Reads the declared members of one object: of the properties, or of an object in a list of them.

    Amounts are in the currency that the object states, else in that of the object around it, else in the
    declared one. If an object states a currency that does not exist, its amounts have no known value and are
    left out with it.

    Attributes:
        left_out: What is wrong, here and in inner objects.
        undeclared: The number of members that the catalogue does not declare, here and in inner objects.
    """

    def __init__(
        self,
        rules: MoneyRules,
        declared: DeclaredObject,
        raw: Mapping[str, object],
        place: str,
        outer_currency: str = "",
        *,
        is_unsigned: bool = False,
    ) -> None:
        self._rules = rules
        self._declared = declared
        self._raw = raw
        self._place = place
        self._is_unsigned = is_unsigned
        self._currency = outer_currency or rules.currency
        self._currency_fault = self._read_currency()
        self._faults: dict[str, LeftOut] = {}
        self.left_out: list[LeftOut] = []
        self.undeclared = 0

    def read(self) -> dict[str, object]:
        """Return the members in stored form."""
        members: dict[str, object] = {}
        for member in self._declared.select_members(self._raw):
            name, value = self._find(member)
            if value is None:
                continue
            if self._currency_fault is not None and member.is_denominated:
                code, reason = self._currency_fault.code, self._currency_fault.reason
                self._leave_out(member, LeftOut(f"{self._place}.{name}", code, reason))
                continue
            try:
                members[member.declared.name] = self._parse(member, value, name)
            except WrongType as type_error:
                fault = LeftOut(f"{self._place}.{name}", "TYPE_WRONG", f"It takes {type_error.expected}.")
                self._leave_out(member, fault)
        declared_names = self._declared.positions
        self.undeclared += len(
            [name for name, value in self._raw.items() if name not in declared_names and value is not None]
        )
        return members

    def find_fault(self, member: DeclaredMember) -> LeftOut | None:
        """Return what is wrong with a member; None if it was not sent."""
        fault = self._faults.get(member.declared.name)
        return self._currency_fault if fault and member.is_denominated and self._currency_fault else fault

    def _read_currency(self) -> LeftOut | None:
        """Read the currency of the amounts; return what is wrong with it."""
        stated = self._raw.get(self._rules.stated_by)
        if stated is None or stated == "":
            return None
        currency = find_currency(stated)
        if currency is not None:
            self._currency = currency
            return None
        place = f"{self._place}.{self._rules.stated_by}"
        return LeftOut(place, "CURRENCY_UNKNOWN", "It takes a currency of ISO 4217, such as EUR.")

    def _find(self, member: DeclaredMember) -> tuple[str, object]:
        """Return the value of a member and the name it was sent under; None if it has none."""
        for name in member.names:
            value = self._raw.get(name)
            if value is not None and value != "":
                return name, value
        return member.declared.name, None

    def _leave_out(self, member: DeclaredMember, fault: LeftOut) -> None:
        self._faults[member.declared.name] = fault
        self.left_out.append(fault)

    def _parse(self, member: DeclaredMember, value: object, name: str) -> object:
        declared = member.declared
        if declared.name == self._rules.stated_by:
            return self._currency
        if member.inner is not None:
            return self._parse_objects(member.inner, value, f"{self._place}.{name}", many=declared.many)
        stored = parse_value(declared.type, value, many=declared.many, currency=self._currency)
        if declared.type is not ValueType.MONEY:
            return stored
        # With its currency, which an erasure of a category may take away from the event.
        if isinstance(stored, list):
            return [self._denominate(amount) for amount in stored]
        return self._denominate(stored)

    def _parse_objects(self, declared: DeclaredObject, value: object, place: str, *, many: bool) -> object:
        if not many:
            if not isinstance(value, dict):
                raise WrongType("a JSON object")
            return self._parse_object(declared, value, place)
        if not isinstance(value, list) or len(value) > MAX_ITEMS:
            raise WrongType(f"a list of at most {MAX_ITEMS} objects")
        objects: list[dict[str, object]] = []
        for index, item in enumerate(value):
            if not isinstance(item, dict):
                self.left_out.append(LeftOut(f"{place}.{index}", "TYPE_WRONG", "It takes a JSON object."))
            elif members := self._parse_object(declared, item, f"{place}.{index}"):
                objects.append(members)
        return objects

    def _parse_object(
        self, declared: DeclaredObject, item: Mapping[str, object], place: str
    ) -> dict[str, object]:
        reader = ObjectReader(self._rules, declared, item, place, self._currency)
        members = reader.read()
        self.left_out += reader.left_out
        self.undeclared += reader.undeclared
        return members

    def _denominate(self, amount: object) -> list[object]:
        """Return the stored form of an amount: minor units and currency."""
        assert isinstance(amount, int)
        return [abs(amount) if self._is_unsigned else amount, self._currency]
