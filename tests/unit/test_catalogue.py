"""The shipped catalogue is complete and reveals to each role only what the role needs."""

from __future__ import annotations

import re

import pytest

from discretion.catalogue.check.cross import COARSE_TYPES
from discretion.catalogue.check.identifiers import NORMALISATIONS
from discretion.catalogue.entry import print_catalogue_schema
from discretion.catalogue.load import find_shipped_catalogue, load_catalogue
from discretion.catalogue.model import Attribute, Basis, Catalogue, EventType, Form, ValueType
from discretion.catalogue.taxonomy import TAXONOMY_FILE
from discretion.demo.roles import ROLES
from discretion.reveal import forms as reveal_forms
from discretion.seal.normalisation import NORMALISATION_RULES
from discretion.token.grant import SELF
from tests.unit.catalogue.print_taxonomy import format_taxonomy

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
    return load_catalogue()


def list_attribute_forms(catalogue: Catalogue, purposes: set[str]) -> dict[str, set[Form]]:
    """Return the forms in which each attribute may be revealed for these purposes."""
    covered = catalogue.find_covered_purposes(frozenset(purposes))
    forms = {
        path: {use.form for use in attribute.uses if use.purpose.key in covered}
        for path, attribute in catalogue.attributes.items()
    }
    return {path: attribute_forms for path, attribute_forms in forms.items() if attribute_forms}


def list_event_forms(catalogue: Catalogue, purposes: set[str]) -> dict[str, set[Form]]:
    """Return the forms in which each event may be revealed for these purposes."""
    covered = catalogue.find_covered_purposes(frozenset(purposes))
    forms = {
        key: {use.form for use in event.uses if use.purpose.key in covered}
        for key, event in catalogue.events.items()
    }
    return {key: event_forms for key, event_forms in forms.items() if event_forms}


def test_the_catalogue_covers_a_whole_retailer(catalogue: Catalogue) -> None:
    assert list(catalogue.groups) == GROUPS
    assert len(catalogue.attributes) >= 48
    assert len(catalogue.purposes) >= 14
    assert len(catalogue.events) >= 10
    assert catalogue.events.keys() >= EVENTS
    assert set(catalogue.identifiers) == IDENTIFIERS
    assert catalogue.attributes.keys() >= set(PATHS)


def test_each_channel_has_a_source_with_its_own_ids(catalogue: Catalogue) -> None:
    ids = {
        key: (source.channel, source.user_id, source.anonymous_id)
        for key, source in catalogue.sources.items()
    }
    assert ids["web-shop"] == ("web", "user_id", "cookie")
    assert ids["tills"] == ("store", "loyalty_id", "card_token")
    assert ids["ios-app"] == ("app", "user_id", "device_id")


def test_each_purpose_has_its_legal_basis(catalogue: Catalogue) -> None:
    for key, purpose in catalogue.purposes.items():
        if key.startswith(("marketing.", "personalize.")):
            assert purpose.basis is Basis.CONSENT, key
    assert catalogue.purposes["functional.service"].basis is Basis.CONTRACT
    assert catalogue.purposes["essential.service.operations.support"].basis is Basis.CONTRACT
    assert catalogue.purposes["analytics.reporting"].basis is Basis.LEGITIMATE_INTEREST
    assert catalogue.purposes["essential.fraud_detection"].basis is Basis.LEGITIMATE_INTEREST
    assert catalogue.purposes["essential.legal_obligation"].basis is Basis.LEGAL_OBLIGATION


