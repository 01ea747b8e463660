"""The shipped catalogue keeps what it promises, whoever asks."""

from __future__ import annotations

import re

import pytest

from discretion.catalogue.check.cross import COARSE_TYPES, NORMALISE
from discretion.catalogue.entry import json_schema
from discretion.catalogue.load import load, shipped
from discretion.catalogue.model import Attribute, Basis, Catalogue, EventType, Form
from discretion.catalogue.taxonomy import SNAPSHOT, printed
from discretion.demo.roles import ROLES
from discretion.reveal import forms as reveal_form
from discretion.seal.normalisation import RULES
from discretion.token.grant import SELF

GROUPS = ["identity", "contact", "demographics", "commerce", "web", "store", "app", "preferences"]
PATHS = [
    "identity.givenName",
    "identity.familyName",
    "contact.email",
    "contact.phone",
    "contact.address.street",
    "contact.address.city",
    "contact.address.postalCode",
    "contact.address.region",
    "contact.address.country",
    "demographics.birthDate",
    "commerce.loyaltyTier",
    "commerce.lifetimeValue",
    "commerce.orderCount",
    "commerce.lastOrderAt",
    "preferences.language",
    "web.lastSeenAt",
    "store.favouriteStore",
    "app.lastSeenAt",
]
EVENTS = {
    *(
        "Order Completed",
        "Product Viewed",
        "Cart Viewed",
        "Product Added",
        "Checkout Started",
        "Order Refunded",
    ),
    *("Coupon Applied", "Products Searched", "Signed In", "page", "screen", "group"),
}
IDENTIFIERS = {"email", "phone", "loyalty_id", "user_id", "anonymous_id", "device_id", "cookie", "card_token"}

FRONTEND = {"functional.service", "personalize.content"}
SUPPORT = {"essential.service.operations.support"}
MARKETING = {"marketing.communications.email", "marketing.advertising.first_party"}
ANALYTICS = {"analytics.reporting"}
PARTNER = {"marketing.advertising.third_party.targeted"}
STEWARD = {"essential.legal_obligation"}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load()


def seen(catalogue: Catalogue, purposes: set[str]) -> dict[str, set[Form]]:
    """The forms in which each attribute may be revealed for these purposes."""
    covered = catalogue.covered(frozenset(purposes))
    forms = {
        path: {use.form for use in attribute.uses if use.purpose.key in covered}
        for path, attribute in catalogue.attributes.items()
    }
    return {path: found for path, found in forms.items() if found}


def happenings(catalogue: Catalogue, purposes: set[str]) -> dict[str, set[Form]]:
    """The forms in which each event may be revealed for these purposes."""
    covered = catalogue.covered(frozenset(purposes))
    forms = {
        key: {use.form for use in event.uses if use.purpose.key in covered}
        for key, event in catalogue.events.items()
    }
    return {key: found for key, found in forms.items() if found}


def test_it_is_a_whole_retailers_catalogue(catalogue: Catalogue) -> None:
    assert list(catalogue.groups) == GROUPS
    assert len(catalogue.attributes) >= 48
    assert len(catalogue.purposes) >= 14
    assert len(catalogue.events) >= 10
    assert catalogue.events.keys() >= EVENTS
    assert set(catalogue.identifiers) == IDENTIFIERS
    assert catalogue.attributes.keys() >= set(PATHS)


def test_each_channel_has_a_source_with_its_own_ids(catalogue: Catalogue) -> None:
    ids = {key: (s.channel, s.user_id, s.anonymous_id) for key, s in catalogue.sources.items()}
    assert ids["web-shop"] == ("web", "user_id", "cookie")
    assert ids["tills"] == ("store", "loyalty_id", "card_token")
    assert ids["ios-app"] == ("app", "user_id", "device_id")


def test_a_basis_follows_from_what_the_purpose_is(catalogue: Catalogue) -> None:
    for key, purpose in catalogue.purposes.items():
        if key.startswith(("marketing.", "personalize.")):
            assert purpose.basis is Basis.CONSENT, key
    assert catalogue.purposes["functional.service"].basis is Basis.CONTRACT
    assert catalogue.purposes["essential.service.operations.support"].basis is Basis.CONTRACT
    assert catalogue.purposes["analytics.reporting"].basis is Basis.LEGITIMATE_INTEREST
    assert catalogue.purposes["essential.fraud_detection"].basis is Basis.LEGITIMATE_INTEREST
    assert catalogue.purposes["essential.legal_obligation"].basis is Basis.LEGAL_OBLIGATION


