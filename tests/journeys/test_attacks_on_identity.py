"""Attacks on identity by a source with one key, a partner with one purpose, a child with a shared address."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.fixtures.clock import RunningClock
from tests.fixtures.platform import PlatformUnderTest
from tests.fixtures.proofs import build_card_confirmation, confirm_card, verify

MERGE_HISTORY = """{ customers(first: 50) { nodes {
  identifiers { type value }
  identityHistory { nodes { kind by } }
} } }"""


@pytest.fixture
def clock() -> RunningClock:
    """Return a clock that starts soon after the dates of the messages."""
    return RunningClock("2026-11-24T10:00:00")


def identify(message_id: str, user: str, *, day: int = 1, **traits: Any) -> dict[str, Any]:
    """Return an identify message."""
    timestamp = f"2026-03-{day:02}T10:00:00Z"
    return {
        "type": "identify",
        "messageId": message_id,
        "userId": user,
        "timestamp": timestamp,
        "traits": traits,
    }


def add_choices(message: dict[str, Any], **purposes: bool) -> dict[str, Any]:
    """Return the message with choices about purposes."""
    return {**message, "context": {"consent": {"categoryPreferences": purposes}}}


async def count_visible(platform: PlatformUnderTest, role: str) -> int:
    """Return how many customers a role sees."""
    answer = await platform.query("{ customers { totalCount } }", platform.issue_token(role))
    total: int = answer["data"]["customers"]["totalCount"]
    return total


async def test_a_merge_is_attributed_to_the_source_that_caused_it(
    platform: PlatformUnderTest,
) -> None:
    """Concurrent senders share a transaction; each merge is still attributed to its own source."""
    await platform.send_messages("tills", *(identify(f"t{n}", f"L-{n}", firstName="Ann") for n in range(9)))
    await asyncio.gather(
        *(platform.send_messages("ios-app", identify(f"a{n}", f"x-{n}", firstName="Eve")) for n in range(9)),
        *(platform.send_messages("web-shop", identify(f"w{n}", f"w-{n}", firstName="Ann")) for n in range(9)),
    )
    await asyncio.gather(
        *(
            platform.send_messages("ios-app", identify(f"b{n}", f"x-{n}", phone=f"+4420794601{n:02}"))
            for n in range(9)
        ),
        *(
            platform.send_messages("web-shop", build_card_confirmation(f"v{n}", f"w-{n}", f"L-{n}"))
            for n in range(9)
        ),
    )
    answer = await platform.query(MERGE_HISTORY, platform.issue_token("steward", purposes=["essential"]))
    customers = answer["data"]["customers"]["nodes"]
    events = [event for customer in customers for event in customer["identityHistory"]["nodes"]]
    assert len(events) == 9
    assert {(event["kind"], event["by"]) for event in events} == {("merged", "source:web-shop")}


@pytest.mark.parametrize("role", ["support", "frontend"])
async def test_staff_see_times_of_identifiers_by_month_only(platform: PlatformUnderTest, role: str) -> None:
    """The time of an identifier reveals a visit; like provenance, it is shown by its month."""
    await platform.send_messages("web-shop", identify("m1", "w-1", email="ann@shop.example"))
    query = "{ customers { nodes { identifiers { since } } } }"
    answer = await platform.query(query, platform.issue_token(role))
    (ann,) = answer["data"]["customers"]["nodes"]
    assert {identifier["since"] for identifier in ann["identifiers"]} == {"2026-03"}


@pytest.mark.parametrize("child_first", [True, False])
async def test_a_childs_consent_stays_void_after_merging_with_a_parent(
    platform: PlatformUnderTest, child_first: bool
) -> None:
    """A family's card merges the child's and the parent's records; whoever of them agreed, it stays void."""
    child = add_choices(identify("m1", "kid", birthday="2016-01-01"), marketing=True)
    parent = add_choices(identify("m2", "w-1", birthday="1980-01-01"), marketing=True)
    from_web = ("web-shop", confirm_card(parent, "L-1"))
    from_store = ("tills", {**child, "userId": "L-1"})
    for source, message in (from_store, from_web) if child_first else (from_web, from_store):
        await platform.send_messages(source, message)
    assert await count_visible(platform, "support") == 1
    assert await count_visible(platform, "marketing") == 0


async def test_withheld_identifiers_are_not_read_from_the_database(
    platform: PlatformUnderTest,
) -> None:
    """Security reads accounts on legitimate interest until the customer objects; then no query does."""
    purposes = ["essential.service.security", "marketing.advertising.first_party"]
    choices = {"essential.service.security": False, "marketing.advertising.first_party": True}
    await platform.send_messages("web-shop", add_choices(identify("m1", "w-1"), **choices))
    platform.commands.clear()
    answer = await platform.query(
        "{ customers { nodes { identifiers { value } } } }",
        platform.issue_token(client="guards", purposes=purposes),
    )
    assert answer["data"]["customers"]["nodes"] == [{"identifiers": []}]
    identifier_reads = [
        command
        for command in platform.commands.list_commands("aggregate")
        if command["aggregate"] == "source_records"
    ]
    assert identifier_reads == []


FIND = 'query($email: String!) { customer(identifier: {type: "email", value: $email}) { id } }'


async def find_id(platform: PlatformUnderTest, email: str, role: str = "support") -> str | None:
    """Return the id that a role gets for the customer with an address, as the privacy office encodes it."""
    purposes = ["essential"] if role == "steward" else ["essential.service.operations.support"]
    token = platform.issue_token(role, client="desk", purposes=purposes)
    customer = (await platform.query(FIND, token, {"email": email}))["data"]["customer"]
    return None if customer is None else str(customer["id"])


