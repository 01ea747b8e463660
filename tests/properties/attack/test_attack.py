"""Whoever has not proven an identifier reaches nothing behind it, and no claim takes anything."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from tests.fixtures.examples import scale_examples
from tests.fixtures.platform import PlatformUnderTest, open_platform
from tests.properties.attack.mutants import MUTANTS, Mutant
from tests.properties.attack.outcome import run_attack
from tests.properties.attack.world import Action, actions
from tests.properties.settings import PROPERTY_SETTINGS, LoopRunner

MAX_ACTIONS = 8


@pytest.fixture(scope="module")
def platform(
    loop: LoopRunner, mongo_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PlatformUnderTest]:
    """Yield one platform for all examples; each example empties it."""
    yield from loop.enter(open_platform(mongo_url, tmp_path_factory.mktemp("attack")))


@given(attack=st.lists(actions(), max_size=MAX_ACTIONS))
@settings(PROPERTY_SETTINGS, max_examples=scale_examples(60))
def test_a_stranger_takes_nothing_from_anybody(
    loop: LoopRunner, platform: PlatformUnderTest, attack: list[Action]
) -> None:
    """Neither data nor place nor value nor consent, whatever they type, present and confirm."""
    assert loop.run(run_attack(platform, attack)) == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_guard_is_needed(
    loop: LoopRunner, platform: PlatformUnderTest, monkeypatch: pytest.MonkeyPatch, mutant: Mutant
) -> None:
    """Without it, some attack takes something."""
    mutant.remove(monkeypatch)
    attacks = st.lists(actions(), min_size=1, max_size=MAX_ACTIONS)

    def succeeds(attack: list[Action]) -> bool:
        return loop.run(run_attack(platform, attack)) != []

    # It raises if no attack succeeds.
    find(attacks, succeeds, settings=settings(PROPERTY_SETTINGS, max_examples=300, phases=(Phase.generate,)))
