"""YAML is loaded into a frozen model, whose version is a digest of its meaning."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.attribute_register import find_next_number
from discretion.catalogue.computation import Computation, Fold
from discretion.catalogue.load import find_shipped_catalogue, load_catalogue
from discretion.catalogue.model import Channel, Form, Sensitivity, ValueType
from discretion.errors import Misconfigured
from tests.unit.catalogue.small_catalogue import SMALL_CATALOGUE, write_catalogue


def test_an_entry_is_loaded_with_its_defaults(tmp_path: Path) -> None:
    attribute = load_catalogue(write_catalogue(tmp_path)).attributes["contact.address.postalCode"]
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


def test_a_trait_has_the_name_of_its_attribute_by_default(tmp_path: Path) -> None:
    attributes = load_catalogue(write_catalogue(tmp_path)).attributes
    assert attributes["commerce.tier"].traits == ("tier",)
    assert attributes["commerce.spend"].traits == ()


def test_context_paths_are_only_those_declared(tmp_path: Path) -> None:
    """Attributes and identifier types have them in declared order: the first path with a value wins."""
    text = SMALL_CATALOGUE.replace(
        "    identifier: email\n", "    identifier: email\n    context: [mail, user.mail]\n"
    )
    catalogue = load_catalogue(
        write_catalogue(tmp_path, text.replace("description: Cookie.", "description: Cookie., context: [id]"))
    )
    assert {
        path: attribute.context for path, attribute in catalogue.attributes.items() if attribute.context
    } == {"contact.email": ("mail", "user.mail")}
    assert {key: identifier_type.context for key, identifier_type in catalogue.identifiers.items()} == {
        "email": (),
        "cookie": ("id",),
    }


def test_a_computed_attribute_has_its_computation(tmp_path: Path) -> None:
    spend = load_catalogue(write_catalogue(tmp_path)).attributes["commerce.spend"]
    assert spend.computed == Computation(Fold.SUM, ("Order Completed",), "total", is_distinct=True)


def test_an_attribute_computed_in_one_channel_comes_from_that_channel(tmp_path: Path) -> None:
    text = SMALL_CATALOGUE.replace("property: total}", "property: total, channel: web}")
    assert load_catalogue(write_catalogue(tmp_path, text)).attributes["commerce.spend"].channels == {
        Channel.WEB
    }


def test_an_event_declares_its_required_properties(tmp_path: Path) -> None:
    event = load_catalogue(write_catalogue(tmp_path)).events["Order Completed"]
    assert {event_property.name: event_property.required for event_property in event.properties} == {
        "total": True,
        "order_id": False,
        "shop": False,
    }
    assert event.channels == {Channel.WEB}


def test_attributes_are_in_the_order_of_their_groups() -> None:
    catalogue = load_catalogue()
    groups = list(catalogue.groups)
    positions = [groups.index(attribute.group) for attribute in catalogue.attributes.values()]
    assert positions == sorted(positions)


def test_texts_that_yaml_would_convert_stay_texts(tmp_path: Path) -> None:
    """``NO`` is Norway, not false; ``08`` is a code, not an octal number."""
    text = SMALL_CATALOGUE.replace("[bronze, gold]", "[NO, 08, 1e3, null, 2026-01-01]")
    values = load_catalogue(write_catalogue(tmp_path, text)).attributes["commerce.tier"].values
    assert values == ("NO", "08", "1e3", "null", "2026-01-01")


def test_the_version_does_not_depend_on_how_the_yaml_is_written(tmp_path: Path) -> None:
    document = yaml.load(SMALL_CATALOGUE, yaml.BaseLoader)
    split_folder = tmp_path / "spread"
    split_folder.mkdir()
    defaults = {"defaults": document.pop("defaults")}
    for section in reversed(document):
        with_defaults = defaults if section in {"attributes", "events"} else {}
        (split_folder / f"{section}.yaml").write_text(
            json.dumps({section: document[section], **with_defaults}, indent=3), "utf-8"
        )
    commented = load_catalogue(write_catalogue(tmp_path / "one", "# a comment\n\n" + SMALL_CATALOGUE))
    assert (
        commented.version
        == load_catalogue(split_folder).version
        == load_catalogue(write_catalogue(tmp_path / "two")).version
    )


def test_the_version_changes_with_the_meaning(tmp_path: Path) -> None:
    texts = [
        SMALL_CATALOGUE,
        SMALL_CATALOGUE.replace("P1Y", "P2Y"),
        SMALL_CATALOGUE.replace("Tier.", "Level."),
        SMALL_CATALOGUE.replace("coarse:", "masked:"),
    ]
    versions = {load_catalogue(write_catalogue(tmp_path, text)).version for text in texts}
    assert len(versions) == len(texts)
    assert {len(version) for version in versions} == {16}


def test_an_attribute_is_added_with_one_entry(tmp_path: Path) -> None:
    """The example of schema/README.md is added to the shipped catalogue."""
    readme = (find_shipped_catalogue().parent / "README.md").read_text("utf-8")
    next_number = find_next_number(load_catalogue().register)
    entry = readme.partition("```yaml\n")[2].partition("```")[0]
    entry = re.sub(r"number: \d+", f"number: {next_number}", entry)
    for path in find_shipped_catalogue().glob("*.yaml"):
        text = path.read_text("utf-8")
        write_catalogue(tmp_path, text + (entry if path.stem == "preferences" else ""), path.name)
    before, after = load_catalogue(), load_catalogue(tmp_path)
    added = after.attributes["preferences.giftWrapping"]
    assert after.attributes.keys() - before.attributes.keys() == {"preferences.giftWrapping"}
    assert {
        path: attribute for path, attribute in after.attributes.items() if attribute is not added
    } == before.attributes
    assert added.uses
    assert added.retention == "P3Y"
    assert added.traits == ("giftWrapping",)
    assert after.register.keys() - before.register.keys() == {next_number}
    restored = replace(after, version=before.version, attributes=before.attributes, register=before.register)
    assert vars(restored) == {field.name: getattr(before, field.name) for field in fields(before)}


@given(st.data())
def test_a_corrupted_text_gives_a_catalogue_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Deleted, repeated, moved or truncated lines never raise an unexpected error."""
    lines = SMALL_CATALOGUE.splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        index = data.draw(st.integers(0, len(lines) - 1))
        other_index = data.draw(st.integers(0, len(lines) - 1))
        column = data.draw(st.integers(0, len(lines[index])))
        lines[index : index + 1] = data.draw(
            st.sampled_from(
                [
                    [],
                    [lines[index]] * 2,
                    [lines[other_index]],
                    [lines[index][:column]],
                    [lines[index][column:]],
                ]
            )
        ) or [""]
    folder = write_catalogue(tmp_path_factory.getbasetemp() / "corrupted", "\n".join(lines))
    code = "CATALOGUE_INVALID"
    try:
        load_catalogue(folder)
    except Misconfigured as refusal:
        code = refusal.code
    assert code == "CATALOGUE_INVALID"
