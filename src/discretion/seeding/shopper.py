"""One generated person: what each channel knows of them, and what they did there.

Every channel has ids of its own. That two of them speak of one person shows only where both were
given the same e-mail address or phone number, and people spell those as they like. One in ten gives
each channel something else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from discretion.seeding.geography import TOWNS, Phone, PhoneBook, language, residence, store
from discretion.seeding.message import APP, DAY_MS, TILLS, WEB, Message, day, draw, iso, midnight, name, pick

FIRST_SALE, LAST_SALE = date(1998, 1, 1), date(2003, 1, 2)
"""What TPC-DS spans; its five years are told as a thousand days, within every retention."""
SPAN_DAYS = 1_000
SINCE_LAST_SALE_DAYS = 2
BROWSED_WITHIN_DAYS = 300

CURRENCY = "EUR"
PREFIXES = {TILLS: ("L", "card"), WEB: ("w", "ck"), APP: ("a", "dev")}
ORDER_PREFIXES = {TILLS: "T", WEB: "W", APP: "A"}
HOSTS = ("post.example", "mail.example", "inbox.example", "letters.example")

CHOICES = (
    ("marketing.communications.email", 0.60, 0.15),
    ("marketing.communications.sms", 0.20, 0.30),
    ("marketing.advertising.first_party", 0.50, 0.20),
    ("marketing.advertising.third_party.targeted", 0.25, 0.35),
    ("personalize.content", 0.60, 0.10),
    ("personalize.system", 0.45, 0.10),
    ("analytics.reporting", 0.00, 0.10),
    ("analytics.reporting.campaign_insights", 0.30, 0.20),
)
"""Purpose, share that agrees, share that refuses; the others say nothing."""


@dataclass(frozen=True, slots=True)
class Person:
    """A customer of TPC-DS. ``key`` is the shared customer number: the truth, never sent."""

    key: str
    first: str
    last: str
    salutation: str | None
    born: str | None
    born_in: str | None
    street: str | None
    city: str | None
    state: str | None
    postal_code: str | None
    gender: str | None
    marital: str | None
    education: str | None
    dependents: int | None


@dataclass(frozen=True, slots=True)
class Order:
    """A purchase: ``total`` as decimal text in euros, ``second`` of the day."""

    source: str
    number: int
    sold: date
    second: int
    total: str
    pieces: int
    products: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What one channel was given: its own ids, and the identifiers others may know too."""

    user: str
    anonymous: str | None
    email: str | None
    phone: Phone | None
    before_sign_in: bool


@dataclass(frozen=True, slots=True)
class Product:
    """What can be looked at; ``price`` in euros."""

    id: str
    name: str
    category: str
    price: float


@dataclass(frozen=True, slots=True)
class Shopper:
    """A person, what each channel was given, and what they bought."""

    person: str
    about: Person
    country: str
    known: Mapping[str, Known]
    orders: tuple[Order, ...]

    def clusters(self) -> tuple[frozenset[str], ...]:
        """Records of this person, those that share an identifier together."""
        clusters: list[tuple[set[str], set[str]]] = []
        for source, known in self.known.items():
            records = {f"{source}:{known.user}"}
            if known.before_sign_in:
                records.add(f"{source}:{known.anonymous}")
            marks = {one for one in (known.email, known.phone and known.phone.e164) if one}
            joined = [one for one in clusters if one[1] & marks]
            clusters = [one for one in clusters if not one[1] & marks]
            clusters.append((records.union(*(r for r, _ in joined)), marks.union(*(m for _, m in joined))))
        return tuple(sorted((frozenset(records) for records, _ in clusters), key=sorted))


class Lists:
    """What may be given out once only, over all people: phone numbers and e-mail addresses."""

    def __init__(self) -> None:
        self.phones = PhoneBook()
        self._emails: set[str] = set()

    def email(self, person: Person, which: str) -> str:
        """A new address under ``.example`` (RFC 2606)."""
        local = ".".join(part.lower() for part in (person.first, person.last) if part) or "customer"
        for attempt in range(100):
            number = int(draw("email", person.key, which, attempt) * 10_000)
            email = f"{local}.{number:04}@{pick(HOSTS, 'host', person.key, which)}"
            if email not in self._emails:
                break
        self._emails.add(email)
        return email


