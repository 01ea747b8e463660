"""A broken catalogue is refused; the message names file, line, problem and correction."""

from __future__ import annotations

from pathlib import Path

import pytest

from discretion.catalogue.load import load_catalogue
from discretion.errors import Misconfigured
from tests.unit.catalogue.broken_catalogue import BrokenCase, assert_problem_reported
from tests.unit.catalogue.small_catalogue import SMALL_CATALOGUE, write_catalogue

EMAIL = "    description: E-mail address.\n"
TIER = "    values: [bronze, gold]\n"
SPEND = "{fold: sum, events: [Order Completed], property: total}"
SHOP = "{type: String, category: user.behavior.purchase_history, description: Shop.}"
POSTAL = "      coarse: [functional.service]"

BROKEN_CASES = (
    # shape
    BrokenCase(
        "unknown key", EMAIL, EMAIL + "    retension: P1Y\n", "unknown key 'retension'", "mean 'retention'?"
    ),
    BrokenCase("unknown section", "objects:\n", "objets:\n", "unknown key 'objets'", "mean 'objects'?"),
    BrokenCase(
        "missing key",
        EMAIL,
        "",
        "contact.email has no 'description'",
        "Add it: one sentence",
        "contact.email:",
    ),
    BrokenCase("unknown type", "type: Money\n", "type: Mony\n", "is 'Mony'", "Did you mean 'Money'?"),
    BrokenCase("unknown form", "      coarse:", "      course:", "is 'course'", "Did you mean 'coarse'?"),
    BrokenCase(
        "unknown basis", "basis: contract", "basis: contrakt", "is 'contrakt'", "Did you mean 'contract'?"
    ),
    BrokenCase(
        "not a boolean",
        "    sealed: false\n    comp",
        "    sealed: open\n    comp",
        "is 'open'",
        "true or false",
    ),
    BrokenCase("bit too great", "bit: 1", "bit: 63", "bit is '63'", "a number of at most 62"),
    BrokenCase("bit not a number", "bit: 1", "bit: one", "bit is 'one'", "a whole number"),
    BrokenCase("not a list", TIER, "    values: bronze\n", "is 'bronze'", "a list"),
    BrokenCase("empty text", EMAIL, "    description:\n", "description is ''", "some text"),
    BrokenCase("entry not a mapping", "  shop: " + SHOP, "  shop: String", "shop is 'String'", "a mapping"),
    # YAML
    BrokenCase("not YAML", "objects:\n", "objects: [\n", "this is not YAML", "indentation", "attributes:"),
    BrokenCase("tab", EMAIL, "\tdescription: E-mail.\n", "this is not YAML", "Indent with spaces."),
    BrokenCase(
        "key twice",
        EMAIL,
        EMAIL + "    type: Int\n",
        "'type' is declared twice",
        "also on line 22",
        "    type: Int",
    ),
    BrokenCase("alias", "[bronze, gold]", "[&b bronze, *b]", "values is an alias", "Write the value out"),
    BrokenCase("tag", "controller: Corner", "controller: !x Corner", "has the tag !x", "Remove the tag."),
    # references
    BrokenCase(
        "no data use",
        "  functional.service:\n",
        "  functional.servic:\n",
        "not a Fideslang",
        "'functional.service'?",
    ),
    BrokenCase(
        "no data category",
        "user.contact.address.p",
        "user.contact.p",
        "not a Fideslang data cat",
        "Did you mean",
    ),
    BrokenCase(
        "dangling purpose",
        POSTAL,
        "      coarse: [functional.servce]",
        "is not a purpose",
        "'functional.service'?",
    ),
    BrokenCase(
        "dangling group",
        "  contact: How",
        "  kontact: How",
        "'contact' is not a group",
        "'kontact'?",
        "  contact.email",
    ),
    BrokenCase(
        "empty group",
        "  commerce: What",
        "  web: Web.\n  commerce: What",
        "group 'web' has no attribute",
        "web.name",
    ),
    BrokenCase(
        "empty object",
        "  contact.address: W",
        "  contact.home: W",
        "object 'contact.home' has no",
        "remove the object",
    ),
    BrokenCase(
        "dangling identifier",
        "    identifier: email",
        "    identifier: emial",
        "unknown identifier",
        "'email'?",
    ),
    BrokenCase(
        "dangling source id",
        "user_id: email",
        "user_id: e_mail",
        "unknown identifier type 'e_mail'",
        "'email'?",
    ),
    BrokenCase(
        "dangling event",
        "events: [Order Completed]",
        "events: [Order Complete]",
        "not an event",
        "'Order Completed'?",
    ),
    BrokenCase(
        "unlisted property",
        SPEND,
        SPEND.replace("total", "totl"),
        "has no property 'totl'",
        "Did you mean 'total'?",
    ),
    BrokenCase(
        "undeclared property",
        "    properties: [shop, order_id]",
        "    properties: [shp]",
        "'shp' is not a property",
        "'shop'?",
    ),
    BrokenCase(
        "unknown rule", "normalise: token", "normalise: tokn", "'tokn' is not a rule", "Did you mean 'token'?"
    ),
    BrokenCase("unknown channel", "channels: [web]", "channels: [wbe]", "is 'wbe'", "Did you mean 'web'?"),
    # contradictions
    BrokenCase(
        "bit twice",
        "bit: 1",
        "bit: 0",
        "is the bit of 'essential.legal_obligation'",
        "The next free one is 1.",
        marker="{bit: 0, basis: contract",
    ),
    BrokenCase("bit retired", "bit: 1", "bit: 5", "bit 5 is retired", "never used"),
    BrokenCase(
        "two forms",
        POSTAL,
        POSTAL + "\n      clear: [functional.service]",
        "is listed under coarse and clear",
        "once.",
    ),
    BrokenCase(
        "listed twice",
        "    properties: [shop, order_id]",
        "    properties: [total]",
        "lists 'total' twice",
        "List it once.",
    ),
    BrokenCase("not a path", "commerce.tier:", "commerce.a.b.tier:", "is not a path", "group.object.name"),
    BrokenCase("not a name", "commerce.tier:", "commerce.tier-1:", "is not a path", "letters, digits"),
    BrokenCase(
        "attribute is an object",
        "commerce.tier:",
        "contact.address:",
        "is also an object",
        "another name",
        marker="contact.address:\n",
    ),
    BrokenCase(
        "not a duration", "retention: P1Y", "retention: 1 year", "retention '1 year' is not", "such as P3Y"
    ),
    BrokenCase(
        "no duration",
        "  retention: P1Y\n",
        "",
        "contact.email has no retention",
        "Add 'retention:'",
        "contact.email:",
    ),
    BrokenCase(
        "masked money",
        SPEND,
        SPEND + "\n    uses: {masked: [functional.service]}",
        "shown masked",
        "Only a String",
    ),
    BrokenCase(
        "coarse tier",
        TIER,
        TIER + "    uses: {coarse: [functional.service]}\n",
        "shown coarse",
        "Coarse is for Date",
    ),
    BrokenCase(
        "masked event",
        "    required:",
        "    uses: {masked: [functional.service]}\n    required:",
        "masked",
        "coarse",
    ),
    BrokenCase(
        "sealed and computed",
        "    sealed: false\n    comp",
        "    sealed: true\n    comp",
        "computed and sealed",
        "false'",
        marker=SPEND,
    ),
    BrokenCase(
        "open identifier",
        EMAIL,
        EMAIL + "    sealed: false\n",
        "identifier, but not sealed",
        "'sealed: true'",
    ),
    BrokenCase(
        "identifier is a number",
        "type: String\n    category: user.contact.email",
        "type: Int\n    category: user.contact.email",
        "not a single String",
        "Make it a String",
    ),
    BrokenCase(
        "open special",
        TIER,
        TIER + "    sensitivity: special\n",
        "special (GDPR Art. 9), but not sealed",
        "'sealed: true'",
        marker="    sealed: false",
    ),
    BrokenCase(
        "values of a number",
        SPEND,
        SPEND + "\n    values: [a]",
        "has values and is Money",
        "Only a String can have values",
    ),
    BrokenCase("value twice", "[bronze, gold]", "[gold, gold]", "lists a value twice", "once"),
    BrokenCase(
        "sum of text",
        SPEND,
        SPEND.replace("total", "shop"),
        "cannot be the sum",
        "String; only Int and Money",
    ),
    BrokenCase(
        "count of money",
        SPEND,
        "{fold: count, events: [Order Completed]}",
        "cannot be the count",
        "Money is only summed",
    ),
    BrokenCase(
        "sum of nothing",
        SPEND,
        "{fold: sum, events: [Order Completed]}",
        "cannot be the sum",
        "Name the 'property'",
    ),
    BrokenCase(
        "last is a time",
        TIER,
        TIER + "    computed: {fold: last}\n",
        "cannot be the last",
        "DateTime",
        marker="    computed: {fold: last}",
    ),
    BrokenCase(
        "other channel",
        SPEND,
        SPEND.replace("}", ", channel: app}"),
        "never happens in app",
        "happens in web",
    ),
    BrokenCase(
        "no channel",
        "    channels: [web]",
        "    channels: []",
        "Order Completed has no channel",
        "leave the key out",
    ),
)


