"""Generated TPC-DS customers: reproducible messages, reserved contacts, and proofs that join them."""

from __future__ import annotations

import json
import re

import pytest

from discretion.catalogue.load import load_catalogue
from discretion.errors import BadRequest
from discretion.seal.normalisation import normalise_phone
from discretion.seeding.geography import PhoneNumberPool
from discretion.seeding.message import DAY_MS, SeedMessage, format_time
from discretion.seeding.tpcds import compute_true_clusters, generate_customer_messages
from tests.unit.seeding.pure_pipeline import cluster_facts, validate_messages

NOW = 1_795_486_354_321  # 2026-11-23, in the morning
CUSTOMERS = 1_000
PHONES = ("US", "CA", "GB", "DE", "FR")


@pytest.fixture(scope="module")
def messages() -> list[SeedMessage]:
    return list(generate_customer_messages(CUSTOMERS, NOW))


def test_the_same_customers_on_the_same_day_give_the_same_messages(messages: list[SeedMessage]) -> None:
    assert list(generate_customer_messages(CUSTOMERS, NOW + 3_600_000)) == messages


def test_fewer_customers_are_a_prefix_of_more(messages: list[SeedMessage]) -> None:
    fewer_messages = list(generate_customer_messages(25, NOW))
    assert fewer_messages == messages[: len(fewer_messages)]
    assert len({message.person_id for message in fewer_messages}) == 25


def test_a_later_day_changes_only_times(messages: list[SeedMessage]) -> None:
    later = list(generate_customer_messages(25, NOW + 7 * DAY_MS))
    later_ids = [message.body["messageId"] for message in later]
    assert later_ids == [message.body["messageId"] for message in messages[: len(later_ids)]]
    assert later[0].body["timestamp"] > messages[0].body["timestamp"]


def test_no_customers_are_accepted_and_too_many_are_refused() -> None:
    assert list(generate_customer_messages(0, NOW)) == []
    with pytest.raises(BadRequest, match="0 to 100000"):
        next(generate_customer_messages(100_001, NOW))


def test_every_message_has_an_id_of_its_own(messages: list[SeedMessage]) -> None:
    assert len({message.body["messageId"] for message in messages}) == len(messages)


def test_times_lie_in_the_last_three_years_and_never_ahead(messages: list[SeedMessage]) -> None:
    """Three years are shorter than the shortest retention period of a trait."""
    times = [message.body["timestamp"] for message in messages]
    assert format_time(NOW - 3 * 365 * DAY_MS) < min(times)
    assert format_time(NOW - 5 * DAY_MS) < max(times) < format_time(NOW)


def test_every_address_ends_in_example_and_every_number_is_reserved(messages: list[SeedMessage]) -> None:
    phone_pool = PhoneNumberPool()
    reserved = {
        phone.e164
        for country in PHONES
        for _ in range(20_000)
        if (phone := phone_pool.take(country)) is not None
    }
    for message in messages:
        traits = message.body.get("traits", {})
        if "email" in traits:
            assert traits["email"].casefold().endswith(".example")
        if "phone" in traits:
            assert normalise_phone(traits["phone"], traits["address"]["country"]) in reserved


def test_local_and_international_notation_are_the_same_number() -> None:
    phone_pool = PhoneNumberPool()
    for country in PHONES:
        for _ in range(50):
            phone = phone_pool.take(country)
            assert phone is not None
            assert normalise_phone(phone.local, country) == normalise_phone(phone.e164) == phone.e164
    assert phone_pool.take("JP") is None


def list_person_ids(message: SeedMessage) -> set[str]:
    """Return the ids in a message, without the prefix of their source."""
    values = (message.body.get("userId"), message.body.get("anonymousId"), message.body["messageId"])
    return {value.rpartition("-")[2] for value in values if value is not None}


def test_the_shared_customer_key_is_in_no_message(messages: list[SeedMessage]) -> None:
    """Neither the customer id of TPC-DS, which has sixteen characters, nor its customer number occurs."""
    for message in messages:
        text = json.dumps(dict(message.body))
        assert not re.search(r"A{6}[A-Z]{4,}", text)
        assert message.person_id not in text
        assert message.person_id.removeprefix("shopper-") not in list_person_ids(message)


def test_no_two_customers_share_an_id(messages: list[SeedMessage]) -> None:
    """Ids differ even without their prefixes; only web shop and app have ids in common, of one account."""
    owners: dict[str, tuple[str, bool]] = {}
    for message in messages:
        for person_id in list_person_ids(message):
            owner = message.person_id, message.source == "tills"
            assert owners.setdefault(person_id, owner) == owner


def test_newsletters_are_confirmed_without_an_account(messages: list[SeedMessage]) -> None:
    """A browser without an account proves the address that an account has proven too."""
    newsletters = [
        message.body["traits"]["email"]
        for message in messages
        if message.body.get("traits", {}).get("emailVerified") and "userId" not in message.body
    ]
    assert len(newsletters) > CUSTOMERS // 50
    assert len(set(newsletters)) == len(newsletters)


def test_proofs_join_the_true_clusters(messages: list[SeedMessage]) -> None:
    """With the shipped catalogue no message is refused or shortened, and no two people are merged."""
    linked_records = cluster_facts(load_catalogue(), validate_messages(load_catalogue(), messages, NOW))
    true_clusters = compute_true_clusters(CUSTOMERS)
    assert linked_records == {records for person in true_clusters.values() for records in person}
    assert {message.person_id for message in messages} == set(true_clusters)


def test_some_customers_cannot_be_linked() -> None:
    """About one in ten of the customers in several channels keeps them apart."""
    split_count = sum(len(records) > 1 for records in compute_true_clusters(CUSTOMERS).values())
    assert 0.05 < split_count / CUSTOMERS < 0.15


def test_addresses_and_numbers_are_spelled_in_several_ways(messages: list[SeedMessage]) -> None:
    traits = [message.body["traits"] for message in messages if message.body["type"] == "identify"]
    emails = [entry["email"] for entry in traits if "email" in entry]
    phones = [entry["phone"] for entry in traits if "phone" in entry]
    assert 0.1 < sum(email != email.lower() for email in emails) / len(emails) < 0.4
    assert 0.1 < sum(not phone.startswith("+") for phone in phones) / len(phones) < 0.7


def test_a_thousand_customers_make_less_than_ten_thousand_messages(messages: list[SeedMessage]) -> None:
    assert 7_000 < len(messages) < 10_000
