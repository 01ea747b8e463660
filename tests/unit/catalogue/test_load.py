"""YAML becomes the model, whole and frozen; its version is its meaning."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.load import load, shipped
from discretion.catalogue.model import Channel, Computed, Fold, Form, Sensitivity, ValueType
from discretion.errors import Misconfigured
from tests.unit.catalogue.small_catalogue import SMALL, written


def test_an_entry_becomes_an_attribute_complete_with_defaults(tmp_path: Path) -> None:
    attribute = load(written(tmp_path)).attributes["contact.address.postalCode"]
    assert attribute.type is ValueType.STRING
    assert attribute.sealed
    assert attribute.retention == "P1Y"
    assert attribute.channels == frozenset(Channel)
    assert attribute.sensitivity is Sensitivity.MEDIUM
    assert attribute.traits == ("address.postalCode",)
    assert [(use.purpose.key, use.form) for use in attribute.uses] == [
        ("essential.legal_obligation", Form.CLEAR),
        ("functional.service", Form.COARSE),
    ]


def test_a_trait_is_called_as_the_attribute_unless_it_says_otherwise(tmp_path: Path) -> None:
    attributes = load(written(tmp_path)).attributes
    assert attributes["commerce.tier"].traits == ("tier",)
    assert attributes["commerce.spend"].traits == ()


def test_places_in_the_context_are_only_those_that_are_named(tmp_path: Path) -> None:
    """Of attributes and of identifier types; in order, as the first found wins."""
    named = SMALL.replace(
        "    identifier: email\n", "    identifier: email\n    context: [mail, user.mail]\n"
    )
    held = load(
        written(tmp_path, named.replace("description: Cookie.", "description: Cookie., context: [id]"))
    )
    assert {path: one.context for path, one in held.attributes.items() if one.context} == {
        "contact.email": ("mail", "user.mail")
    }
    assert {key: one.context for key, one in held.identifiers.items()} == {"email": (), "cookie": ("id",)}


def test_a_computed_attribute_says_how_it_follows(tmp_path: Path) -> None:
    spend = load(written(tmp_path)).attributes["commerce.spend"]
    assert spend.computed == Computed(Fold.SUM, ("Order Completed",), "total")


def test_an_attribute_computed_in_one_channel_comes_from_that_channel(tmp_path: Path) -> None:
    text = SMALL.replace("property: total}", "property: total, channel: web}")
    assert load(written(tmp_path, text)).attributes["commerce.spend"].channels == {Channel.WEB}


def test_an_event_knows_which_properties_it_needs(tmp_path: Path) -> None:
    event = load(written(tmp_path)).events["Order Completed"]
    assert {one.name: one.required for one in event.properties} == {"total": True, "shop": False}
    assert event.channels == {Channel.WEB}


def test_attributes_stand_in_the_order_of_their_groups() -> None:
    catalogue = load()
    order = list(catalogue.groups)
    places = [order.index(attribute.group) for attribute in catalogue.attributes.values()]
    assert places == sorted(places)


def test_texts_that_yaml_would_change_stay_texts(tmp_path: Path) -> None:
    """``NO`` is Norway, not false; ``08`` is a code, not a broken octal."""
    text = SMALL.replace("[bronze, gold]", "[NO, 08, 1e3, null, 2026-01-01]")
    values = load(written(tmp_path, text)).attributes["commerce.tier"].values
    assert values == ("NO", "08", "1e3", "null", "2026-01-01")


def test_the_version_does_not_depend_on_how_the_yaml_is_written(tmp_path: Path) -> None:
    plain = yaml.load(SMALL, yaml.BaseLoader)
    spread = tmp_path / "spread"
    spread.mkdir()
    defaults = {"defaults": plain.pop("defaults")}
    for name in reversed(plain):
        with_defaults = defaults if name in {"attributes", "events"} else {}
        (spread / f"{name}.yaml").write_text(
            json.dumps({name: plain[name], **with_defaults}, indent=3), "utf-8"
        )
    one = load(written(tmp_path / "one", "# a comment\n\n" + SMALL))
    assert one.version == load(spread).version == load(written(tmp_path / "two")).version


def test_the_version_changes_with_the_meaning(tmp_path: Path) -> None:
    texts = [
        SMALL,
        SMALL.replace("P1Y", "P2Y"),
        SMALL.replace("Tier.", "Level."),
        SMALL.replace("coarse:", "masked:"),
    ]
    versions = {load(written(tmp_path, text)).version for text in texts}
    assert len(versions) == len(texts)
    assert {len(version) for version in versions} == {16}


def test_adding_an_attribute_is_one_entry(tmp_path: Path) -> None:
    """The example of schema/README.md, added to the shipped catalogue as it stands there."""
    readme = (shipped().parent / "README.md").read_text("utf-8")
    entry = readme.partition("```yaml\n")[2].partition("```")[0]
    for path in shipped().glob("*.yaml"):
        text = path.read_text("utf-8")
        written(tmp_path, text + (entry if path.stem == "preferences" else ""), path.name)
    before, after = load(), load(tmp_path)
    added = after.attributes["preferences.giftWrapping"]
    assert after.attributes.keys() - before.attributes.keys() == {"preferences.giftWrapping"}
    assert {path: one for path, one in after.attributes.items() if one is not added} == before.attributes
    assert added.uses
    assert added.retention == "P3Y"
    assert added.traits == ("giftWrapping",)
    assert replace(after, version=before.version, attributes=before.attributes) == before


@given(st.data())
def test_no_mishap_in_a_text_makes_anything_but_a_catalogue_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Lines lost, doubled, moved or cut short never end in a traceback."""
    lines = SMALL.splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        here = data.draw(st.integers(0, len(lines) - 1))
        there = data.draw(st.integers(0, len(lines) - 1))
        cut = data.draw(st.integers(0, len(lines[here])))
        lines[here : here + 1] = data.draw(
            st.sampled_from([[], [lines[here]] * 2, [lines[there]], [lines[here][:cut]], [lines[here][cut:]]])
        ) or [""]
    folder = written(tmp_path_factory.getbasetemp() / "mishap", "\n".join(lines))
    code = "CATALOGUE_INVALID"
    try:
        load(folder)
    except Misconfigured as refusal:
        code = refusal.code
    assert code == "CATALOGUE_INVALID"
