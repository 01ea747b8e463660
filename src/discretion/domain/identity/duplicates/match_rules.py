"""The probabilistic match model: when two records without a common identifier are probably one person.

A comparison grades how far one feature of two records agrees, from its strongest level to its weakest. If no
level applies, the feature disagrees; a missing value counts neither way. Each level has two probabilities
(Fellegi and Sunter 1969): ``m`` among pairs of one person, ``u`` among pairs of two persons. They are the
start values of the training, and are used as they are if there are too few records to train on. For names,
birth date and address, they are the rounded result of unsupervised training on FEBRL's dataset 4. For e-mail
and phone they are estimates: records with the same address were joined by identity resolution already, and a
similar address usually consists of the same name, which another comparison has counted.

Only pairs that a blocking rule selects are compared. A million records then make millions of pairs and not
half a billion. The command and the benchmark use this one model.

The field names, values and texts of the classes here are hashed into ``MatchModel.version``, which is stored
with every suggestion: a change of any of them makes stored suggestions stale.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

import orjson

DEFAULT_THRESHOLD = 0.95
"""The probability from which a pair is suggested. It was fixed before any result was evaluated."""

DUPLICATE_SHARE = 0.02
"""The share of records that have a duplicate, assumed if there are too few records to estimate it."""

MIN_POPULATION = 1000
"""The least number of records that the share is applied to: with very few, any pair would seem likely."""

MIN_TRAINING_PAIRS = 100
"""Pairs that agree in the first ``sure`` rule from which on training gives better values than those here."""

SURE_BLOCK_RECALL = 0.8
"""The share of all duplicates that agree in one of the ``sure`` rules, for the estimate of their number."""


class AgreementRule(StrEnum):
    """How two values agree, with ``limit`` and ``other`` of the check."""

    SAME = "same"
    EDITS = "edits"  # a Damerau-Levenshtein distance of at most `limit`
    SPELLED = "spelled"  # a Jaro-Winkler similarity of at least `limit`
    MONTHS = "months"  # dates at most `limit` months apart
    SWAPPED = "swapped"  # the value is in the feature `other` of the other record


@dataclass(frozen=True, slots=True)
class FeatureCheck:
    """A test of one feature of two records."""

    feature: str
    rule: AgreementRule
    limit: float = 0
    other: str = ""


@dataclass(frozen=True, slots=True)
class AgreementLevel:
    """One degree of agreement: all ``checks`` hold. ``says`` is the text that a steward reads."""

    says: str
    m: float
    u: float
    checks: tuple[FeatureCheck, ...]


@dataclass(frozen=True, slots=True)
class FeatureComparison:
    """One or more features that are graded together, with their levels, the strongest first.

    Features that depend on each other, such as those of an address, form one comparison: separately, they
    would count the same agreement several times. With ``frequency``, agreement of the strongest level weighs
    more in a rare value than in a common one.
    """

    name: str
    levels: tuple[AgreementLevel, ...]
    frequency: bool = False

    @property
    def features(self) -> tuple[str, ...]:
        """The graded features; if all of them are missing on one side, the comparison counts neither way."""
        return tuple(dict.fromkeys(check.feature for level in self.levels for check in level.checks))

    @property
    def needs(self) -> frozenset[str]:
        """Every feature that a check reads, including the other feature of a swap."""
        checks = (check for level in self.levels for check in level.checks)
        return frozenset(name for check in checks for name in (check.feature, check.other) if name)

    def describe_grade(self, grade: int) -> str:
        """Return the text of a grade: the highest is the strongest level, 0 disagreement, -1 missing."""
        if grade < 0:
            return MISSING
        return DIFFERENT if grade == 0 else self.levels[len(self.levels) - grade].says


MISSING, DIFFERENT = "missing", "different"


@dataclass(frozen=True, slots=True)
class BlockingRule:
    """A rule that selects pairs for comparison: these terms are equal on both sides, or crosswise equal."""

    terms: tuple[str, ...]
    crossed: bool = False


@dataclass(frozen=True, slots=True)
class MatchModel:
    """A complete match model.

    Attributes:
        comparisons: What is graded.
        blocks: Rules that select the pairs to compare.
        sure: Rules that hardly ever hold for two different persons.
        trained: Rules whose pairs are partly one person and partly two, from which ``m`` is learned.
    """

    comparisons: tuple[FeatureComparison, ...]
    blocks: tuple[BlockingRule, ...]
    sure: tuple[BlockingRule, ...]
    trained: tuple[BlockingRule, ...]

    def restrict_to(self, features: Collection[str]) -> MatchModel:
        """Return the part of the model that applies to records with only these features."""
        return MatchModel(
            tuple(comparison for comparison in self.comparisons if comparison.needs <= set(features)),
            *(
                tuple(block for block in blocks if all(_feature_of(term) in features for term in block.terms))
                for blocks in (self.blocks, self.sure, self.trained)
            ),
        )

    def extend(self, comparisons: tuple[FeatureComparison, ...], block: BlockingRule) -> MatchModel:
        """Return the model with more comparisons and one more rule in ``blocks``, ``sure``, ``trained``."""
        added_blocks = (block,)
        return MatchModel(
            self.comparisons + comparisons,
            self.blocks + added_blocks,
            self.sure + added_blocks,
            self.trained + added_blocks,
        )

    def without_frequencies(self) -> MatchModel:
        """Return the model without frequencies: among few records, the rarity of a value means nothing."""
        return replace(
            self, comparisons=tuple(replace(comparison, frequency=False) for comparison in self.comparisons)
        )

    @property
    def version(self) -> str:
        """12 hexadecimal digits of SHA-256 over the whole model."""
        return hashlib.sha256(orjson.dumps(asdict(self))).hexdigest()[:12]


def _feature_of(term: str) -> str:
    """Return the feature in a term such as ``substr(birth_date, 1, 4)``."""
    return term.partition("(")[2].partition(",")[0] or term


def normalise_feature(value: str | None) -> str | None:
    """Return a value without accents, case and redundant spaces; None if nothing remains."""
    if value is None:
        return None
    decomposed = unicodedata.normalize("NFKD", value.casefold())
    characters = "".join(character for character in decomposed if not unicodedata.combining(character))
    return " ".join(characters.split()) or None


def build_comparison(
    feature: str, *levels: tuple[str, float, float, AgreementRule, float], frequency: bool = False
) -> FeatureComparison:
    """Build a comparison of one feature. Each level is ``(text, m, u, rule, limit)``."""
    built_levels = (
        AgreementLevel(says, m, u, (FeatureCheck(feature, rule, limit),))
        for says, m, u, rule, limit in levels
    )
    return FeatureComparison(feature, tuple(built_levels), frequency)


def _build_name_comparison(feature: str, other: str) -> FeatureComparison:
    comparison = build_comparison(
        feature,
        ("the same", 0.75, 0.0035, AgreementRule.SAME, 0),
        ("spelled nearly the same", 0.14, 0.001, AgreementRule.SPELLED, 0.92),
        ("spelled alike", 0.02, 0.0007, AgreementRule.SPELLED, 0.88),
        ("spelled somewhat alike", 0.02, 0.02, AgreementRule.SPELLED, 0.7),
        frequency=True,
    )
    swapped = AgreementLevel(
        "in place of the other name",
        0.05,
        0.0003,
        (FeatureCheck(feature, AgreementRule.SWAPPED, other=other),),
    )
    return replace(comparison, levels=(comparison.levels[0], swapped, *comparison.levels[1:]))


_STREET, _NEARLY_STREET = (
    FeatureCheck("street", AgreementRule.SAME),
    FeatureCheck("street", AgreementRule.EDITS, 2),
)
_ROUGHLY_STREET = FeatureCheck("street", AgreementRule.EDITS, 5)
_POSTAL_CODE, _NEARLY_POSTAL_CODE = (
    FeatureCheck("postal_code", AgreementRule.SAME),
    FeatureCheck("postal_code", AgreementRule.EDITS, 1),
)
_CITY, _NEARLY_CITY = (
    FeatureCheck("city", AgreementRule.SAME),
    FeatureCheck("city", AgreementRule.SPELLED, 0.9),
)

_ADDRESS = FeatureComparison(
    "address",
    (
        AgreementLevel("the same street and postal code", 0.4, 0.00001, (_STREET, _POSTAL_CODE)),
        AgreementLevel("the same street", 0.1, 0.0001, (_STREET,)),
        AgreementLevel(
            "nearly the same street, the same postal code", 0.2, 0.00001, (_NEARLY_STREET, _POSTAL_CODE)
        ),
        AgreementLevel("nearly the same street and city", 0.05, 0.00001, (_NEARLY_STREET, _NEARLY_CITY)),
        AgreementLevel(
            "roughly the same street and postal code", 0.1, 0.0001, (_ROUGHLY_STREET, _NEARLY_POSTAL_CODE)
        ),
        AgreementLevel("the same postal code and city", 0.05, 0.0001, (_POSTAL_CODE, _NEARLY_CITY)),
        AgreementLevel("the same city", 0.03, 0.001, (_CITY,)),
        AgreementLevel("the same postal code", 0.03, 0.001, (_POSTAL_CODE,)),
        AgreementLevel("nearly the same city", 0.01, 0.001, (_NEARLY_CITY,)),
    ),
)

BIRTH_YEAR = "substr(birth_date, 1, 4)"

MATCH_MODEL = MatchModel(
    comparisons=(
        _build_name_comparison("given_name", "family_name"),
        _build_name_comparison("family_name", "given_name"),
        build_comparison(
            "birth_date",
            ("the same", 0.96, 0.0002, AgreementRule.SAME, 0),
            ("one digit apart", 0.02, 0.001, AgreementRule.EDITS, 1),
            ("within a month", 0.002, 0.0015, AgreementRule.MONTHS, 1),
            ("within a year", 0.002, 0.02, AgreementRule.MONTHS, 12),
            ("within ten years", 0.002, 0.17, AgreementRule.MONTHS, 120),
        ),
        _ADDRESS,
        build_comparison(
            "email",
            ("the same", 0.05, 0.00001, AgreementRule.SAME, 0),
            ("a letter or two apart", 0.15, 0.00002, AgreementRule.EDITS, 2),
        ),
        build_comparison(
            "phone",
            ("the same", 0.05, 0.00001, AgreementRule.SAME, 0),
            ("one digit apart", 0.15, 0.00002, AgreementRule.EDITS, 1),
        ),
    ),
    blocks=(
        BlockingRule(("given_name", "family_name")),
        BlockingRule(("given_name", "family_name"), crossed=True),
        BlockingRule(("birth_date",)),
        BlockingRule(("street",)),
        BlockingRule(("postal_code", "family_name")),
        BlockingRule(("postal_code", "given_name")),
        BlockingRule(("postal_code", BIRTH_YEAR)),
        BlockingRule(("city", BIRTH_YEAR)),
        BlockingRule(("city", "substr(birth_date, 6, 5)")),
        BlockingRule(("phone",)),
        BlockingRule(("email",)),
    ),
    sure=(BlockingRule(("given_name", "family_name", "birth_date")),),
    trained=(BlockingRule(("birth_date",)), BlockingRule(("given_name", "family_name"))),
)
"""The model by which Discretion compares customers."""
