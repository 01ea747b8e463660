"""Suggestions in GraphQL, for the steward: pairs that are probably one person, to accept or refuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import strawberry
from strawberry import UNSET
from strawberry.types import Info
from strawberry.types.field import StrawberryField

from discretion.domain.identity.api.stewardship import steward
from discretion.domain.identity.duplicates.suggestion_run import PURPOSE
from discretion.domain.identity.stewardship import Stewardship
from discretion.domain.kit.graphql.connection import ends, place, window
from discretion.domain.kit.graphql.context import Context
from discretion.domain.kit.graphql.field import field
from discretion.domain.kit.graphql.loading import load_many
from discretion.domain.kit.graphql.page_info import PageInfo
from discretion.domain.kit.graphql.scalars import DateTime
from discretion.domain.profiles.api.customer_types import object_type
from discretion.errors import Conflict, NotFound
from discretion.reveal.forms import iso
from discretion.reveal.revealer import Reading, Row
from discretion.store.suggestions import State, Suggestion, Suggestions

_ID = b"suggestion"
_CURSOR = b"suggestion-cursor"
Where = Info[Context, None]

SuggestionState: Any = strawberry.enum(
    State, name="SuggestionState", description="What became of a suggestion."
)


@strawberry.type(description="How far one thing agrees. It tells no value.")
class SuggestionEvidence:
    """One comparison of a suggestion."""

    name: str = strawberry.field(description="What was compared, such as `birth_date` or `address`.")
    says: str = strawberry.field(description="How far it agrees, such as `the same` or `one digit apart`.")
    weight: float = strawberry.field(
        description="Its part in the weight, in bits: above 0 it speaks for one person, below for two."
    )


@dataclass(frozen=True, slots=True)
class Shown:
    """A suggestion with its customers as this reading meets them: one if they were merged."""

    suggestion: Suggestion
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of suggestions."""

    nodes: list[Shown]
    page_info: PageInfo


def suggestion_fields(customer: Any) -> tuple[list[StrawberryField], list[StrawberryField]]:
    """The query's fields and the mutation's; ``customer`` is the type of customers."""
    suggestion = _suggestion_type(customer)
    connection: Any = object_type(
        "SuggestionConnection",
        [
            field(_nodes, "nodes", list[suggestion], "Suggestions."),  # type: ignore[valid-type]
            field(_page_info, "pageInfo", PageInfo, "Where this page stands."),
        ],
        "A page of suggestions, the likeliest first.",
    )
    words = (
        "Pairs of customers who share no identifier and are probably one person, the likeliest first; "
        "`discretion identity suggest` finds them. For the steward."
    )
    accept = "Say that the two are one person: they are merged, as by a steward. For the steward."
    refuse = "Say that the two are not one person: they are not suggested again. For the steward."
    return (
        [field(_suggestions, "suggestions", connection, words)],
        [
            field(_accept, "acceptSuggestion", suggestion, accept),
            field(_refuse, "refuseSuggestion", suggestion, refuse),
        ],
    )


def _suggestion_type(customer: Any) -> Any:
    fields = [
        field(_id, "id", strawberry.ID, "Opaque, and good only for the client it was given to."),
        field(_score, "score", float, "The probability that they are one person, as the model has it."),
        field(_weight, "weight", float, "The same as log2 of the odds, which tells high ones apart."),
        field(_state, "state", SuggestionState, "What became of it."),
        field(_evidence, "evidence", list[SuggestionEvidence], "What was compared, and how far it agrees."),
        field(_customers, "customers", list[customer], "The two; one after they were merged."),
        field(_model, "model", str, "Which description of likeness found them."),
        field(_at, "at", DateTime, "When they were found first."),
        field(_by, "by", str | None, "Who accepted or refused."),
        field(_decided, "decidedAt", DateTime | None, "When it was accepted or refused."),
    ]
    return object_type("Suggestion", fields, "Two customers who are probably one person.")


def _id(root: Any, info: Where) -> strawberry.ID:
    return strawberry.ID(info.context.meeting().shut(_ID, root.suggestion.id))


def _score(root: Any) -> float:
    return root.suggestion.score  # type: ignore[no-any-return]


def _weight(root: Any) -> float:
    return root.suggestion.weight  # type: ignore[no-any-return]


