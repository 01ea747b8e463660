"""Mutations by which people ask: for access, portability, correction, erasure, restriction and the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
import strawberry
from strawberry import UNSET
from strawberry.types.field import StrawberryField

from discretion.domain.access.transfer import BOUND, ENDPOINT
from discretion.domain.correction.proposal import Propose, scope_of
from discretion.domain.correction.proposed_change import MAX_CHANGES, check
from discretion.domain.ingest.statement_context import REFERENCE
from discretion.domain.kit.egress import Outward
from discretion.domain.kit.graphql.field import field
from discretion.domain.kit.graphql.scalars import Json
from discretion.domain.requests.api.requester import Filing, ForInput, Where, filing
from discretion.domain.requests.api.types import RightsRequest, met, shown
from discretion.domain.requests.api.visibility import reached, voice
from discretion.domain.requests.contested_data import Contested
from discretion.domain.requests.deadlines import Clock
from discretion.domain.requests.decisions import Decide, spoken
from discretion.domain.requests.immediate import Once
from discretion.domain.requests.messages import Converse, unproven
from discretion.domain.requests.model import AT_ONCE, Asked, Assurance, State, read
from discretion.domain.requests.sealed_fields import CHANGES, MESSAGE, Sealing
from discretion.domain.requests.submission import File, appealed
from discretion.errors import BadRequest, Broken, Conflict, NotFound
from discretion.law.jurisdiction import Right
from discretion.plan.selection import named
from discretion.store.requests import Requests

_SEALED = frozenset({Right.CORRECTION, Right.PORTABILITY})
"""Rights of which a sealed part says what is asked for; it is asked for again in an appeal."""


@strawberry.input(description="What a value should be.")
class CorrectionInput:
    """One proposed correction."""

    attribute: str = strawberry.field(description="Its path, such as `contact.email`.")
    value: Json | None = strawberry.field(description="What it should be; null to have it removed.")


@strawberry.input(description="A part of what is kept; left out, all of it is meant.")
class ScopeInput:
    """What an erasure is limited to."""

    channel: str | None = strawberry.field(default=UNSET, description="`web`, `store` or `app`.")
    category: str | None = strawberry.field(default=UNSET, description="A data category of the catalogue.")
    purpose: str | None = strawberry.field(default=UNSET, description="A purpose of the catalogue.")


def asking_mutations() -> list[StrawberryField]:
    """See the module."""
    answer: Any = RightsRequest | None
    told = {
        "requestAccess": (_access, "Asks for a copy of everything that is kept (GDPR Art. 15)."),
        "requestPortability": (
            _portability,
            "Asks for the machine-readable part, and has it sent `to` another's https URL (GDPR Art. 20).",
        ),
        "requestCorrection": (_correction, "Asks that values be corrected (GDPR Art. 16)."),
        "requestErasure": (_erasure, "Asks that data be erased (GDPR Art. 17)."),
        "requestRestriction": (
            _restriction,
            "Restricts what is done with the data to keeping them, or lifts that, at once (GDPR Art. 18).",
        ),
        "optOutOfSale": (
            _opt_out,
            "Opts out of sale, sharing and targeted advertising, at once (Cal. Civ. Code 1798.120).",
        ),
        "limitSensitive": (
            _limit,
            "Limits the use of sensitive data, at once (Cal. Civ. Code 1798.121).",
        ),
        "reviewAutomatedDecision": (
            _review,
            "Asks a person to look at a decision that a machine took (GDPR Art. 22(3)).",
        ),
        "appeal": (_appeal, "Appeals a refusal, where a law lets the person."),
        "withdrawRequest": (_withdraw, "Takes a request back, as long as nothing of it was done."),
        "messageRequest": (_message, "Tells the other side something about a request."),
    }
    return [field(resolve, name, answer, words) for name, (resolve, words) in told.items()]


async def _access(root: Any, info: Where, behalf: ForInput | None = UNSET) -> RightsRequest:
    del root
    return await _file(info, Right.ACCESS, behalf)


async def _portability(
    root: Any, info: Where, to: str | None = UNSET, behalf: ForInput | None = UNSET
) -> RightsRequest:
    del root
    if not to:
        return await _file(info, Right.PORTABILITY, behalf)
    info.context.records.verbs[Outward].target(to)
    return await _file(info, Right.PORTABILITY, behalf, sealed=(BOUND, ENDPOINT, to))


async def _correction(
    root: Any, info: Where, changes: list[CorrectionInput], behalf: ForInput | None = UNSET
) -> RightsRequest:
    del root
    if not 0 < len(changes) <= MAX_CHANGES:
        raise BadRequest("CHANGES_COUNT", f"A request corrects from 1 to {MAX_CHANGES} values.")
    paths = [one.attribute for one in changes]
    records = info.context.records
    if len(named(records.catalogue, paths)) < len(paths):
        raise BadRequest("CHANGES_TWICE", "A value is corrected twice.", "Name each attribute once.")
    checked = check(records.catalogue, {one.attribute: one.value for one in changes})
    whole = [{"attribute": one.attribute, "value": one.value} for one in changes]
    who = await filing(info, behalf or None)
    asked = await _sealed(info, who, Asked(Right.CORRECTION, scope_of(checked)), (CHANGES, "changes", whole))
    if who.customer is not None:
        proposal = await records.verbs[Propose](who.customer, checked)
        sealed = {**asked.sealed, **proposal.sealed}
        asked = replace(asked, sealed=sealed, decides=proposal.decides)
    request = await records.verbs[File](who.customer, asked, who.asker)
    await _contested(info, request.id)
    return await _answered(info, request.id)


async def _contested(info: Where, request: bytes) -> None:
    verbs = info.context.records.verbs
    document = await verbs[Requests].get(request)
    if document is not None:
        await verbs[Contested](document)


async def _erasure(
    root: Any, info: Where, scope: ScopeInput | None = UNSET, behalf: ForInput | None = UNSET
) -> RightsRequest:
    del root
    return await _file(info, Right.ERASURE, behalf, scoped(info, scope) if scope else {})


async def _restriction(
    root: Any, info: Where, lift: bool = False, behalf: ForInput | None = UNSET
) -> RightsRequest:
    del root
    return await _file(info, Right.RESTRICTION, behalf, {"lift": True} if lift else {})


async def _opt_out(root: Any, info: Where, behalf: ForInput | None = UNSET) -> RightsRequest:
    del root
    return await _file(info, Right.OPT_OUT_SALE, behalf)


async def _limit(root: Any, info: Where, behalf: ForInput | None = UNSET) -> RightsRequest:
    del root
    return await _file(info, Right.LIMIT_SENSITIVE, behalf)


async def _review(
    root: Any, info: Where, decision: str, words: str | None = UNSET, behalf: ForInput | None = UNSET
) -> RightsRequest:
    del root
    if not REFERENCE.fullmatch(decision):
        raise BadRequest(
            "DECISION_INVALID",
            "'decision' is not the number of a decision.",
            "It takes letters, digits and . _ : / + -; say the rest in 'words'.",
        )
    sealed = (MESSAGE, "words", spoken(words)) if words else None
    return await _file(info, Right.AUTOMATED_DECISION, behalf, {"decision": decision}, sealed)


async def _appeal(root: Any, info: Where, request: strawberry.ID, words: str | None = UNSET) -> RightsRequest:
    del root
    records, document = info.context.records, await reached(info, request)
    found, verbs = read(document), records.verbs
    if found.state is not State.REJECTED:
        raise Conflict("REQUEST_STATE", f"A request that is {found.state} is not appealed.")
    if unproven(document):
        raise Conflict("APPEAL_OF_NOBODY", "It was not proven who asks.", "Ask again, and prove it.")
    if not verbs[Clock].appealable(found):
        raise Conflict(
            "APPEAL_NOT_GIVEN",
            "No law that protects this person gives an appeal to us.",
            verbs[Decide].following(found),
        )
    who = await _again(info, document)
    asked = appealed(found)
    if asked.right in _SEALED:  # what was proposed, and where to, is still what is asked for
        asked = replace(asked, sealed=document["sealed"])
    filed = await verbs[File](found.customer, asked, who.asker)
    await _contested(info, filed.id)
    if words:
        await verbs[Converse].tell(filed.id, who.asker.by, spoken(words))
    return await _answered(info, filed.id)


async def _withdraw(root: Any, info: Where, id: strawberry.ID) -> RightsRequest:
    del root
    document = await reached(info, id)
    await info.context.records.verbs[Decide].withdraw(document["_id"], voice(info))
    return await _answered(info, document["_id"])


async def _message(root: Any, info: Where, id: strawberry.ID, text: str) -> RightsRequest:
    del root
    document = await reached(info, id)
    await info.context.records.verbs[Converse].tell(document["_id"], voice(info), spoken(text))
    return await _answered(info, document["_id"])


async def _file(
    info: Where,
    right: Right,
    behalf: ForInput | None,
    scope: Mapping[str, Any] | None = None,
    sealed: tuple[str, str, Any] | None = None,
) -> RightsRequest:
    verbs = info.context.records.verbs
    who = await filing(info, behalf or None)
    asked = Asked(right, scope or {})
    if sealed is not None:
        asked = await _sealed(info, who, asked, sealed)
    if right in AT_ONCE and who.asker.assurance >= Assurance.SESSION:
        request = await verbs[Once](who.customer, asked, who.asker)
    else:
        request = await verbs[File](who.customer, asked, who.asker)
    return await _answered(info, request.id)


async def _sealed(info: Where, who: Filing, asked: Asked, told: tuple[str, str, Any]) -> Asked:
    """What is personal of a request, under the key of whom it is about; of nobody it is not kept."""
    key, name, value = told
    records = info.context.records
    plain = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    same = records.blind.of("request-same", plain.decode())
    if who.customer is None:
        return Asked(asked.right, asked.scope, same=same)
    _, cell = await records.verbs[Sealing](who.customer, key, value)
    return Asked(asked.right, asked.scope, {name: cell}, same=same)


async def _again(info: Where, document: Mapping[str, Any]) -> Filing:
    """Who asks once more about a request they may see."""
    grant = info.context.meeting().grant
    if grant.is_self:
        return await filing(info, None)
    customer = document.get("customer")
    if customer is None:
        raise NotFound("REQUEST_NOT_FOUND", "There is no such request.")
    before = read(document)
    asker = before.asker(voice(info), grant.client, grant.subject)
    return Filing(customer, asker, by_contact=False)


async def _answered(info: Where, request: bytes) -> RightsRequest:
    document = await info.context.records.verbs[Requests].get(request)
    if document is None:
        raise Broken("REQUEST_LOST", "A request that was filed is not there.")
    await met(info, [document])
    return shown(info, document)


def scoped(info: Where, given: ScopeInput) -> dict[str, Any]:
    """What an erasure is limited to, as requests have it.

    Raises:
        BadRequest: ``SCOPE_UNKNOWN``, ``SCOPE_TOGETHER``.
    """
    catalogue = info.context.records.catalogue
    known: dict[str, set[str]] = {
        "channel": {one.channel.value for one in catalogue.sources.values()},
        "category": {one.category for one in catalogue.attributes.values()},
        "purpose": set(catalogue.purposes),
    }
    named = {name: getattr(given, name) for name in known}
    scope = {name: value for name, value in named.items() if value is not None and value is not UNSET}
    if not scope:  # a form sent without a choice: that everything goes is not guessed
        raise BadRequest(
            "SCOPE_EMPTY", "The scope names no part.", "To have everything erased, leave it out."
        )
    for name, value in scope.items():
        there = known[name]
        if value not in there and not any(one.startswith(f"{value}.") for one in there):
            raise BadRequest("SCOPE_UNKNOWN", f"'{name}' is none of the catalogue's.")
    if len(scope) > 1:
        raise BadRequest("SCOPE_TOGETHER", "A scope names one part.", "File a request for each.")
    return scope
