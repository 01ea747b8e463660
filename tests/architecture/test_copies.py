"""Every place that holds a copy of personal data is declared in the inventory."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from discretion.domain.inventory.copies import FILES, MEMORY, list_data_copies
from discretion.store.schema.collections import COLLECTIONS
from tests.fixtures.platform import PlatformUnderTest

SOURCE = Path(__file__).parents[2] / "src" / "discretion"
CONTAINER_TYPES = frozenset(
    {
        *("dict", "list", "set", "deque", "OrderedDict", "Counter", "defaultdict", "bytearray", "Event"),
        *("Queue", "LifoQueue", "PriorityQueue", "WeakKeyDictionary", "WeakValueDictionary", "WeakSet"),
        *("lru_cache", "cache", "LRUCache", "TTLCache"),
    }
)


def find_stores_in_memory() -> set[str]:
    """Return the places in the source code that can hold data in memory, as ``module name``.

    These are cached functions, module variables and attributes of objects that begin as an empty container.
    """
    return {
        f"{'.'.join(path.relative_to(SOURCE).with_suffix('').parts)} {name}"
        for path in SOURCE.rglob("*.py")
        for name in _find_stores(ast.parse(path.read_text()))
    }


def _find_stores(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if any(_callee_name(decorator) in ("lru_cache", "cache") for decorator in node.decorator_list):
                yield node.name
        elif isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and method.name == "__init__":
                    yield from (f"{node.name}.{name}" for name in _find_container_attributes(method))
    for node in tree.body:  # variables of the module
        if isinstance(node, ast.Assign | ast.AnnAssign) and _is_empty_container(node.value):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            yield ast.unparse(target)


def _find_container_attributes(init: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(init):
        if isinstance(node, ast.Assign | ast.AnnAssign) and _is_empty_container(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.attr for target in targets if isinstance(target, ast.Attribute))


def _is_empty_container(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Dict):
        return not value.keys
    if isinstance(value, ast.List):
        return not value.elts
    return isinstance(value, ast.Call) and _callee_name(value) in CONTAINER_TYPES


def _callee_name(node: ast.expr) -> str:
    while isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def test_every_store_in_memory_is_declared() -> None:
    """A declaration without a store is an error, too."""
    assert find_stores_in_memory() == {store.name for store in MEMORY}


def test_an_undeclared_cache_is_detected() -> None:
    tree = ast.parse("class A:\n  def __init__(self):\n    self.x: dict[str, int] = {}\nSEEN = deque()")
    assert set(_find_stores(tree)) == {"A.x", "SEEN"}


def test_every_collection_is_declared_with_what_an_erasure_does() -> None:
    copies = list_data_copies()
    assert {collection.name for collection in COLLECTIONS} <= {copy.name for copy in copies}
    assert all(copy.holds.endswith(".") and copy.erasure for copy in copies)


def list_files(folder: Path) -> list[str]:
    """Return the relative paths of all files below a folder."""
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


async def test_every_file_in_the_data_folder_is_declared(platform: PlatformUnderTest, tmp_path: Path) -> None:
    undeclared_event = {"type": "track", "event": "Undeclared", "messageId": "x", "userId": "w-1"}
    await platform.send_messages("web-shop", undeclared_event)
    written = list_files(tmp_path)
    assert len(written) >= 3
    undeclared = [path for path in written if not any(fnmatch(path, copy.name) for copy in FILES)]
    assert not undeclared