def shopper(about: Person, orders: tuple[Order, ...], lists: Lists) -> Shopper:
    """A person as the channels come to know them; who never bought has a loyalty card and nothing else."""
    key = about.key
    country = residence(key, about.born_in)
    sources = [one for one in (TILLS, WEB, APP) if any(order.source == one for order in orders)] or [TILLS]
    phone = lists.phones.next(country) if draw("phone", key) < 0.7 else None
    apart = draw("apart", key) < 0.10
    email = lists.email(about, "main")
    by_phone = phone is not None and APP in sources and draw("by phone", key) < 0.4
    known: dict[str, Known] = {}
    for source in sources:
        user, anonymous = PREFIXES[source]
        given_email: str | None = email
        given_phone = phone if source == APP or draw("phone told", key, source) < 0.5 else None
        if apart:
            given_email = None if source == TILLS else lists.email(about, source)
            given_phone = None
        elif source == TILLS and by_phone:
            given_email, given_phone = None, phone
        anonymously = source != TILLS or draw("card", key) < 0.5
        known[source] = Known(
            user=f"{user}-{name('user', source, key)}",
            anonymous=f"{anonymous}-{name('anonymous', source, key)}" if anonymously else None,
            email=given_email,
            phone=given_phone,
            before_sign_in=source == WEB and draw("before", key) < 0.3,
        )
    return Shopper(f"shopper-{key}", about, country, known, orders)


def messages(one: Shopper, products: tuple[Product, ...], now_ms: int) -> Iterator[Message]:
    """All messages about a person, channel by channel."""
    today = midnight(now_ms)
    for source, known in one.known.items():
        told = [(_sold(order, today), _order(one, order)) for order in one.orders if order.source == source]
        told += _browsing(one, source, products, today)
        first = min((at for at, _ in told), default=today - 400 * DAY_MS)
        last = max((at for at, _ in told), default=today - 90 * DAY_MS)
        identify = {"type": "identify", "traits": _traits(one, source, first), **_choices(one, source)}
        told.append((last, identify))
        for number, (at, said) in enumerate(told):
            ids = {"userId": known.user, **({"anonymousId": known.anonymous} if known.anonymous else {})}
            if said.pop("unknown", False):
                del ids["userId"]
            message_id = name("message", source, one.about.key, number)
            body = {**said, **ids, "messageId": message_id, "timestamp": iso(at)}
            yield Message(one.person, source, body)


def _sold(order: Order, today: int) -> int:
    """The order's time, in ms, moved so that the latest day of TPC-DS is two days ago."""
    span = (LAST_SALE - FIRST_SALE).days
    ago = SINCE_LAST_SALE_DAYS + (LAST_SALE - order.sold).days * SPAN_DAYS // span
    return today - ago * DAY_MS + order.second * 1000


def _order(one: Shopper, order: Order) -> dict[str, Any]:
    number = f"{ORDER_PREFIXES[order.source]}-{order.number:06}"
    properties: dict[str, Any] = {
        "order_id": number,
        "total": float(order.total),
        "currency": CURRENCY,
        "quantity": order.pieces,
        "product_ids": list(order.products),
        "payment_method": pick(("card", "card", "invoice", "wallet"), "pay", number),
    }
    if order.source == TILLS:
        properties["storeId"] = store(number, one.about.key, one.country)
        properties["payment_method"] = pick(("card", "card", "cash"), "pay", number)
    return {"type": "track", "event": "Order Completed", "properties": properties}


def _browsing(
    one: Shopper, source: str, products: tuple[Product, ...], today: int
) -> list[tuple[int, dict[str, Any]]]:
    """A few pages or screens; tills see none."""
    if source == TILLS:
        return []
    key = one.about.key
    at = today - int((1 + draw("browsed", source, key) * BROWSED_WITHIN_DAYS) * DAY_MS)
    seen: list[tuple[int, dict[str, Any]]] = []
    if source == WEB:
        home = {"type": "page", "name": "Home", "properties": {"path": "/"}}
        seen.append((at, {**home, "unknown": one.known[WEB].before_sign_in}))
    else:
        seen.append((at, {"type": "screen", "name": "Home", "properties": {}}))
    if draw("looked", source, key) < 0.5:
        product = products[int(draw("product", source, key) * len(products))]
        viewed = {
            "product_id": product.id,
            "name": product.name,
            "category": product.category,
            "price": product.price,
            "currency": CURRENCY,
        }
        seen.append((at + 90_000, {"type": "track", "event": "Product Viewed", "properties": viewed}))
    if source == WEB and draw("searched", key) < 0.2:
        query = {"query": pick(("rain coat", "headphones", "gift", "running shoes"), "query", key)}
        seen.append((at + 30_000, {"type": "track", "event": "Products Searched", "properties": query}))
    return seen


