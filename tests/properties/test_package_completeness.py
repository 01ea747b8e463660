"""A package contains every value that any source sent about its person, and no value of another person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from discretion.catalogue.load import load_catalogue
from discretion.catalogue.model import Attribute, EventProperty, ValueType
from discretion.law.jurisdiction import Right
from tests.fixtures.money import build_money
from tests.fixtures.package import CLIENT, FetchedPackage, request_package
from tests.fixtures.platform import PlatformUnderTest
from tests.fixtures.proofs import confirm_card

CATALOGUE = load_catalogue(None)
SOURCES = {"web-shop": "w", "tills": "L"}
PERSONS = {"ann": 1, "bob": 2}
SentValues = dict[tuple[str, ...], Any]
"""Sent values by their place in a package."""


def build_attribute_value(attribute: Attribute, person: str, number: int) -> Any:
    """Return a value of an attribute that no other person has, if its type has enough values."""
    if attribute.values:
        return attribute.values[0]
    if "ountry" in attribute.path or attribute.path == "contact.residence":
        return "DE"
    if attribute.path == "preferences.language":
        return "de"
    if attribute.identifier == "email":
        return f"canary-{person}@post.example"
    if attribute.identifier == "phone":
        return f"+44207946010{PERSONS[person]}"
    return build_value(attribute.type, person, attribute.path, number)


def build_value(kind: ValueType, person: str, name: str, number: int) -> Any:
    """Return a value of a type."""
    unique = PERSONS[person] * 1000 + number
    return {
        ValueType.STRING: f"canary-{person}-{name}-{number}",
        ValueType.INT: unique,
        ValueType.FLOAT: unique + 0.5,
        ValueType.BOOLEAN: True,
        ValueType.DATE: f"19{50 + PERSONS[person]}-01-02",
        ValueType.DATETIME: f"2026-01-0{PERSONS[person]}T10:00:00.000Z",
        ValueType.MONEY: f"{unique}.25",
    }[kind]


def build_property_value(event_property: EventProperty, person: str, number: int) -> Any:
    """Return a value of an event property that no other person has, if its type has enough values."""
    if event_property.name == "currency":
        return "EUR"
    value = (
        {member.name: build_property_value(member, person, number) for member in event_property.members}
        if event_property.type is ValueType.OBJECT
        else build_value(event_property.type, person, event_property.name, number)
    )
    return [value] if event_property.many else value


def build_answered_value(event_property: EventProperty, value: Any) -> Any:
    """Return a property's value as an answer has it: money with its currency."""
    if event_property.many:
        return [build_answered_value(replace(event_property, many=False), item) for item in value]
    if event_property.type is ValueType.OBJECT:
        return {
            member.name: build_answered_value(member, value[member.name]) for member in event_property.members
        }
    return build_money(value) if event_property.type is ValueType.MONEY else value


def build_identify(person: str, source: str) -> tuple[dict[str, Any], SentValues]:
    """Return a message with a value of every attribute that a source may send, and these values."""
    traits: dict[str, Any] = {}
    sent_values: SentValues = {}
    number = 100 * (1 + list(SOURCES).index(source))
    supply = CATALOGUE.supply_by_channel[CATALOGUE.sources[source].channel]
    for attribute in supply.attributes:
        if not attribute.traits:
            continue
        number += 1
        value = build_attribute_value(attribute, person, number)
        branch, (*steps, last) = traits, attribute.traits[0].split(".")
        for step in steps:
            branch = branch.setdefault(step, {})
        branch[last] = [value] if attribute.many else value
        sent_values["told", attribute.path, source] = branch[last]
    message = {
        "type": "identify",
        "messageId": f"{person}-{source}-i",
        "userId": f"{SOURCES[source]}-{person}",
        "traits": traits,
        "context": {"consent": {"categoryPreferences": {"marketing": True}}, "gpc": True},
    }
    if source == "web-shop":
        message = confirm_card(message, f"{SOURCES['tills']}-{person}")
    return message, sent_values


def build_tracks(person: str, source: str) -> Iterator[tuple[dict[str, Any], SentValues]]:
    """Yield an event of every type that a source may send, with every property, and these values."""
    channel = CATALOGUE.sources[source].channel
    for number, kind in enumerate(CATALOGUE.events.values()):
        if channel not in kind.channels or kind.key in ("page", "screen", "group"):
            continue
        properties = {
            event_property.name: build_property_value(event_property, person, number)
            for event_property in kind.properties
        }
        sent_values: SentValues = {
            ("events", kind.key, source, declared.name): build_answered_value(
                declared, properties[declared.name]
            )
            for declared in kind.properties
        }
        yield (
            {
                "type": "track",
                "messageId": f"{person}-{source}-{number}",
                "userId": f"{SOURCES[source]}-{person}",
                "event": kind.key,
                "properties": properties,
            },
            sent_values,
        )


