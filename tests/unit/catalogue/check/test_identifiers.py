"""Rules of identifier types and assertions of sources that make no sense are reported with a correction."""

from __future__ import annotations

from pathlib import Path

import pytest

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.load import load_catalogue
from tests.unit.catalogue.broken_catalogue import BrokenCase, assert_problem_reported
from tests.unit.catalogue.small_catalogue import SMALL_CATALOGUE, write_catalogue

EMAIL = "  email: {normalise: email,"
SOURCE = "user_id: email, anonymous_id: cookie"
BROKEN_CASES = (
    BrokenCase(
        "a number with shared_by",
        EMAIL,
        f"{EMAIL} number: true, shared_by: 3,",
        "email is a number and has 'shared_by'",
        "remove it",
    ),
    BrokenCase(
        "a number with verified_by",
        EMAIL,
        f"{EMAIL} number: true, verified_by: tier,",
        "email is a number and has 'verified_by'",
        "remove one of the two",
    ),
    BrokenCase(
        "a trait that is not Boolean",
        EMAIL,
        f"{EMAIL} verified_by: tier,",
        "email is verified by 'tier', which is no trait of a Boolean attribute",
        "",
    ),
    BrokenCase(
        "young without verified_by",
        EMAIL,
        f"{EMAIL} young: P7D,",
        "email has 'young' without 'verified_by'",
        "add 'verified_by'",
    ),
    BrokenCase(
        "a misspelt duration",
        EMAIL,
        f"{EMAIL} young: a week,",
        "email has the invalid 'young' 'a week'",
        "such as P7D",
    ),
    BrokenCase(
        "an attribute without addresses that needs an assurance",
        "    values: [bronze, gold]",
        "    values: [bronze, gold]\n    assurance: {account: [functional.service]}",
        "commerce.tier is no address and has 'assurance'",
        "has 'verified_by'",
    ),
    BrokenCase(
        "an assurance for a purpose that does not use the address",
        "    identifier: email",
        "    identifier: email\n    assurance: {proven: [functional.servce]}",
        "contact.email needs an assurance for 'functional.servce', which does not use it",
        "'functional.service'?",
    ),
    BrokenCase(
        "assurance of an unknown type",
        SOURCE,
        f"{SOURCE}, assurance: {{emial: proven}}",
        "assurance of 'shop' names the unknown identifier type 'emial'",
        "'email'?",
    ),
    BrokenCase(
        "an unknown assurance",
        SOURCE,
        f"{SOURCE}, assurance: {{email: prooven}}",
        "'prooven'",
        "'proven'?",
    ),
    BrokenCase(
        "a proven device",
        SOURCE,
        f"{SOURCE}, assurance: {{cookie: proven}}",
        "'shop' cannot prove 'cookie', which identifies a device and no person",
        "Make it 'presented'",
    ),
)


@pytest.mark.parametrize("case", BROKEN_CASES, ids=lambda case: case.name)
def test_a_rule_without_sense_is_reported_with_its_correction(case: BrokenCase, tmp_path: Path) -> None:
    assert_problem_reported(case, tmp_path)


def test_a_source_asserts_nothing_about_ids_that_it_never_sends(tmp_path: Path) -> None:
    """An attribute of another channel supplies them."""
    app = (
        "  app: {channel: app, label: App, user_id: cookie, anonymous_id: cookie, assurance: {email: proven}}"
    )
    case = BrokenCase(
        "another channel",
        "    identifier: email\n",
        "    identifier: email\n    channels: [web]\n",
        "'app' never sends 'email'",
        "Let an attribute of channel app supply it",
        "  app: {channel",
    )
    text = SMALL_CATALOGUE.replace("sources:\n", f"sources:\n{app}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.unit.catalogue.broken_catalogue.SMALL_CATALOGUE", text)
        assert_problem_reported(case, tmp_path)


def test_what_a_source_may_assert_is_limited_by_the_catalogue(tmp_path: Path) -> None:
    """Without a declaration, everything is a claim; a weaker assertion stays as it is."""
    text = SMALL_CATALOGUE.replace(SOURCE, f"{SOURCE}, assurance: {{cookie: presented}}")
    shop = load_catalogue(write_catalogue(tmp_path, text)).sources["shop"]
    assert shop.limit_assurance("email", Assurance.PROVEN) is Assurance.CLAIMED
    assert shop.limit_assurance("cookie", Assurance.PROVEN) is Assurance.PRESENTED
    assert shop.limit_assurance("cookie", Assurance.CLAIMED) is Assurance.CLAIMED
