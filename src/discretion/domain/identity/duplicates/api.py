"""Duplicate suggestions in GraphQL, for stewards: query them, accept one or refuse one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import strawberry
from strawberry import UNSET
from strawberry.types.field import StrawberryField

from discretion.domain.identity.duplicates.suggestion_run import SUGGEST_PURPOSE
from discretion.domain.identity.stewardship import Stewardship
from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.kit.graphql.field import bind_services, build_field
from discretion.domain.kit.graphql.loading import load_customers
from discretion.domain.kit.graphql.page import PageInfo, cut_page, open_cursor, parse_page_window
from discretion.domain.kit.graphql.scalars import DateTime
from discretion.domain.profiles.api.customer_types import build_object_type
from discretion.errors import Conflict, NotFound
from discretion.reveal.forms import format_timestamp
from discretion.reveal.revealer import CustomerRow, Reading
from discretion.store.suggestions import Suggestion, SuggestionStatus, SuggestionStore
from discretion.store.transactions import Session

_SUGGESTION_ID_KIND = b"suggestion"
_CURSOR = b"suggestion-cursor"
SUGGESTION_REASON = "A suggestion of duplicates was accepted."
"""The reason on record of such a merge; the suggestion has the comparisons."""

strawberry.enum(SuggestionStatus, name="SuggestionState", description="What became of a suggestion.")


@strawberry.type(description="How far one thing agrees. It tells no value.")
class SuggestionEvidence:
    """One comparison of a suggestion, without the compared values."""

    name: str = strawberry.field(description="What was compared, such as `birth_date` or `address`.")
    says: str = strawberry.field(description="How far it agrees, such as `the same` or `one digit apart`.")
    weight: float = strawberry.field(
        description="Its part in the weight, in bits: above 0 it speaks for one person, below for two."
    )


ProposeSuggestion = Callable[[ResolverInfo, Suggestion, str, str], Awaitable[object]]
"""Informs the two of a suggestion before they are joined; takes the steward and the reason as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionServices:
    """The services of the GraphQL API of duplicate suggestions."""

    suggestions: SuggestionStore
    stewardship: Stewardship
    propose: ProposeSuggestion


@dataclass(frozen=True, slots=True)
class SuggestionView:
    """A suggestion with its customers as this reading may see them: one row if they were merged meanwhile."""

    suggestion: Suggestion
    rows: list[CustomerRow]


@dataclass(frozen=True, slots=True)
class SuggestionPage:
    """A page of suggestions. It may be shorter than was asked for: moot suggestions are left out."""

    nodes: list[SuggestionView]
    page_info: PageInfo


def suggestion_fields(
    customer: Any, provide: Callable[[], SuggestionServices]
) -> tuple[list[StrawberryField], list[StrawberryField]]:
    """Build the fields of ``Query`` and of ``Mutation``; ``customer`` is the GraphQL type of customers."""
    suggestion = _suggestion_type(customer)
    connection: Any = build_object_type(
        "SuggestionConnection",
        [
            build_field(_nodes, "nodes", list[suggestion], "Suggestions."),  # type: ignore[valid-type]
            build_field(_page_info, "pageInfo", PageInfo, "Where this page stands."),
        ],
        "A page of suggestions, the likeliest first.",
    )
    suggestions_description = (
        "Pairs of customers whom no proof joins and who are probably one person, the likeliest first; "
        "`discretion identity suggest` finds them. For the steward."
    )
    accept_description = (
        "Say that the two are one person: they are merged, as by a steward. Two who have a login each, in a "
        "suggestion that rests on claims, are informed first and may object: its state is "
        "`AWAITING_OBJECTION`. `ownersInformed: true` states that both were informed already. For the "
        "steward."
    )
    refuse_description = "Say that the two are not one person: they are not suggested again. For the steward."
    return (
        [
            build_field(
                bind_services(provide, _suggestions), "suggestions", connection, suggestions_description
            )
        ],
        [
            build_field(bind_services(provide, _accept), "acceptSuggestion", suggestion, accept_description),
            build_field(bind_services(provide, _refuse), "refuseSuggestion", suggestion, refuse_description),
        ],
    )