def test_assigned_bits_do_not_change(catalogue: Catalogue) -> None:
    """Bits are stored with every customer; only append to this list."""
    keys = [purpose.key for purpose in sorted(catalogue.purposes.values(), key=lambda purpose: purpose.bit)]
    assert [
        purpose.bit for purpose in sorted(catalogue.purposes.values(), key=lambda purpose: purpose.bit)
    ] == list(range(17))
    assert keys[:4] == [
        "essential.legal_obligation",
        "essential.service.operations.support",
        "functional.service",
        "essential.service.notifications",
    ]
    assert keys[7:] == [
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
    forms = list_attribute_forms(catalogue, FRONTEND)
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
    forms = list_attribute_forms(catalogue, SUPPORT)
    assert {form for attribute_forms in forms.values() for form in attribute_forms} == {Form.CLEAR}
    clear = {
        "identity.givenName",
        "identity.familyName",
        "contact.email",
        "contact.phone",
        "commerce.lastOrderAt",
    }
    assert forms.keys() >= clear | {"contact.address.street", "commerce.lifetimeValue"}
    assert not [path for path in forms if path.startswith(("web.", "app."))]
    events = list_event_forms(catalogue, SUPPORT)
    assert "Order Completed" in events
    browsing_categories = {"user.behavior.browsing_history", "user.behavior.search_history"}
    assert not [key for key in events if catalogue.events[key].category in browsing_categories]


def test_marketing_sees_the_address_it_writes_to_and_a_coarse_age(catalogue: Catalogue) -> None:
    assert list_attribute_forms(catalogue, {"marketing.communications.email"})["contact.email"] == {
        Form.CLEAR
    }
    advertising = list_attribute_forms(catalogue, {"marketing.advertising.first_party"})
    assert "contact.email" not in advertising
    assert advertising["demographics.birthDate"] == {Form.COARSE}
    assert list_attribute_forms(catalogue, MARKETING)["commerce.loyaltyTier"] == {Form.CLEAR}


def test_analytics_sees_only_unsealed_or_coarse_data(catalogue: Catalogue) -> None:
    for path, forms in list_attribute_forms(catalogue, ANALYTICS).items():
        assert not catalogue.attributes[path].sealed or forms == {Form.COARSE}, path
    assert {
        form for event_forms in list_event_forms(catalogue, ANALYTICS).values() for form in event_forms
    } == {Form.COARSE}


def test_a_partner_sees_coarse_facts_and_no_contact_data(catalogue: Catalogue) -> None:
    forms = list_attribute_forms(catalogue, PARTNER)
    assert forms == {
        "contact.address.region": {Form.CLEAR},
        "contact.address.country": {Form.CLEAR},
        "demographics.birthDate": {Form.COARSE},
        "commerce.loyaltyTier": {Form.CLEAR},
        "commerce.lifetimeValue": {Form.COARSE},
        "commerce.lastOrderAt": {Form.COARSE},
    }
    assert not list_event_forms(catalogue, PARTNER)


def test_the_steward_sees_everything(catalogue: Catalogue) -> None:
    assert list_attribute_forms(catalogue, STEWARD) == {path: {Form.CLEAR} for path in catalogue.attributes}
    assert list_event_forms(catalogue, STEWARD) == {key: {Form.CLEAR} for key in catalogue.events}


def test_identifying_attributes_are_sealed(catalogue: Catalogue) -> None:
    identifying = (
        *("user.name", "user.contact.email", "user.contact.phone_number", "user.contact.address.street"),
        *("user.contact.address.city", "user.contact.address.postal_code", "user.contact.organization"),
        *("user.unique_id", "user.device.", "user.financial.", "user.demographic.date_of_birth"),
        "user.demographic.gender",
    )
    unsealed = [
        attribute.path
        for attribute in catalogue.attributes.values()
        if not attribute.sealed and attribute.category.startswith(identifying)
    ]
    assert not unsealed


def test_every_purpose_is_used_and_every_identifier_is_an_attribute(catalogue: Catalogue) -> None:
    entries: list[Attribute | EventType] = [*catalogue.attributes.values(), *catalogue.events.values()]
    assert {use.purpose.key for entry in entries for use in entry.uses} == set(catalogue.purposes)
    assert {attribute.identifier for attribute in catalogue.attributes.values()} - {None} == set(
        catalogue.identifiers
    )


def test_every_client_of_the_demo_is_a_recipient_for_what_its_token_allows(catalogue: Catalogue) -> None:
    """Each client that queries is a recipient in the privacy notice."""
    recipients_by_client = {
        client: recipient
        for recipient in catalogue.recipients.values()
        for client in (recipient.key, *recipient.clients)
    }
    for role in (role for role in ROLES if SELF not in role.purposes):
        recipient = recipients_by_client[role.client]
        assert set(role.purposes) <= set(recipient.purposes), role.name


def test_data_leaves_the_retailer_only_for_a_purpose_that_states_it(catalogue: Catalogue) -> None:
    """A partner receives data without names, for third-party advertising only."""
    partner = catalogue.recipients["ad-partner"]
    assert partner.purposes == ("marketing.advertising.third_party.targeted",)
    assert all(
        recipient.transfers == {} or all(recipient.transfers.values())
        for recipient in catalogue.recipients.values()
    )
    assert {purpose for recipient in catalogue.recipients.values() for purpose in recipient.purposes} == set(
        catalogue.purposes
    )


def test_segment_traits_map_to_their_attributes(catalogue: Catalogue) -> None:
    paths_by_trait = {
        trait: attribute.path for attribute in catalogue.attributes.values() for trait in attribute.traits
    }
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
    }.items() <= paths_by_trait.items()


def test_segment_context_maps_to_attributes_and_identifiers(catalogue: Catalogue) -> None:
    """The IP address is not read: every call has one, and it is not needed for every call."""
    paths_by_context = {
        context_path: attribute.path
        for attribute in catalogue.attributes.values()
        for context_path in attribute.context
    }
    assert paths_by_context == {
        "locale": "preferences.language",
        "campaign.name": "web.campaign",
        "app.version": "app.version",
        "device.type": "app.platform",
        "device.token": "app.pushToken",
    }
    assert {
        context_path: identifier_type.key
        for identifier_type in catalogue.identifiers.values()
        for context_path in identifier_type.context
    } == {"device.id": "device_id"}


def test_the_taxonomy_snapshot_equals_the_installed_package() -> None:
    command = "python -m tests.unit.catalogue.print_taxonomy > src/discretion/catalogue/taxonomy.json"
    assert TAXONOMY_FILE.read_text("utf-8") == format_taxonomy(), f"renew it with: {command}"


def test_the_printed_json_schema_is_current() -> None:
    path = find_shipped_catalogue().parent / "jsonschema" / "catalogue.schema.json"
    assert path.read_text("utf-8") == print_catalogue_schema(), "renew it with: discretion schema print"


def test_rules_named_in_the_checks_are_those_of_the_code() -> None:
    """The catalogue package imports no higher package, so it repeats the names of their rules."""
    assert set(NORMALISATION_RULES) == NORMALISATIONS
    assert {*reveal_forms._COARSE_RENDERS, ValueType.MONEY} == COARSE_TYPES


def test_every_file_is_listed_as_written_or_printed_once() -> None:
    schema = find_shipped_catalogue().parent
    readme = (schema / "README.md").read_text("utf-8")
    listed = re.findall(r"`([\w/.-]+\.(?:yaml|json|graphql|md))`", readme.partition("## Adding")[0])
    existing = {path.relative_to(schema).as_posix() for path in schema.rglob("*") if path.is_file()} - {
        "README.md"
    }
    assert len(listed) == len(set(listed))
    assert existing <= set(listed)
