"""When two records look like one person although they share no identifier: as data.

A comparison grades how far one feature of two records agrees, from its strongest level down; what no
level takes in is disagreement, and a missing value says nothing. Each level has two probabilities
(Fellegi and Sunter 1969): ``m`` among records of one person, ``u`` among those of two. They are where
training begins, and what counts where there is too little to train on. ``m`` and ``u`` of names, birth
date and address are what unsupervised training came to on FEBRL's dataset 4, rounded; those of e-mail and
phone are by judgement: records with the same address were joined before anybody looks here, and one that is
merely like another's is made of the same name, which has been counted.

Only pairs that a blocking rule brings together are compared at all, so that a million records make
millions of pairs and not half a billion. The command and the benchmark use this one description.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

import orjson

THRESHOLD = 0.95
"""The match probability from which a pair is suggested, fixed before any figure was looked at."""

EXPECTED = 0.02
"""The share of records that have a double, assumed where there is too little to estimate it from."""

AMONG = 1000
"""The fewest records that share is reckoned among: a handful are judged as the first of many."""

TRAINED_FROM = 100
"""Pairs that agree entirely in ``sure``, from which the data say more than the figures here."""

RECALL = 0.8
"""The share of all doubles that agree in one of ``sure``, for the estimate of how many there are."""


class Rule(StrEnum):
    """How two values agree; ``limit`` and ``other`` of the check complete it."""

    SAME = "same"
    EDITS = "edits"  # at most `limit` letters typed wrong, left out, added or changed places
    SPELLED = "spelled"  # a Jaro-Winkler similarity of at least `limit`
    MONTHS = "months"  # dates at most `limit` months apart
    SWAPPED = "swapped"  # the value stands in the feature `other` of the other record


@dataclass(frozen=True, slots=True)
class Check:
    """One feature of two records under one rule."""

    feature: str
    rule: Rule
    limit: float = 0
    other: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """One degree of agreement: all ``checks`` hold. ``says`` is what a steward reads."""

    says: str
    m: float
    u: float
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is graded as one, and its levels, the strongest first.

    Features that come and go together, such as those of an address, are one comparison: taken one by one
    they would count the same agreement again and again. With ``frequency`` agreement of the strongest
    level in a rare value of the feature weighs more than in a common one.
    """

    name: str
    levels: tuple[Level, ...]
    frequency: bool = False

    @property
    def features(self) -> tuple[str, ...]:
        """What is graded; if all of it is missing on one side, the comparison says nothing."""
        return tuple(dict.fromkeys(check.feature for level in self.levels for check in level.checks))

    @property
    def needs(self) -> frozenset[str]:
        """Every feature it looks at."""
        checks = (check for level in self.levels for check in level.checks)
        return frozenset(name for check in checks for name in (check.feature, check.other) if name)

    def says(self, grade: int) -> str:
        """What a grade says: the highest is the strongest level, 0 disagreement, -1 a missing value."""
        if grade < 0:
            return MISSING
        return DIFFERENT if grade == 0 else self.levels[len(self.levels) - grade].says


MISSING, DIFFERENT = "missing", "different"


@dataclass(frozen=True, slots=True)
class Block:
    """A rule that brings pairs together: these terms are equal on both sides, or crossed over."""

    terms: tuple[str, ...]
    crossed: bool = False


@dataclass(frozen=True, slots=True)
class Likeness:
    """A whole description.

    ``blocks`` bring pairs together, ``sure`` hold for hardly anyone but one person, and ``trained`` are
    blocks whose pairs are partly one person and partly two, from which ``m`` is learned.
    """

    comparisons: tuple[Comparison, ...]
    blocks: tuple[Block, ...]
    sure: tuple[Block, ...]
    trained: tuple[Block, ...]

    def of(self, features: Collection[str]) -> Likeness:
        """What remains of it for records that have only these features."""
        return Likeness(
            tuple(one for one in self.comparisons if one.needs <= set(features)),
            *(
                tuple(block for block in blocks if all(_column(term) in features for term in block.terms))
                for blocks in (self.blocks, self.sure, self.trained)
            ),
        )

    def and_also(self, comparisons: tuple[Comparison, ...], block: Block) -> Likeness:
        """With more comparisons, and a block that is sure and trained on besides."""
        more = (block,)
        return Likeness(
            self.comparisons + comparisons, self.blocks + more, self.sure + more, self.trained + more
        )

    def as_given(self) -> Likeness:
        """For records too few to learn from: how rare a value is among them says nothing either."""
        return replace(self, comparisons=tuple(replace(one, frequency=False) for one in self.comparisons))

    @property
    def version(self) -> str:
        """Changes with anything in the description."""
        return hashlib.sha256(orjson.dumps(asdict(self))).hexdigest()[:12]