def _suggestion_type(customer: Any) -> Any:
    fields = [
        build_field(_id, "id", strawberry.ID, "Opaque, and good only for the client it was given to."),
        build_field(_score, "score", float, "The probability that they are one person, as the model has it."),
        build_field(_weight, "weight", float, "The same as log2 of the odds, which tells high ones apart."),
        build_field(_state, "state", SuggestionStatus, "What became of it."),
        build_field(
            _evidence, "evidence", list[SuggestionEvidence], "What was compared, and how far it agrees."
        ),
        build_field(_customers, "customers", list[customer], "The two; one after they were merged."),
        build_field(
            _rests_on_claims,
            "restsOnClaims",
            bool,
            "Whether they would not be suggested without identifiers that one of them only claims.",
        ),
        build_field(_model, "model", str, "Which description of likeness found them."),
        build_field(_at, "at", DateTime, "When they were found first."),
        build_field(_by, "by", str | None, "Who accepted or refused."),
        build_field(_ends, "until", DateTime | None, "Until when the two may object to the join."),
        build_field(_decided_at, "decidedAt", DateTime | None, "When it was accepted or refused."),
    ]
    return build_object_type("Suggestion", fields, "Two customers who are probably one person.")


def _id(root: SuggestionView, info: ResolverInfo) -> strawberry.ID:
    return strawberry.ID(info.context.require_reading().encode_id(_SUGGESTION_ID_KIND, root.suggestion.id))


def _score(root: SuggestionView) -> float:
    return root.suggestion.score


def _weight(root: SuggestionView) -> float:
    return root.suggestion.weight


def _state(root: SuggestionView) -> SuggestionStatus:
    return root.suggestion.state


def _evidence(root: SuggestionView) -> list[SuggestionEvidence]:
    return [
        SuggestionEvidence(name=agreement.name, says=agreement.level, weight=agreement.weight)
        for agreement in root.suggestion.evidence
    ]


def _customers(root: SuggestionView) -> list[CustomerRow]:
    return root.rows


def _rests_on_claims(root: SuggestionView) -> bool:
    return root.suggestion.rests_on_claims


def _model(root: SuggestionView) -> str:
    return root.suggestion.model


def _at(root: SuggestionView) -> DateTime:
    return DateTime(format_timestamp(root.suggestion.at))


def _by(root: SuggestionView) -> str | None:
    return root.suggestion.by


def _decided_at(root: SuggestionView) -> DateTime | None:
    decided_ms = root.suggestion.decided
    return None if decided_ms is None else DateTime(format_timestamp(decided_ms))


def _ends(root: SuggestionView) -> DateTime | None:
    ends_ms = root.suggestion.ends
    return None if ends_ms is None else DateTime(format_timestamp(ends_ms))


def _nodes(root: SuggestionPage) -> list[SuggestionView]:
    return root.nodes


def _page_info(root: SuggestionPage) -> PageInfo:
    return root.page_info


async def _suggestions(
    services: SuggestionServices,
    root: object,
    info: ResolverInfo,
    first: int | None = UNSET,
    after: str | None = UNSET,
    state: SuggestionStatus = SuggestionStatus.OPEN,
) -> SuggestionPage:
    del root
    reading, _ = info.context.require_steward()
    page_request = parse_page_window(first, after)
    position = open_cursor(reading, _CURSOR, page_request.after, "these suggestions")
    suggestions = await services.suggestions.list_page(state, position, page_request.size + 1)
    page, page_info = cut_page(
        reading, _CURSOR, page_request, suggestions, lambda suggestion: (suggestion.weight, suggestion.id)
    )
    views = await _build_views(info, reading, page)
    return SuggestionPage([view for view in views if not _is_moot(info, view)], page_info)


