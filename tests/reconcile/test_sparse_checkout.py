"""Files that git leaves out of a checkout on purpose: nobody deleted them, so none comes back and none is held."""

import os
import shutil
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import Mock

import pytest

from micropkgd.workspace import git as git_files
from tests.kit.daemon import Daemon
from tests.kit.git import commit_all, git
from tests.kit.world import ROW, World, archive

CODE = "src/shop/ds"
FILES = {"nodes.py": "A = 1\n", "deep/__init__.py": "", "deep/more.py": "B = 1\n"}
WAYS = {
    "the whole package": ("set", "--cone", "tests", "conf"),
    "the whole package, in a sparse index": ("set", "--cone", "--sparse-index", "tests", "conf"),
    "a folder of it": ("set", "--no-cone", "/*", f"!/{CODE}/deep/"),
    "a file of it": ("set", "--no-cone", "/*", f"!/{CODE}/nodes.py"),
}
WHOLE, FOLDER = WAYS["the whole package"], WAYS["a folder of it"]


@pytest.fixture
def checkout(world: World) -> World:
    """A package that is installed and committed."""
    world.write(".gitignore", ".micropkgd\ndist\n")
    publish(world, "1.0")
    world.asks_for()
    world.sync()
    git(world.root, "init", "-q", "-b", "main")
    commit_all(world.root)
    return world


def publish(world: World, version: str) -> None:
    """A version in which every file is another."""
    texts = {path: text.replace("= 1", f"= {version}") for path, text in FILES.items()}
    world.write(ROW, archive(texts, version, (f"pandas>={version}",)))


def own_files(world: World) -> dict[str, bytes]:
    """All files of the project, without those of git."""
    return {path: data for path, data in world.tree().items() if not path.startswith(".git/")}


def narrow(world: World, *words: str) -> dict[str, bytes]:
    """Leave something out of the checkout; what is there then."""
    git(world.root, "sparse-checkout", *words)
    return own_files(world)


def is_clean(world: World) -> bool:
    """Whether git sees no change."""
    return not git(world.root, "status", "--porcelain")


def whole_clone(world: World, folder: Path) -> World:
    """A clone of what is committed, with the same archives."""
    git(world.root, "clone", "-q", str(world.root), str(folder))
    shutil.copytree(world.root / "dist", folder / "dist")
    os.chdir(folder)
    return World.at(folder)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("version", ["2", "4"])
def test_it_stays_as_it_is(checkout: World, way: str, version: str) -> None:
    """Pass after pass, by the lock alone too; all says so, and all is there again when git brings it back."""
    before = own_files(checkout)
    git(checkout.root, "update-index", "--index-version", version)
    narrowed = narrow(checkout, *WAYS[way])
    assert narrowed != before
    for options in ((), (), ("--locked",), ("--offline",), ("--dry-run", "--check"), ("--locked", "--check")):
        said = checkout.reconcile(*options)
        assert said.code == 0, said
        assert "out of this checkout" in said.out
        assert own_files(checkout) == narrowed
    status = checkout.run("status")
    assert "left out of this checkout by git: " in status.out
    assert "missing" not in status.out
    assert "drifted" not in status.out
    assert status.code == 0, status
    assert checkout.run("verify").code == 0
    assert checkout.run("lock", "--check").code == 0
    assert is_clean(checkout)
    git(checkout.root, "sparse-checkout", "disable")
    assert own_files(checkout) == before
    said = checkout.reconcile()
    assert said.code == 0, said
    assert "left out" not in said.out + checkout.run("status").out
    assert own_files(checkout) == before


@pytest.mark.parametrize("way", WAYS)
def test_a_new_version_waits(checkout: World, way: str) -> None:
    """Nothing of it is written beside what git does not look at; the whole checkout takes it."""
    narrowed = narrow(checkout, *WAYS[way])
    publish(checkout, "2.0")
    for _ in range(2):
        said = checkout.reconcile()
        assert said.code == 0, said
        assert f"2.0 waits: `micropkgd lock --upgrade {ROW}`" in said.out
        assert own_files(checkout) == narrowed | {ROW: own_files(checkout)[ROW]}
    git(checkout.root, "sparse-checkout", "disable")
    checkout.sync()
    assert "B = 2.0" in checkout.read(f"{CODE}/deep/more.py")
    assert "pandas>=2.0" in checkout.read("requirements.in")


