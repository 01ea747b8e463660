"""A package has every value its person was ever told of, by each source, and none of anybody else's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from discretion.catalogue.load import load
from discretion.catalogue.model import Attribute, Property, ValueType
from discretion.law.jurisdiction import Right
from tests.fixtures.package import CLIENT, Package, package
from tests.fixtures.platform import House

CATALOGUE = load(None)
SOURCES = {"web-shop": "w", "tills": "L"}
PERSONS = {"ann": 1, "bob": 2}
Told = dict[tuple[str, ...], Any]
"""What was sent, by where it is to be found in a package."""


def attribute_value(one: Attribute, who: str, number: int) -> Any:
    """A value that nobody else has, where its type has so many."""
    if one.values:
        return one.values[0]
    if one.path.endswith("country") or "ountry" in one.path:
        return "DE"
    if one.identifier == "email":
        return f"canary-{who}@post.example"
    if one.identifier == "phone":
        return f"+44770090010{PERSONS[who]}"
    return value(one.type, who, one.path, number)


def value(kind: ValueType, who: str, name: str, number: int) -> Any:
    """A value of a type."""
    unique = PERSONS[who] * 1000 + number
    return {
        ValueType.STRING: f"canary-{who}-{name}-{number}",
        ValueType.INT: unique,
        ValueType.FLOAT: unique + 0.5,
        ValueType.BOOLEAN: True,
        ValueType.DATE: f"19{50 + PERSONS[who]}-01-02",
        ValueType.DATETIME: f"2026-01-0{PERSONS[who]}T10:00:00.000Z",
        ValueType.MONEY: unique + 0.25,
    }[kind]


def property_value(one: Property, who: str, number: int) -> Any:
    """The same of an event's property."""
    if one.name == "currency":
        return "EUR"
    found = value(one.type, who, one.name, number)
    return [found] if one.many else found


def identifies(who: str, source: str) -> tuple[dict[str, Any], Told]:
    """A message with a value of every attribute that a source may tell."""
    traits: dict[str, Any] = {}
    told: Told = {}
    number = 100 * (1 + list(SOURCES).index(source))
    supply = CATALOGUE.supplied[CATALOGUE.sources[source].channel]
    for one in supply.attributes:
        if not one.traits:
            continue
        number += 1
        found = attribute_value(one, who, number)
        at, (*steps, last) = traits, one.traits[0].split(".")
        for step in steps:
            at = at.setdefault(step, {})
        at[last] = [found] if one.many else found
        told["told", one.path, source] = at[last]
    message = {
        "type": "identify",
        "messageId": f"{who}-{source}-i",
        "userId": f"{SOURCES[source]}-{who}",
        "traits": traits,
        "context": {"consent": {"categoryPreferences": {"marketing": True}}, "gpc": True},
    }
    return message, told


def tracks(who: str, source: str) -> Iterator[tuple[dict[str, Any], Told]]:
    """An event of every kind that a source may tell, with every property."""
    channel = CATALOGUE.sources[source].channel
    for number, kind in enumerate(CATALOGUE.events.values()):
        if channel not in kind.channels or kind.key in ("page", "screen", "group"):
            continue
        properties = {one.name: property_value(one, who, number) for one in kind.properties}
        told: Told = {("events", kind.key, source, name): found for name, found in properties.items()}
        yield (
            {
                "type": "track",
                "messageId": f"{who}-{source}-{number}",
                "userId": f"{SOURCES[source]}-{who}",
                "event": kind.key,
                "properties": properties,
            },
            told,
        )


async def planted(house: House) -> dict[str, Told]:
    """Two persons, told of in turn by two sources; what was told of each."""
    told: dict[str, Told] = {who: {} for who in PERSONS}
    for source in SOURCES:
        sent = {who: [identifies(who, source), *tracks(who, source)] for who in PERSONS}
        for pair in zip(*sent.values(), strict=True):
            results = await house.tell(source, *(message for message, _ in pair))
            assert [(one["status"], one["dropped"]) for one in results["results"]] == [("accepted", 0)] * 2
            for who, (_, more) in zip(sent, pair, strict=True):
                told[who] |= more
    return told


