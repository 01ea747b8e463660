"""An erasure of one part of the data of a customer."""

from __future__ import annotations

from typing import Any

from discretion.domain.ingest.value_codes import BIRTH_DATE_CATEGORY
from discretion.domain.requests.model import RequestDetails, Requester
from discretion.law.jurisdiction import Right
from discretion.store.request_state import RequesterAssurance, RequesterRole
from discretion.store.subject_request import RequestScope
from tests.fixtures.package import CLIENT, find_customer_id
from tests.fixtures.platform import PlatformUnderTest

ADDRESS = "kim@post.example"
KIM = {"email": ADDRESS, "emailVerified": True, "firstName": "Kim", "address": {"country": "DE"}}
CHOICE = {"consent": {"categoryPreferences": {"marketing": True}}}
READ = "{ me { demographics { birthDate } permissions { permitted purpose { key } why } } }"


async def send_kim(platform: PlatformUnderTest, number: int, **traits: str) -> None:
    """Send a message about a customer, who agrees to marketing."""
    message = {"type": "identify", "userId": "kim", "messageId": f"k{number}", "traits": {**KIM, **traits}}
    await platform.send_messages("web-shop", {**message, "context": CHOICE})


async def read_kim(platform: PlatformUnderTest) -> tuple[str | None, dict[str, str]]:
    """Return the birth date of the customer, and why each purpose is permitted or not."""
    me: dict[str, Any] = (await platform.query(READ, await platform.issue_customer_token("email", ADDRESS)))[
        "data"
    ]["me"]
    return me["demographics"]["birthDate"], {
        each["purpose"]["key"]: each["why"] for each in me["permissions"]
    }


async def erase_part(platform: PlatformUnderTest, scope: RequestScope) -> None:
    """Erase a part of the data of the customer."""
    requester = Requester(RequesterRole.PERSON, f"self:{CLIENT}", CLIENT, "kim", RequesterAssurance.FRESH)
    customer = await find_customer_id(platform, "email", ADDRESS)
    submission = platform.internals.requests.submission
    await submission.submit(customer, RequestDetails(Right.ERASURE, scope), requester)
    await platform.run_due_requests()


async def test_a_child_without_a_birth_date_is_protected_until_another_is_stated(
    platform: PlatformUnderTest,
) -> None:
    """The date is erased, and no year of it stays; a later date ends the protection."""
    await send_kim(platform, 1, birthday="2015-06-01")
    _, protected = await read_kim(platform)
    await erase_part(platform, RequestScope(category=BIRTH_DATE_CATEGORY))
    assert await read_kim(platform) == (None, protected)
    await erase_part(platform, RequestScope(channel="web"))
    await send_kim(platform, 2)
    assert await read_kim(platform) == (None, protected)
    (record,) = await platform.internals.database.find("source_records", {})
    born_ms = 1_433_116_800_000
    assert str(born_ms) not in str(record)
    await send_kim(platform, 3, birthday="1980-06-01")
    birth_date, permitted = await read_kim(platform)
    assert (birth_date, permitted == protected) == ("1980-06-01", False)


async def test_of_an_adult_no_marker_stays(platform: PlatformUnderTest) -> None:
    """Neither of somebody whom a source takes for an adult, nor of one whose age is unknown."""
    await send_kim(platform, 1, birthday="1980-06-01")
    _, permitted = await read_kim(platform)
    await erase_part(platform, RequestScope(category=BIRTH_DATE_CATEGORY))
    assert await read_kim(platform) == (None, permitted)
