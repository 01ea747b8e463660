"""Our own lints: each takes one parsed file and yields what is wrong with it.

They hold what ruff and mypy cannot say. ``test_lints.py`` shows each a good and a bad sample,
``test_tidy.py`` runs them all over the project.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

LINES_PER_FUNCTION = 70
LINES_PER_MODULE = 400
WORDS_PER_SENTENCE = 4

NAMELESS = frozenset({"common", "helper", "helpers", "manager", "service", "services", "util", "utils"})
"""Names for a role or for nothing; a file is named for its idea or its verb."""

IMPURE_FILES = frozenset(
    {
        "src/discretion/app/__init__.py",
        "src/discretion/app/clock.py",
        "src/discretion/app/keys.py",
        "src/discretion/app/installations.py",
        "src/discretion/cli.py",
        "src/discretion/store/embedded/mongo_server.py",
    }
)
"""Where the clock and the dice come from; everyone else is handed them."""

IMPURE_MODULES = frozenset({"random", "secrets"})
IMPURE_NAMES = frozenset(
    {
        "datetime.date.today",
        "datetime.datetime.now",
        "datetime.datetime.today",
        "datetime.datetime.utcnow",
        "os.getrandom",
        "os.urandom",
        "time.ctime",
        "time.gmtime",
        "time.localtime",
        "time.time",
        "time.time_ns",
        "uuid.uuid1",
        "uuid.uuid4",
        "uuid.uuid6",
        "uuid.uuid7",
    }
)

LOG_METHODS = frozenset({"critical", "debug", "error", "exception", "info", "log", "warning"})
PROMISES = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")


@dataclass(frozen=True)
class Source:
    """One Python file; ``path`` is relative to the project, with forward slashes."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The file, parsed."""
        return ast.parse(self.text, self.path)

    @property
    def in_package(self) -> bool:
        """Whether this is shipped code, not a test or a seed."""
        return self.path.startswith("src/")

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """All functions and methods, nested ones too."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


@dataclass(frozen=True)
class Finding:
    """What is wrong, and where."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


Lint = Callable[[Source], Iterator[Finding]]


def short_functions(source: Source) -> Iterator[Finding]:
    """A function fits on one screen."""
    for function in source.functions():
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        if lines > LINES_PER_FUNCTION:
            message = f"{function.name} has {lines} lines; at most {LINES_PER_FUNCTION}"
            yield Finding(source.path, function.lineno, message)


def short_modules(source: Source) -> Iterator[Finding]:
    """A module holds one idea."""
    lines = len(source.text.splitlines())
    if lines > LINES_PER_MODULE:
        yield Finding(source.path, lines, f"{lines} lines; at most {LINES_PER_MODULE}")


def telling_names(source: Source) -> Iterator[Finding]:
    """A file or folder is named for its idea, not for its role."""
    for step in source.path.removesuffix(".py").split("/"):
        if step in NAMELESS:
            yield Finding(source.path, 1, f"'{step}' says nothing; name the idea or the verb")


def handed_in(source: Source) -> Iterator[Finding]:
    """Clock and chance are handed in, so that a test can replay a day."""
    if not source.in_package or source.path in IMPURE_FILES:
        return
    known = _imported(source.tree)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            name = _dotted(node, known)
            if name in IMPURE_NAMES or name.rpartition(".")[0] in IMPURE_MODULES:
                yield Finding(source.path, node.lineno, f"{name} is not handed in")


def lazy_logging(source: Source) -> Iterator[Finding]:
    """A log call takes a template and arguments, so that values can be masked before they are printed."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and _is_log(node.func):
            for argument in node.args:
                if isinstance(argument, ast.JoinedStr | ast.BinOp) or _is_format(argument):
                    yield Finding(source.path, argument.lineno, "the message is put together before the call")


def described_modules(source: Source) -> Iterator[Finding]:
    """Every shipped module says what it is for."""
    if source.in_package and not ast.get_docstring(source.tree):
        yield Finding(source.path, 1, "no module docstring")


def stated_laws(source: Source) -> Iterator[Finding]:
    """A test says what holds: in a docstring, or in a name that reads as a sentence."""
    if not source.path.rpartition("/")[2].startswith("test_"):
        return
    for function in source.functions():
        words = function.name.split("_")[1:]
        told = ast.get_docstring(function) or len(words) >= WORDS_PER_SENTENCE
        if function.name.startswith("test_") and not told:
            yield Finding(source.path, function.lineno, f"{function.name} does not say what holds")


def no_promises(source: Source) -> Iterator[Finding]:
    """Work left over is an issue, not a comment."""
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.COMMENT and (found := PROMISES.search(token.string)):
            yield Finding(source.path, token.start[0], f"'{found.group()}' in a comment")


LINTS: tuple[Lint, ...] = (
    short_functions,
    short_modules,
    telling_names,
    handed_in,
    lazy_logging,
    described_modules,
    stated_laws,
    no_promises,
)


def _imported(tree: ast.Module) -> dict[str, str]:
    """Local name -> full dotted name, for everything the file imports."""
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.split(".")[0]
                known[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                known[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return known


def _dotted(node: ast.expr, known: dict[str, str]) -> str:
    """``datetime.datetime.now`` for what an expression names, or the empty string."""
    if isinstance(node, ast.Name):
        return known.get(node.id, "")
    if isinstance(node, ast.Attribute) and (owner := _dotted(node.value, known)):
        return f"{owner}.{node.attr}"
    return ""


def _is_log(node: ast.expr) -> bool:
    """Whether an expression is a method of something called log, logger, self._log and so on."""
    if not isinstance(node, ast.Attribute) or node.attr not in LOG_METHODS:
        return False
    owner = node.value
    name = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
    return name.strip("_").lower() in {"log", "logger", "logging"}


def _is_format(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format"