@pytest.mark.parametrize("is_verified", [True, False])
async def test_any_number_of_anonymous_claims_takes_an_address_from_nobody(
    platform: PlatformUnderTest, is_verified: bool
) -> None:
    """Support finds Ann by her address, however many browsers typed it."""
    account = identify("m1", "w-1", firstName="Ann", email="ann@shop.example", residence="GB")
    await platform.send_messages("web-shop", verify(account) if is_verified else account)
    before = await find_id(platform, "ann@shop.example")
    assert before is not None
    traits = {"email": "ann@shop.example", "firstName": "Mallory", "address": {"street": "Evil 9"}}
    claims = [
        {**identify(f"c{number}", "", day=9, **traits), "anonymousId": f"ck-{number}"} for number in range(25)
    ]
    await platform.send_messages("web-shop", *claims)
    assert await find_id(platform, "ann@shop.example") == before
    assert await count_visible(platform, "support") == 26
    customer = 'customer(identifier: {type: "email", value: "ann@shop.example"})'
    query = f"{{ {customer} {{ identity {{ givenName }} contact {{ address {{ street }} }} }} }}"
    answer = await platform.query(query, platform.issue_token("support"))
    assert answer["data"]["customer"] == {
        "identity": {"givenName": "Ann"},
        "contact": {"address": {"street": None}},
    }


OTHER_MAILBOXES = [
    ("v@strasse.example", "v@stra\u00dfe.example"),
    ("mueller@fass.example", "mueller@fa\u00df.example"),
    ("s@\u03c3\u03b1\u03c3.example", "s@\u03c3\u03b1\u03c2.example"),
    ("kate@shop.example", "\u212aate@shop.example"),
    ("fi@shop.example", "\ufb01@shop.example"),
]


async def test_an_address_that_resembles_another_one_leads_to_its_own_customer(
    platform: PlatformUnderTest,
) -> None:
    """Whoever owns the second mailbox has confirmed it, with an account of the app and without one."""
    for number, (victims, attackers) in enumerate(OTHER_MAILBOXES):
        victim = verify(identify(f"v{number}", f"w-{number}", email=victims, firstName="Vera"))
        attack = verify(identify(f"a{number}", f"x-{number}", email=attackers, firstName="Adam"))
        await platform.send_messages("web-shop", victim)
        await platform.send_messages("ios-app", attack)
        browser = {**attack, "messageId": f"b{number}", "userId": "", "anonymousId": f"ck-{number}"}
        await platform.send_messages("web-shop", browser)
    query = "{ me { identity { givenName } contact { email } } }"
    for number, (victims, attackers) in enumerate(OTHER_MAILBOXES):
        for login, address, name in ((f"w-{number}", victims, "Vera"), (f"x-{number}", attackers, "Adam")):
            me = (await platform.query(query, platform.issue_token("customer", subject=login)))["data"]["me"]
            assert me == {"identity": {"givenName": name}, "contact": {"email": address}}
        assert await find_id(platform, victims) not in (None, await find_id(platform, attackers))


async def test_a_recycled_address_leads_to_whoever_has_it_now(platform: PlatformUnderTest) -> None:
    """Its former owner changed it; the steward still finds her by it while nobody else has it."""
    former = [
        identify("m1", "q1", day=1, email="rec@shop.example", residence="GB"),
        identify("m2", "q1", day=5, email="new@shop.example", residence="GB"),
    ]
    await platform.send_messages("web-shop", *map(verify, former))
    former_id = await find_id(platform, "new@shop.example", "steward")
    assert await find_id(platform, "rec@shop.example") is None
    assert await find_id(platform, "rec@shop.example", "steward") == former_id
    holder = verify(identify("m3", "q2", day=9, email="rec@shop.example", residence="GB"))
    await platform.send_messages("web-shop", holder)
    holder_id = await find_id(platform, "rec@shop.example", "steward")
    assert holder_id not in (None, former_id)
    newsletter = {**identify("m4", "", day=10, email="rec@shop.example"), "anonymousId": "ck-news"}
    await platform.send_messages("web-shop", verify(newsletter))
    assert await count_visible(platform, "support") == 2


async def test_a_browser_that_joins_a_person_does_not_override_their_values(
    platform: PlatformUnderTest,
) -> None:
    """What somebody typed before they logged in fills gaps, and replaces nothing that the account said."""
    account = identify("m1", "w-1", day=1, firstName="Ann")
    await platform.send_messages("web-shop", {**account, "anonymousId": "ck-1"})
    typed = identify("m2", "", day=9, firstName="Mallory", lastName="Evil", email="ann@shop.example")
    await platform.send_messages("web-shop", {**typed, "anonymousId": "ck-1"})
    query = "{ customers { nodes { identity { givenName familyName } } } }"
    answer = await platform.query(query, platform.issue_token("support"))
    (ann,) = answer["data"]["customers"]["nodes"]
    assert ann["identity"] == {"givenName": "Ann", "familyName": "Evil"}


async def test_an_address_that_was_only_typed_does_not_replace_a_confirmed_one(
    platform: PlatformUnderTest,
) -> None:
    """The till's record has the card's number; the account has confirmed its address, and then the card."""
    account = identify("m1", "w-1", day=1, email="ann@shop.example")
    await platform.send_messages("web-shop", confirm_card(verify(account), "L-1"))
    await platform.send_messages("ios-app", identify("m2", "w-1", day=9, email="typo@shop.example"))
    query = "{ customers { nodes { contact { email } } } }"
    answer = await platform.query(query, platform.issue_token("support"))
    assert answer["data"]["customers"]["nodes"] == [{"contact": {"email": "ann@shop.example"}}]