def test_bits_once_given_stay(catalogue: Catalogue) -> None:
    """Bits are stored with every customer; only lengthen this list."""
    given = [purpose.key for purpose in sorted(catalogue.purposes.values(), key=lambda one: one.bit)]
    assert [purpose.bit for purpose in sorted(catalogue.purposes.values(), key=lambda p: p.bit)] == list(
        range(17)
    )
    assert given[:4] == [
        "essential.legal_obligation",
        "essential.service.operations.support",
        "functional.service",
        "essential.service.notifications",
    ]
    assert given[7:] == [
        "personalize.content",
        "personalize.system",
        "marketing.communications.email",
        "marketing.communications.sms",
        "marketing.advertising.first_party",
        "marketing.advertising.third_party.targeted",
        "marketing.advertising.negative_targeting",
        "analytics.reporting",
        "analytics.reporting.campaign_insights",
        "essential.service.operations.improve",
    ]


def test_the_frontend_sees_what_a_page_needs(catalogue: Catalogue) -> None:
    forms = seen(catalogue, FRONTEND)
    for path in (
        "identity.givenName",
        "preferences.language",
        "commerce.loyaltyTier",
        "contact.address.country",
    ):
        assert forms[path] == {Form.CLEAR}
    assert forms["web.lastSeenAt"] == forms["app.lastSeenAt"] == {Form.CLEAR}
    assert forms["contact.email"] == {Form.MASKED}
    assert "demographics.birthDate" not in forms


def test_support_sees_contact_and_orders_and_no_browsing(catalogue: Catalogue) -> None:
    forms = seen(catalogue, SUPPORT)
    assert {form for found in forms.values() for form in found} == {Form.CLEAR}
    clear = {
        "identity.givenName",
        "identity.familyName",
        "contact.email",
        "contact.phone",
        "commerce.lastOrderAt",
    }
    assert forms.keys() >= clear | {"contact.address.street", "commerce.lifetimeValue"}
    assert not [path for path in forms if path.startswith(("web.", "app."))]
    events = happenings(catalogue, SUPPORT)
    assert "Order Completed" in events
    watched = {"user.behavior.browsing_history", "user.behavior.search_history"}
    assert not [key for key in events if catalogue.events[key].category in watched]


def test_marketing_sees_the_address_it_writes_to_and_a_coarse_age(catalogue: Catalogue) -> None:
    assert seen(catalogue, {"marketing.communications.email"})["contact.email"] == {Form.CLEAR}
    advertising = seen(catalogue, {"marketing.advertising.first_party"})
    assert "contact.email" not in advertising
    assert advertising["demographics.birthDate"] == {Form.COARSE}
    assert seen(catalogue, MARKETING)["commerce.loyaltyTier"] == {Form.CLEAR}


def test_analytics_sees_only_what_is_open_or_coarse(catalogue: Catalogue) -> None:
    for path, forms in seen(catalogue, ANALYTICS).items():
        assert not catalogue.attributes[path].sealed or forms == {Form.COARSE}, path
    assert {form for found in happenings(catalogue, ANALYTICS).values() for form in found} == {Form.COARSE}


def test_a_partner_sees_rough_facts_and_no_contact_data(catalogue: Catalogue) -> None:
    forms = seen(catalogue, PARTNER)
    assert forms == {
        "contact.address.region": {Form.CLEAR},
        "contact.address.country": {Form.CLEAR},
        "demographics.birthDate": {Form.COARSE},
        "commerce.loyaltyTier": {Form.CLEAR},
        "commerce.lifetimeValue": {Form.COARSE},
        "commerce.lastOrderAt": {Form.COARSE},
    }
    assert not happenings(catalogue, PARTNER)


def test_the_steward_sees_everything(catalogue: Catalogue) -> None:
    assert seen(catalogue, STEWARD) == {path: {Form.CLEAR} for path in catalogue.attributes}
    assert happenings(catalogue, STEWARD) == {key: {Form.CLEAR} for key in catalogue.events}