def found(given: Package) -> Told:
    """What of a package was planted."""
    told: Told = {
        ("told", one["attribute"], one["source"]): one["value"]
        for one in given.sections["told"]
        if not one["inferred"]
    }
    for one in given.sections["events"]:
        for name, shown in one["properties"].items():
            told["events", one["name"], one["source"], name] = shown
    return told


async def test_everything_of_one_and_nothing_of_another(house: House) -> None:
    """Of both, whichever asks: in every file of the package."""
    told = await planted(house)
    for who, other in (("ann", "bob"), ("bob", "ann")):
        given = await package(house, "email", f"canary-{who}@post.example")
        assert found(given) == told[who]
        whole = b"".join(given.files.values())
        assert f"canary-{other}".encode() not in whole
        assert f"+44770090010{PERSONS[other]}".encode() not in whole
        for file in ("package.json", "package.html", "csv/told.csv"):
            texts = [one for key, one in told[who].items() if key[0] == "told" and isinstance(one, str)]
            assert not [one for one in texts if one.encode() not in given.files[file]]
        names = {(one["type"], one["value"]) for one in given.sections["identifiers"]}
        assert {("user_id", f"w-{who}"), ("loyalty_id", f"L-{who}")} <= names
        said = {(one["what"], one["name"], one["given"]) for one in given.sections["said"]}
        assert {("choice", "marketing", True), ("signal", "gpc", False)} <= {
            (what, name.split(".")[0], given) for what, name, given in said
        }
        assert {one["purpose"].split(".")[0] for one in given.sections["consents"]} >= {"marketing"}
        assert all(one["receipt"].count(".") == 2 for one in given.sections["consents"])
        (mine,) = given.sections["requests"]
        assert (mine["right"], mine["state"]) == ("access", "accepted")


async def test_what_is_taken_elsewhere_has_nothing_inferred(house: House) -> None:
    """Art. 20 gives what the person provided: no totals, no merges, nobody's looks, and no page to read."""
    told = await planted(house)
    given = await package(house, "email", "canary-ann@post.example", Right.PORTABILITY)
    assert not {"values", "identity", "disclosures", "recipients"} & given.sections.keys()
    assert not [one for one in given.sections["told"] if one["inferred"]]
    assert "package.html" not in given.files
    got = found(given)
    assert got == {key: one for key, one in told["ann"].items() if key in got}
    assert got["told", "contact.email", "web-shop"] == "canary-ann@post.example"
    assert got["events", "Order Completed", "web-shop", "order_id"].startswith("canary-ann")


async def test_who_was_two_gets_what_both_were_told(house: House) -> None:
    """Both profiles' values, and how they became one."""
    for who in ("ann", "bob"):
        await house.tell(
            "web-shop",
            {
                "type": "identify",
                "messageId": who,
                "userId": who,
                "traits": {"firstName": f"canary-{who}", "email": f"{who}@post.example"},
            },
        )
    steward = house.token("steward", client=CLIENT)
    ids = [
        one["id"]
        for one in (await house.ask("{ customers { nodes { id } } }", steward))["data"]["customers"]["nodes"]
    ]
    await house.ask("mutation($i: [ID!]!) { merge(customers: $i) { id } }", steward, {"i": ids})
    given = await package(house, "email", "ann@post.example")
    names = {one["value"] for one in given.sections["told"] if one["attribute"] == "identity.givenName"}
    assert names == {"canary-ann", "canary-bob"}
    merges = [one for one in given.sections["identity"] if one["kind"] == "merged"]
    assert [one["profiles"] for one in merges] == [2]
    assert len(given.sections["records"]) == 2
