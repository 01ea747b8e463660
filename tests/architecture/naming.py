"""Lints of names: a name means one thing, retired words stay away, a unit test lies where its module does."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from tests.architecture.lints import Finding, Source

RETIRED_NAMES = frozenset({"found", "known", "one", "theirs", "told", "whose"})
"""Identifiers that do not say what they hold."""

RETIRED_WORDS = frozenset(
    {
        *("banish", "doubles", "happening", "hear", "heard", "hearing", "heed", "heeded"),
        *("house", "inscribe", "letter", "letters", "likeness", "rehearse", "rejudge"),
        *("sowing", "stationery", "stones", "told", "town", "utterance", "workshop"),
    }
)
"""Words of the private language that the code was written in once; the glossary has their replacements."""

COMPOUND_TERMS = frozenset({"dead_letter", "dead_letters", "ascii_letters"})
"""Terms of the field that contain such a word."""

PROTOCOL_FUNCTIONS = frozenset({"build_commands"})
"""Functions that several modules of ``domain`` offer on purpose: ``cli`` calls each of them alike."""

DOMAIN = "src/discretion/domain/"
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

ProjectLint = Callable[[Sequence[Source]], Iterator[Finding]]


def check_class_names(sources: Sequence[Source]) -> Iterator[Finding]:
    """A class name stands for one class in the whole package."""
    classes = [
        (node, source)
        for source in sources
        if source.in_package
        for node in source.tree.body
        if isinstance(node, ast.ClassDef)
    ]
    yield from _find_repeated_names(classes)


def check_function_names(sources: Sequence[Source]) -> Iterator[Finding]:
    """The name of a public function stands for one function in the whole of ``domain``."""
    functions = [
        (node, source)
        for source in sources
        if source.path.startswith(DOMAIN)
        for node in source.tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
        and node.name not in PROTOCOL_FUNCTIONS
    ]
    yield from _find_repeated_names(functions)


def check_retired_words(sources: Sequence[Source]) -> Iterator[Finding]:
    """Names that were replaced by terms of the glossary do not come back as identifiers."""
    for source in sources:
        reported: set[str] = set()
        for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
            if token.type != tokenize.NAME or token.string in reported:
                continue
            if word := _find_retired_word(token.string):
                reported.add(token.string)
                yield Finding(source.path, token.start[0], f"'{word}' in '{token.string}' is retired")


def check_test_places(sources: Sequence[Source]) -> Iterator[Finding]:
    """A unit test lies where its module or package does: ``tests/unit/a/test_b.py`` tests ``a/b.py``."""
    modules = {
        source.path.removeprefix("src/discretion/").removesuffix(".py").removesuffix("/__init__")
        for source in sources
        if source.in_package
    }
    for source in sources:
        folder, _, name = source.path.removeprefix("tests/unit/").rpartition("/")
        if not source.path.startswith("tests/unit/") or not name.startswith("test_"):
            continue
        tested = f"{folder}/{name[5:-3]}".lstrip("/")
        if tested not in modules:
            yield Finding(source.path, 1, f"there is no module or package {tested}")


PROJECT_LINTS: tuple[ProjectLint, ...] = (
    check_class_names,
    check_function_names,
    check_retired_words,
    check_test_places,
)
"""Lints that compare the files of the whole project."""


def _find_repeated_names(
    definitions: Sequence[tuple[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, Source]],
) -> Iterator[Finding]:
    by_name: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for definition, source in definitions:
        by_name[definition.name].append((source.path, definition.lineno))
    for name, places in sorted(by_name.items()):
        if len(places) > 1:
            others = ", ".join(path for path, _ in places[1:])
            yield Finding(*places[0], f"{name} is defined in {others} too")


def _find_retired_word(identifier: str) -> str | None:
    """Return the retired word in an identifier, None if there is none."""
    if identifier.strip("_") in RETIRED_NAMES:
        return identifier
    words = [match.group().lower() for match in _WORD.finditer(identifier)]
    compounds = zip(("", *words), words, strict=False)
    return next(
        (
            word
            for previous_word, word in compounds
            if word in RETIRED_WORDS and f"{previous_word}_{word}" not in COMPOUND_TERMS
        ),
        None,
    )