@pytest.mark.parametrize("way", WAYS)
def test_what_is_locked_here_is_installed_elsewhere(checkout: World, way: str, tmp_path: Path) -> None:
    """The lock says what the tree of the commit still has, so that a clone comes to the new version."""
    narrow(checkout, *WAYS[way])
    publish(checkout, "2.0")
    assert checkout.run("lock", "--upgrade", ROW).code == 0
    assert "superseded" in checkout.read("micropkg.lock")
    assert checkout.reconcile().code == 0
    assert checkout.reconcile("--locked").code == 0
    commit_all(checkout.root)
    clone = whole_clone(checkout, tmp_path / "clone")
    clone.sync()
    assert [clone.read(f"{CODE}/{path}") for path in FILES] == [text.replace("= 1", "= 2.0") for text in FILES.values()]
    commit_all(clone.root)
    os.chdir(checkout.root)
    git(checkout.root, "pull", "-q", str(clone.root), "main")
    assert checkout.reconcile().code == 0
    assert is_clean(checkout)
    git(checkout.root, "sparse-checkout", "disable")
    checkout.sync()
    assert is_clean(checkout)


@pytest.mark.parametrize("way", [WHOLE, FOLDER], ids=["whole", "folder"])
@pytest.mark.parametrize("asked", ["", f'"{ROW}" = {{alias = "other"}}'], ids=["gone", "moved"])
def test_what_would_move_or_take_it_away_is_refused(checkout: World, way: tuple[str, ...], asked: str) -> None:
    """With the folder to add; nothing is changed by then, and all of it afterwards."""
    narrowed = narrow(checkout, *way)
    checkout.manifest(asked)
    for _ in range(2):
        said = checkout.reconcile("--allow-empty")
        assert said.code == 1, said
        assert "MPK410" in said.out
        assert f"git sparse-checkout add {CODE}" in said.out
        found = own_files(checkout)
        assert {**found, "pyproject.toml": b""} == {**narrowed, "pyproject.toml": b""}
    git(checkout.root, "sparse-checkout", "disable")
    assert checkout.reconcile("--allow-empty").code == 0
    assert not checkout.has(f"{CODE}/nodes.py")
    assert checkout.has("src/shop/other/deep/more.py") == bool(asked)


@pytest.mark.parametrize("way", [WHOLE, FOLDER], ids=["whole", "folder"])
@pytest.mark.parametrize("asked", ["", f'"{ROW}" = {{alias = "other"}}'], ids=["gone", "moved"])
def test_another_checkout_does_what_lock_says(
    checkout: World, way: tuple[str, ...], asked: str, tmp_path: Path
) -> None:
    """`lock` writes down what is to become of the files that this one cannot touch; both end the same."""
    narrow(checkout, *way)
    checkout.manifest(asked)
    assert checkout.run("lock", "--allow-empty").code == 0
    for _ in range(2):
        said = checkout.reconcile("--allow-empty")
        assert said.code == 0, said
    commit_all(checkout.root)
    clone = whole_clone(checkout, tmp_path / "clone")
    said = clone.reconcile("--allow-empty")
    assert said.code == 0, said
    assert not clone.has(f"{CODE}/nodes.py")
    assert clone.has("src/shop/other/deep/more.py") == bool(asked)
    commit_all(clone.root)
    os.chdir(checkout.root)
    git(checkout.root, "sparse-checkout", "disable")
    git(checkout.root, "pull", "-q", str(clone.root), "main")
    said = checkout.reconcile("--allow-empty")
    assert said.code == 0, said
    assert is_clean(checkout)
    assert own_files(checkout) == own_files(clone)


def test_what_is_in_the_checkout_is_as_ever(checkout: World) -> None:
    """There an edit is kept, and what was deleted comes back."""
    narrow(checkout, *FOLDER)
    checkout.write(f"{CODE}/nodes.py", "A = 1  # mine\n")
    (checkout.root / f"{CODE}/__init__.py").unlink()
    said = checkout.reconcile()

    assert said.code == 0, said
    assert checkout.read(f"{CODE}/nodes.py") == "A = 1  # mine\n"
    assert checkout.has(f"{CODE}/__init__.py")
    assert not checkout.has(f"{CODE}/deep")


