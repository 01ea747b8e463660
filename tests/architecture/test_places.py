"""Every cache, collection and file that may hold personal data is in the map of places."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from discretion.store.places import place_map
from discretion.store.places.place import Departure, IdKind, PlaceKind, Stage
from discretion.store.places.place_map import list_places, list_removal_places
from discretion.store.places.search import list_id_members
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

WRITING_CALLS = frozenset(
    {
        *("write_private_file", "create_private_file", "write_flushed_file", "hold_exclusive_lock"),
        *("create_sealed_file", "SealedFile", "write_text", "write_bytes", "copytree", "touch"),
        *("mkdtemp", "mkstemp", "NamedTemporaryFile", "TemporaryDirectory"),
    }
)
WRITTEN_FILES: dict[str, tuple[str, ...]] = {
    "app.keys": ("keys/root.key",),
    "app.signing_keys": ("keys/signing.keys*",),
    "demo.run": ("demo.json", "sown.json"),
    "domain.backup.dump": ("backups/*",),
    "domain.erasure.crypto_shred": ("keys/buckets.keys*",),
    "domain.erasure.erasure_ledger": ("erasures/*",),
    "domain.requests.mailer": ("outbox/*",),
    "edge.opendsr.certificate": ("keys/processor.key",),
    "seal.daily_keys": ("keys/letters/*",),
    "seal.key_ring": ("keys/buckets.keys*",),
    "seal.rewrapped_keys": ("keys/rewrapped/*",),
    "store.embedded.mongo_server": ("mongo/*",),
    # What the catalogue, the laws and the code declare, for the operator; no person.
    "domain.notices.command": (),
    "domain.notices.snapshot": (),
    "domain.notices.text_digests": (),
    "edge.graphql.schema_files": (),
    # They write what the modules above give them.
    "seal.file_lock": (),
    "seal.key_files": (),
    "seal.sealed_file": (),
}
"""Every module that writes files, with the places that it writes."""
REDIRECTED_FILES = frozenset({"*.log"})
"""Files that an operator's shell writes, from the standard error output."""


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
    assert find_stores_in_memory() == {place.name for place in list_places(PlaceKind.MEMORY)}


def find_file_writers() -> set[str]:
    """Return the modules that write files."""
    return {
        ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        for path in SOURCE.rglob("*.py")
        if _writes_files(ast.parse(path.read_text()))
    }


def _writes_files(tree: ast.Module) -> bool:
    return any(_is_write(node) for node in ast.walk(tree) if isinstance(node, ast.Call))


def _is_write(call: ast.Call) -> bool:
    name = _callee_name(call.func)
    if name not in ("open", "fdopen"):
        return name in WRITING_CALLS
    # The member of an archive is no file.
    is_archive = "zip" in ast.unparse(call)
    return not is_archive and bool(re.search(r"O_CREAT|'(r\+|[wxa])b?'", ast.unparse(call)))


def test_every_module_that_writes_files_is_declared() -> None:
    assert find_file_writers() == set(WRITTEN_FILES)


def test_every_written_file_is_in_the_map() -> None:
    """A declared file that nobody writes is an error, too."""
    written = {pattern for patterns in WRITTEN_FILES.values() for pattern in patterns}
    assert {place.name for place in list_places(PlaceKind.FILE)} == written | REDIRECTED_FILES


def test_an_undeclared_writer_of_files_is_detected() -> None:
    for source in ("path.write_text(x)", "open(p, 'w')", "p.open('ab')", "os.open(p, os.O_CREAT)"):
        assert _writes_files(ast.parse(source)), source
    assert not _writes_files(ast.parse("p.open('rb'); open(p); p.read_text('utf-8')"))


def test_an_undeclared_cache_is_detected() -> None:
    tree = ast.parse("class A:\n  def __init__(self):\n    self.x: dict[str, int] = {}\nSEEN = deque()")
    assert set(_find_stores(tree)) == {"A.x", "SEEN"}


def test_every_collection_and_index_is_declared_once() -> None:
    declared = [place.name for place in list_places(PlaceKind.COLLECTION)]
    assert sorted(declared) == sorted(collection.name for collection in COLLECTIONS)
    indexes = [place.name for place in list_places(PlaceKind.INDEX)]
    assert indexes == [
        f"{collection.name} {index.name}" for collection in COLLECTIONS for index in collection.indexes
    ]


async def test_no_collection_of_a_database_is_undeclared(platform: PlatformUnderTest) -> None:
    listed = await platform.internals.database.command({"listCollections": 1, "nameOnly": True})
    stored = {collection["name"] for collection in listed["cursor"]["firstBatch"]}
    assert stored - {place.name for place in list_places(PlaceKind.COLLECTION)} == set()


def test_every_place_says_in_a_sentence_what_it_holds_and_what_an_erasure_does() -> None:
    assert {place.kind for place in place_map.PLACES} == set(PlaceKind)
    assert [place.name for place in place_map.PLACES if {place.holds[-1], place.how[-1]} != {"."}] == []
    assert len({(place.kind, place.name) for place in place_map.PLACES}) == len(place_map.PLACES)


def test_what_expires_says_when_and_every_place_of_a_person_says_by_which_law() -> None:
    for place in place_map.PLACES:
        if place.departure is Departure.EXPIRES and place.kind is not PlaceKind.INDEX:
            assert place.expires_after or place.kind is PlaceKind.OUTSIDE, place.name
        assert ("GDPR Art. " in place.law) is (place.departure is not Departure.NO_PERSON), place.name
        assert "GDPR" not in place.how, place.name


def test_a_collection_that_loses_people_says_how() -> None:
    """The rule names members of the schema that hold ids, and a time of receipt where ids return."""
    schemas = {collection.name: collection.schema for collection in COLLECTIONS}
    changing = [place for stage in Stage for place in list_removal_places(stage)]
    assert {place.name for place in changing} == {
        place.name
        for place in list_places(PlaceKind.COLLECTION)
        if place.departure in (Departure.DELETED, Departure.SHRUNK) or place.name == "requests"
    }
    for place in changing:
        assert place.removal is not None
        references = (*place.removal.found_by, *place.removal.takes_out)
        assert {reference.member for reference in references} <= set(list_id_members(schemas[place.name]))
        assert set(place.removal.clears) <= schemas[place.name]["properties"].keys(), place.name
        if place.removal.received:
            assert place.removal.received in schemas[place.name]["required"], place.name
        # A person who returns has the same records and identifiers again.
        returning = {
            reference.kind
            for reference in place.removal.found_by
            if reference.kind in (IdKind.RECORD, IdKind.IDENTIFIER)
        }
        assert not returning or place.removal.received or place.removal.stage is Stage.PROFILE, place.name


def list_files(folder: Path) -> list[str]:
    """Return the relative paths of all files below a folder."""
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


async def test_every_file_in_the_data_folder_is_declared(platform: PlatformUnderTest, tmp_path: Path) -> None:
    undeclared_event = {"type": "track", "event": "Undeclared", "messageId": "x", "userId": "w-1"}
    await platform.send_messages("web-shop", undeclared_event)
    written = list_files(tmp_path)
    assert len(written) >= 3
    patterns = [place.name for place in list_places(PlaceKind.FILE)]
    undeclared = [path for path in written if not any(fnmatch(path, pattern) for pattern in patterns)]
    assert not undeclared
