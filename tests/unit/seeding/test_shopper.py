from __future__ import annotations

import json
import re

import pytest

from discretion.catalogue.load import load
from discretion.errors import BadRequest
from discretion.seal.normalisation import e164
from discretion.seeding.geography import PhoneBook
from discretion.seeding.message import DAY_MS, Message, iso
from discretion.seeding.tpcds import shoppers, truth
from tests.unit.seeding.pure_pipeline import facts, linked

NOW = 1_795_486_354_321  # 2026-11-23, in the morning
CUSTOMERS = 1_000
PHONES = ("US", "CA", "GB", "DE", "FR")


@pytest.fixture(scope="module")
def sown() -> list[Message]:
    return list(shoppers(CUSTOMERS, NOW))


def test_the_same_customers_on_the_same_day_give_the_same_messages(sown: list[Message]) -> None:
    assert list(shoppers(CUSTOMERS, NOW + 3_600_000)) == sown


def test_fewer_customers_are_the_first_of_more(sown: list[Message]) -> None:
    few = list(shoppers(25, NOW))
    assert few == sown[: len(few)]
    assert len({message.person for message in few}) == 25


def test_a_later_day_moves_times_and_nothing_else(sown: list[Message]) -> None:
    later = list(shoppers(25, NOW + 7 * DAY_MS))
    named = [message.body["messageId"] for message in later]
    assert named == [message.body["messageId"] for message in sown[: len(named)]]
    assert later[0].body["timestamp"] > sown[0].body["timestamp"]


def test_nobody_at_all_is_possible_and_too_many_are_not() -> None:
    assert list(shoppers(0, NOW)) == []
    with pytest.raises(BadRequest, match="0 to 100000"):
        next(shoppers(100_001, NOW))


def test_every_message_has_an_id_of_its_own(sown: list[Message]) -> None:
    assert len({message.body["messageId"] for message in sown}) == len(sown)


def test_times_lie_in_the_last_three_years_and_never_ahead(sown: list[Message]) -> None:
    """Shorter than the shortest retention of what an identify call carries."""
    times = [message.body["timestamp"] for message in sown]
    assert iso(NOW - 3 * 365 * DAY_MS) < min(times)
    assert iso(NOW - 5 * DAY_MS) < max(times) < iso(NOW)


def test_every_address_ends_in_example_and_every_number_is_reserved(sown: list[Message]) -> None:
    book = PhoneBook()
    reserved = {
        phone.e164 for country in PHONES for _ in range(20_000) if (phone := book.next(country)) is not None
    }
    for message in sown:
        traits = message.body.get("traits", {})
        if "email" in traits:
            assert traits["email"].casefold().endswith(".example")
        if "phone" in traits:
            assert e164(traits["phone"], traits["address"]["country"]) in reserved


def test_two_notations_are_one_number() -> None:
    book = PhoneBook()
    for country in PHONES:
        for _ in range(50):
            phone = book.next(country)
            assert phone is not None
            assert e164(phone.local, country) == e164(phone.e164) == phone.e164
    assert book.next("JP") is None


def ids(message: Message) -> set[str]:
    """The ids a message names its person by, without the prefix that says whose id it is."""
    given = (message.body.get("userId"), message.body.get("anonymousId"), message.body["messageId"])
    return {one.rpartition("-")[2] for one in given if one is not None}


def test_the_shared_customer_key_is_in_no_message(sown: list[Message]) -> None:
    """Neither TPC-DS's customer id, which has sixteen letters, nor its customer number as an id."""
    for message in sown:
        text = json.dumps(dict(message.body))
        assert not re.search(r"A{6}[A-Z]{4,}", text)
        assert message.person not in text
        assert message.person.removeprefix("shopper-") not in ids(message)


def test_channels_share_no_id(sown: list[Message]) -> None:
    """Not even under different prefixes: nothing but an e-mail address or a phone number links."""
    owners: dict[str, str] = {}
    for message in sown:
        for given in ids(message):
            key = f"{message.source} {message.person}"
            assert owners.setdefault(given, key) == key


def test_exact_identifiers_link_what_the_truth_says(sown: list[Message]) -> None:
    """Through the real catalogue: nothing refused, nothing dropped, nobody joined with a stranger."""
    told = linked(load(), facts(load(), sown, NOW))
    known = truth(CUSTOMERS)
    assert told == {records for person in known.values() for records in person}
    assert {message.person for message in sown} == set(known)


def test_some_cannot_be_put_together() -> None:
    """About one in ten of those known to several channels gives each something else."""
    apart = sum(len(records) > 1 for records in truth(CUSTOMERS).values())
    assert 0.05 < apart / CUSTOMERS < 0.15


def test_addresses_and_numbers_are_spelled_in_several_ways(sown: list[Message]) -> None:
    traits = [message.body["traits"] for message in sown if message.body["type"] == "identify"]
    emails = [one["email"] for one in traits if "email" in one]
    phones = [one["phone"] for one in traits if "phone" in one]
    assert 0.1 < sum(email != email.lower() for email in emails) / len(emails) < 0.4
    assert 0.1 < sum(not phone.startswith("+") for phone in phones) / len(phones) < 0.7


def test_a_thousand_customers_stay_a_small_sowing(sown: list[Message]) -> None:
    assert 7_000 < len(sown) < 10_000
