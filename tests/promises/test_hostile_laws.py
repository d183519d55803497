"""The law of hostile documents: whatever lock, journal, commit or state is planted, only declared places change.

Declared is what the manifest's entry may have: its folder of code, its tests, parameter files, the requirements, the
lock. A planted lock may claim a folder of the package and name its files by digest, as a reviewed one does; of those it
may lose what it named so. Nothing else in the project, and nothing outside, is ever created, changed or deleted, and
every end is a `MicropkgError` or none. `MICROPKGD_TEST_EXAMPLES` sets how many cases are tried.
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from micropkgd import documents
from micropkgd.actions.pull_by_hand import pull_by_hand
from micropkgd.actions.rollback import roll_back
from micropkgd.actions.status import project_status
from micropkgd.actions.verify import verify_files
from micropkgd.errors import MicropkgError
from micropkgd.model.choice import Conflict, Decision
from micropkgd.model.manifest import Manifest
from micropkgd.model.tree import digest_of
from micropkgd.reconcile.resolve.fetcher import Fetcher
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.gather import Sources
from micropkgd.workspace.memory.settled import FIELD, ROW, SCHEMA, SECTION
from micropkgd.workspace.memory.settling import settled_outcome
from tests.kit.faults import Scene, Tree, fast_folder, tree_of

pytestmark = pytest.mark.no_cover

VICTIMS = {
    "src/shop/own.py": "OWN = 1\n",
    "src/shop/victim/__init__.py": "",
    "src/shop/victim/nodes.py": "NODES = 1\n",
    "src/other.py": "OTHER = 1\n",
    "tests/test_own.py": "T = 1\n",
    "conf/base/catalog.yml": "c: 1\n",
    "conf/local/credentials.yml": "secret: 1\n",
    ".git/hooks/pre-commit": "#!/bin/sh\n",
    ".git/config": "[core]\n",
    ".envrc": "export A=1\n",
    "README.md": "read\n",
}
DECLARED = re.compile(
    r"src/shop/(ds|hand)(/.*)?|tests/(ds|hand)(/.*)?|conf/.*parameters.*|requirements\.(in|txt)|micropkg\.lock"
)
CLAIMABLE = re.compile(r"(src/shop|tests)/victim(/.*)?")
OUTSIDE = {"outside/file": "outside\n", "outside/.bashrc": "alias\n"}
LABEL = "dist/ds.tar.gz -> src/shop/ds"


@pytest.fixture(scope="module")
def template() -> Iterator[Scene]:
    """A project with an entry in place, a next version of it waiting, and much that is nobody's business."""
    with fast_folder() as folder:
        scene = Scene(folder / "template")
        scene.ask_for("ds")
        scene.write({**VICTIMS, "requirements.txt": "own\n"})
        files = {"ds/nodes.py": "A = 1\n", "ds/old.py": "", "ds/config/parameters_ds.yml": "a: 1\n"}
        scene.publish("ds", files, requires="pandas")
        scene.publish("hand", {"hand/nodes.py": "H = 1\n"})
        scene.run()
        scene.publish("ds", {"ds/nodes.py": "A = 2\n", "ds/new.py": ""}, "2", requires="numpy")
        for name, text in OUTSIDE.items():
            path = scene.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        yield scene


HASHES = [digest_of(text.encode()) for text in (*VICTIMS.values(), *OUTSIDE.values(), "A = 1\n", "EVIL = 1\n")]
hashes = st.sampled_from(HASHES)
paths = st.one_of(
    st.sampled_from([*VICTIMS, "src/shop/ds/nodes.py", "src/shop/ds/evil.py", "src/shop/hand/nodes.py"]),
    st.sampled_from(["../outside/file", "/etc/hostname", "src/shop/ds/../own.py", "src/shop/ds/.git/hooks/x",
                     "src/shop/ds/nodes.py/deeper", "tests/ds/../test_own.py", ".micropkgd/lock", "pyproject.toml",
                     "micropkg.lock", "conf/../.envrc", "a" * 300,
                     "src/shop/ds/\x1b[2J.py", "src\\shop", "", "."]),
)  # fmt: skip
targets = st.sampled_from(
    [
        "src/shop/ds",
        "src/shop/victim",
        "src/shop/hand",
        "src/shop",
        "src",
        "tests",
        ".git/hooks",
        "../outside",
        "src/shop/",
    ]
)
names = st.sampled_from(["ds", "hand", "victim", "../x", "\x1b[2J", ""])
refs = st.sampled_from(
    ["dist/ds.tar.gz", "dist/hand.tar.gz", "dist/gone.tar.gz", "https://127.0.0.1:9/x.tar.gz", "x y"]
)


def with_hash(path: str) -> st.SearchStrategy[tuple[str, str]]:
    """A path with the hash of what stands there, as who knows the project would give it, or with another."""
    text = {**VICTIMS, **{f"../{name}": text for name, text in OUTSIDE.items()}}.get(os.path.normpath(path), "A = 1\n")
    return st.tuples(st.just(path), st.just(digest_of(text.encode())) | hashes)


