"""Who is informed of a join, and that it joins nobody but those who were informed."""

from __future__ import annotations

from tests.fixtures.proofs import add_external_id
from tests.journeys.test_proposed_joins import (
    ANN,
    MERGE,
    OTTO,
    PROPOSE,
    Office,
    build_account,
    claim,
    office,
)

__all__ = ["office"]

WITHOUT_ADDRESS = "LOGIN_WITHOUT_ADDRESS"


async def test_addresses_of_an_attached_record_are_not_informed_instead(office: Office) -> None:
    """A stranger has proven five mailboxes on a browser before Vic logged in with it."""
    visit = {"type": "identify", "messageId": "visit", "anonymousId": "tab"}
    for number in range(5):
        visit = add_external_id(visit, "email", f"{number}@mallory.example", "proven")
    vic = {**build_account("w-vic", "vic@shop.example"), "anonymousId": "tab"}
    await office.platform.send_messages("web-shop", visit)
    office.clock.advance(60_000)
    await office.platform.send_messages(
        "web-shop", vic, claim(build_account("w-otto", OTTO), "vic@shop.example")
    )
    await office.propose("w-vic", "w-otto")
    assert office.list_recipients() == [OTTO, "vic@shop.example"]


async def test_a_login_is_informed_at_every_address_that_it_has_proven(office: Office) -> None:
    """None is left out, however many another account of the customer has proven."""
    ann = build_account("w-ann", ANN)
    others = [f"{number}@ann.example" for number in range(7)]
    for other in others:
        ann = add_external_id(ann, "email", other, "proven")
    await office.platform.send_messages("web-shop", {**ann, "messageId": "many"})
    await office.propose()
    assert office.list_recipients() == sorted([ANN, OTTO, *others])


async def test_an_address_that_was_replaced_is_not_informed(office: Office) -> None:
    office.clock.advance(60_000)
    await office.platform.send_messages("web-shop", build_account("w-ann", "new@shop.example"))
    await office.propose()
    assert office.list_recipients() == ["new@shop.example", OTTO]


async def test_every_login_of_a_customer_must_be_informed(office: Office) -> None:
    """A steward has joined a second account without a confirmed address; nobody can inform its owner."""
    await office.platform.send_messages("web-shop", build_account("w-silent", None))
    merged = await office.find_customers("w-ann", "w-silent")
    await office.run(office.issue_steward(), MERGE, ids=merged, heard=True)
    ids = await office.find_customers("w-ann", "w-otto")
    assert await office.refuse(office.issue_steward(), PROPOSE, ids=ids) == WITHOUT_ADDRESS
    assert office.mail_server.mails == []


async def test_an_anonymous_record_alone_informs_nobody(office: Office) -> None:
    """An address that a visit has proven does not replace the one that the login lacks."""
    visit = {**build_account("w-vic", "visit@shop.example"), "anonymousId": "tab"}
    del visit["userId"]
    await office.platform.send_messages("web-shop", visit)
    office.clock.advance(60_000)
    vic = {**build_account("w-vic", None), "anonymousId": "tab"}
    await office.platform.send_messages("web-shop", vic)
    ids = await office.find_customers("w-vic", "w-otto")
    assert await office.refuse(office.issue_steward(), PROPOSE, ids=ids) == WITHOUT_ADDRESS