@pytest.mark.parametrize("case", BROKEN_CASES, ids=lambda case: case.name)
def test_a_broken_file_is_reported_with_line_problem_and_correction(case: BrokenCase, tmp_path: Path) -> None:
    assert_problem_reported(case, tmp_path)


def test_the_small_catalogue_is_valid(tmp_path: Path) -> None:
    """The text that the cases break is valid before they change it."""
    assert set(load_catalogue(write_catalogue(tmp_path)).attributes) == {
        "contact.email",
        "contact.address.postalCode",
        "commerce.tier",
        "commerce.spend",
    }


def test_all_problems_are_reported_together(tmp_path: Path) -> None:
    text = SMALL_CATALOGUE.replace("Money\n", "Mony\n").replace("bit: 1", "bit: 0").replace("P1Y", "year")
    with pytest.raises(Misconfigured) as refusal:
        load_catalogue(write_catalogue(tmp_path, text))
    assert len(str(refusal.value).splitlines()) == 4


def test_a_malformed_entry_does_not_invalidate_references_to_it(tmp_path: Path) -> None:
    """A purpose with a wrong key is one problem, not one for each of its uses."""
    with pytest.raises(Misconfigured) as refusal:
        load_catalogue(
            write_catalogue(tmp_path, SMALL_CATALOGUE.replace("label: Shop, desc", "labl: Shop, desc"))
        )
    assert [
        message
        for message in str(refusal.value).splitlines()
        if "labl" not in message and "'label'" not in message
    ] == ["The catalogue is not valid:"]