inventories = st.lists(paths.flatmap(with_hash), max_size=4).map(dict)
of_ds = st.dictionaries(
    st.sampled_from(["src/shop/ds/nodes.py", "src/shop/ds/evil.py", "src/shop/ds/nodes.py/deeper", "tests/ds/x.py",
                     "src/shop/ds/.git/hooks/x", "conf/base/parameters_ds.yml", "src/shop/ds/" + "a" * 300]),
    hashes,
)  # fmt: skip
of_victim = {path: digest_of(text.encode()) for path, text in VICTIMS.items() if "victim" in path}
claims = st.one_of(
    st.tuples(targets, inventories),
    st.tuples(st.just("src/shop/ds"), of_ds),
    st.tuples(st.just("src/shop/victim"), st.just(of_victim)),
)
odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | hashes | paths,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(paths | st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def blocks(draw: st.DrawFn) -> dict[str, Any]:
    """A block of a lock: of the right form, whatever it says."""
    target, files = draw(claims)
    own = {"ref": draw(refs), "requested": draw(hashes), "target": target, "renderer": draw(st.integers(0, 2)),
           "requirements": draw(st.lists(st.sampled_from(["own", "pandas", "-r /etc/passwd"]), max_size=2)),
           "files": files}  # fmt: skip
    archive = {"url": draw(refs), "size": draw(st.integers(0, 2**40)), "hashes": {"sha256": draw(hashes)[7:]}}
    return {"name": draw(names), "version": "1", "archive": archive, "tool": {"micropkgd": own}}


def locked(path: str, digest: str = HASHES[0], target: str = "src/shop/ds") -> dict[str, Any]:
    """A lock whose only block lists this path, and whose entry left the manifest."""
    own = {"ref": "dist/gone.tar.gz", "requested": HASHES[0], "target": target, "renderer": 1, "requirements": [],
           "files": {path: digest}}  # fmt: skip
    archive = {"url": "dist/gone.tar.gz", "size": 1, "hashes": {"sha256": HASHES[0][7:]}}
    block = {"name": "gone", "version": "1", "archive": archive, "tool": {"micropkgd": own}}
    return {"lock-version": "1.0", "created-by": "micropkgd", "packages": [block]}


escapes = st.sampled_from(["src/shop/ds/../own.py", "tests/ds/../test_own.py", "src/shop/ds/../../../../outside/file"])
apt_locks = st.tuples((escapes | paths).flatmap(with_hash), st.just("src/shop/ds") | targets).map(
    lambda drawn: locked(*drawn[0], target=drawn[1])
)
locks = apt_locks | st.lists(blocks(), max_size=3).map(
    lambda rows: {"lock-version": "1.0", "created-by": "micropkgd", "packages": rows}
)
stages = st.sampled_from([".micropkgd/txn/zz/0", ".micropkgd/txn/zz/1", "src/shop/own.py"])
operations = st.builds(
    lambda named, staged, after: {"path": named[0], "staged": staged, "before": named[1], "after": after},
    paths.flatmap(with_hash), stages, st.none() | st.just(digest_of(b"EVIL = 1\n")) | hashes
)  # fmt: skip
journals = st.fixed_dictionaries(
    {"schema": st.sampled_from([1, 2, 3]), "folder": st.just("FOLDER"), "id": st.just("zz"), "undo": st.booleans(),
     "folders": st.lists(paths, max_size=2), "floors": st.lists(paths, max_size=2),
     "operations": st.lists(operations, max_size=3)}
)  # fmt: skip
EVIL = {"staged": ".micropkgd/txn/zz/0", "after": digest_of(b"EVIL = 1\n")}  # what lies there
APT = {"schema": 2, "folder": "FOLDER", "id": "zz", "undo": False, "folders": [], "floors": []}
apt_journals = st.sampled_from([*VICTIMS, "../outside/file"]).map(
    lambda path: (
        APT | {"operations": [{"path": path, "before": digest_of(VICTIMS.get(path, "outside\n").encode())} | EVIL]}
    )
)
states = st.fixed_dictionaries(
    {"schema": st.just(1), "birthplace": st.just("BIRTHPLACE"), "hashes": st.just({}),
     "applied": st.fixed_dictionaries({LABEL: st.tuples(hashes, inventories).map(list)}),
     "requirements": st.dictionaries(names, st.lists(st.sampled_from(["own", "pandas"]), max_size=2), max_size=2),
     "known": st.dictionaries(refs, st.tuples(st.text(max_size=3), hashes).map(list), max_size=2),
     "standing": st.just({})}
)  # fmt: skip
marked = st.text(st.sampled_from(f"{SECTION}{ROW}{FIELD}\0a/[]{{}}"), max_size=20)
records = st.one_of(odd, st.lists(marked, max_size=7).map(lambda rest: SECTION.join([SCHEMA, *rest])))
planted = st.fixed_dictionaries(
    {},
    optional={
        "micropkg.lock": locks,
        ".micropkgd/by-hand.lock": locks,
        ".micropkgd/journal": apt_journals | journals,
        ".micropkgd/kept/zz/journal": apt_journals | journals,
        ".micropkgd/txn/zz/journal": apt_journals | journals,
        ".micropkgd/state.json": st.one_of(states, odd),
        ".micropkgd/builds.json": odd,
        ".micropkgd/settled": records,
    },
)


def in_place(scene: Scene, documents_: Mapping[str, Any]) -> None:
    """Plant documents, with what would be found in them if their author knew the folder but not the key."""
    folder = scene.root / ".micropkgd"
    lock = (folder / "lock").stat()
    for name, document in documents_.items():
        if name.endswith(".lock"):
            scene.write({name: documents.write_toml(document)})
            continue
        if isinstance(document, str) and name.endswith("settled"):
            scene.write({name: document})
            continue
        text = json.dumps(document).replace('"FOLDER"', str(folder.stat().st_ino))
        text = text.replace('"BIRTHPLACE"', f"[{lock.st_ino}, {lock.st_ctime_ns}]")
        scene.write({name: text + "\n" + "0" * 64 if name.endswith("journal") else text})
    for place in ("txn", "kept"):
        scene.write({f".micropkgd/{place}/zz/0": "EVIL = 1\n", f".micropkgd/{place}/zz/1": "OWN = 1\n"})


def pull(scene: Scene) -> None:
    """Pull an archive by hand."""
    manifest = '[tool.micropkgd.project]\npackage = "shop"\n[tool.micropkgd.pull]\n"dist/hand.tar.gz" = {}\n'
    (entry,) = Manifest.from_mapping(documents.read_toml(manifest.encode())).pulls
    cache = ArchiveCache(scene.cache)
    with Sources(cache, offline=True) as sources:
        pull_by_hand(str(scene.root), entry, lambda root: Fetcher(root, sources, cache, {}), lock_timeout=5)


ACTS: dict[str, Callable[[Scene], object]] = {
    "pass": lambda scene: scene.run(),
    "locked": lambda scene: scene.run(locked=True),
    "frozen": lambda scene: scene.run(frozen=True),
    "lock": lambda scene: scene.run(lock_only=True),
    "take": lambda scene: scene.run(choices={"dist/ds.tar.gz": Decision(Conflict.TAKE)}),
    "roll back": lambda scene: roll_back(str(scene.root), None, None, 5),
    "roll back to": lambda scene: roll_back(str(scene.root), None, "zz", 5),
    "pull": pull,
    "look": lambda scene: (
        settled_outcome(str(scene.root), apply=True), project_status(str(scene.root)), verify_files(str(scene.root))
    ),
}  # fmt: skip


def undeclared(before: Tree, after: Tree, documents_: Mapping[str, Any]) -> set[str]:
    """What changed that may not."""
    named = {
        (path, digest)
        for name, document in documents_.items()
        if name.endswith(".lock")
        for block in document["packages"]
        for path, digest in block["tool"]["micropkgd"]["files"].items()
    }
    folders = {"src/shop/victim"} if {path for path, _ in named if "victim" in path} else set()
    changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    return {
        path
        for path in changed
        if not DECLARED.fullmatch(path)
        and path not in folders
        and not (CLAIMABLE.fullmatch(path) and path in before and (path, digest_of(before[path][1])) in named)
    }


@given(documents_=planted, acts=st.lists(st.sampled_from(sorted(ACTS)), max_size=2))
@settings(
    max_examples=int(os.environ.get("MICROPKGD_TEST_EXAMPLES", "400")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_only_declared_places_ever_change(template: Scene, documents_: Mapping[str, Any], acts: list[str]) -> None:
    """Whatever is planted, and whatever is done then."""
    with TemporaryDirectory(dir=template.folder.parent) as folder:
        scene = template.copy(Path(folder))
        shutil.copytree(template.folder / "outside", scene.folder / "outside")
        in_place(scene, documents_)
        before, outside = scene.tree(), tree_of(scene.folder / "outside")
        for act in (*acts, "pass"):
            try:
                ACTS[act](scene)
                event(f"{act}: done")
            except MicropkgError as error:
                event(f"{act}: {type(error).__name__}")
        assert undeclared(before, scene.tree(), documents_) == set()
        assert tree_of(scene.folder / "outside") == outside


@pytest.mark.parametrize("act", ["look", "pass", "frozen", "roll back"])
@pytest.mark.parametrize("path", ["src/shop/ds/" + "d/" * 1500 + "x.py", "src/shop/ds/" + "d/" * 3000, "a" * 300])
def test_a_path_without_end_is_an_error_for_people(template: Scene, path: str, act: str) -> None:
    """Longer than a name may be, or deeper than a stack: on its own here, for Hypothesis makes the stack larger."""
    with TemporaryDirectory(dir=template.folder.parent) as folder:
        scene = template.copy(Path(folder))
        in_place(scene, {"micropkg.lock": locked(path)})
        with pytest.raises(MicropkgError):
            ACTS[act](scene)
