"""No copy of personal data lies where the inventory does not know of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from discretion.domain.inventory.copies import FILES, MEMORY, copies
from discretion.store.schema.collections import COLLECTIONS
from tests.fixtures.platform import House

SOURCE = Path(__file__).parents[2] / "src" / "discretion"
MAKERS = frozenset(
    {
        *("dict", "list", "set", "deque", "OrderedDict", "Counter", "defaultdict", "bytearray", "Event"),
        *("Queue", "LifoQueue", "PriorityQueue", "WeakKeyDictionary", "WeakValueDictionary", "WeakSet"),
        *("lru_cache", "cache", "LRUCache", "TTLCache"),
    }
)


def kept_in_memory() -> set[str]:
    """Functions that remember, and members of objects that begin as something that can be filled."""
    return {
        f"{'.'.join(path.relative_to(SOURCE).with_suffix('').parts)} {name}"
        for path in SOURCE.rglob("*.py")
        for name in _names(ast.parse(path.read_text()))
    }


def _names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if any(_called(one) in ("lru_cache", "cache") for one in node.decorator_list):
                yield node.name
        elif isinstance(node, ast.ClassDef):
            starts = (one for one in node.body if isinstance(one, ast.FunctionDef))
            for start in starts:
                if start.name == "__init__":
                    yield from (f"{node.name}.{one}" for one in _members(start))
    for node in tree.body:  # what a module itself fills
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and _fills(node.value):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            yield ast.unparse(target)


def _members(start: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(start):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (one.attr for one in targets if isinstance(one, ast.Attribute) and _fills(node.value))


def _fills(value: ast.expr) -> bool:
    if isinstance(value, ast.Dict):
        return not value.keys
    if isinstance(value, ast.List):
        return not value.elts
    return isinstance(value, ast.Call) and _called(value) in MAKERS


def _called(node: ast.expr) -> str:
    while isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def test_every_cache_and_queue_in_memory_is_declared_and_none_that_is_gone() -> None:
    assert kept_in_memory() == {one.name for one in MEMORY}


def test_a_cache_that_nobody_declared_is_found() -> None:
    found = ast.parse("class A:\n  def __init__(self):\n    self.x: dict[str, int] = {}\nSEEN = deque()")
    assert set(_names(found)) == {"A.x", "SEEN"}


def test_every_collection_is_declared_with_what_an_erasure_does() -> None:
    names = {one.name for one in copies()}
    assert {one.name for one in COLLECTIONS} <= names
    assert all(one.holds.endswith(".") and one.erasure for one in copies())


def files(folder: Path) -> list[str]:
    """Every file below a folder."""
    return [one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file()]


async def test_every_file_in_the_data_folder_is_declared(house: House, tmp_path: Path) -> None:
    bad = {"type": "track", "event": "Undeclared", "messageId": "x", "userId": "w-1"}
    await house.tell("web-shop", bad)
    written = files(tmp_path)
    assert len(written) >= 3
    undeclared = [one for one in written if not any(fnmatch(one, known.name) for known in FILES)]
    assert not undeclared