def _state(root: Any) -> Any:
    return root.suggestion.state


def _evidence(root: Any) -> list[SuggestionEvidence]:
    return [
        SuggestionEvidence(name=it.name, says=it.says, weight=it.weight) for it in root.suggestion.evidence
    ]


def _customers(root: Any) -> Any:
    return root.rows


def _model(root: Any) -> str:
    return root.suggestion.model  # type: ignore[no-any-return]


def _at(root: Any) -> DateTime:
    return DateTime(iso(root.suggestion.at))


def _by(root: Any) -> str | None:
    return root.suggestion.by  # type: ignore[no-any-return]


def _decided(root: Any) -> DateTime | None:
    when = root.suggestion.decided
    return None if when is None else DateTime(iso(when))


def _nodes(root: Any) -> Any:
    return root.nodes


def _page_info(root: Any) -> PageInfo:
    return root.page_info  # type: ignore[no-any-return]


async def _suggestions(
    root: Any,
    info: Where,
    first: int | None = UNSET,
    after: str | None = UNSET,
    state: SuggestionState = State.OPEN,
) -> Any:
    del root
    reading, _ = steward(info)
    wanted = window(first, after)
    before = place(reading, _CURSOR, wanted.after, "these suggestions")
    found = await info.context.records.verbs[Suggestions].page(state, before, wanted.size + 1)
    page = found[: wanted.size]
    start, end = ends(reading, _CURSOR, [(one.weight, one.id) for one in page])
    shown = await _met(info, reading, page)
    return Page(
        [one for one in shown if not _moot(info, one)],
        PageInfo(
            has_next_page=len(found) > wanted.size,
            has_previous_page=wanted.after is not None,
            start_cursor=start,
            end_cursor=end,
        ),
    )


async def _accept(root: Any, info: Where, id: strawberry.ID) -> Any:
    del root
    reading, by = steward(info)
    found = await _open_one(info, reading, id)
    await info.context.records.verbs[Stewardship].merge(found.customers, by)
    return await _decided_as(info, reading, found, State.ACCEPTED)


async def _refuse(root: Any, info: Where, id: strawberry.ID) -> Any:
    del root
    reading, _ = steward(info)
    found = await _open_one(info, reading, id)
    return await _decided_as(info, reading, found, State.REFUSED)


async def _open_one(info: Where, reading: Reading, id: str) -> Suggestion:
    key = info.context.records.pairwise.open(reading.grant.client, _ID, id)
    found = None if key is None else await info.context.records.verbs[Suggestions].one(key)
    if found is None or _moot(info, (await _met(info, reading, [found]))[0]):
        raise NotFound("SUGGESTION_UNKNOWN", "There is no such suggestion.", "Ask for `suggestions` again.")
    if found.state is not State.OPEN:
        raise _decided_before(found.state)
    return found


async def _decided_as(info: Where, reading: Reading, found: Suggestion, state: State) -> Shown:
    suggestions = info.context.records.verbs[Suggestions]
    if not await suggestions.decide(found.id, state, f"steward:{reading.grant.client}"):
        raise _decided_before(None)
    now = await suggestions.one(found.id)
    shown = await _met(info, reading, [now or found])
    return shown[0]


def _moot(info: Where, shown: Shown) -> bool:
    """Whether there is nothing to decide: somebody has gone since, was merged otherwise, or objects."""
    if shown.suggestion.state is not State.OPEN:
        return False
    purpose = info.context.records.catalogue.purposes.get(PURPOSE)
    bit = 0 if purpose is None else 1 << purpose.bit
    return len(shown.rows) < 2 or not all(row.allow & bit for row in shown.rows)


def _decided_before(state: State | None) -> Conflict:
    how = "decided or dropped" if state is None else state.value
    return Conflict("SUGGESTION_DECIDED", f"This suggestion was {how} before.")


async def _met(info: Where, reading: Reading, found: Sequence[Suggestion]) -> list[Shown]:
    """Suggestions with their customers, who are met as by any other field."""
    rows = iter(await load_many(info, reading, [one for it in found for one in it.customers]))
    return [Shown(one, _distinct([next(rows), next(rows)])) for one in found]


def _distinct(rows: Sequence[Row | None]) -> list[Row]:
    return list({row.id: row for row in rows if row is not None}.values())
