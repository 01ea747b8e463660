"""Look through all customers for pairs that are probably one person, and put them before a steward.

Customers are read as everybody reads them: by a GraphQL operation, under a purpose that people may object
to, page by page, each page a disclosure on record before its features are here. They stay in memory until
the comparison is done; what is kept of it is who, how likely and what agreed. Nobody is merged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from discretion.catalogue.model import Catalogue
from discretion.domain.identity.duplicates.comparison import Backend, Pair, compare, require
from discretion.domain.identity.duplicates.match_rules import LIKENESS, Likeness, plain
from discretion.errors import Misconfigured
from discretion.reveal.revealer import CUSTOMER_KIND
from discretion.seal.pairwise_ids import Pairwise
from discretion.store.suggestions import Likely, Suggestions
from discretion.token.grant import Grant

CLIENT = "identity-suggest"
PURPOSE = "essential.service.operations.improve"
PAGE = 500

GRANT = Grant(
    client=CLIENT,
    subject=CLIENT,
    scopes=frozenset(),
    purposes=frozenset({PURPOSE}),
    categories=None,
    expires=0,
    token_id=CLIENT,
)
"""What the command may: no token of it is ever issued, so nobody else holds it."""

PATHS: Mapping[str, str] = {
    "given_name": "identity.givenName",
    "family_name": "identity.familyName",
    "birth_date": "demographics.birthDate",
    "street": "contact.address.street",
    "city": "contact.address.city",
    "postal_code": "contact.address.postalCode",
    "email": "contact.email",
    "phone": "contact.phone",
}
"""Which attribute each feature is."""

Ask = Callable[[str, Mapping[str, Any]], Awaitable[dict[str, Any]]]
"""The data that answer a query with its variables, asked under ``GRANT``."""

Told = Callable[[int, int | None], None]
"""Progress: customers read, of how many; as many as there are means that they are being compared."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """``scores`` of all pairs found, ``new`` of the new among them; ``dropped`` were open suggestions."""

    customers: int
    scores: tuple[float, ...]
    new: tuple[float, ...]
    dropped: int


class Suggest:
    """The verb; call it."""

    def __init__(self, catalogue: Catalogue, ask: Ask, pairwise: Pairwise, suggestions: Suggestions) -> None:
        self._catalogue = catalogue
        self._ask = ask
        self._pairwise = pairwise
        self._suggestions = suggestions

    async def __call__(
        self, threshold: float, backend: Backend, limit: int | None, told: Told = lambda _done, _of: None
    ) -> Outcome:
        """Suggest pairs from ``threshold`` up, at most ``limit`` new ones, the likeliest first.

        Raises:
            Misconfigured: ``SPLINK_MISSING``, ``SPARK_MISSING``, ``MEMORY_TOO_SMALL``, or
                ``SUGGEST_PURPOSE_MISSING`` for a catalogue without the purpose.
            Unavailable: ``LEDGER_UNAVAILABLE``, or the store is away.
        """
        if PURPOSE not in self._catalogue.purposes:
            raise Misconfigured(
                "SUGGEST_PURPOSE_MISSING",
                f"Customers are compared for the purpose {PURPOSE}, and the catalogue does not have it.",
                "Add it to purposes.yaml, and to the uses of what may be compared.",
            )
        require(backend)
        features = {one: path for one, path in PATHS.items() if path in self._catalogue.attributes}
        likeness = LIKENESS.of(features.keys())
        table = await self._read(features, told)
        pairs = await asyncio.to_thread(compare, [table], likeness, threshold, backend)
        return await self._keep(table, pairs, likeness, limit)

    async def _read(self, features: Mapping[str, str], told: Told) -> dict[str, list[str | None]]:
        table: dict[str, list[str | None]] = {name: [] for name in ("id", *features)}
        asked = query(features.values())
        after, of = None, None
        while True:
            data = await self._ask(asked, {"first": PAGE, "after": after, "counted": of is None})
            page = data["customers"]
            of = page.get("totalCount", of)
            for node in page["nodes"]:
                table["id"].append(node["id"])
                for name, path in features.items():
                    table[name].append(plain(value(node, path)))
            told(len(table["id"]), of)
            if not page["pageInfo"]["hasNextPage"]:
                return table
            after = page["pageInfo"]["endCursor"]

    async def _keep(
        self,
        table: Mapping[str, list[str | None]],
        pairs: list[Pair],
        likeness: Likeness,
        limit: int | None,
    ) -> Outcome:
        found = [
            Likely((self._customer(one.left), self._customer(one.right)), one.score, one.weight, one.evidence)
            for one in pairs
        ]
        met = frozenset(self._customer(str(one)) for one in table["id"])
        new = await self._suggestions.propose(found, likeness.version, limit)
        dropped = await self._suggestions.drop_stale(met, likeness.version)
        return Outcome(
            customers=len(table["id"]),
            scores=tuple(one.score for one in found),
            new=tuple(one.score for one in found if one.id in new),
            dropped=dropped,
        )

    def _customer(self, name: str) -> bytes:
        """The customer behind the id that this client was given."""
        customer = self._pairwise.open(CLIENT, CUSTOMER_KIND, name)
        assert customer is not None
        return customer


def query(paths: Any) -> str:
    """The operation that reads a page of customers with these attributes and no other."""
    tree: dict[str, Any] = {}
    for path in paths:
        here = tree
        for step in path.split("."):
            here = here.setdefault(step, {})
    return (
        "query IdentitySuggest($first: Int!, $after: String, $counted: Boolean!) "
        "{ customers(first: $first, after: $after) { totalCount @include(if: $counted) "
        f"pageInfo {{ hasNextPage endCursor }} nodes {{ id {_selection(tree)} }} }} }}"
    )


def _selection(tree: Mapping[str, Any]) -> str:
    return " ".join(f"{name} {{ {_selection(inner)} }}" if inner else name for name, inner in tree.items())


def value(node: Mapping[str, Any], path: str) -> Any:
    """What stands at a dotted path."""
    here: Any = node
    for step in path.split("."):
        here = here[step]
    return here
