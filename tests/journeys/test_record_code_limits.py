"""Codes for records: answers and limits are the same, whoever asks and whatever a record has proven."""

from __future__ import annotations

from typing import Any

from discretion.domain.joins.record_joins import MAX_CODES_FOR_RECORD
from discretion.domain.requests.one_time_codes import CODE_LIFE_MS, MAX_CODES
from discretion.reveal.forms import format_timestamp
from tests.fixtures.proofs import add_external_id
from tests.journeys.test_joined_records import (
    JOIN,
    MALLORY,
    SEND,
    Shop,
    build_message,
    claim_card,
    create_mallory,
    shop,
)

__all__ = ["shop"]

USED = "{ me { disclosures(first: 9) { nodes { also purposes attributes } } } }"


def without_times(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer without when its code ends, and without its receipt."""
    sent = answer["data"]["sendRecordCode"]
    shown = None if sent is None else {"sentTo": sent["sentTo"]}
    accounts = answer["extensions"]["disclosure"]
    return {"data": shown, "errors": answer.get("errors"), "withheld": accounts.get("withheld")}


async def test_nobody_learns_whether_a_record_has_proven_an_address(shop: Shop) -> None:
    """The answer, the limits and the asker's own ledger are the same for a record without an address."""
    (proven,) = await shop.list_possible(shop.log_in())
    await shop.send(claim_card(build_message("w-typed", "typed")))
    (unproven,) = set(await shop.list_possible(shop.log_in())) - {proven}
    seen = []
    for record in (proven, unproven):
        shop.clock.advance(2 * CODE_LIFE_MS + 3_600_000)
        token, sent_at = shop.log_in(), shop.clock()
        answers = [await shop.platform.query(SEND, token, {"record": record}) for _ in range(MAX_CODES + 1)]
        entries = (await shop.platform.query(USED, token))["data"]["me"]["disclosures"]["nodes"]
        seen.append((list(map(without_times, answers)), entries[:MAX_CODES]))
        assert answers[0]["data"]["sendRecordCode"]["until"] == format_timestamp(sent_at + CODE_LIFE_MS)
        assert await shop.run(token, JOIN, record=record, code="12345678") == "CODE_WRONG"
    assert seen[0] == seen[1]
    assert seen[0][0][-1]["errors"][0]["extensions"]["code"] == "CODES_TOO_MANY"


async def send_codes_of_mallory(shop: Shop, count: int) -> None:
    """Let Mallory, who may ask for the same record, have codes sent."""
    (record,) = await shop.list_possible(shop.log_in("w-mallory"))
    for _ in range(count):
        assert await shop.run(shop.log_in("w-mallory"), SEND, record=record) is None
    assert await shop.run(shop.log_in("w-mallory"), SEND, record=record) == "CODES_TOO_MANY"


async def share_claim(shop: Shop) -> None:
    """Let the older account claim what Mallory has proven, too."""
    await create_mallory(shop)
    await shop.send(add_external_id(build_message("w-old", "both"), "email", MALLORY))
    shop.clock.advance(60_000)


async def test_codes_of_others_do_not_count_against_the_owner(shop: Shop) -> None:
    await share_claim(shop)
    await send_codes_of_mallory(shop, MAX_CODES)
    (record,) = await shop.list_possible(shop.log_in())
    code = await shop.request_code(shop.log_in(), record)
    assert await shop.run(shop.log_in(), JOIN, record=record, code=code) is None


async def test_a_refused_code_leaves_the_one_before_it_valid(shop: Shop) -> None:
    """Many accounts of Mallory have used up the codes of an hour for the record."""
    await share_claim(shop)
    (record,) = await shop.list_possible(shop.log_in())
    code = await shop.request_code(shop.log_in(), record)
    accounts = [f"w-mallory-{number}" for number in range(MAX_CODES_FOR_RECORD)]
    for account in accounts:
        await shop.send(build_message(account, account, email=f"{account}@evil.example", emailVerified=True))
        typed = build_message("w-old", f"typed-{account}")
        await shop.send(add_external_id(typed, "email", f"{account}@evil.example"))
    answers = [await shop.run(shop.log_in(account), SEND, record=record) for account in accounts]
    assert answers == [None] * (MAX_CODES_FOR_RECORD - 1) + ["CODES_TOO_MANY"]
    assert await shop.run(shop.log_in(), SEND, record=record) == "CODES_TOO_MANY"
    await shop.mail_server.wait_for_mails(MAX_CODES_FOR_RECORD)
    assert len(shop.mail_server.mails) == MAX_CODES_FOR_RECORD
    assert await shop.run(shop.log_in(), JOIN, record=record, code=code) is None
