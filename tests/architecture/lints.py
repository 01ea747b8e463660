"""The project's own lints: each takes parsed files and yields what is wrong with them.

They check what ruff and mypy cannot. ``test_lints.py`` shows each lint a good and a bad sample,
``test_tidy.py`` runs all of them over the project. Lints of names are in ``naming.py``.
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
WORDS_PER_TEST_NAME = 4
WORDS_PER_DOCSTRING = 4

MEANINGLESS_NAMES = frozenset(
    {"common", "helper", "helpers", "manager", "service", "services", "util", "utils"}
)
"""File names that state a role or nothing; a file is named after its idea or its verb."""

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
"""The files that read the clock and the source of entropy; all others receive them as arguments."""

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
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")


@dataclass(frozen=True)
class Source:
    """One Python file; ``path`` is relative to the project, with forward slashes."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree of the file."""
        return ast.parse(self.text, self.path)

    @property
    def in_package(self) -> bool:
        """Whether the wheel contains this file."""
        return self.path.startswith("src/")

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Yield all functions and methods, nested ones too."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node

    def public_definitions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
        """Yield public classes, public functions of the module and public methods of public classes."""
        pending: list[ast.stmt] = list(self.tree.body)
        for node in pending:
            if isinstance(node, DEFINITIONS) and not node.name.startswith("_"):
                yield node
                if isinstance(node, ast.ClassDef):
                    pending.extend(node.body)


DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True)
class Finding:
    """A fault and where it is."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


Lint = Callable[[Source], Iterator[Finding]]


def check_function_length(source: Source) -> Iterator[Finding]:
    """A function fits on one screen."""
    for function in source.functions():
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        if lines > LINES_PER_FUNCTION:
            message = f"{function.name} has {lines} lines; at most {LINES_PER_FUNCTION}"
            yield Finding(source.path, function.lineno, message)


def check_module_length(source: Source) -> Iterator[Finding]:
    """A module holds one idea."""
    lines = len(source.text.splitlines())
    if lines > LINES_PER_MODULE:
        yield Finding(source.path, lines, f"{lines} lines; at most {LINES_PER_MODULE}")


def check_file_names(source: Source) -> Iterator[Finding]:
    """A file or folder is named after its idea, not after a role."""
    for segment in source.path.removesuffix(".py").split("/"):
        if segment in MEANINGLESS_NAMES:
            yield Finding(source.path, 1, f"'{segment}' says nothing; name the idea or the verb")


def check_impurity(source: Source) -> Iterator[Finding]:
    """Clock and entropy are arguments, so that a test can replay a day."""
    if not source.in_package or source.path in IMPURE_FILES:
        return
    imported_names = _read_imports(source.tree)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            name = _resolve_name(node, imported_names)
            if name in IMPURE_NAMES or name.rpartition(".")[0] in IMPURE_MODULES:
                yield Finding(source.path, node.lineno, f"{name} is not an argument")


def check_logging(source: Source) -> Iterator[Finding]:
    """A log call takes a template and arguments, so that values can be masked before they are printed."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and _is_log(node.func):
            for argument in node.args:
                if isinstance(argument, ast.JoinedStr | ast.BinOp) or _is_format(argument):
                    yield Finding(source.path, argument.lineno, "the message is built before the call")


def check_module_docstring(source: Source) -> Iterator[Finding]:
    """Every shipped module says what it is for."""
    if source.in_package and not ast.get_docstring(source.tree):
        yield Finding(source.path, 1, "no module docstring")


def check_docstrings(source: Source) -> Iterator[Finding]:
    """The docstring of a public class, function or method in the package has more than three words."""
    if not source.in_package:
        return
    for definition in source.public_definitions():
        docstring = ast.get_docstring(definition)
        if docstring is not None and len(docstring.split()) < WORDS_PER_DOCSTRING:
            message = f"{definition.name}: '{docstring}' says too little"
            yield Finding(source.path, definition.lineno, message)
        elif docstring is None and not isinstance(definition, ast.ClassDef):
            yield Finding(source.path, definition.lineno, f"{definition.name} has no docstring")


def check_test_names(source: Source) -> Iterator[Finding]:
    """A test says what holds: in a docstring, or in a name that reads as a sentence."""
    if not source.path.rpartition("/")[2].startswith("test_"):
        return
    for function in source.functions():
        words = function.name.split("_")[1:]
        says_what_holds = ast.get_docstring(function) or len(words) >= WORDS_PER_TEST_NAME
        if function.name.startswith("test_") and not says_what_holds:
            yield Finding(source.path, function.lineno, f"{function.name} does not say what holds")


def check_unfinished_work(source: Source) -> Iterator[Finding]:
    """Work that is left is an issue, not a comment."""
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.COMMENT and (match := UNFINISHED.search(token.string)):
            yield Finding(source.path, token.start[0], f"'{match.group()}' in a comment")


LINTS: tuple[Lint, ...] = (
    check_function_length,
    check_module_length,
    check_file_names,
    check_impurity,
    check_logging,
    check_module_docstring,
    check_docstrings,
    check_test_names,
    check_unfinished_work,
)
"""Lints that read one file at a time."""


def _read_imports(tree: ast.Module) -> dict[str, str]:
    """Return local name -> full dotted name for everything that the file imports."""
    imported_names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                package = alias.name.split(".")[0]
                imported_names[alias.asname or package] = alias.name if alias.asname else package
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                imported_names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return imported_names


def _resolve_name(node: ast.expr, imported_names: dict[str, str]) -> str:
    """Return the full name of an expression, such as ``datetime.datetime.now``, or the empty string."""
    if isinstance(node, ast.Name):
        return imported_names.get(node.id, "")
    if isinstance(node, ast.Attribute) and (owner := _resolve_name(node.value, imported_names)):
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