async def _accept(
    services: SuggestionServices,
    root: object,
    info: ResolverInfo,
    id: strawberry.ID,
    owners_informed: bool = False,
) -> SuggestionView:
    del root
    reading, actor = info.context.require_steward()
    suggestion = await _find_open_suggestion(services, info, reading, id)

    async def accept(session: Session) -> None:
        await _decide(services, reading, suggestion, SuggestionStatus.ACCEPTED, session)

    try:
        await services.stewardship.merge(
            suggestion.customers,
            actor,
            SUGGESTION_REASON,
            accept,
            owners_informed=owners_informed,
            rests_on_claims=suggestion.rests_on_claims,
        )
    except Conflict as error:
        if error.code != "OWNERS_NOT_INFORMED":
            raise
        await services.propose(info, suggestion, actor, SUGGESTION_REASON)
    return await _reload_view(services, info, reading, suggestion)


async def _refuse(
    services: SuggestionServices, root: object, info: ResolverInfo, id: strawberry.ID
) -> SuggestionView:
    del root
    reading, _ = info.context.require_steward()
    suggestion = await _find_open_suggestion(services, info, reading, id)
    await _decide(services, reading, suggestion, SuggestionStatus.REFUSED)
    return await _reload_view(services, info, reading, suggestion)


async def _find_open_suggestion(
    services: SuggestionServices, info: ResolverInfo, reading: Reading, id: str
) -> Suggestion:
    key = info.context.resources.pairwise.decode(reading.grant.client, _SUGGESTION_ID_KIND, id)
    suggestion = None if key is None else await services.suggestions.find(key)
    if suggestion is None or _is_moot(info, (await _build_views(info, reading, [suggestion]))[0]):
        # A moot suggestion gets the same error as an unknown id: another one would
        # show an erasure or an objection.
        raise NotFound("SUGGESTION_UNKNOWN", "There is no such suggestion.", "Query `suggestions` again.")
    if suggestion.state is not SuggestionStatus.OPEN:
        raise _already_decided_error(suggestion.state)
    return suggestion


async def _decide(
    services: SuggestionServices,
    reading: Reading,
    suggestion: Suggestion,
    state: SuggestionStatus,
    session: Session | None = None,
) -> None:
    # Compare and set on the state: of two stewards who decide at the same time, the second gets a conflict.
    by = f"steward:{reading.grant.client}"
    if not await services.suggestions.decide(suggestion.id, state, by, session):
        raise _already_decided_error(None)


async def _reload_view(
    services: SuggestionServices, info: ResolverInfo, reading: Reading, suggestion: Suggestion
) -> SuggestionView:
    decided_suggestion = await services.suggestions.find(suggestion.id)
    (view,) = await _build_views(info, reading, [decided_suggestion or suggestion])
    return view


def _is_moot(info: ResolverInfo, view: SuggestionView) -> bool:
    """Return whether an open suggestion needs no decision any more.

    That is the case if one of the two customers was erased, if they were merged in another way, or if one
    objects to the purpose of the comparison (then the suggestion must not be shown either).
    """
    if view.suggestion.state is not SuggestionStatus.OPEN:
        return False
    purpose = info.context.resources.catalogue.purposes.get(SUGGEST_PURPOSE)
    bit = 0 if purpose is None else 1 << purpose.bit
    return len(view.rows) < 2 or not all(row.allow & bit for row in view.rows)


def _already_decided_error(state: SuggestionStatus | None) -> Conflict:
    outcome = "decided or dropped" if state is None else state.value
    return Conflict("SUGGESTION_DECIDED", f"This suggestion was already {outcome}.")


async def _build_views(
    info: ResolverInfo, reading: Reading, suggestions: Sequence[Suggestion]
) -> list[SuggestionView]:
    """Load the customers of suggestions, with the same checks and disclosure records as any other field."""
    rows = iter(
        await load_customers(
            info, reading, [customer for suggestion in suggestions for customer in suggestion.customers]
        )
    )
    return [
        SuggestionView(suggestion, _distinct_rows([next(rows), next(rows)])) for suggestion in suggestions
    ]


def _distinct_rows(rows: Sequence[CustomerRow | None]) -> list[CustomerRow]:
    return list({row.id: row for row in rows if row is not None}.values())
