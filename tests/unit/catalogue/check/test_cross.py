"""A broken catalogue is refused with file, line, what is wrong and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from discretion.catalogue.load import load
from discretion.errors import Misconfigured
from tests.unit.catalogue.broken_catalogue import Break, assert_told
from tests.unit.catalogue.small_catalogue import SMALL, written

EMAIL = "    description: E-mail address.\n"
TIER = "    values: [bronze, gold]\n"
SPEND = "{fold: sum, events: [Order Completed], property: total}"
SHOP = "{type: String, category: user.behavior.purchase_history, description: Shop.}"
POSTAL = "      coarse: [functional.service]"

BREAKS = (
    # shape
    Break(
        "unknown key", EMAIL, EMAIL + "    retension: P1Y\n", "unknown key 'retension'", "mean 'retention'?"
    ),
    Break("unknown section", "objects:\n", "objets:\n", "unknown key 'objets'", "mean 'objects'?"),
    Break(
        "missing key",
        EMAIL,
        "",
        "contact.email has no 'description'",
        "Add it: one sentence",
        "contact.email:",
    ),
    Break("unknown type", "type: Money\n", "type: Mony\n", "is 'Mony'", "Did you mean 'Money'?"),
    Break("unknown form", "      coarse:", "      course:", "is 'course'", "Did you mean 'coarse'?"),
    Break("unknown basis", "basis: contract", "basis: contrakt", "is 'contrakt'", "Did you mean 'contract'?"),
    Break(
        "not a boolean",
        "    sealed: false\n    comp",
        "    sealed: open\n    comp",
        "is 'open'",
        "true or false",
    ),
    Break("bit too great", "bit: 1", "bit: 63", "bit is '63'", "a number of at most 62"),
    Break("bit not a number", "bit: 1", "bit: one", "bit is 'one'", "a whole number"),
    Break("not a list", TIER, "    values: bronze\n", "is 'bronze'", "a list"),
    Break("empty text", EMAIL, "    description:\n", "description is ''", "some text"),
    Break("entry not a mapping", "  shop: " + SHOP, "  shop: String", "shop is 'String'", "a mapping"),
    # YAML
    Break("not YAML", "objects:\n", "objects: [\n", "this is not YAML", "indentation", "attributes:"),
    Break("tab", EMAIL, "\tdescription: E-mail.\n", "this is not YAML", "Indent with spaces."),
    Break(
        "key twice",
        EMAIL,
        EMAIL + "    type: Int\n",
        "'type' stands twice",
        "on line 21 too",
        "    type: Int",
    ),
    Break("alias", "[bronze, gold]", "[&b bronze, *b]", "values is an alias", "Write the value out"),
    Break("tag", "controller: Corner", "controller: !x Corner", "has the tag !x", "Leave the tag out."),
    # names
    Break(
        "no data use",
        "  functional.service:\n",
        "  functional.servic:\n",
        "not a Fideslang",
        "'functional.service'?",
    ),
    Break(
        "no data category",
        "user.contact.address.p",
        "user.contact.p",
        "not a Fideslang data cat",
        "Did you mean",
    ),
    Break(
        "dangling purpose",
        POSTAL,
        "      coarse: [functional.servce]",
        "is not a purpose",
        "'functional.service'?",
    ),
    Break(
        "dangling group",
        "  contact: How",
        "  kontact: How",
        "'contact' is not a group",
        "'kontact'?",
        "  contact.email",
    ),
    Break(
        "empty group",
        "  commerce: What",
        "  web: Web.\n  commerce: What",
        "group 'web' has no attribute",
        "web.name",
    ),
    Break(
        "empty object",
        "  contact.address: W",
        "  contact.home: W",
        "object 'contact.home' has no",
        "take the object",
    ),
    Break(
        "dangling identifier",
        "    identifier: email",
        "    identifier: emial",
        "unknown identifier",
        "'email'?",
    ),
    Break(
        "dangling source id",
        "user_id: email",
        "user_id: e_mail",
        "unknown identifier type 'e_mail'",
        "'email'?",
    ),
    Break(
        "dangling event",
        "events: [Order Completed]",
        "events: [Order Complete]",
        "not an event",
        "'Order Completed'?",
    ),
    Break(
        "unlisted property",
        SPEND,
        SPEND.replace("total", "totl"),
        "has no property 'totl'",
        "Did you mean 'total'?",
    ),
    Break(
        "undeclared property",
        "    properties: [shop]",
        "    properties: [shp]",
        "'shp' is not a property",
        "'shop'?",
    ),
    Break(
        "unknown rule", "normalise: token", "normalise: tokn", "'tokn' is not a rule", "Did you mean 'token'?"
    ),
    Break("unknown channel", "channels: [web]", "channels: [wbe]", "is 'wbe'", "Did you mean 'web'?"),
    # what cannot be
    Break(
        "bit twice",
        "bit: 1",
        "bit: 0",
        "is the bit of 'essential.legal_obligation'",
        "The next free one is 1.",
        at="{bit: 0, basis: contract",
    ),
    Break("bit retired", "bit: 1", "bit: 5", "bit 5 is retired", "never used"),
    Break(
        "two forms",
        POSTAL,
        POSTAL + "\n      clear: [functional.service]",
        "sees it coarse and clear",
        "once.",
    ),
    Break(
        "listed twice",
        "    properties: [shop]",
        "    properties: [total]",
        "lists 'total' twice",
        "List it once.",
    ),
    Break("not a path", "commerce.tier:", "commerce.a.b.tier:", "is not a path", "group.object.name"),
    Break("not a name", "commerce.tier:", "commerce.tier-1:", "is not a path", "letters, digits"),
    Break(
        "attribute is an object",
        "commerce.tier:",
        "contact.address:",
        "is an object too",
        "another name",
        at="contact.address:\n",
    ),
    Break(
        "not a duration", "retention: P1Y", "retention: 1 year", "retention '1 year' is not", "such as P3Y"
    ),
    Break(
        "no duration",
        "  retention: P1Y\n",
        "",
        "contact.email has no retention",
        "Add 'retention:'",
        "contact.email:",
    ),
    Break(
        "masked money",
        SPEND,
        SPEND + "\n    uses: {masked: [functional.service]}",
        "shown masked",
        "Only a String",
    ),
    Break(
        "coarse tier",
        TIER,
        TIER + "    uses: {coarse: [functional.service]}\n",
        "shown coarse",
        "Coarse is for Date",
    ),
    Break(
        "masked event",
        "    required:",
        "    uses: {masked: [functional.service]}\n    required:",
        "masked",
        "coarse",
    ),
    Break(
        "sealed and computed",
        "    sealed: false\n    comp",
        "    sealed: true\n    comp",
        "computed and sealed",
        "false'",
        at=SPEND,
    ),
    Break("open identifier", EMAIL, EMAIL + "    sealed: false\n", "identifier and open", "'sealed: true'"),
    Break(
        "identifier is a number",
        "type: String\n    category: user.contact.email",
        "type: Int\n    category: user.contact.email",
        "not one text",
        "String",
    ),
    Break(
        "open special",
        TIER,
        TIER + "    sensitivity: special\n",
        "special (GDPR Art. 9) and open",
        "'sealed: true'",
        at="    sealed: false",
    ),
    Break(
        "values of a number",
        SPEND,
        SPEND + "\n    values: [a]",
        "has values and is Money",
        "Values are for String",
    ),
    Break("value twice", "[bronze, gold]", "[gold, gold]", "names a value twice", "once"),
    Break(
        "sum of text",
        SPEND,
        SPEND.replace("total", "shop"),
        "cannot be the sum",
        "String; only Int and Money",
    ),
    Break(
        "count of money",
        SPEND,
        "{fold: count, events: [Order Completed]}",
        "cannot be the count",
        "A count is an Int.",
    ),
    Break(
        "sum of nothing",
        SPEND,
        "{fold: sum, events: [Order Completed]}",
        "cannot be the sum",
        "Name the 'property'",
    ),
    Break("last is a time", SPEND, "{fold: last}", "cannot be the last", "DateTime"),
    Break(
        "other channel",
        SPEND,
        SPEND.replace("}", ", channel: app}"),
        "never happens in app",
        "happens in web",
    ),
    Break(
        "no channel",
        "    channels: [web]",
        "    channels: []",
        "Order Completed has no channel",
        "leave the key out",
    ),
)


@pytest.mark.parametrize("case", BREAKS, ids=lambda case: case.name)
def test_a_broken_file_is_told_by_file_line_wrong_and_right(case: Break, tmp_path: Path) -> None:
    assert_told(case, tmp_path)


def test_a_small_catalogue_holds(tmp_path: Path) -> None:
    """The text that the cases break is right before they do."""
    assert set(load(written(tmp_path)).attributes) == {
        "contact.email",
        "contact.address.postalCode",
        "commerce.tier",
        "commerce.spend",
    }


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    text = SMALL.replace("Money\n", "Mony\n").replace("bit: 1", "bit: 0").replace("P1Y", "year")
    with pytest.raises(Misconfigured) as caught:
        load(written(tmp_path, text))
    assert len(str(caught.value).splitlines()) == 4


def test_one_misshapen_entry_makes_no_others_dangle(tmp_path: Path) -> None:
    """A purpose with a wrong key is one problem, not one for each of its uses."""
    with pytest.raises(Misconfigured) as caught:
        load(written(tmp_path, SMALL.replace("label: Shop, desc", "labl: Shop, desc")))
    assert [one for one in str(caught.value).splitlines() if "labl" not in one and "'label'" not in one] == [
        "The catalogue does not hold:"
    ]


def test_a_file_that_cannot_be_read_makes_nothing_seem_missing(tmp_path: Path) -> None:
    """What it would have declared is not told to be absent: the one problem is the file."""
    events = SMALL.index("\nevents:") + 1
    written(tmp_path, "events: [\n", "events.yaml")
    with pytest.raises(Misconfigured) as caught:
        load(written(tmp_path, SMALL[:events]))
    assert {one.partition(":")[0] for one in str(caught.value).splitlines()[1:]} == {
        str(tmp_path / "events.yaml")
    }


def test_an_entry_stands_in_one_file_only(tmp_path: Path) -> None:
    second = "attributes:\n  commerce.tier:\n    {type: String, category: user.account, description: Tier.}\n"
    written(tmp_path, second, "tier.yaml")
    with pytest.raises(
        Misconfigured, match=r"tier\.yaml:2: 'commerce\.tier' stands twice\. It is in small\.yaml:3"
    ):
        load(written(tmp_path))


def test_a_controller_is_named_once(tmp_path: Path) -> None:
    written(tmp_path, "controller: Somebody Else\n", "z.yaml")
    with pytest.raises(Misconfigured, match=r"z\.yaml:1: 'controller' stands twice"):
        load(written(tmp_path))
    with pytest.raises(Misconfigured, match=r"no file names a controller"):
        load(written(tmp_path / "none", SMALL.replace("controller: Corner Shop\n", "")))


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"no \*\.yaml file here"):
        load(tmp_path)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_bytes(b"a: \xff\xfe\x00")
    with pytest.raises(Misconfigured, match=r"small\.yaml:1: this is not YAML"):
        load(tmp_path)


def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"small\.yaml:1: the file is not a mapping"):
        load(written(tmp_path, "- a\n- b\n"))