def test_what_points_at_a_person_is_sealed(catalogue: Catalogue) -> None:
    pointing = (
        *("user.name", "user.contact.email", "user.contact.phone_number", "user.contact.address.street"),
        *("user.contact.address.city", "user.contact.address.postal_code", "user.contact.organization"),
        *("user.unique_id", "user.device.", "user.financial.", "user.demographic.date_of_birth"),
        "user.demographic.gender",
    )
    opened = [
        a.path for a in catalogue.attributes.values() if not a.sealed and a.category.startswith(pointing)
    ]
    assert not opened


def test_every_purpose_is_used_and_every_identifier_is_an_attribute(catalogue: Catalogue) -> None:
    entries: list[Attribute | EventType] = [*catalogue.attributes.values(), *catalogue.events.values()]
    assert {use.purpose.key for entry in entries for use in entry.uses} == set(catalogue.purposes)
    assert {a.identifier for a in catalogue.attributes.values()} - {None} == set(catalogue.identifiers)


def test_every_client_of_the_demo_is_a_recipient_for_what_its_token_allows(catalogue: Catalogue) -> None:
    """Who asks is somebody the notice names."""
    named = {client: one for one in catalogue.recipients.values() for client in (one.key, *one.clients)}
    for role in (one for one in ROLES if SELF not in one.purposes):
        recipient = named[role.client]
        assert set(role.purposes) <= set(recipient.purposes), role.name


def test_what_leaves_the_retailer_leaves_it_for_a_purpose_that_says_so(catalogue: Catalogue) -> None:
    """Advertising of others and nothing else goes to partners without names."""
    partner = catalogue.recipients["ad-partner"]
    assert partner.purposes == ("marketing.advertising.third_party.targeted",)
    assert all(one.transfers == {} or all(one.transfers.values()) for one in catalogue.recipients.values())
    assert {key for one in catalogue.recipients.values() for key in one.purposes} == set(catalogue.purposes)


def test_segments_traits_find_their_attributes(catalogue: Catalogue) -> None:
    places = {place: a.path for a in catalogue.attributes.values() for place in a.traits}
    assert {
        "firstName": "identity.givenName",
        "lastName": "identity.familyName",
        "email": "contact.email",
        "phone": "contact.phone",
        "birthday": "demographics.birthDate",
        "address.street": "contact.address.street",
        "address.city": "contact.address.city",
        "address.postalCode": "contact.address.postalCode",
        "address.state": "contact.address.region",
        "address.country": "contact.address.country",
        "loyaltyTier": "commerce.loyaltyTier",
        "language": "preferences.language",
    }.items() <= places.items()


def test_segments_context_finds_its_attributes_and_ids(catalogue: Catalogue) -> None:
    """No network address: it comes with every call, and nobody needs it of every call."""
    places = {place: a.path for a in catalogue.attributes.values() for place in a.context}
    assert places == {
        "locale": "preferences.language",
        "campaign.name": "web.campaign",
        "app.version": "app.version",
        "device.type": "app.platform",
        "device.token": "app.pushToken",
    }
    assert {place: one.key for one in catalogue.identifiers.values() for place in one.context} == {
        "device.id": "device_id"
    }


def test_the_taxonomy_snapshot_is_that_of_the_installed_package() -> None:
    renew = "python -m discretion.catalogue.taxonomy > src/discretion/catalogue/taxonomy.json"
    assert SNAPSHOT.read_text("utf-8") == printed(), f"renew it with: {renew}"


def test_the_printed_json_schema_is_current() -> None:
    path = shipped().parent / "jsonschema" / "catalogue.schema.json"
    assert path.read_text("utf-8") == json_schema(), "renew it with: discretion schema print"


def test_rules_named_in_the_checks_are_those_of_the_code() -> None:
    """The catalogue imports nothing above it, so it names their rules a second time."""
    assert set(RULES) == NORMALISE
    assert frozenset(reveal_form._COARSE) == COARSE_TYPES


def test_every_file_is_listed_as_written_or_printed_once() -> None:
    schema = shipped().parent
    readme = (schema / "README.md").read_text("utf-8")
    listed = re.findall(r"`([\w/.-]+\.(?:yaml|json|graphql))`", readme.partition("## Adding")[0])
    there = {path.relative_to(schema).as_posix() for path in schema.rglob("*") if path.is_file()} - {
        "README.md"
    }
    assert len(listed) == len(set(listed))
    assert there <= set(listed)