async def send_both_people(platform: PlatformUnderTest) -> dict[str, SentValues]:
    """Send messages of two sources about two people in turn; return the values sent about each."""
    sent_values: dict[str, SentValues] = {person: {} for person in PERSONS}
    for source in SOURCES:
        sent = {person: [build_identify(person, source), *build_tracks(person, source)] for person in PERSONS}
        for pair in zip(*sent.values(), strict=True):
            results = await platform.send_messages(source, *(message for message, _ in pair))
            assert [(result["status"], result["dropped"]) for result in results["results"]] == [
                ("accepted", 0)
            ] * 2
            for person, (_, more_values) in zip(sent, pair, strict=True):
                sent_values[person] |= more_values
    return sent_values


def list_sent_values(package: FetchedPackage) -> SentValues:
    """Return the values in a package that were sent."""
    sent_values: SentValues = {
        ("told", entry["attribute"], entry["source"]): entry["value"]
        for entry in package.sections["told"]
        if not entry["inferred"]
    }
    for entry in package.sections["events"]:
        for name, value in entry["properties"].items():
            sent_values["events", entry["name"], entry["source"], name] = value
    return sent_values


async def test_a_package_has_all_values_of_its_person_and_none_of_another(
    platform: PlatformUnderTest,
) -> None:
    """This holds for both people, in every file of the package."""
    sent_values = await send_both_people(platform)
    for person, other in (("ann", "bob"), ("bob", "ann")):
        package = await request_package(platform, "email", f"canary-{person}@post.example")
        assert list_sent_values(package) == sent_values[person]
        content = b"".join(package.files.values())
        assert f"canary-{other}".encode() not in content
        assert f"+44207946010{PERSONS[other]}".encode() not in content
        for file in ("package.json", "package.html", "csv/told.csv"):
            texts = [
                entry
                for key, entry in sent_values[person].items()
                if key[0] == "told" and isinstance(entry, str)
            ]
            assert not [text for text in texts if text.encode() not in package.files[file]]
        names = {(entry["type"], entry["value"]) for entry in package.sections["identifiers"]}
        assert {("user_id", f"w-{person}"), ("loyalty_id", f"L-{person}")} <= names
        statements = {(entry["what"], entry["name"], entry["given"]) for entry in package.sections["said"]}
        assert {("choice", "marketing", True), ("signal", "gpc", False)} <= {
            (statement_kind, name.split(".")[0], package) for statement_kind, name, package in statements
        }
        assert {entry["purpose"].split(".")[0] for entry in package.sections["consents"]} >= {"marketing"}
        assert all(entry["receipt"].count(".") == 2 for entry in package.sections["consents"])
        (own_request,) = package.sections["requests"]
        assert (own_request["right"], own_request["state"]) == ("access", "accepted")


async def test_a_portability_package_has_no_inferred_data(platform: PlatformUnderTest) -> None:
    """GDPR Art. 20 covers what the person provided: no totals, no merges, no disclosures; no HTML page."""
    sent_values = await send_both_people(platform)
    package = await request_package(platform, "email", "canary-ann@post.example", Right.PORTABILITY)
    assert not {"values", "identity", "disclosures", "recipients"} & package.sections.keys()
    assert not [entry for entry in package.sections["told"] if entry["inferred"]]
    assert "package.html" not in package.files
    packaged = list_sent_values(package)
    assert packaged == {key: entry for key, entry in sent_values["ann"].items() if key in packaged}
    assert packaged["told", "contact.email", "web-shop"] == "canary-ann@post.example"
    assert packaged["events", "Order Completed", "web-shop", "order_id"].startswith("canary-ann")


async def test_the_package_of_a_merged_customer_has_the_values_of_both(platform: PlatformUnderTest) -> None:
    """It contains the values of both profiles, and the merge."""
    for person in ("ann", "bob"):
        await platform.send_messages(
            "web-shop",
            {
                "type": "identify",
                "messageId": person,
                "userId": person,
                "traits": {"firstName": f"canary-{person}", "email": f"{person}@post.example"},
            },
        )
    steward = platform.issue_token("steward", client=CLIENT)
    ids = [
        node["id"]
        for node in (await platform.query("{ customers { nodes { id } } }", steward))["data"]["customers"][
            "nodes"
        ]
    ]
    await platform.query(
        'mutation($i: [ID!]!) { merge(customers: $i, reason: "D-17", ownersInformed: true) { id } }',
        steward,
        {"i": ids},
    )
    package = await request_package(platform, "email", "ann@post.example")
    names = {
        entry["value"] for entry in package.sections["told"] if entry["attribute"] == "identity.givenName"
    }
    assert names == {"canary-ann", "canary-bob"}
    merges = [event for event in package.sections["identity"] if event["kind"] == "merged"]
    assert [merge["profiles"] for merge in merges] == [2]
    assert len(package.sections["records"]) == 2
