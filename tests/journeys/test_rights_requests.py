"""People ask for what the law of where they live gives them, and read what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.platform import House
from tests.journeys.rights import (
    ACCESS,
    APPEAL,
    CORRECTION,
    DECIDE,
    ERASURE,
    LIMIT,
    MESSAGE,
    ONE,
    OPT_OUT,
    OWN,
    PLACES,
    PORTABILITY,
    REFUSAL,
    RESTRICTION,
    REVIEW,
    WITHDRAW,
    asked,
    customer_id,
    listed,
    own,
    refused,
    somebody,
)

BORN = {"attribute": "demographics.birthDate", "value": "1986-03-04"}
PARTNERS = "marketing.advertising.third_party.targeted"
WAITING: list[tuple[str, dict[str, Any]]] = [
    (ACCESS, {}),
    (PORTABILITY, {}),
    (CORRECTION, {"changes": [{"attribute": "identity.givenName", "value": "Anne"}]}),
    (ERASURE, {"scope": {"channel": "store"}}),
    (REVIEW, {"decision": "D-1"}),
]


@pytest.mark.parametrize("law", PLACES)
async def test_each_right_is_on_record_with_its_days_and_laws(house: House, law: str) -> None:
    """Of each it is said by when it is answered, by which law, and what the person does next."""
    token = await own(house, await somebody(house, law=law))
    for query, variables in WAITING:
        found = await asked(house, token, query, **variables)
        assert found["state"] in {"ACKNOWLEDGED", "ACCEPTED"}
        assert found["laws"]
        assert found["dueAt"] > found["receivedAt"]
        assert found["nextStep"]
        assert (await asked(house, token, query, **variables))["id"] == found["id"]
    answer = await house.ask(OWN, token)
    assert len(answer["data"]["me"]["rightsRequests"]["nodes"]) == len(WAITING)


@pytest.mark.parametrize("law", PLACES)
async def test_what_only_protects_is_in_force_when_it_is_answered(house: House, law: str) -> None:
    token = await own(house, await somebody(house, law=law), fresh=False)
    sold = "{ me { permissions { purpose { key } permitted why } } }"
    for query in (OPT_OUT, LIMIT):
        found = await asked(house, token, query)
        assert found["state"] == "FULFILLED"
        assert all(step["done"] for step in found["steps"])
    permissions = (await house.ask(sold, token))["data"]["me"]["permissions"]
    assert not any(one["permitted"] for one in permissions if one["purpose"]["key"] == PARTNERS)
    stopped = await asked(house, token, RESTRICTION)
    assert [step["done"] for step in stopped["steps"]] == [True, False, False]
    permissions = (await house.ask(sold, token))["data"]["me"]["permissions"]
    assert {one["why"] for one in permissions if not one["permitted"]} == {"restricted"}
    await house.carry()  # whoever was given the data is told (GDPR Art. 19)
    assert (await asked(house, token, ONE, id=stopped["id"]))["state"] == "FULFILLED"
    assert (await asked(house, token, RESTRICTION, lift=True))["scope"] == {"lift": True}
    permissions = (await house.ask(sold, token))["data"]["me"]["permissions"]
    assert "restricted" not in {one["why"] for one in permissions}


async def test_a_refusal_names_the_law_and_the_next_step(house: House) -> None:
    token, steward = await own(house, await somebody(house)), house.token("steward")
    await asked(house, token, REVIEW, decision="D-1")
    (waiting,) = await listed(house, steward, states=["ACKNOWLEDGED"])
    loose = {**REFUSAL, "law": "our policy"}
    assert (
        await refused(house, steward, DECIDE, id=waiting["id"], accept=False, refusal=loose) == "REFUSAL_LAW"
    )
    done = await asked(house, steward, DECIDE, id=waiting["id"], accept=False, refusal=REFUSAL)
    assert done["state"] == "REJECTED"
    (seen,) = (await house.ask(OWN, token))["data"]["me"]["rightsRequests"]["nodes"]
    assert seen["refusal"]["law"] == REFUSAL["law"]
    assert "complain to" in seen["refusal"]["next"]
    assert not seen["appealable"]  # the GDPR knows none
    assert await refused(house, token, APPEAL, id=seen["id"]) == "APPEAL_NOT_GIVEN"
    assert await refused(house, steward, DECIDE, id=waiting["id"], accept=True) == "REQUEST_STATE"


async def test_a_refusal_is_appealed_where_a_law_gives_an_appeal(house: House) -> None:
    token, steward = await own(house, await somebody(house, law="us-va")), house.token("steward")
    first = await asked(house, token, CORRECTION, changes=[BORN])
    (waiting,) = await listed(house, steward)
    refusal = {**REFUSAL, "law": "Va. Code 59.1-577(B)(3)"}
    await asked(house, steward, DECIDE, id=waiting["id"], accept=False, refusal=refusal)
    seen = await asked(house, token, ONE, id=first["id"])
    assert seen["appealable"]
    assert "appeal" in seen["nextStep"]
    appeal = await asked(house, token, APPEAL, id=first["id"], words="I never asked before.")
    assert appeal["appealOf"] == first["id"]
    assert appeal["state"] == "ACKNOWLEDGED"
    assert appeal["dueAt"] != first["dueAt"]
    (waiting,) = await listed(house, steward, states=["ACKNOWLEDGED"])
    assert [one["text"] for one in waiting["messages"]] == ["I never asked before."]
    await asked(house, steward, DECIDE, id=waiting["id"], accept=False, refusal=refusal)
    ended = await asked(house, token, ONE, id=appeal["id"])
    assert not ended["appealable"]
    assert "Attorney General" in ended["refusal"]["next"]


async def test_an_answer_in_words_fulfils_what_no_steps_carry_out(house: House) -> None:
    token, steward = await own(house, await somebody(house)), house.token("steward")
    mine = await asked(house, token, REVIEW, decision="D-1")
    (waiting,) = await listed(house, steward)
    assert await refused(house, steward, DECIDE, id=waiting["id"], accept=True) == "ANSWER_MISSING"
    await asked(house, steward, DECIDE, id=waiting["id"], accept=True, answer="A person looked: approved.")
    done = await asked(house, token, ONE, id=mine["id"])
    assert done["state"] == "FULFILLED"
    assert done["messages"] == [{"by": "steward:privacy-office", "text": "A person looked: approved."}]


async def test_a_request_is_taken_back_while_nothing_of_it_was_done(house: House) -> None:
    token = await own(house, await somebody(house))
    mine = await asked(house, token, REVIEW, decision="D-1")
    assert (await asked(house, token, WITHDRAW, id=mine["id"]))["state"] == "WITHDRAWN"
    assert await refused(house, token, WITHDRAW, id=mine["id"]) == "REQUEST_STATE"
    again = await asked(house, token, REVIEW, decision="D-1")
    assert again["id"] != mine["id"]


async def test_the_office_files_for_somebody_and_for_their_guardian(house: House) -> None:
    email, steward = await somebody(house), house.token("steward")
    whose = {"customer": await customer_id(house, email)}
    found = await asked(house, steward, ACCESS, **{"for": whose})
    assert (found["requester"], found["by"]) == ("STEWARD", "steward:privacy-office")
    guardian = {**whose, "requester": {"kind": "GUARDIAN", "reference": "G-7"}}
    found = await asked(house, steward, OPT_OUT, **{"for": guardian})
    assert (found["requester"], found["reference"], found["state"]) == ("GUARDIAN", "G-7", "FULFILLED")


async def test_nobody_reads_or_touches_what_another_asked(house: House) -> None:
    mine = await own(house, await somebody(house))
    other = await own(house, await somebody(house, "bob"))
    request = await asked(house, mine, REVIEW, decision="D-1")
    for token in (other, house.token("marketing"), house.token("steward")):
        assert await refused(house, token, ONE, id=request["id"]) == "REQUEST_NOT_FOUND"
        assert await refused(house, token, WITHDRAW, id=request["id"]) == "REQUEST_NOT_FOUND"
        assert await refused(house, token, MESSAGE, id=request["id"], text="me") == "REQUEST_NOT_FOUND"
    for token in (mine, other, house.token("support")):
        assert await refused(house, token, DECIDE, id=request["id"], accept=True) == "STEWARD_ONLY"


async def test_the_office_is_on_record_for_looking_at_a_request(house: House) -> None:
    token, steward = await own(house, await somebody(house)), house.token("steward")
    await asked(house, token, REVIEW, decision="D-1")
    await listed(house, steward)
    seen = await house.ask("{ me { disclosures { nodes { client also } } } }", token)
    looks = seen["data"]["me"]["disclosures"]["nodes"]
    assert any(one["client"] == "privacy-office" and "requests" in one["also"] for one in looks)
