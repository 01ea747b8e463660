"""Finds in the source code every place that makes an error with a code.

A place is a call with a code, a literal or a module constant, whose callee has a parameter named ``code``: an
exception class, or a function that builds one. Where such a function builds the message itself, its
template is the message.
"""

from __future__ import annotations

import ast
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

CODE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")
_ADVICE = ("advice", "right")
_MESSAGE = ("message", "reason")

_Node = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.Call | ast.For
_NODE_TYPES = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef, ast.Call, ast.For)
_LEAF_TYPES = (ast.Name, ast.Constant, ast.expr_context, ast.operator, ast.unaryop, ast.boolop)


@dataclass(frozen=True, slots=True)
class ErrorSite:
    """One place that makes an error.

    ``callee`` is the class or function that is called. ``message`` and ``advice`` are templates with
    ``<name>`` where a value is inserted, empty if the place does not state them.
    """

    code: str
    callee: str
    message: str
    advice: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class _Callable:
    """A class or function with a parameter ``code``."""

    parameters: tuple[str, ...]
    bases: tuple[str, ...] = ()
    built_sites: tuple[ErrorSite, ...] = ()
    """For a function: the errors that it builds with the code it was given."""


@dataclass(frozen=True, slots=True)
class SourceModule:
    """A module: its path below the package, its statements, and its nodes that may make errors."""

    path: str
    body: Sequence[ast.stmt]
    nodes: Sequence[_Node]


def read_modules(folder: Path) -> list[SourceModule]:
    """Parse the modules below a folder, such as ``src/discretion``, in the order of their paths."""
    return [
        _read_module(path.relative_to(folder).as_posix(), path.read_text("utf-8"))
        for path in sorted(folder.rglob("*.py"))
    ]


def find_error_sites(modules: Sequence[SourceModule]) -> list[ErrorSite]:
    """Return all places in a package's modules that make errors, module by module."""
    callables = _inherit_parameters(dict(_read_callables(modules)))
    constants = _read_constants(modules)
    return [
        replace(
            site,
            message=_insert_constants(site.message, constants),
            advice=_insert_constants(site.advice, constants),
        )
        for module in modules
        for site in _read_sites(module, callables, constants)
    ]


def find_statuses(modules: Iterable[SourceModule]) -> dict[str, int]:
    """Return the HTTP status of each error class of a package, inherited ones too, by class name."""
    classes = {
        node.name: node for module in modules for node in module.nodes if isinstance(node, ast.ClassDef)
    }

    def read_status(name: str) -> int | None:
        node = classes.get(name)
        if node is None:
            return None
        inherited = (read_status(_callee_name(base)) for base in node.bases)
        return next(_assigned_statuses(node), None) or next((s for s in inherited if s is not None), None)

    statuses = {name: read_status(name) for name in classes}
    return {name: status for name, status in statuses.items() if status is not None}


def _read_module(path: str, text: str) -> SourceModule:
    tree = ast.parse(text)
    return SourceModule(path, tree.body, [node for node in _walk(tree) if isinstance(node, _NODE_TYPES)])


def _walk(root: ast.AST) -> list[ast.AST]:
    """Return the nodes that ``ast.walk`` yields, in its order, without names and literals. It is faster."""
    nodes = [root]
    for node in nodes:
        for field in node._fields:
            child = getattr(node, field, None)
            if isinstance(child, list):
                nodes += [item for item in child if isinstance(item, ast.AST)]
            elif isinstance(child, ast.AST) and not isinstance(child, _LEAF_TYPES):
                nodes.append(child)
    return nodes


def _assigned_statuses(node: ast.ClassDef) -> Iterator[int]:
    for member in node.body:
        if isinstance(member, ast.Assign) and isinstance(member.value, ast.Constant):
            target, status = member.targets[0], member.value.value
        elif isinstance(member, ast.AnnAssign) and isinstance(member.value, ast.Constant):
            target, status = member.target, member.value.value
        else:
            continue
        if isinstance(target, ast.Name) and target.id == "status" and isinstance(status, int):
            yield status


def _read_callables(modules: Iterable[SourceModule]) -> Iterator[tuple[str, _Callable]]:
    for module in modules:
        for node in module.nodes:
            if isinstance(node, ast.ClassDef):
                yield node.name, _Callable(_init_parameters(node), tuple(_callee_name(b) for b in node.bases))
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name != "__init__":
                parameters = tuple(argument.arg for argument in node.args.args if argument.arg != "self")
                if "code" in parameters:
                    yield node.name, _Callable(parameters, built_sites=tuple(_built_sites(node)))


def _init_parameters(node: ast.ClassDef) -> tuple[str, ...]:
    for member in node.body:
        if isinstance(member, ast.FunctionDef) and member.name == "__init__":
            return tuple(argument.arg for argument in member.args.args[1:])
    # a dataclass is built from its fields
    return tuple(
        member.target.id
        for member in node.body
        if isinstance(member, ast.AnnAssign)
        and isinstance(member.target, ast.Name)
        and not ast.unparse(member.annotation).startswith("ClassVar")
    )


def _inherit_parameters(callables: Mapping[str, _Callable]) -> dict[str, _Callable]:
    """Give classes without ``__init__`` the parameters of their base."""

    def parameters(name: str) -> tuple[str, ...]:
        entry = callables.get(name)
        if entry is None:
            return ()
        return entry.parameters or next((p for base in entry.bases if (p := parameters(base))), ())

    return {
        name: _Callable(parameters(name), entry.bases, entry.built_sites)
        for name, entry in callables.items()
        if "code" in parameters(name)
    }


