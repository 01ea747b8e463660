"""Builds the issuer and the verifier of access tokens."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.model import Catalogue
from discretion.catalogue.taxonomy import load_taxonomy
from discretion.edge.graphql.operation_runner import is_known_purpose
from discretion.settings import Settings
from discretion.token.issue import TokenIssuer
from discretion.token.keys import KeySet
from discretion.token.verify import TokenVerifier


def build_token_issuer(
    settings: Settings,
    select_keys: Callable[[], KeySet],
    catalogue: Catalogue,
    clock: Callable[[], int],
    entropy: Callable[[int], bytes],
) -> TokenIssuer:
    """Build the issuer; it refuses purposes outside the catalogue and categories outside the taxonomy."""
    is_known = partial(is_known_purpose, catalogue)
    is_category = load_taxonomy().categories.__contains__
    return TokenIssuer(
        select_keys=select_keys,
        issuer=settings.issuer,
        audience=settings.audience,
        now_ms=clock,
        entropy=entropy,
        is_known_purpose=is_known,
        is_known_category=is_category,
        is_login_type=partial(_is_login_type, catalogue),
    )


def build_token_verifier(
    settings: Settings,
    select_keys: Callable[[], KeySet],
    catalogue: Catalogue,
    clock: Callable[[], int],
) -> TokenVerifier:
    """Build the verifier of tokens that this installation, or its identity provider, issued."""
    is_known = partial(is_known_purpose, catalogue)
    return TokenVerifier(
        select_keys=select_keys,
        issuer=settings.issuer,
        audience=settings.audience,
        now_ms=clock,
        is_known_purpose=is_known,
    )


def _is_login_type(catalogue: Catalogue, identifier_type: str) -> bool:
    """Return whether customers log in with this identifier type: a number that some source proves."""
    declared = catalogue.identifiers.get(identifier_type)
    return (
        declared is not None
        and declared.number
        and any(
            source.assurance.get(identifier_type) is Assurance.PROVEN for source in catalogue.sources.values()
        )
    )