def _traits(one: Shopper, source: str, first: int) -> dict[str, Any]:
    about, key, known = one.about, one.about.key, one.known[source]
    traits: dict[str, Any] = {
        "firstName": about.first or None,
        "lastName": about.last or None,
        "email": _spelled(known.email, key, source),
        "phone": _notation(known.phone, key, source),
        "birthday": about.born if draw("birthday", key, source) < 0.6 else None,
        "address": _address(one, whole=source != APP),
        "language": language(key, one.country),
        "createdAt": day(first),
    }
    traits |= _OF_SOURCE[source](one)
    return {place: value for place, value in traits.items() if value is not None}


def _of_tills(one: Shopper) -> dict[str, Any]:
    about = one.about
    spent = sum(float(order.total) for order in one.orders if order.source == TILLS)
    tiers = (("platinum", 1500), ("gold", 900), ("silver", 400), ("bronze", 0))
    survey = draw("survey", about.key) < 0.4
    return {
        "loyaltyId": one.known[TILLS].user,
        "salutation": about.salutation,
        "loyaltyTier": next(tier for tier, least in tiers if spent >= least),
        "loyaltyPoints": int(spent),
        "paperReceipts": draw("paper", about.key) < 0.3,
        "homeStore": store("", about.key, one.country),
        "householdSize": about.dependents + 1 if survey and about.dependents is not None else None,
        "maritalStatus": _MARITAL.get(about.marital or "") if survey else None,
        "education": about.education if survey and about.education != "Unknown" else None,
    }


def _of_web(one: Shopper) -> dict[str, Any]:
    key = one.about.key
    gender = {"F": "female", "M": "male"}.get(one.about.gender or "")
    return {
        "gender": gender if draw("gender", key) < 0.5 else None,
        "deliveryMethod": pick(("home", "pickup_point", "store", "neighbour"), "delivery", key),
        "newsletterFrequency": pick(("weekly", "monthly"), "newsletter", key),
        "interests": sorted({pick(DEPARTMENTS, "interest", key, n) for n in range(2)}),
        "emailVerified": draw("verified", key) < 0.8,
    }


def _of_app(one: Shopper) -> dict[str, Any]:
    key = one.about.key
    return {
        "platform": "ios",
        "appVersion": pick(("5.1.0", "5.2.3", "5.3.0"), "version", key),
        "pushEnabled": draw("push", key) < 0.5,
    }


DEPARTMENTS = ("books", "children", "electronics", "home", "jewelry", "men", "music", "shoes", "women")
_MARITAL = {"S": "single", "M": "married", "D": "divorced", "W": "widowed", "U": "unknown"}
_OF_SOURCE = {TILLS: _of_tills, WEB: _of_web, APP: _of_app}


def _address(one: Shopper, *, whole: bool) -> dict[str, str]:
    about, country = one.about, one.country
    if not whole:
        return {"country": country}
    city, postal_code, state = about.city, about.postal_code, about.state if country == "US" else None
    if country in TOWNS:
        towns = TOWNS[country]
        city, postal_code, state = towns[int(draw("town", about.key) * len(towns))]
    address = {"street": about.street, "city": city, "postalCode": postal_code, "state": state}
    return {part: value for part, value in address.items() if value is not None} | {"country": country}


def _spelled(email: str | None, key: str, source: str) -> str | None:
    """An address as somebody types it today."""
    if email is None:
        return None
    mood = draw("spelled", key, source)
    if mood < 0.15:
        local, _, host = email.partition("@")
        return f"{local.title()}@{host}"
    return email.upper() if mood < 0.20 else email


def _notation(phone: Phone | None, key: str, source: str) -> str | None:
    """A number as somebody types it: tills are mostly told it as it is dialled at home."""
    if phone is None:
        return None
    return phone.local if draw("notation", key, source) < (0.6 if source == TILLS else 0.2) else phone.e164


def _choices(one: Shopper, source: str) -> dict[str, Any]:
    """What somebody said, to the one channel that asked; now and then another heard the opposite."""
    key = one.about.key
    asked = next(known for known in (WEB, APP, TILLS) if known in one.known)
    said: dict[str, bool] = {}
    if source == asked:
        for purpose, yes, no in CHOICES:
            answer = draw("choice", purpose, key)
            if answer < yes + no:
                said[purpose] = answer < yes
    elif draw("changed", key, source) < 0.04:
        said["marketing.communications.email"] = False
    return {"context": {"consent": {"categoryPreferences": said}}} if said else {}