def test_one_file_that_git_was_told_to_skip(checkout: World) -> None:
    """`git update-index --skip-worktree` says the same of one file, without any pattern."""
    git(checkout.root, "update-index", "--skip-worktree", f"{CODE}/nodes.py")
    (checkout.root / f"{CODE}/nodes.py").unlink()
    checkout.sync()
    assert not checkout.has(f"{CODE}/nodes.py")
    git(checkout.root, "update-index", "--no-skip-worktree", f"{CODE}/nodes.py")
    checkout.sync()
    assert checkout.has(f"{CODE}/nodes.py")


def test_a_file_that_is_deleted_comes_back(checkout: World) -> None:
    """What git expects in the tree is missing, and nothing else than before happens."""
    (checkout.root / f"{CODE}/nodes.py").unlink()
    checkout.sync()
    assert checkout.has(f"{CODE}/nodes.py")


def test_accepted_edits_stay_accepted(checkout: World) -> None:
    """Of a file that is out of sight nobody takes a word back."""
    checkout.write(f"{CODE}/deep/more.py", "B = 1  # mine\n")
    assert checkout.run("accept").code == 0
    checkout.sync()
    commit_all(checkout.root)
    lock = checkout.read("micropkg.lock")
    narrow(checkout, *FOLDER)
    assert checkout.reconcile("--locked").code == 0
    assert checkout.run("verify").code == 0
    assert checkout.run("accept").code == 0
    checkout.sync()
    assert checkout.read("micropkg.lock") == lock


def test_below_a_project_in_a_folder(world: World, tmp_path: Path) -> None:
    """Git names its files from the top of the work tree."""
    top = world.root
    shop = World(top / "projects/shop")
    os.chdir(shop.root)
    (top / ".gitignore").write_text(".micropkgd\n")
    publish(shop, "1.0")
    shop.asks_for()
    shop.sync()
    git(top, "init", "-q", "-b", "main")
    commit_all(top)
    git(top, "sparse-checkout", "set", "--no-cone", "/*", f"!/projects/shop/{CODE}/deep/")
    shop.sync()
    assert not shop.has(f"{CODE}/deep")
    assert not git(top, "status", "--porcelain")


