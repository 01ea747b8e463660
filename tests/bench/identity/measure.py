"""Pairs found beside pairs that are so: counts at a threshold, and what Splink publishes of itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from discretion.domain.identity.duplicates.comparison import Pair
from tests.bench.identity.febrl import Truth

THRESHOLDS = (0.5, 0.8, 0.9, 0.95, 0.99, 0.999)


@dataclass(frozen=True)
class Counts:
    """Pairs found that are one person (tp), found that are two (fp), and not found that are one (fn)."""

    tp: int
    fp: int
    fn: int

    @property
    def precision(self) -> float:
        """The share of what was found that is so; 1 if nothing was."""
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else 1.0

    @property
    def recall(self) -> float:
        """The share of what is so that was found."""
        return self.tp / (self.tp + self.fn)

    @property
    def f1(self) -> float:
        """Their harmonic mean."""
        return 2 * self.tp / (2 * self.tp + self.fp + self.fn)


SPLINK = {
    ("febrl4", 0.5): Counts(4992, 0, 8),
    ("febrl4", 0.99): Counts(4959, 0, 41),
    ("febrl3", 0.5): Counts(6448, 2, 90),
    ("febrl3", 0.99): Counts(6298, 0, 240),
}
"""From the outputs in the notebooks of Splink's own repository, trained without labels as here."""

TARGETS = {"febrl4": (1.0, 0.992, 0.0), "febrl3": (0.0, 0.0, 0.993)}
"""Least precision, recall and F1, at the threshold of the product."""


def count(pairs: Sequence[Pair], truth: Truth, threshold: float) -> Counts:
    """How the pairs from a threshold up stand to the truth."""
    found = {frozenset((one.left, one.right)) for one in pairs if one.score >= threshold}
    right = len(found & truth)
    return Counts(right, len(found) - right, len(truth) - right)


def met(name: str, counts: Counts) -> bool:
    """Whether a dataset's target is reached; one without a target reaches it."""
    least = TARGETS.get(name, (0.0, 0.0, 0.0))
    return all(a >= b for a, b in zip((counts.precision, counts.recall, counts.f1), least, strict=True))


def curve(pairs: Sequence[Pair], truth: Truth) -> tuple[list[float], list[float]]:
    """Recall and precision after each pair, the likeliest first."""
    recall, precision, right = [], [], 0
    for number, pair in enumerate(pairs, 1):
        right += frozenset((pair.left, pair.right)) in truth
        recall.append(right / len(truth))
        precision.append(right / number)
    return recall, precision
