"""One generated customer: the identifiers and attributes that each channel has, and the events there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from discretion.seeding.channel_identity import PREFIXES, ChannelIdentity, derive_user_id, group_records
from discretion.seeding.geography import (
    TOWNS,
    PhoneNumber,
    PhoneNumberPool,
    pick_language,
    pick_residence,
    pick_store,
)
from discretion.seeding.message import (
    APP,
    DAY_MS,
    TILLS,
    WEB,
    SeedMessage,
    derive_id,
    draw_fraction,
    format_date,
    format_time,
    pick_choice,
    start_of_day,
)

FIRST_SALE, LAST_SALE = date(1998, 1, 1), date(2003, 1, 2)
"""First and last sale in TPC-DS. Its five years are compressed to 1,000 days, within every retention."""
SPAN_DAYS = 1_000
SINCE_LAST_SALE_DAYS = 2
BROWSED_WITHIN_DAYS = 300

CURRENCY = "EUR"
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
"""Purpose, share of customers that consents, share that refuses; the others make no statement."""


@dataclass(frozen=True, slots=True)
class TpcdsCustomer:
    """A customer of TPC-DS. ``key`` is the customer number of all channels: the ground truth, never sent."""

    key: str
    first_name: str
    last_name: str
    salutation: str | None
    birth_date: str | None
    birth_country: str | None
    street: str | None
    city: str | None
    state: str | None
    postal_code: str | None
    gender: str | None
    marital_status: str | None
    education: str | None
    dependents: int | None


@dataclass(frozen=True, slots=True)
class Purchase:
    """A purchase; ``total`` is decimal text in euros."""

    source: str
    number: int
    sold_on: date
    second_of_day: int
    total: str
    pieces: int
    products: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeedProduct:
    """A product that customers view; ``price`` is in euros."""

    id: str
    name: str
    category: str
    price: float


@dataclass(frozen=True, slots=True)
class Shopper:
    """A customer, their identity in each channel, and their purchases."""

    person_id: str
    customer: TpcdsCustomer
    country: str
    identities: Mapping[str, ChannelIdentity]
    orders: tuple[Purchase, ...]

    def true_clusters(self) -> tuple[frozenset[str], ...]:
        """Return the source records of this customer, grouped by what joins them."""
        return group_records(self.identities)


class UniqueContacts:
    """Gives out phone numbers and e-mail addresses, each to one customer only."""

    def __init__(self) -> None:
        self.phones = PhoneNumberPool()
        self._emails: set[str] = set()

    def create_email(self, customer: TpcdsCustomer, label: str) -> str:
        """Return a new address under ``.example`` (RFC 2606); ``label`` tells several of a customer apart."""
        local = (
            ".".join(part.lower() for part in (customer.first_name, customer.last_name) if part) or "customer"
        )
        for attempt in range(100):
            number = int(draw_fraction("email", customer.key, label, attempt) * 10_000)
            email = f"{local}.{number:04}@{pick_choice(HOSTS, 'host', customer.key, label)}"
            if email not in self._emails:
                break
        self._emails.add(email)
        return email


def build_shopper(customer: TpcdsCustomer, orders: tuple[Purchase, ...], contacts: UniqueContacts) -> Shopper:
    """Build a customer as the channels know them; one without purchases has a loyalty card only."""
    key = customer.key
    country = pick_residence(key, customer.birth_country)
    sources = [
        channel for channel in (TILLS, WEB, APP) if any(order.source == channel for order in orders)
    ] or [TILLS]
    phone = contacts.phones.take(country) if draw_fraction("phone", key) < 0.7 else None
    keeps_channels_apart = draw_fraction("apart", key) < 0.10
    email = contacts.create_email(customer, "main")
    by_phone = phone is not None and APP in sources and draw_fraction("by phone", key) < 0.4
    card = derive_user_id(TILLS, key, is_shared=False) if TILLS in sources else None
    identities: dict[str, ChannelIdentity] = {}
    for source in sources:
        _, anonymous_prefix = PREFIXES[source]
        channel_email: str | None = email
        channel_phone = phone if source == APP or draw_fraction("phone told", key, source) < 0.5 else None
        if keeps_channels_apart:
            channel_email = None if source == TILLS else contacts.create_email(customer, source)
            channel_phone = None
        elif source == TILLS and by_phone:
            channel_email, channel_phone = None, phone
        is_verified = source == WEB and draw_fraction("verified", key) < 0.8
        has_anonymous_id = source != TILLS or draw_fraction("card", key) < 0.5
        identities[source] = ChannelIdentity(
            user_id=derive_user_id(source, key, is_shared=not keeps_channels_apart),
            anonymous_id=f"{anonymous_prefix}-{derive_id('anonymous', source, key)}"
            if has_anonymous_id
            else None,
            email=channel_email,
            phone=channel_phone,
            seen_before_sign_in=source == WEB and draw_fraction("before", key) < 0.3,
            is_verified=is_verified,
            confirmed_card=card if source != TILLS and not keeps_channels_apart else None,
            newsletter_id=f"{anonymous_prefix}-{derive_id('newsletter', key)}"
            if is_verified and draw_fraction("newsletter", key) < 0.15
            else None,
        )
    return Shopper(f"shopper-{key}", customer, country, identities, orders)


def generate_shopper_messages(
    shopper: Shopper, products: tuple[SeedProduct, ...], now_ms: int
) -> Iterator[SeedMessage]:
    """Yield all messages about a customer, channel by channel."""
    today = start_of_day(now_ms)
    for source, identity in shopper.identities.items():
        timed_contents = [
            (_sale_time(order, today), _order_content(shopper, order))
            for order in shopper.orders
            if order.source == source
        ]
        timed_contents += _browsing_contents(shopper, source, products, today)
        first = min((at for at, _ in timed_contents), default=today - 400 * DAY_MS)
        last = max((at for at, _ in timed_contents), default=today - 90 * DAY_MS)
        identify: dict[str, object] = {
            "type": "identify",
            "traits": _identify_traits(shopper, source, first),
            "context": _identify_context(shopper, source),
        }
        timed_contents.append((last, identify))
        if identity.newsletter_id is not None:
            confirmed = {"email": identity.email, "emailVerified": True}
            browser = {"anonymousId": identity.newsletter_id}
            timed_contents.append((last, {"type": "identify", "traits": confirmed, **browser}))
        for number, (at, content) in enumerate(timed_contents):
            ids = {
                "userId": identity.user_id,
                **({"anonymousId": identity.anonymous_id} if identity.anonymous_id else {}),
            }
            if "anonymousId" in content:  # a newsletter is confirmed in a browser without an account
                ids = {}
            # A visit before sign-in has the anonymous id only; a later message with both ids links it.
            if content.pop("unknown", False):
                del ids["userId"]
            message_id = derive_id("message", source, shopper.customer.key, number)
            body = {**content, **ids, "messageId": message_id, "timestamp": format_time(at)}
            yield SeedMessage(shopper.person_id, source, body)


def _sale_time(order: Purchase, today: int) -> int:
    """Return the time of an order in ms, moved so that the last day of TPC-DS is two days ago."""
    span = (LAST_SALE - FIRST_SALE).days
    ago = SINCE_LAST_SALE_DAYS + (LAST_SALE - order.sold_on).days * SPAN_DAYS // span
    return today - ago * DAY_MS + order.second_of_day * 1000


def _order_content(shopper: Shopper, order: Purchase) -> dict[str, object]:
    number = f"{ORDER_PREFIXES[order.source]}-{order.number:06}"
    properties: dict[str, object] = {
        "order_id": number,
        "total": float(order.total),
        "currency": CURRENCY,
        "quantity": order.pieces,
        "product_ids": list(order.products),
        "payment_method": pick_choice(("card", "card", "invoice", "wallet"), "pay", number),
    }
    if order.source == TILLS:
        properties["storeId"] = pick_store(number, shopper.customer.key, shopper.country)
        properties["payment_method"] = pick_choice(("card", "card", "cash"), "pay", number)
    return {"type": "track", "event": "Order Completed", "properties": properties}


def _browsing_contents(
    shopper: Shopper, source: str, products: tuple[SeedProduct, ...], today: int
) -> list[tuple[int, dict[str, object]]]:
    """Return pages or screens with their times in ms; none at the tills."""
    if source == TILLS:
        return []
    key = shopper.customer.key
    at = today - int((1 + draw_fraction("browsed", source, key) * BROWSED_WITHIN_DAYS) * DAY_MS)
    timed_contents: list[tuple[int, dict[str, object]]] = []
    if source == WEB:
        home = {"type": "page", "name": "Home", "properties": {"path": "/"}}
        timed_contents.append((at, {**home, "unknown": shopper.identities[WEB].seen_before_sign_in}))
    else:
        timed_contents.append((at, {"type": "screen", "name": "Home", "properties": {}}))
    if draw_fraction("looked", source, key) < 0.5:
        product = products[int(draw_fraction("product", source, key) * len(products))]
        viewed = {
            "product_id": product.id,
            "name": product.name,
            "category": product.category,
            "price": product.price,
            "currency": CURRENCY,
        }
        timed_contents.append(
            (at + 90_000, {"type": "track", "event": "Product Viewed", "properties": viewed})
        )
    if source == WEB and draw_fraction("searched", key) < 0.2:
        query = {"query": pick_choice(("rain coat", "headphones", "gift", "running shoes"), "query", key)}
        timed_contents.append(
            (at + 30_000, {"type": "track", "event": "Products Searched", "properties": query})
        )
    return timed_contents


def _identify_traits(shopper: Shopper, source: str, first: int) -> dict[str, object]:
    customer, key, identity = shopper.customer, shopper.customer.key, shopper.identities[source]
    traits: dict[str, object] = {
        "firstName": customer.first_name or None,
        "lastName": customer.last_name or None,
        "email": _vary_spelling(identity.email, key, source),
        "phone": _phone_notation(identity.phone, key, source),
        "birthday": customer.birth_date if draw_fraction("birthday", key, source) < 0.6 else None,
        "address": _address_trait(shopper, full=source != APP),
        "language": pick_language(key, shopper.country),
        "createdAt": format_date(first),
    }
    traits |= _SOURCE_TRAITS[source](shopper)
    return {trait: value for trait, value in traits.items() if value is not None}


def _till_traits(shopper: Shopper) -> dict[str, object]:
    customer = shopper.customer
    spent = sum(float(order.total) for order in shopper.orders if order.source == TILLS)
    tiers = (("platinum", 1500), ("gold", 900), ("silver", 400), ("bronze", 0))
    survey = draw_fraction("survey", customer.key) < 0.4
    return {
        "loyaltyId": shopper.identities[TILLS].user_id,
        "salutation": customer.salutation,
        "loyaltyTier": next(tier for tier, minimum_spent in tiers if spent >= minimum_spent),
        "loyaltyPoints": int(spent),
        "paperReceipts": draw_fraction("paper", customer.key) < 0.3,
        "homeStore": pick_store("", customer.key, shopper.country),
        "householdSize": customer.dependents + 1 if survey and customer.dependents is not None else None,
        "maritalStatus": _MARITAL_STATUSES.get(customer.marital_status or "") if survey else None,
        "education": customer.education if survey and customer.education != "Unknown" else None,
    }


def _web_traits(shopper: Shopper) -> dict[str, object]:
    key = shopper.customer.key
    gender = {"F": "female", "M": "male"}.get(shopper.customer.gender or "")
    return {
        "gender": gender if draw_fraction("gender", key) < 0.5 else None,
        "deliveryMethod": pick_choice(("home", "pickup_point", "store", "neighbour"), "delivery", key),
        "newsletterFrequency": pick_choice(("weekly", "monthly"), "newsletter", key),
        "interests": sorted({pick_choice(DEPARTMENTS, "interest", key, index) for index in range(2)}),
        "emailVerified": shopper.identities[WEB].is_verified,
    }


def _app_traits(shopper: Shopper) -> dict[str, object]:
    key = shopper.customer.key
    return {
        "platform": "ios",
        "appVersion": pick_choice(("5.1.0", "5.2.3", "5.3.0"), "version", key),
        "pushEnabled": draw_fraction("push", key) < 0.5,
    }


DEPARTMENTS = ("books", "children", "electronics", "home", "jewelry", "men", "music", "shoes", "women")
_MARITAL_STATUSES = {"S": "single", "M": "married", "D": "divorced", "W": "widowed", "U": "unknown"}
_SOURCE_TRAITS = {TILLS: _till_traits, WEB: _web_traits, APP: _app_traits}


def _address_trait(shopper: Shopper, *, full: bool) -> dict[str, str]:
    customer, country = shopper.customer, shopper.country
    if not full:
        return {"country": country}
    city, postal_code, state = (
        customer.city,
        customer.postal_code,
        customer.state if country == "US" else None,
    )
    if country in TOWNS:
        towns = TOWNS[country]
        city, postal_code, state = towns[int(draw_fraction("town", customer.key) * len(towns))]
    address = {"street": customer.street, "city": city, "postalCode": postal_code, "state": state}
    return {part: value for part, value in address.items() if value is not None} | {"country": country}


def _vary_spelling(email: str | None, key: str, source: str) -> str | None:
    """Return an address in one of the spellings that people use."""
    if email is None:
        return None
    variation = draw_fraction("spelled", key, source)
    if variation < 0.15:
        local, _, host = email.partition("@")
        return f"{local.title()}@{host}"
    return email.upper() if variation < 0.20 else email


def _phone_notation(phone: PhoneNumber | None, key: str, source: str) -> str | None:
    """Return a number in national or international notation; at the tills mostly in the national one."""
    if phone is None:
        return None
    return (
        phone.local
        if draw_fraction("notation", key, source) < (0.6 if source == TILLS else 0.2)
        else phone.e164
    )


def _identify_context(shopper: Shopper, source: str) -> dict[str, object]:
    """Return the card that the account confirmed, and the statements of the customer.

    They are made in one channel; 4 % contradict them later in another.
    """
    key = shopper.customer.key
    asking_source = next(channel for channel in (WEB, APP, TILLS) if channel in shopper.identities)
    choices: dict[str, bool] = {}
    if source == asking_source:
        for purpose, agree_share, refuse_share in CHOICES:
            fraction = draw_fraction("choice", purpose, key)
            if fraction < agree_share + refuse_share:
                choices[purpose] = fraction < agree_share
    elif draw_fraction("changed", key, source) < 0.04:
        choices["marketing.communications.email"] = False
    context: dict[str, object] = {"consent": {"categoryPreferences": choices}} if choices else {}
    if (card := shopper.identities[source].confirmed_card) is not None:
        context["externalIds"] = [{"id": card, "type": "loyalty_id", "assurance": "proven"}]
    return context
