"""Matched pairs compared with true pairs at a threshold, and the figures that Splink publishes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from discretion.domain.identity.duplicates.comparison import MatchedPair
from tests.bench.identity.febrl import TruePairs

THRESHOLDS = (0.5, 0.8, 0.9, 0.95, 0.99, 0.999)


@dataclass(frozen=True)
class Counts:
    """Numbers of true positive (tp), false positive (fp) and false negative (fn) pairs."""

    tp: int
    fp: int
    fn: int

    @property
    def precision(self) -> float:
        """The share of matched pairs that are true pairs; 1 without matched pairs."""
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else 1.0

    @property
    def recall(self) -> float:
        """The share of true pairs that were matched."""
        return self.tp / (self.tp + self.fn)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return 2 * self.tp / (2 * self.tp + self.fp + self.fn)


SPLINK = {
    ("febrl4", 0.5): Counts(4992, 0, 8),
    ("febrl4", 0.99): Counts(4959, 0, 41),
    ("febrl3", 0.5): Counts(6448, 2, 90),
    ("febrl3", 0.99): Counts(6298, 0, 240),
}
"""From the notebook outputs in Splink's repository, also trained without labels."""

TARGETS = {"febrl4": (1.0, 0.992, 0.0), "febrl3": (0.0, 0.0, 0.993)}
"""Minimum precision, recall and F1 at the default threshold."""


def count_pairs(pairs: Sequence[MatchedPair], true_pairs: TruePairs, threshold: float) -> Counts:
    """Count the pairs at or above a threshold against the true pairs."""
    matched_pairs = {frozenset((pair.left, pair.right)) for pair in pairs if pair.score >= threshold}
    true_positives = len(matched_pairs & true_pairs)
    return Counts(true_positives, len(matched_pairs) - true_positives, len(true_pairs) - true_positives)


def meets_target(name: str, counts: Counts) -> bool:
    """Return whether a dataset reaches its target; a dataset without a target does."""
    minimums = TARGETS.get(name, (0.0, 0.0, 0.0))
    return all(
        figure >= minimum
        for figure, minimum in zip((counts.precision, counts.recall, counts.f1), minimums, strict=True)
    )


def compute_curve(pairs: Sequence[MatchedPair], true_pairs: TruePairs) -> tuple[list[float], list[float]]:
    """Return recall and precision after each pair, in order of decreasing probability."""
    recall, precision, true_positives = [], [], 0
    for number, pair in enumerate(pairs, 1):
        true_positives += frozenset((pair.left, pair.right)) in true_pairs
        recall.append(true_positives / len(true_pairs))
        precision.append(true_positives / number)
    return recall, precision