def _built_sites(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ErrorSite]:
    for node in _walk(function):
        if not isinstance(node, ast.Call) or len(node.args) < 2:
            continue
        if isinstance(node.args[0], ast.Name) and node.args[0].id == "code":
            texts = [_template(argument) for argument in node.args[1:3]] + [""]
            yield ErrorSite("", _callee_name(node.func), texts[0], texts[1], "", node.lineno)


def _read_sites(
    module: SourceModule, callables: Mapping[str, _Callable], constants: Mapping[str, str]
) -> Iterator[ErrorSite]:
    has_loops = any(isinstance(node, ast.For) and "code" in _list_columns(node) for node in module.nodes)
    for node in module.nodes:
        if isinstance(node, ast.Call) and (entry := callables.get(_callee_name(node.func))):
            yield from _read_call(module.path, node, _callee_name(node.func), entry, constants)
        elif isinstance(node, ast.ClassDef):
            yield from _read_fixed_code(module.path, node, callables, constants)
        elif has_loops and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _read_loops(module.path, node, constants)


def _read_call(
    path: str, node: ast.Call, name: str, entry: _Callable, constants: Mapping[str, str]
) -> Iterator[ErrorSite]:
    arguments = dict(zip(entry.parameters, node.args, strict=False))
    arguments |= {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
    for code in _read_codes(arguments.get("code"), constants):
        yield _build_site(code, name, entry, arguments, path, node.lineno)


def _read_fixed_code(
    path: str, node: ast.ClassDef, callables: Mapping[str, _Callable], constants: Mapping[str, str]
) -> Iterator[ErrorSite]:
    """Read a class that passes its only code to the class above: ``super().__init__("CODE", message)``."""
    base = next((callables[name] for b in node.bases if (name := _callee_name(b)) in callables), None)
    for call in _walk(node) if base else ():
        if base and isinstance(call, ast.Call) and _callee_name(call.func) == "__init__":
            yield from _read_call(path, call, node.name, base, constants)


def _read_loops(
    path: str, function: ast.FunctionDef | ast.AsyncFunctionDef, constants: Mapping[str, str]
) -> Iterator[ErrorSite]:
    """Read a loop over literal rows with a code in one column: ``for limit, code in ((1, "CODE"),)``."""
    for loop in _walk(function):
        if not isinstance(loop, ast.For) or not isinstance(loop.iter, ast.Tuple):
            continue
        columns = _list_columns(loop)
        built = next(_built_sites(function), None) if "code" in columns else None
        if built is None:
            continue
        for row in loop.iter.elts:
            if isinstance(row, ast.Tuple):
                for code in _read_codes(row.elts[columns.index("code")], constants):
                    yield ErrorSite(code, built.callee, built.message, built.advice, path, row.lineno)


def _list_columns(loop: ast.For) -> list[str]:
    targets = loop.target.elts if isinstance(loop.target, ast.Tuple) else []
    return [target.id if isinstance(target, ast.Name) else "" for target in targets]


def _build_site(
    code: str, name: str, entry: _Callable, arguments: Mapping[str, ast.expr], path: str, line: int
) -> ErrorSite:
    message = next((_template(arguments[key]) for key in _MESSAGE if key in arguments), "")
    advice = next((_template(arguments[key]) for key in _ADVICE if key in arguments), "")
    if not entry.built_sites:
        return ErrorSite(code, name, message, advice, path, line)
    built = entry.built_sites[0]
    reason = next((key for key in _MESSAGE if key in arguments), None)
    full_message = built.message.replace(f"<{reason}>", message) if reason else built.message
    return ErrorSite(code, built.callee, full_message, advice or built.advice, path, line)


def _read_constants(modules: Iterable[SourceModule]) -> dict[str, str]:
    """Return the values of module constants that mean one thing in the whole package, by name."""
    values: dict[str, set[str]] = defaultdict(set)
    for module in modules:
        for node in module.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                values[node.targets[0].id].add(_constant_text(node.value))
    return {name: texts.pop() for name, texts in values.items() if name.isupper() and len(texts) == 1}


def _constant_text(node: ast.expr) -> str:
    """Return the text of a literal or of a product of two numbers such as ``32 * 1024``; empty otherwise."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        factors = [getattr(factor, "value", None) for factor in (node.left, node.right)]
        numbers = [factor for factor in factors if isinstance(factor, int)]
        return f"{math.prod(numbers):,}" if len(numbers) == len(factors) else ""
    value = node.value if isinstance(node, ast.Constant) else None
    return f"{value:,}" if isinstance(value, int) else value if isinstance(value, str) else ""


def _insert_constants(text: str, constants: Mapping[str, str]) -> str:
    """Return a template with values of constants; empty if nothing but a placeholder is left of it."""
    filled = re.sub(r"<(\w+)>", lambda match: constants.get(match[1]) or match[0], text)
    return "" if re.fullmatch(r"<\w+>", filled) else filled


def _read_codes(node: ast.expr | None, constants: Mapping[str, str]) -> Iterator[str]:
    """Yield the codes that an argument may have: a literal, a module constant, either branch of a choice."""
    if isinstance(node, ast.IfExp):
        yield from _read_codes(node.body, constants)
        yield from _read_codes(node.orelse, constants)
        return
    code = constants.get(node.id) if isinstance(node, ast.Name) else getattr(node, "value", None)
    if isinstance(code, str) and CODE.fullmatch(code):
        yield code


def _template(node: ast.expr) -> str:
    """Return a message as a template: ``At most <limit> are served.``; empty if it is not written here."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_template(value) for value in node.values)
    if isinstance(node, ast.FormattedValue):
        names = re.findall(r"[A-Za-z_]\w*", ast.unparse(node.value))
        return f"<{names[-1].strip('_') if names else 'value'}>"
    if isinstance(node, ast.Name):
        return f"<{node.id}>"
    return ""


def _callee_name(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):
        node = node.value
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
