"""Whoever has not proven an identifier reaches nothing behind it, and no claim takes anything."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from tests.fixtures.examples import scale_examples
from tests.fixtures.platform import PlatformUnderTest, open_platform
from tests.properties.attack.mutants import MUTANTS, Mutant
from tests.properties.attack.outcome import run_attacks
from tests.properties.attack.world import Action, actions
from tests.properties.settings import PROPERTY_SETTINGS, LoopRunner

MAX_ACTIONS = 8
POPULATIONS = itertools.count()


class Attacker:
    """Runs attacks on a platform. It is a class of its own because Hypothesis prints what a test gets."""

    def __init__(self, loop: LoopRunner, platform: PlatformUnderTest) -> None:
        self._loop = loop
        self._platform = platform

    def attack(self, attack: list[Action]) -> list[str]:
        """Run an attack on a population of its own, and return what it has changed for others."""
        number = next(POPULATIONS)
        changes: dict[int, list[str]] = self._loop.run(run_attacks(self._platform, {number: attack}))
        return changes[number]


@pytest.fixture(scope="module")
def attacker(
    loop: LoopRunner, mongo_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Attacker]:
    """Yield an attacker of one platform for all examples; each has a population of its own."""
    for platform in loop.enter(open_platform(mongo_url, tmp_path_factory.mktemp("attack"))):
        yield Attacker(loop, platform)


@given(attack=st.lists(actions(), max_size=MAX_ACTIONS))
@settings(PROPERTY_SETTINGS, max_examples=scale_examples(30))
def test_a_stranger_takes_nothing_from_anybody(attacker: Attacker, attack: list[Action]) -> None:
    """Neither data nor place nor value nor consent, whatever they type, present and confirm."""
    assert attacker.attack(attack) == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_guard_is_needed(attacker: Attacker, monkeypatch: pytest.MonkeyPatch, mutant: Mutant) -> None:
    """Without it, some attack takes something."""
    mutant.remove(monkeypatch)

    def succeeds(attack: list[Action]) -> bool:
        return attacker.attack(attack) != []

    # It raises if no attack succeeds.
    attacks = st.lists(actions(mutant.actions), min_size=2, max_size=MAX_ACTIONS)
    find(attacks, succeeds, settings=settings(PROPERTY_SETTINGS, max_examples=40, phases=(Phase.generate,)))