def test_an_unreadable_file_is_the_only_problem_reported(tmp_path: Path) -> None:
    """The entries it would have declared are not reported as missing."""
    events_offset = SMALL_CATALOGUE.index("\nevents:") + 1
    write_catalogue(tmp_path, "events: [\n", "events.yaml")
    with pytest.raises(Misconfigured) as refusal:
        load_catalogue(write_catalogue(tmp_path, SMALL_CATALOGUE[:events_offset]))
    assert {message.partition(":")[0] for message in str(refusal.value).splitlines()[1:]} == {
        str(tmp_path / "events.yaml")
    }


def test_an_entry_is_declared_in_one_file_only(tmp_path: Path) -> None:
    duplicate = (
        "attributes:\n  commerce.tier:\n    {type: String, category: user.account, description: Tier.}\n"
    )
    write_catalogue(tmp_path, duplicate, "tier.yaml")
    with pytest.raises(
        Misconfigured, match=r"tier\.yaml:2: 'commerce\.tier' is declared twice\. It is also in small\.yaml:3"
    ):
        load_catalogue(write_catalogue(tmp_path))


def test_a_controller_is_named_once(tmp_path: Path) -> None:
    write_catalogue(tmp_path, "controller: Somebody Else\n", "z.yaml")
    with pytest.raises(Misconfigured, match=r"z\.yaml:1: 'controller' is declared twice"):
        load_catalogue(write_catalogue(tmp_path))
    with pytest.raises(Misconfigured, match=r"no file names a controller"):
        load_catalogue(
            write_catalogue(tmp_path / "none", SMALL_CATALOGUE.replace("controller: Corner Shop\n", ""))
        )


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"no \*\.yaml file here"):
        load_catalogue(tmp_path)


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_bytes(b"a: \xff\xfe\x00")
    with pytest.raises(Misconfigured, match=r"small\.yaml:1: this is not YAML"):
        load_catalogue(tmp_path)


def test_a_file_that_is_not_a_mapping_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"small\.yaml:1: the file is not a mapping"):
        load_catalogue(write_catalogue(tmp_path, "- a\n- b\n"))
