"""The rules in force in a database: which process agrees with them, and how other rules replace them.

Rules are put in force by the first start on a fresh database and by ``discretion rules activate``, never by
another start or command. A process whose rules are not in force does not start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from discretion.catalogue.attribute_register import RegisteredAttribute
from discretion.errors import Conflict, Misconfigured
from discretion.purpose.permission_engine import PermissionEngine
from discretion.purpose.rule_set import (
    RuleChange,
    RuleSet,
    compare_rule_sets,
    find_rule_conflicts,
    parse_sections,
    render_sections,
)
from discretion.store.driver.database import Database
from discretion.store.rulebooks import Rulebook, RulebookStore
from discretion.store.schema.apply import apply_attribute_indexes


async def read_trusted_bits(database: Database, engine: PermissionEngine) -> dict[str, int]:
    """Return which purposes earlier rules decide in the same way.

    Returns:
        By the version of earlier rules, the bits of the purposes whose rules are unchanged. Stored
        permissions of that version can be trusted for these purposes until they are recomputed.
    """
    return {
        version: engine.compute_trusted_bits(purposes)
        for version, purposes in (await RulebookStore(database).list_purposes()).items()
        if version != engine.version
    }


async def require_rules_in_force(database: Database, rules: RuleSet, now_ms: int) -> None:
    """Refuse rules that are not in force. The rules of the first start on a fresh database become so.

    Raises:
        Misconfigured: ``RULES_NOT_IN_FORCE`` or ``RULES_SUPERSEDED``.
    """
    rulebooks = RulebookStore(database)
    in_force = await rulebooks.find_version_in_force()
    if in_force is None:
        # If another first start was faster, its rules are in force.
        await rulebooks.activate(_build_rulebook(1, rules, now_ms))
        in_force = await rulebooks.find_version_in_force()
        assert in_force is not None
    if in_force[0] == rules.version:
        return
    if await rulebooks.find_last_act(rules.version) is not None:
        raise build_superseded_error(rules.version, in_force[0])
    raise Misconfigured(
        "RULES_NOT_IN_FORCE",
        f"The catalogue and laws here are version {rules.version}; in force is {in_force[0]}.",
        "To see the difference and put yours in force, run: discretion rules activate. Otherwise start with "
        "the catalogue and laws in force.",
    )


def build_superseded_error(version: str, in_force: str) -> Misconfigured:
    """Return the refusal of a process whose rules were in force and are so no longer."""
    return Misconfigured(
        "RULES_SUPERSEDED",
        f"The catalogue and laws here, version {version}, were in force until others replaced them; in "
        f"force is {in_force}.",
        "Start with the catalogue and laws in force. To go back on purpose: discretion rules activate --back",
    )


@dataclass(frozen=True, slots=True)
class RuleActivation:
    """An act of putting rules in force, as it stands before it is confirmed.

    Attributes:
        database: The database.
        rules: The rules of this process.
        indexed_keys: Keys of the attributes that customers are filtered or sorted by with an index.
        in_force: The rules in force now, None in a fresh database.
        changes: What would change.
        is_return: Whether the rules were in force before, and others replaced them.
    """

    database: Database
    rules: RuleSet
    indexed_keys: Sequence[str]
    in_force: Rulebook | None
    changes: Sequence[RuleChange]
    is_return: bool

    @property
    def is_needed(self) -> bool:
        """Whether the rules are not in force yet."""
        return self.in_force is None or self.in_force.version != self.rules.version

    @property
    def changes_permissions(self) -> bool:
        """Whether the permissions of all customers have to be recomputed."""
        return self.in_force is not None and self.in_force.permissions != self.rules.permissions

    def list_changed_purposes(self) -> dict[str, int]:
        """Return the purposes in force whose rules change, with their bits in stored permissions."""
        if self.in_force is None:
            return {}
        purposes: Mapping[str, Mapping[str, str]] = parse_sections(self.in_force.sections)["purpose"]
        return {
            key: int(facts["bit"])
            for key, facts in sorted(purposes.items())
            if self.in_force.purposes.get(key) != self.rules.purposes.get(key)
        }

    def list_retired_attributes(self) -> list[RegisteredAttribute]:
        """Return the attributes in force whose number is no longer declared, by number."""
        if self.in_force is None:
            return []
        declared = self.rules.register
        in_force = replace(self.rules, sections=parse_sections(self.in_force.sections)).register
        return [attribute for number, attribute in sorted(in_force.items()) if number not in declared]

    async def run(self, clock: Callable[[], int]) -> None:
        """Put the rules in force.

        Raises:
            Conflict: ``RULES_CHANGED``; others were put in force since the difference was computed.
        """
        if self.is_needed:
            number = 1 if self.in_force is None else self.in_force.number + 1
            rulebook = _build_rulebook(number, self.rules, clock())
            if not await RulebookStore(self.database).activate(rulebook):
                raise Conflict(
                    "RULES_CHANGED",
                    "Other rules were put in force meanwhile; nothing was changed.",
                    "Run the command again and read the difference anew.",
                )
        # Last, and also if the rules are in force already: it may have been interrupted here.
        await apply_attribute_indexes(self.database, self.indexed_keys)


async def prepare_activation(
    database: Database, rules: RuleSet, indexed_keys: Sequence[str]
) -> RuleActivation:
    """Compute what putting these rules in force would change; nothing is changed yet.

    Raises:
        Misconfigured: ``RULES_CONFLICT``; stored values of an attribute would get another meaning.
    """
    rulebooks = RulebookStore(database)
    in_force = await rulebooks.find_in_force()
    if in_force is None:
        return RuleActivation(database, rules, indexed_keys, None, (), is_return=False)
    before = RuleSet(
        in_force.version, in_force.permissions, in_force.purposes, parse_sections(in_force.sections)
    )
    if conflicts := find_rule_conflicts(before, rules):
        faults = "; ".join(conflict.fault for conflict in conflicts)
        advice = " ".join(conflict.advice for conflict in conflicts)
        raise Misconfigured(
            "RULES_CONFLICT",
            f"Stored values would get another meaning: {faults}.",
            f"In the catalogue: {advice}",
        )
    return RuleActivation(
        database,
        rules,
        indexed_keys,
        in_force,
        compare_rule_sets(before, rules),
        is_return=await rulebooks.find_last_act(rules.version) is not None,
    )


def _build_rulebook(number: int, rules: RuleSet, now_ms: int) -> Rulebook:
    return Rulebook(
        number, rules.version, rules.permissions, rules.purposes, render_sections(rules.sections), now_ms
    )
