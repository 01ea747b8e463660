"""A catalogue that reads a value from an impossible path, or one path twice, is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.catalogue.broken_catalogue import BrokenCase, assert_problem_reported

EMAIL = "    description: E-mail address.\n"
SPEND = "{fold: sum, events: [Order Completed], property: total}"
RANK = "  commerce.rank: {type: String, category: user.account, description: Rank., context: [a.b]}\n"
COOKIE = "category: user.device.cookie_id, description: Cookie."
MAIL = (
    "  email: {normalise: email, category: user.contact.email, description: E-mail.}\n"
    "  cookie: {normalise: token,"
)

SHOP = "{channel: web, label: Shop, user_id: email, anonymous_id: cookie"

BROKEN_CASES = (
    BrokenCase(
        "consent id of an unknown purpose",
        SHOP,
        SHOP + ", consent: {ids: {C1: [functional.servise]}}",
        "consent id 'C1' of 'shop' names the unknown purpose 'functional.servise'",
        "functional.service",
    ),
    BrokenCase(
        "consent id without a purpose",
        SHOP,
        SHOP + ", consent: {ids: {C1: []}}",
        "consent id 'C1' of 'shop' has no purpose",
        "remove it",
    ),
    BrokenCase(
        "repetition under a login that nobody has",
        SHOP,
        SHOP + ", consent: {repeated_under_login: false}",
        "'shop' proves no email, so nobody is logged in there",
        "Remove 'repeated_under_login'",
    ),
    BrokenCase(
        "set aside for no time",
        SHOP,
        SHOP + ", consent: {set_aside: [{reason: R., by: B, from: 2026-05-02, until: 2026-05-02}]}",
        "the period that 'shop' sets aside ends before it begins",
        "under 'until'",
    ),
    BrokenCase(
        "set aside without a reason",
        SHOP,
        SHOP + ", consent: {set_aside: [{by: B}]}",
        "reason",
        "for the people concerned",
    ),
    BrokenCase(
        "misspelt member of consent",
        SHOP,
        SHOP + ", consent: {id: {C1: [functional]}}",
        "id",
        "ids",
    ),
    BrokenCase("trait twice", "[address.postalCode]", "[email]", "is already contact.email", "another place"),
    BrokenCase(
        "computed with trait",
        SPEND,
        SPEND + "\n    traits: [spend]",
        "computed and has traits",
        "one of the two",
    ),
    BrokenCase("context not a list", EMAIL, EMAIL + "    context: mail\n", "is 'mail'", "a list"),
    BrokenCase(
        "context twice",
        "  commerce.tier:\n",
        RANK + "  commerce.tier:\n    context: [a.b]\n",
        "context 'a.b' of commerce.tier is already commerce.rank",
        "another place",
        marker="    context: [a.b]",
    ),
    BrokenCase(
        "computed with context",
        SPEND,
        SPEND + "\n    context: [spend]",
        "computed and has context",
        "one of the two",
    ),
    BrokenCase(
        "no place", EMAIL, EMAIL + "    context: [a..b]\n", "'a..b' of contact.email is not a", "app.version"
    ),
    BrokenCase(
        "place of the context itself",
        EMAIL,
        EMAIL + "    context: [context.mail]\n",
        "cannot hold an attribute",
        "prefix 'context.'",
    ),
    BrokenCase(
        "trait in the context",
        EMAIL,
        EMAIL + "    context: [traits.email]\n",
        "cannot hold an attribute",
        "Name it under 'traits'",
    ),
    BrokenCase("id nowhere", COOKIE, COOKIE + ", context: ['']", "context > 0 is ''", "some text"),
    BrokenCase(
        "id in consent", COOKIE, COOKIE + ", context: [consent.id]", "'consent.id' of cookie", "remove it"
    ),
    BrokenCase(
        "id twice",
        MAIL,
        MAIL.replace("E-mail.", "E-mail., context: [id]").replace("cookie: {", "cookie: {context: [id], "),
        "context 'id' of cookie is already email",
        "another place",
        marker="  cookie: {",
    ),
)


@pytest.mark.parametrize("case", BROKEN_CASES, ids=lambda case: case.name)
def test_an_invalid_path_is_reported_with_line_problem_and_correction(
    case: BrokenCase, tmp_path: Path
) -> None:
    assert_problem_reported(case, tmp_path)