def test_the_index_is_read_only_where_something_is_missing(checkout: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pass with nothing to do opens nothing of git's for this."""
    checkout.sync()
    read = Mock(side_effect=git_files.left_out)
    monkeypatch.setattr(git_files, "left_out", read)
    checkout.write("conf/base/parameters.yml", "own: 2\n")
    publish(checkout, "1.0")
    checkout.sync()
    assert read.call_count == 0
    (checkout.root / f"{CODE}/nodes.py").unlink()
    checkout.sync()
    assert read.call_count > 0


@pytest.mark.parametrize(
    "out", ["src/shop/mine/", "src/shop/mine/more.py", "tests/mine/", "conf/base/parameters_mine.yml"]
)
def test_no_archive_is_made_of_a_part(checkout: World, out: str) -> None:
    """The one that was made stays, and says what it said; by hand and by a pass alike."""
    files = ("src/shop/mine/__init__.py", "src/shop/mine/more.py", "tests/mine/test_it.py")
    for path in files:
        checkout.write(path, '__version__ = "1.0"\n')
    checkout.write("conf/base/parameters_mine.yml", "a: 1\n")
    checkout.write("conf/base/parameters_other.yml", "a: 1\n")
    checkout.manifest("mine = {}", home="tool.micropkgd.package")
    checkout.reconcile("--allow-empty")
    assert checkout.reconcile("--allow-empty").code == 0
    before = (checkout.root / "dist/mine-1.0.tar.gz").read_bytes()
    commit_all(checkout.root)
    git(checkout.root, "sparse-checkout", "set", "--no-cone", "/*", f"!/{out}", "!/conf/base/parameters_other.yml")
    for words in (("reconcile", "--once", "--allow-empty"), ("package", "mine")):
        said = checkout.run(*words)
        assert said.code == 1, said
        assert "MPK410" in said.out + said.err
        assert (checkout.root / "dist/mine-1.0.tar.gz").read_bytes() == before
    git(checkout.root, "sparse-checkout", "set", "--no-cone", "/*", "!/conf/base/parameters_other.yml")
    assert checkout.reconcile("--allow-empty").code == 0
    assert (checkout.root / "dist/mine-1.0.tar.gz").read_bytes() == before


@pytest.mark.parametrize("way", [WHOLE, FOLDER], ids=["whole", "folder"])
def test_a_new_package_is_written_where_it_goes(checkout: World, way: tuple[str, ...]) -> None:
    """Git knows nothing of it yet, so that it cannot leave it out."""
    narrow(checkout, *way)
    checkout.write("dist/new.tar.gz", archive(FILES, "1.0"))
    checkout.manifest(f'"{ROW}" = {{}}\n"dist/new.tar.gz" = {{alias = "new"}}')
    said = checkout.reconcile()
    assert said.code == 0, said
    assert all(checkout.has(f"src/shop/new/{path}") for path in FILES)
    assert not checkout.has(f"{CODE}/deep")
    git(checkout.root, "add", "--sparse", ".")
    git(checkout.root, "commit", "-q", "-m", "new")
    assert checkout.reconcile().code == 0
    assert is_clean(checkout)


@pytest.mark.parametrize("sparse_index", [False, True], ids=["whole index", "sparse index"])
def test_what_git_has_already_is_not_written_anew(checkout: World, sparse_index: bool) -> None:
    """A package moved by hand, committed with the lock of before: where it is left out, the pass says which folder."""
    (checkout.root / "src/shop").rename(checkout.root / "src/store")
    checkout.write("pyproject.toml", checkout.read("pyproject.toml").replace('"shop"', '"store"', 1))
    checkout.write("src/tools/look.py", "")
    commit_all(checkout.root)
    index = ["--sparse-index"] if sparse_index else []
    narrowed = narrow(checkout, "set", "--cone", *index, "tests", "conf", "src/tools")
    for _ in range(2):
        said = checkout.reconcile()
        assert said.code == 1, said
        assert "MPK410" in said.out
        assert "`git sparse-checkout add src/store/ds`" in said.out
        assert own_files(checkout) == narrowed
    assert is_clean(checkout)
    git(checkout.root, "sparse-checkout", "disable")
    assert checkout.reconcile().code == 0
    assert checkout.has("src/store/ds/nodes.py")


def test_what_git_has_of_a_new_package_is_not_written_anew(checkout: World) -> None:
    """The lock was lost in a merge; the files are committed, and not in this checkout."""
    (checkout.root / "micropkg.lock").unlink()
    commit_all(checkout.root)
    narrowed = narrow(checkout, *FOLDER)
    said = checkout.reconcile()
    assert said.code == 1, said
    assert "it is new in the lock, and 2 of its 4 files are left out of this checkout by git" in said.out
    assert not own_files(checkout).keys() - narrowed.keys() - {"micropkg.lock"}


def test_the_folders_to_add_are_named(checkout: World) -> None:
    """Also where parameters are what is left out, and not code."""
    checkout.write(ROW, archive({**FILES, "config/parameters_ds.yml": "a: 1\n"}, "1.0"))
    checkout.sync()
    commit_all(checkout.root)
    narrow(checkout, "set", "--no-cone", "/*", "!parameters_ds.yml")
    checkout.asks_for(alias="other")
    assert "`git sparse-checkout add conf/base`" in checkout.reconcile().out


@pytest.mark.parametrize("served", [False, True], ids=["alone", "served"])
def test_status_names_what_waits(checkout: World, tmp_path: Path, served: bool) -> None:
    """The version that waits for the files that are left out; beside the service too, until the checkout has them."""
    narrow(checkout, *FOLDER)
    publish(checkout, "2.0")
    with ExitStack() as stack:
        daemon = (
            stack.enter_context(Daemon(tmp_path / "service", f'projects = ["{checkout.root}"]')) if served else None
        )
        if daemon is not None:
            daemon.ready(checkout.root)
            said = daemon.command("status", cwd=checkout.root).stdout
            assert "waiting: 2.0" in said
        else:
            checkout.sync()
            said = checkout.run("status").out
        assert "Waiting: 2.0 waits for a checkout that has all files" in said
        assert "left out of this checkout by git: 2 files" in said
        git(checkout.root, "sparse-checkout", "disable")
        if daemon is not None:
            daemon.command("trigger", cwd=checkout.root)
            daemon.until("Updated", checkout.root)
            daemon.ready(checkout.root)
            said = daemon.command("status", cwd=checkout.root).stdout
        else:
            checkout.sync()
            said = checkout.run("status").out
    assert "aiting" not in said
    assert "B = 2.0" in checkout.read(f"{CODE}/deep/more.py")
