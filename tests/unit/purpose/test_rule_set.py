"""Two rule sets differ exactly where their catalogues and laws do, and stored values keep their meaning."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from functools import cache

from discretion.catalogue.attribute_register import find_next_number
from discretion.catalogue.load import load_catalogue
from discretion.catalogue.model import Attribute, Basis, Catalogue, ValueType
from discretion.law.load import load_lawbook
from discretion.purpose.permission_engine import PermissionEngine
from discretion.purpose.rule_set import (
    RuleSet,
    compare_rule_sets,
    describe_rules,
    find_rule_conflicts,
    parse_sections,
    render_sections,
)

POINTS = "commerce.loyaltyPoints"
GUARD = "essential.service.security"
PRINT_VERSION = """
from tests.unit.purpose.test_rule_set import read_shipped_rules
print(read_shipped_rules().version)
"""


@cache
def read_shipped_catalogue() -> Catalogue:
    """Return the shipped catalogue, read once."""
    return load_catalogue(None)


@cache
def read_shipped_rules() -> RuleSet:
    """Return the shipped rules."""
    return describe_catalogue(read_shipped_catalogue())


def describe_catalogue(catalogue: Catalogue) -> RuleSet:
    """Return the rules of a catalogue under the shipped laws."""
    lawbook = load_lawbook(None, read_shipped_catalogue())
    return describe_rules(catalogue, lawbook, PermissionEngine(catalogue, lawbook.consent_law))


def replace_attribute(path: str, attribute: Attribute | None) -> RuleSet:
    """Return the shipped rules with another attribute under a path, or none."""
    attributes = dict(read_shipped_catalogue().attributes)
    del attributes[path]
    if attribute is not None:
        attributes[attribute.path] = attribute
    return describe_catalogue(replace(read_shipped_catalogue(), attributes=attributes))


def test_the_version_is_the_same_in_every_process() -> None:
    """Python orders sets differently in each process."""
    command = [sys.executable, "-c", PRINT_VERSION]
    printed = {subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2)}
    assert printed == {f"{read_shipped_rules().version}\n"}


def test_stored_sections_are_read_unchanged() -> None:
    """The difference to rules in force is computed from their text."""
    rules = read_shipped_rules()
    restored = replace(rules, sections=parse_sections(render_sections(rules.sections)))
    assert restored == rules
    assert compare_rule_sets(restored, rules) == []


def test_a_changed_attribute_is_shown_with_what_changed() -> None:
    """Also a change that has no name of its own changes the version."""
    shipped = read_shipped_catalogue().attributes[POINTS]
    for changed in (replace(shipped, retention="P1Y"), replace(shipped, description="Other words.")):
        rules = replace_attribute(POINTS, changed)
        assert rules.version != read_shipped_rules().version
        assert rules.permissions == read_shipped_rules().permissions
        (change,) = compare_rule_sets(read_shipped_rules(), rules)
        assert (change.section, change.key) == ("attribute", POINTS)
        (fact,) = change.list_differing_facts()
        assert fact in (("retention", shipped.retention, "P1Y"), ("other", fact[1], fact[2]))


def test_added_and_removed_attributes_are_shown_and_permitted() -> None:
    """Values that are no longer declared stay, and keep their number."""
    without = replace_attribute(POINTS, None)
    (change,) = compare_rule_sets(read_shipped_rules(), without)
    assert (change.key, change.after) == (POINTS, None)
    assert change.list_differing_facts() == []
    (change,) = compare_rule_sets(without, read_shipped_rules())
    assert (change.key, change.before) == (POINTS, None)
    assert find_rule_conflicts(read_shipped_rules(), without) == []
    assert find_rule_conflicts(without, read_shipped_rules()) == []


def test_a_stored_value_gets_no_other_type_or_seal() -> None:
    """A type, a seal, and a number that another attribute takes over."""
    shipped = read_shipped_catalogue().attributes[POINTS]
    for changed in (
        replace(shipped, type=ValueType.STRING),
        replace(shipped, many=True),
        replace(shipped, sealed=not shipped.sealed),
        replace(shipped, path="commerce.points"),
    ):
        (conflict,) = find_rule_conflicts(read_shipped_rules(), replace_attribute(POINTS, changed))
        assert conflict.number == shipped.number
        assert conflict.advice


def test_a_new_number_gives_an_attribute_another_type_or_seal() -> None:
    """As the refusal of the old number advises; the values under that number keep their meaning."""
    shipped = read_shipped_catalogue().attributes[POINTS]
    number = find_next_number(read_shipped_catalogue().register)
    for changed in (replace(shipped, type=ValueType.STRING), replace(shipped, sealed=not shipped.sealed)):
        (conflict,) = find_rule_conflicts(read_shipped_rules(), replace_attribute(POINTS, changed))
        assert f"or give it number {number}" in conflict.advice
        renumbered = replace_attribute(POINTS, replace(changed, number=number))
        assert find_rule_conflicts(read_shipped_rules(), renumbered) == []
        (change,) = compare_rule_sets(read_shipped_rules(), renumbered)
        assert ("number", str(shipped.number), str(number)) in change.list_differing_facts()


def test_another_legal_basis_changes_the_permissions() -> None:
    """The purpose is shown with both bases; laws and attributes are not."""
    catalogue = read_shipped_catalogue()
    purpose = replace(catalogue.purposes[GUARD], basis=Basis.CONSENT)
    rules = describe_catalogue(replace(catalogue, purposes={**catalogue.purposes, GUARD: purpose}))
    assert rules.permissions != read_shipped_rules().permissions
    (change,) = compare_rule_sets(read_shipped_rules(), rules)
    assert (change.section, change.key) == ("purpose", GUARD)
    assert change.list_differing_facts() == [("basis", "legitimate_interest", "consent")]
