"""Compares what the code imports with what ``pyproject.toml`` declares as required.

A package that every installation has may be imported anywhere. One of an extra is imported through
``discretion.extras``, which names the extra. A package of a dependency group is not imported at all.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

EXTRA_LOADERS = frozenset({"import_extra", "require_extra"})
OWN_PACKAGE = "discretion"


@dataclass(frozen=True, slots=True)
class DeclaredPackages:
    """The names of required packages: of every installation, and of each extra."""

    always: frozenset[str]
    by_extra: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class ImportedPackage:
    """A package of a third party that a file imports, with the extra that the import names, or None."""

    name: str
    extra: str | None
    line: int


def read_declared_packages(project: Mapping[str, Any]) -> DeclaredPackages:
    """Return what the table ``project`` of ``pyproject.toml`` declares."""
    return DeclaredPackages(
        _list_names(project["dependencies"]),
        {extra: _list_names(lines) for extra, lines in project["optional-dependencies"].items()},
    )


def find_undeclared_imports(path: str, text: str, declared: DeclaredPackages) -> Iterator[str]:
    """Yield each import of a package that an installation may lack, in words."""
    for imported in find_imports(text):
        if imported.extra is None:
            if imported.name not in declared.always:
                yield f"{path}:{imported.line}: {imported.name} is not in the dependencies of the project"
        elif imported.name not in declared.by_extra.get(imported.extra, frozenset()):
            yield f"{path}:{imported.line}: {imported.name} is not in the extra {imported.extra!r}"


def find_imports(text: str) -> Iterator[ImportedPackage]:
    """Yield the packages of third parties that a file imports, except for types only."""
    for node in _walk_executed(ast.parse(text)):
        extra = None
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None and not node.level:
            modules = [node.module]
        elif isinstance(node, ast.Call) and (words := _read_words(node)):
            is_by_extra = _read_called_name(node) in EXTRA_LOADERS
            if not is_by_extra and _read_called_name(node) != "import_module":
                continue
            modules, extra = [words[0]], words[1] if is_by_extra and len(words) > 1 else None
        else:
            continue
        for module in modules:
            for name in _list_packages(module):
                yield ImportedPackage(name, extra, node.lineno)


def _walk_executed(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield all nodes outside ``if TYPE_CHECKING``, which is never executed."""
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            pending.extend(node.orelse)
        else:
            pending.extend(ast.iter_child_nodes(node))


def _read_called_name(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _read_words(call: ast.Call) -> list[str]:
    return [
        argument.value
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]


def _list_packages(module: str) -> frozenset[str]:
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names or top == OWN_PACKAGE:
        return frozenset()
    return frozenset(canonicalize_name(name) for name in _DISTRIBUTIONS.get(top, (top,)))


def _list_names(lines: Iterable[str]) -> frozenset[str]:
    return frozenset(canonicalize_name(Requirement(line).name) for line in lines)


_DISTRIBUTIONS = packages_distributions()
