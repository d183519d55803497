"""What is taken from the lines of a lock is what its whole parse says, or nothing."""

import re
import time
from collections.abc import Callable

import pytest

from micropkgd.actions.verify import verify_files
from micropkgd.clock import GRAIN_NS
from micropkgd.model.tree import Found, RelPath
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory import listed
from micropkgd.workspace.memory.listed import listed_files
from micropkgd.workspace.project import read_project
from tests.kit.world import ROW, World

LOCK = "micropkg.lock"
OTHER = '"dist/other.tar.gz" = {alias = "other"}'
FILES = "[packages.tool.micropkgd.files]"


def rest() -> None:
    """Let the clock tick: what is younger is not believed."""
    time.sleep(2 * GRAIN_NS / 1e9)


def sync(world: World) -> None:
    """Bring it to rest, with a record."""
    world.reconcile()
    rest()
    world.reconcile()


@pytest.fixture
def locked(world: World) -> World:
    """A project in sync, with two entries and a requirement."""
    world.publish({"nodes.py": "A = 1\n", "PKG-INFO": "Metadata-Version: 2.2\nName: ds\nVersion: 1.0\n"})
    world.publish({"nodes.py": "B = 1\n"}, "1.0", "dist/other.tar.gz")
    world.manifest(f'"{ROW}" = {{}}\n{OTHER}\n')
    sync(world)
    return world


def inventories(world: World) -> dict[str, str]:
    """What the whole lock lists."""
    blocks = read_project(str(world.root)).lock.blocks
    return {path: digest for block in blocks for path, digest in block.files.items()}


def test_it_is_what_the_lock_lists(locked: World) -> None:
    """All entries, and only while the documents stand."""
    assert listed_files(str(locked.root)) == inventories(locked)
    rest()
    locked.write("pyproject.toml", locked.read("pyproject.toml"))
    assert listed_files(str(locked.root)) is None


def swap(old: str, new: str) -> Callable[[str], str]:
    """Write a part another way."""
    return lambda text: text.replace(old, new)


FORMS: dict[str, Callable[[str], str]] = {
    "comments": swap(FILES, f"# files\n{FILES} # of it"),
    "another quote": swap('"src/shop/ds/nodes.py"', "'src/shop/ds/nodes.py'"),
    "an escape": swap('"src/shop/ds/nodes.py"', r'"src/shop/ds/n\u006fdes.py"'),
    "a quoted header": swap(FILES, '[packages.tool.micropkgd."files"]'),
    "an indented header": swap(FILES, f"  {FILES}"),
    "spaces in the header": swap(FILES, "[ packages.tool.micropkgd . files ]"),
    "spaces around": swap('" = "sha256', '"  =  "sha256'),
    "an inline table": lambda text: re.sub(
        r"\n\[packages\.tool\.micropkgd\.files\]\n((?:\".*\n)+)",
        lambda found: "files = {" + ", ".join(found[1].strip().split("\n")) + "}\n",
        text,
    ),
    "dotted keys": lambda text: re.sub(r'(?m)^("src/.*)$', r"files.\1", text.replace(f"\n{FILES}\n", "")),
    "line ends of Windows": swap("\n", "\r\n"),
    "text at the end": lambda text: text.rstrip("\n"),
    "as it is": lambda text: text,
}


@pytest.mark.parametrize("form", FORMS)
def test_of_a_lock_in_another_form_nothing_is_said(locked: World, form: str) -> None:
    """A person's editor may have written it anew, and a pass reads it: no file of it is left unsaid."""
    before = inventories(locked)
    text = FORMS[form](locked.read(LOCK))
    assert (text == locked.read(LOCK)) is (form == "as it is")
    rest()
    (locked.root / LOCK).write_bytes(text.encode())
    assert inventories(locked) == before
    found = listed._inventories(text)

    assert found in (None, before)
    assert (found is not None) is (form == "as it is")
    sync(locked)
    assert listed_files(str(locked.root)) in (None, before)


STEPS: dict[str, tuple[Callable[[World], object], ...]] = {
    "an edit": (lambda world: world.write("src/shop/ds/nodes.py", "A = 2\n"),),
    "accepted": (
        lambda world: world.write("src/shop/ds/nodes.py", "A = 2\n"),
        lambda world: world.run("accept", ROW),
    ),
    "gone": (lambda world: (world.root / "src/shop/ds/nodes.py").unlink(),),
    "newer": (lambda world: world.publish({"nodes.py": "A = 9\n"}, "2.0"),),
    "locked alone": (
        lambda world: world.publish({"nodes.py": "A = 9\n", "more.py": ""}, "2.0"),
        lambda world: world.run("lock"),
    ),
    "moved": (lambda world: (world.root / "src/shop/ds/nodes.py").rename(world.root / "src/shop/ds/knots.py"),),
    "removed": (lambda world: world.run("remove", ROW),),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("passes", [0, 1])
def test_whatever_happens_it_is_what_the_lock_lists(locked: World, step: str, passes: int) -> None:
    """And `verify` says the same with and without the record."""
    for one in STEPS[step]:
        one(locked)
        rest()
    for _ in range(passes):
        sync(locked)
    found = listed_files(str(locked.root))
    said = locked.run("verify", "--json")
    (locked.root / ".micropkgd/settled").unlink(missing_ok=True)

    assert found in (None, inventories(locked))
    assert locked.run("verify", "--json") == said


@pytest.mark.parametrize("edited", [False, True])
def test_each_file_is_read_once(locked: World, monkeypatch: pytest.MonkeyPatch, *, edited: bool) -> None:
    """Also where one is not as locked, and the documents are read after all."""
    if edited:
        locked.write("src/shop/ds/nodes.py", "A = 2\n")
        sync(locked)
    read: list[str] = []
    find = FsOps.found

    def finding(fs: FsOps, path: RelPath) -> Found:
        read.append(path)
        return find(fs, path)

    monkeypatch.setattr(FsOps, "found", finding)
    report = verify_files(str(locked.root))

    assert sorted(read) == sorted(inventories(locked))
    assert [path for path, _ in report.differing] == ["src/shop/ds/nodes.py"] * edited
