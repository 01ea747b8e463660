"""A catalogue that looks for values where none can be, or twice in one place, is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.catalogue.broken_catalogue import Break, assert_told

EMAIL = "    description: E-mail address.\n"
SPEND = "{fold: sum, events: [Order Completed], property: total}"
RANK = "  commerce.rank: {type: String, category: user.account, description: Rank., context: [a.b]}\n"
COOKIE = "category: user.device.cookie_id, description: Cookie."
MAIL = (
    "  email: {normalise: email, category: user.contact.email, description: E-mail.}\n"
    "  cookie: {normalise: token,"
)

BREAKS = (
    Break("trait twice", "[address.postalCode]", "[email]", "is already contact.email", "another place"),
    Break(
        "computed with trait",
        SPEND,
        SPEND + "\n    traits: [spend]",
        "computed and has traits",
        "one of the two",
    ),
    Break("context not a list", EMAIL, EMAIL + "    context: mail\n", "is 'mail'", "a list"),
    Break(
        "context twice",
        "  commerce.tier:\n",
        RANK + "  commerce.tier:\n    context: [a.b]\n",
        "context 'a.b' of commerce.tier is already commerce.rank",
        "another place",
        at="    context: [a.b]",
    ),
    Break(
        "computed with context",
        SPEND,
        SPEND + "\n    context: [spend]",
        "computed and has context",
        "one of the two",
    ),
    Break(
        "no place", EMAIL, EMAIL + "    context: [a..b]\n", "'a..b' of contact.email is not a", "app.version"
    ),
    Break(
        "place of the context itself",
        EMAIL,
        EMAIL + "    context: [context.mail]\n",
        "no attribute's place",
        "'context.' in front out",
    ),
    Break(
        "trait in the context",
        EMAIL,
        EMAIL + "    context: [traits.email]\n",
        "no attribute's place",
        "Name it under 'traits'",
    ),
    Break("id nowhere", COOKIE, COOKIE + ", context: ['']", "context > 0 is ''", "some text"),
    Break(
        "id in consent", COOKIE, COOKIE + ", context: [consent.id]", "'consent.id' of cookie", "take it out"
    ),
    Break(
        "id twice",
        MAIL,
        MAIL.replace("E-mail.", "E-mail., context: [id]").replace("cookie: {", "cookie: {context: [id], "),
        "context 'id' of cookie is already email",
        "another place",
        at="  cookie: {",
    ),
)


@pytest.mark.parametrize("case", BREAKS, ids=lambda case: case.name)
def test_a_place_that_cannot_be_is_told_by_file_line_wrong_and_right(case: Break, tmp_path: Path) -> None:
    assert_told(case, tmp_path)
