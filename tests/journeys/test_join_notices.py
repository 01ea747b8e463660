"""Who is informed of a join, and that it joins nobody but those who were informed."""

from __future__ import annotations

from tests.fixtures.proofs import add_external_id
from tests.journeys.test_joined_logins import JOIN
from tests.journeys.test_login_reach import UNMERGE
from tests.journeys.test_proposed_joins import (
    ACCEPT,
    ANN,
    EVE,
    MERGE,
    OTTO,
    PROPOSE,
    Office,
    build_account,
    claim,
    list_states,
    office,
    suggest,
)

__all__ = ["office"]

ENDED = "{ proposedJoins(state: ENDED) { id endReason } }"
MERGE_EVENT = """mutation($ids: [ID!]!) {
  merge(customers: $ids, reason: "D-17", ownersInformed: true) { identityHistory { nodes { id } } }
}"""

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
    """Not even if its next owner confirms it in a browser in which the login was used, too."""
    account = build_account("w-ann", "new@shop.example")
    visit = {**build_account("visit", ANN), "anonymousId": "tab"}
    del visit["userId"]
    for message in (account, visit, {**account, "messageId": "again", "anonymousId": "tab"}):
        office.clock.advance(60_000)
        await office.platform.send_messages("web-shop", message)
    await office.propose()
    assert office.list_recipients() == ["new@shop.example", OTTO]


async def test_every_login_of_a_customer_must_be_informed(office: Office) -> None:
    """A steward has joined a second account without a confirmed address; nobody can inform its owner."""
    await office.platform.send_messages("web-shop", build_account("w-silent", None))
    merged = await office.find_customers("w-ann", "w-silent")
    await office.run(office.issue_steward(), MERGE, ids=merged, ownersInformed=True)
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


async def end_wait(office: Office) -> str:
    """Let the time for objections end; return why the proposal joined nobody."""
    await office.wait(4)
    (ended,) = (await office.run(office.issue_steward(), ENDED))["proposedJoins"]
    reason: str = ended["endReason"]
    return reason


async def merge_accounts(office: Office, *accounts: str) -> str:
    """Have a steward who informed both owners join accounts; return the id of the merge."""
    ids = await office.find_customers(*accounts)
    merged = await office.run(office.issue_steward(), MERGE_EVENT, ids=ids)
    event: str = merged["merge"]["identityHistory"]["nodes"][0]["id"]
    return event


async def test_whoever_was_separated_meanwhile_is_not_joined(office: Office) -> None:
    """The proposal was about Otto. Eve, who was joined to him by mistake, has the older customer id."""
    merge = await merge_accounts(office, "w-otto", "w-eve")
    await office.propose("w-ann", "w-otto")
    await office.run(office.issue_steward(), UNMERGE, merge=merge)
    assert await end_wait(office) == "LOGINS_CHANGED"
    assert len(set(await office.find_customers("w-ann", "w-otto", "w-eve"))) == 3


async def test_a_login_that_was_joined_meanwhile_was_not_informed(office: Office) -> None:
    await office.propose()
    await merge_accounts(office, "w-otto", "w-eve")
    assert await end_wait(office) == "LOGINS_CHANGED"
    assert not await office.are_joined()
    assert not await office.are_joined("w-ann", "w-eve")


async def test_changed_logins_can_be_proposed_again(office: Office) -> None:
    """The proposal that waits is another one, because Eve was not informed by it."""
    first = await office.propose()
    await merge_accounts(office, "w-otto", "w-eve")
    second = await office.propose()
    assert first["id"] != second["id"]
    assert office.list_recipients() == sorted([ANN, OTTO, ANN, OTTO, EVE])
    assert await end_wait(office) == "LOGINS_CHANGED"
    assert await office.are_joined("w-ann", "w-otto", "w-eve")


async def test_a_visit_meanwhile_changes_nothing(office: Office) -> None:
    """An anonymous record that is attached to a login is no login."""
    await office.propose()
    visit = {**build_account("w-ann", ANN), "messageId": "visit", "anonymousId": "tab"}
    await office.platform.send_messages("web-shop", visit, {**visit, "messageId": "2", "userId": ""})
    await office.wait()
    assert await office.are_joined()


async def test_a_join_by_the_two_themselves_is_the_reason(office: Office) -> None:
    await office.propose()
    await merge_accounts(office, "w-ann", "w-otto")
    assert await end_wait(office) == "ALREADY_JOINED"


async def test_a_suggestion_whose_logins_changed_is_open_again(office: Office) -> None:
    suggestion = await suggest(office, rests_on_claims=True, accounts=("w-ann", "w-otto"))
    await office.run(office.issue_steward(), ACCEPT, id=suggestion)
    await merge_accounts(office, "w-otto", "w-eve")
    assert await end_wait(office) == "LOGINS_CHANGED"
    assert await list_states(office, "OPEN") == [("OPEN", "nobody")]


async def test_a_browser_of_a_shop_does_not_replace_a_notice(office: Office) -> None:
    """Ann and Otto have logged in with it, as many others have; besides, Otto typed Ann's address."""
    visits = [
        {**build_account(account, None), "messageId": f"kiosk-{account}", "anonymousId": "kiosk"}
        for account in ("w-ann", "w-otto", *(f"w-{number}" for number in range(8)))
    ]
    await office.platform.send_messages("web-shop", *visits)
    ids = await office.find_customers("w-ann", "w-otto")
    assert await office.refuse(office.issue_steward(), MERGE, ids=ids) == "OWNERS_NOT_INFORMED"


async def test_a_confirmed_address_that_many_share_does_not_replace_a_notice(office: Office) -> None:
    """The mailbox of an association, which more than twenty accounts have confirmed."""
    accounts = ["w-ann", "w-otto", *(f"w-{number}" for number in range(20))]
    sharing = [
        add_external_id({**build_account(account, None), "messageId": f"s-{account}"}, "email", EVE, "proven")
        for account in accounts
    ]
    await office.platform.send_messages("web-shop", *sharing)
    ids = await office.find_customers("w-ann", "w-otto")
    assert await office.refuse(office.issue_steward(), MERGE, ids=ids) == "OWNERS_NOT_INFORMED"


async def test_both_are_informed_that_they_join_themselves(office: Office) -> None:
    """A thief of two tokens does not join their owners without their knowledge."""
    await office.run(office.log_in("w-ann"), JOIN, token=office.log_in("w-otto"))
    assert office.list_recipients() == [ANN, OTTO]
    for _, mail in office.mail_server.mails:
        text = " ".join(str(mail.get_payload()).split())
        assert "write to our privacy office: it can separate the two again" in text
        assert not any(secret in text for secret in (ANN, OTTO, "w-ann", "w-otto"))


async def test_logins_are_not_joined_if_their_owners_cannot_be_informed(office: Office) -> None:
    """Nor are the tokens used up: the person sends them again."""
    ann, otto = office.log_in("w-ann"), office.log_in("w-otto")
    office.mail_server.is_refusing = True
    assert await office.refuse(ann, JOIN, token=otto) == "MAIL_UNAVAILABLE"
    assert not await office.are_joined()
    office.mail_server.is_refusing = False
    await office.run(ann, JOIN, token=otto)
    assert await office.are_joined()