def _column(term: str) -> str:
    """The feature in a term such as ``substr(birth_date, 1, 4)``."""
    return term.partition("(")[2].partition(",")[0] or term


def plain(value: str | None) -> str | None:
    """A value without accents, case and needless space; None if nothing is left."""
    if value is None:
        return None
    spread = unicodedata.normalize("NFKD", value.casefold())
    return " ".join("".join(one for one in spread if not unicodedata.combining(one)).split()) or None


def graded(
    feature: str, *levels: tuple[str, float, float, Rule, float], frequency: bool = False
) -> Comparison:
    """A comparison of one feature: for each level what it says, m, u, rule and limit."""
    made = (Level(says, m, u, (Check(feature, rule, limit),)) for says, m, u, rule, limit in levels)
    return Comparison(feature, tuple(made), frequency)


def _name(feature: str, other: str) -> Comparison:
    plainly = graded(
        feature,
        ("the same", 0.75, 0.0035, Rule.SAME, 0),
        ("spelled nearly the same", 0.14, 0.001, Rule.SPELLED, 0.92),
        ("spelled alike", 0.02, 0.0007, Rule.SPELLED, 0.88),
        ("spelled somewhat alike", 0.02, 0.02, Rule.SPELLED, 0.7),
        frequency=True,
    )
    swapped = Level("in place of the other name", 0.05, 0.0003, (Check(feature, Rule.SWAPPED, other=other),))
    return replace(plainly, levels=(plainly.levels[0], swapped, *plainly.levels[1:]))


_STREET, _NEARLY_STREET = Check("street", Rule.SAME), Check("street", Rule.EDITS, 2)
_ROUGHLY_STREET = Check("street", Rule.EDITS, 5)
_CODE, _NEARLY_CODE = Check("postal_code", Rule.SAME), Check("postal_code", Rule.EDITS, 1)
_CITY, _NEARLY_CITY = Check("city", Rule.SAME), Check("city", Rule.SPELLED, 0.9)

_ADDRESS = Comparison(
    "address",
    (
        Level("the same street and postal code", 0.4, 0.00001, (_STREET, _CODE)),
        Level("the same street", 0.1, 0.0001, (_STREET,)),
        Level("nearly the same street, the same postal code", 0.2, 0.00001, (_NEARLY_STREET, _CODE)),
        Level("nearly the same street and city", 0.05, 0.00001, (_NEARLY_STREET, _NEARLY_CITY)),
        Level("roughly the same street and postal code", 0.1, 0.0001, (_ROUGHLY_STREET, _NEARLY_CODE)),
        Level("the same postal code and city", 0.05, 0.0001, (_CODE, _NEARLY_CITY)),
        Level("the same city", 0.03, 0.001, (_CITY,)),
        Level("the same postal code", 0.03, 0.001, (_CODE,)),
        Level("nearly the same city", 0.01, 0.001, (_NEARLY_CITY,)),
    ),
)

YEAR = "substr(birth_date, 1, 4)"

LIKENESS = Likeness(
    comparisons=(
        _name("given_name", "family_name"),
        _name("family_name", "given_name"),
        graded(
            "birth_date",
            ("the same", 0.96, 0.0002, Rule.SAME, 0),
            ("one digit apart", 0.02, 0.001, Rule.EDITS, 1),
            ("within a month", 0.002, 0.0015, Rule.MONTHS, 1),
            ("within a year", 0.002, 0.02, Rule.MONTHS, 12),
            ("within ten years", 0.002, 0.17, Rule.MONTHS, 120),
        ),
        _ADDRESS,
        graded(
            "email",
            ("the same", 0.05, 0.00001, Rule.SAME, 0),
            ("a letter or two apart", 0.15, 0.00002, Rule.EDITS, 2),
        ),
        graded(
            "phone",
            ("the same", 0.05, 0.00001, Rule.SAME, 0),
            ("one digit apart", 0.15, 0.00002, Rule.EDITS, 1),
        ),
    ),
    blocks=(
        Block(("given_name", "family_name")),
        Block(("given_name", "family_name"), crossed=True),
        Block(("birth_date",)),
        Block(("street",)),
        Block(("postal_code", "family_name")),
        Block(("postal_code", "given_name")),
        Block(("postal_code", YEAR)),
        Block(("city", YEAR)),
        Block(("city", "substr(birth_date, 6, 5)")),
        Block(("phone",)),
        Block(("email",)),
    ),
    sure=(Block(("given_name", "family_name", "birth_date")),),
    trained=(Block(("birth_date",)), Block(("given_name", "family_name"))),
)
"""What Discretion compares customers by."""
