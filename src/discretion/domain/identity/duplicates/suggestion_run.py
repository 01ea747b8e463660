"""A search through all customers for pairs that are probably one person, stored as suggestions for a steward.

Customers are read with a GraphQL operation like any other client's, page by page, under a purpose to which
customers may object. Each page is recorded as a disclosure before its values arrive here. The values stay in
memory until the comparison is finished. Only the customers, the probability and the degrees of agreement are
stored. Nobody is merged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from discretion.catalogue.identifier_type import IdentifierType
from discretion.catalogue.model import Catalogue
from discretion.domain.identity.duplicates.claimed_evidence import (
    SharedIdentifier,
    describe_shared_identifier,
    limit_pairs,
)
from discretion.domain.identity.duplicates.comparison import (
    Backend,
    MatchedPair,
    compare_records,
    require_backend,
)
from discretion.domain.identity.duplicates.match_rules import MATCH_MODEL, MatchModel, normalise_feature
from discretion.errors import Misconfigured
from discretion.reveal.revealer import CUSTOMER_ID_KIND
from discretion.seal.blind_index import BlindIndex
from discretion.seal.normalisation import NORMALISATION_RULES
from discretion.seal.pairwise_ids import PairwiseIds
from discretion.store.identifiers import NamedIdentifier
from discretion.store.identities import IdentityStore
from discretion.store.suggestions import LikelyPair, SuggestionStore
from discretion.token.grant import Grant

SUGGEST_CLIENT = "identity-suggest"
SUGGEST_PURPOSE = "essential.service.operations.improve"
PAGE_SIZE = 500

SUGGEST_GRANT = Grant(
    client=SUGGEST_CLIENT,
    subject=SUGGEST_CLIENT,
    scopes=frozenset(),
    purposes=frozenset({SUGGEST_PURPOSE}),
    categories=None,
    expires=0,
    token_id=SUGGEST_CLIENT,
)
"""The permissions of the search. No token is ever issued for it, so no other client can have them."""

FEATURE_PATHS: Mapping[str, str] = {
    "given_name": "identity.givenName",
    "family_name": "identity.familyName",
    "birth_date": "demographics.birthDate",
    "street": "contact.address.street",
    "city": "contact.address.city",
    "postal_code": "contact.address.postalCode",
    "email": "contact.email",
    "phone": "contact.phone",
}
"""The catalogue path of the attribute that each feature of the match model is read from."""

QueryRunner = Callable[[str, Mapping[str, Any]], Awaitable[dict[str, Any]]]
"""``(query, variables) -> data``: runs a GraphQL query under ``SUGGEST_GRANT``."""

ProgressCallback = Callable[[int, int | None], None]
"""``(customers read, total or None)``. When both are equal, the comparison begins."""


@dataclass(frozen=True, slots=True)
class SuggestionOutcome:
    """The result of a search.

    Attributes:
        customers: Number of customers compared.
        scores: Probabilities of all pairs found.
        new_scores: Probabilities of those that are new suggestions.
        dropped: Number of open suggestions that this search did not find again.
    """

    customers: int
    scores: tuple[float, ...]
    new_scores: tuple[float, ...]
    dropped: int


class DuplicateSearch:
    """The search for duplicates. ``run_query`` executes queries under ``SUGGEST_GRANT``."""

    def __init__(
        self,
        catalogue: Catalogue,
        run_query: QueryRunner,
        pairwise: PairwiseIds,
        suggestions: SuggestionStore,
        identities: IdentityStore,
        blind_index: BlindIndex,
    ) -> None:
        self._identities = identities
        self._blind_index = blind_index
        self._catalogue = catalogue
        self._run_query = run_query
        self._pairwise = pairwise
        self._suggestions = suggestions

    async def run(
        self,
        threshold: float,
        backend: Backend,
        limit: int | None,
        report_progress: ProgressCallback = lambda _done, _of: None,
    ) -> SuggestionOutcome:
        """Search all customers and store suggestions.

        Args:
            threshold: Least probability of a suggestion.
            backend: Where the comparison runs.
            limit: Most new suggestions, the likeliest first; None for all.
            report_progress: Called after each page, see ``ProgressCallback``.

        Raises:
            Misconfigured: ``EXTRA_MISSING``, ``SPARK_MISSING``, ``MEMORY_TOO_SMALL``, or
                ``SUGGEST_PURPOSE_MISSING`` if the catalogue does not have the purpose.
            Unavailable: ``LEDGER_UNAVAILABLE``, or the store cannot be reached.
        """
        if SUGGEST_PURPOSE not in self._catalogue.purposes:
            raise Misconfigured(
                "SUGGEST_PURPOSE_MISSING",
                f"The catalogue does not have {SUGGEST_PURPOSE}, for which customers are compared.",
                "Add it to purposes.yaml, and to the uses of the attributes that may be compared.",
            )
        # Before any customer is read: without the library, the disclosures would have served nothing.
        require_backend(backend)
        features = {
            feature: path for feature, path in FEATURE_PATHS.items() if path in self._catalogue.attributes
        }
        model = MATCH_MODEL.restrict_to(features.keys())
        table = await self._read(features, report_progress)
        # In a thread: the comparison may take minutes, and the leases and key files of this process need the
        # loop.
        pairs = await asyncio.to_thread(compare_records, [table], model, threshold, backend)
        return await self._store_suggestions(table, pairs, model, threshold, limit)

    async def _read(
        self, features: Mapping[str, str], report_progress: ProgressCallback
    ) -> dict[str, list[str | None]]:
        table: dict[str, list[str | None]] = {name: [] for name in ("id", *features)}
        operation = build_customer_query(features.values())
        after, total = None, None
        while True:
            data = await self._run_query(
                operation, {"first": PAGE_SIZE, "after": after, "counted": total is None}
            )
            page = data["customers"]
            total = page.get("totalCount", total)
            for node in page["nodes"]:
                table["id"].append(node["id"])
                for name, path in features.items():
                    table[name].append(normalise_feature(read_path(node, path)))
            report_progress(len(table["id"]), total)
            if not page["pageInfo"]["hasNextPage"]:
                return table
            after = page["pageInfo"]["endCursor"]

    async def _store_suggestions(
        self,
        table: Mapping[str, list[str | None]],
        pairs: list[MatchedPair],
        model: MatchModel,
        threshold: float,
        limit: int | None,
    ) -> SuggestionOutcome:
        likely_pairs = [
            LikelyPair(
                (self._decode_customer(pair.left), self._decode_customer(pair.right)),
                pair.score,
                pair.weight,
                pair.evidence,
            )
            for pair in pairs
        ]
        shared = await self._find_shared_identifiers(table, pairs, likely_pairs)
        suggestions = list(limit_pairs(likely_pairs, shared, threshold))
        customers_read = frozenset(self._decode_customer(str(encoded_id)) for encoded_id in table["id"])
        new_ids = await self._suggestions.propose(suggestions, model.version, limit)
        # Customers who were erased or merged, or who object, were not read: open
        # suggestions about them are dropped.
        dropped = await self._suggestions.drop_stale(customers_read, model.version)
        return SuggestionOutcome(
            customers=len(table["id"]),
            scores=tuple(suggestion.score for suggestion in suggestions),
            new_scores=tuple(suggestion.score for suggestion in suggestions if suggestion.id in new_ids),
            dropped=dropped,
        )

    async def _find_shared_identifiers(
        self,
        table: Mapping[str, list[str | None]],
        pairs: list[MatchedPair],
        likely_pairs: list[LikelyPair],
    ) -> dict[bytes, tuple[SharedIdentifier, ...]]:
        """Return by pair the identifiers on which the two agree, and how surely each has them."""
        row_of = {encoded_id: row for row, encoded_id in enumerate(table["id"])}
        named_identifiers: dict[bytes, NamedIdentifier | None] = {}
        shared: dict[bytes, tuple[SharedIdentifier, ...]] = {}
        for pair, likely in zip(pairs, likely_pairs, strict=True):
            identifiers = []
            for feature, rule in self._list_identifier_features(table):
                left, right = (table[feature][row_of[side]] for side in (pair.left, pair.right))
                if left is None or left != right:
                    continue
                normalised = NORMALISATION_RULES[rule.normalise](left, None)
                if normalised is None:
                    continue
                entry = self._blind_index.index(rule.key, normalised)
                if entry not in named_identifiers:
                    named_identifiers[entry] = await self._identities.find_named(entry)
                if (named := named_identifiers[entry]) is not None:
                    identifiers.append(describe_shared_identifier(named, feature, likely.customers))
            shared[likely.id] = tuple(identifiers)
        return shared

    def _list_identifier_features(
        self, table: Mapping[str, list[str | None]]
    ) -> list[tuple[str, IdentifierType]]:
        """Return the compared features whose values are identifiers, with the types of these."""
        attributes = self._catalogue.attributes
        return [
            (feature, self._catalogue.identifiers[key])
            for feature, path in FEATURE_PATHS.items()
            if feature in table and (key := attributes[path].identifier) is not None
        ]

    def _decode_customer(self, encoded_id: str) -> bytes:
        """Return the customer for an id that this client received from GraphQL."""
        customer = self._pairwise.decode(SUGGEST_CLIENT, CUSTOMER_ID_KIND, encoded_id)
        assert customer is not None
        return customer


def build_customer_query(paths: Iterable[str]) -> str:
    """Build the query that reads a page of customers with exactly the attributes at these dotted paths."""
    tree: dict[str, Any] = {}
    for path in paths:
        node = tree
        for step in path.split("."):
            node = node.setdefault(step, {})
    return (
        "query IdentitySuggest($first: Int!, $after: String, $counted: Boolean!) "
        "{ customers(first: $first, after: $after) { totalCount @include(if: $counted) "
        f"pageInfo {{ hasNextPage endCursor }} nodes {{ id {_build_selection(tree)} }} }} }}"
    )


def _build_selection(tree: Mapping[str, Any]) -> str:
    return " ".join(
        f"{name} {{ {_build_selection(inner)} }}" if inner else name for name, inner in tree.items()
    )


def read_path(node: Mapping[str, Any], path: str) -> Any:
    """Return the value at a dotted path of nested mappings."""
    current: Any = node
    for step in path.split("."):
        current = current[step]
    return current
