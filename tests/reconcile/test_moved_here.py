"""A file that a person moved inside the package is followed: updates go where it is, and no second copy comes back."""

import json
import shutil
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from micropkgd.model.outcome import Outcome
from micropkgd.reconcile.record.pass_log import give_account
from micropkgd.reconcile.this_pass import Pass
from tests.kit.daemon import PATIENCE, Daemon
from tests.kit.git import commit_all, git
from tests.kit.world import World

DS = "src/shop/ds"
OLD, NEW = f"{DS}/nodes.py", f"{DS}/steps.py"
NODES = "from .other import O\n\nA = 1\n\n\ndef one():\n    return O\n\n\ndef two():\n    return 2\n\n\nB = 1\n"
LATER = NODES.replace("A = 1", "A = 2")
EDITED = NODES.replace("return 2", "return 'mine'")
BOTH = EDITED.replace("A = 1", "A = 2")
FILES = {
    "__init__.py": "",
    "nodes.py": NODES,
    "other.py": "O = 1\n",
    "pipeline.py": "from .nodes import one\nfrom . import nodes\n\nP = one, nodes\n",
}
ADAPTED = "from .steps import one\nfrom . import steps as nodes\n\nP = one, nodes\n"


@pytest.fixture
def installed(world: World) -> World:
    """The first version, as it was pulled."""
    world.publish(FILES)
    world.asks_for()
    world.sync()
    return world


def rename(world: World, old: str = OLD, new: str = NEW) -> None:
    """Move a file as `git mv` does."""
    (world.root / new).parent.mkdir(parents=True, exist_ok=True)
    (world.root / old).rename(world.root / new)


def later(world: World, version: str = "2.0", **files: str) -> None:
    """Publish a version in which the file that is moved has changed, and others may have."""
    world.publish({**FILES, "nodes.py": LATER, **{f"{name}.py": text for name, text in files.items()}}, version)


def wait_for(holds: Callable[[], bool]) -> None:
    """Wait until the service has done something."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def own_table(world: World) -> dict[str, object]:
    """What the lock says of the entry."""
    table: dict[str, object] = tomllib.loads(world.read("micropkg.lock"))["packages"][0]["tool"]["micropkgd"]
    return table


def is_quiet(world: World) -> bool:
    """Whether two more passes write nothing after one that may take a note."""
    world.sync()
    before = world.stamps()
    return (world.reconcile().code, world.reconcile().code, world.stamps()) == (0, 0, before)


def test_a_move_is_told_once_and_then_followed(installed: World) -> None:
    """Imports of it name the new place, and the lock says so: `verify` and `--locked` are content."""
    rename(installed)
    said = installed.reconcile()
    assert (said.code, f"{OLD} is {NEW} here: updates go there" in said.out) == (0, True)
    assert (installed.has(OLD), installed.read(NEW), installed.read(f"{DS}/pipeline.py")) == (False, NODES, ADAPTED)
    assert own_table(installed)["moved"] == {"ds/nodes.py": "ds/steps.py"}
    assert "updates go there" not in installed.reconcile().out
    assert is_quiet(installed)
    assert [installed.run(*words).code for words in (("verify",), ("reconcile", "--once", "--locked"))] == [0, 0]

    later(installed, new="from .nodes import two\n")
    installed.sync()
    assert (installed.has(OLD), installed.read(NEW)) == (False, LATER)
    assert installed.read(f"{DS}/new.py") == "from .steps import two\n"
    assert is_quiet(installed)


@pytest.mark.parametrize("told", [True, False], ids=["a-pass-between", "in-one-pass"])
@pytest.mark.parametrize("forgets", [True, False], ids=["without-memory", "with-memory"])
@pytest.mark.parametrize(
    ("ours", "result"), [pytest.param(NODES, LATER, id="unedited"), pytest.param(EDITED, BOTH, id="edited")]
)
def test_an_update_goes_to_where_it_is(installed: World, told: bool, forgets: bool, ours: str, result: str) -> None:
    """With its edits and with imports that were adapted, on a clone as on the machine where it was moved."""
    rename(installed)
    installed.write(NEW, ours)
    installed.write(f"{DS}/pipeline.py", ADAPTED + "MINE = 1\n")
    if told:
        installed.sync()
    if forgets:
        installed.forget()
    later(installed, pipeline=FILES["pipeline.py"].replace("import one\n", "import one, two\n"))
    installed.sync()
    adapted = ADAPTED.replace("import one\n", "import one, two\n") + "MINE = 1\n"
    assert (installed.has(OLD), installed.read(NEW), installed.read(f"{DS}/pipeline.py")) == (False, result, adapted)
    assert is_quiet(installed)


def test_a_file_that_is_moved_back_is_followed_back(installed: World) -> None:
    """The lock is then as it was before the move, but for the version."""
    before = own_table(installed)
    rename(installed)
    later(installed)
    installed.sync()
    rename(installed, NEW, OLD)
    installed.sync()
    assert (installed.has(NEW), installed.read(OLD)) == (False, LATER)
    assert installed.read(f"{DS}/pipeline.py") == FILES["pipeline.py"]
    assert own_table(installed).keys() == before.keys()
    assert is_quiet(installed)


def test_a_moved_file_can_be_moved_again(installed: World) -> None:
    """The lock names the archive's place and the last one."""
    for old, new in ((OLD, NEW), (NEW, f"{DS}/deep/er/clean.py")):
        rename(installed, old, new)
        installed.sync()
    assert own_table(installed)["moved"] == {"ds/nodes.py": "ds/deep/er/clean.py"}
    assert installed.read(f"{DS}/deep/er/clean.py") == NODES.replace(".other", "...other")
    assert "from .deep.er.clean import one\nfrom .deep.er import clean as nodes" in installed.read(f"{DS}/pipeline.py")


def test_a_folder_that_was_moved_comes_whole(world: World) -> None:
    """Its empty `__init__.py` too, and the tests name it."""
    world.publish({
        "__init__.py": "",
        "sub/__init__.py": "",
        "sub/a.py": "from ..other import O\n\nA = O\n" + "# more\n" * 9,
        "sub/data.csv": "1,2\n3,4\n",
        "other.py": "from ds.sub.a import A\nimport ds.sub.a\n\nO = ds.sub.a.A\n",
    })  # fmt: skip
    world.asks_for()
    world.sync()
    shutil.move(world.root / DS / "sub", world.root / DS / "inner")
    world.sync()
    assert not world.has(f"{DS}/sub")
    assert world.read(f"{DS}/other.py") == (
        "from shop.ds.inner.a import A\nimport shop.ds.inner.a\n\nO = shop.ds.inner.a.A\n"
    )
    assert is_quiet(world)


SMALL = {"__init__.py": "", "sub/__init__.py": "V = 1\n", "sub/a.py": "A = 1\n" + "# more\n" * 9, "b.py": "B = 1\n"}


@pytest.mark.parametrize("stays", [False, True], ids=["all-of-it", "a-part-of-it"])
def test_a_tiny_file_that_was_rewritten_goes_where_its_folder_went(world: World, stays: bool) -> None:
    """By its name, where nothing is left in the old folder; else it is another file, and the old one comes back."""
    world.publish({**SMALL, **({"sub/c.py": "C = 1\n"} if stays else {})})
    world.asks_for()
    world.sync()
    for name in ("a.py", "__init__.py"):
        rename(world, f"{DS}/sub/{name}", f"{DS}/inner/{name}")
    world.write(f"{DS}/inner/__init__.py", "MINE = 'all of it'\n")
    world.sync()
    assert (world.has(f"{DS}/sub/__init__.py"), world.has(f"{DS}/sub/a.py")) == (stays, False)
    assert world.read(f"{DS}/inner/__init__.py") == "MINE = 'all of it'\n"
    assert is_quiet(world)

    world.publish(
        {**SMALL, "sub/a.py": SMALL["sub/a.py"].replace("A = 1", "A = 2"), "sub/__init__.py": "V = 2\n"}, "2.0"
    )
    assert world.reconcile().code == (0 if stays else 4)
    assert world.read(f"{DS}/inner/__init__.py") == "MINE = 'all of it'\n"


@pytest.fixture
def branches(installed: World) -> World:
    """Moved on one branch, updated on the other, which is checked out; archives are nobody's to commit."""
    root = installed.root
    installed.write(".gitignore", "dist/\n.micropkgd/\n")
    installed.write(".gitattributes", "micropkg.lock merge=micropkgd\n")
    git(root, "init", "-q", "-b", "main")
    git(root, "config", "merge.micropkgd.driver", f"{sys.executable} -m micropkgd lock --merge-driver %O %A %B")
    commit_all(root)
    git(root, "checkout", "-q", "-b", "moved")
    git(root, "mv", OLD, NEW)
    installed.sync()
    commit_all(root, "moved")
    git(root, "checkout", "-q", "main")
    installed.sync()
    assert (installed.has(NEW), installed.read(OLD)) == (False, NODES)
    later(installed, new="from .nodes import two\n")
    installed.sync()
    commit_all(root, "updated")
    return installed


@pytest.mark.parametrize("forgets", [True, False], ids=["without-memory", "with-memory"])
@pytest.mark.parametrize("way", ["checkout", "merge", "merge-into", "rebase"])
def test_a_branch_has_what_its_lock_says(branches: World, way: str, forgets: bool) -> None:
    """Each checkout, and whatever git makes of both, is brought to where a person moved it."""
    if way != "merge-into":
        git(branches.root, "checkout", "-q", "moved")
    other = "moved" if way == "merge-into" else "main"
    if way == "rebase":
        git(branches.root, "rebase", "-q", other)
    elif way != "checkout":
        git(branches.root, "merge", "-q", "-m", "both", other)
    if forgets:
        branches.forget()
    branches.sync()
    assert (branches.has(OLD), branches.read(NEW), branches.read(f"{DS}/pipeline.py")) == (False, LATER, ADAPTED)
    assert branches.read(f"{DS}/new.py") == "from .steps import two\n"
    assert is_quiet(branches)


def test_a_clone_of_a_commit_without_a_pass_follows_by_content(installed: World, tmp_path: Path) -> None:
    """Who moved it ran nothing: the lock still has the old place, on a machine that remembers nothing."""
    root = installed.root
    git(root, "init", "-q")
    git(root, "add", ".")
    commit_all(root)
    git(root, "mv", OLD, NEW)
    commit_all(root, "moved")
    clone = World(tmp_path / "clone")
    shutil.rmtree(clone.root)
    git(tmp_path, "clone", "-q", str(root), "clone")
    (clone.root / "dist").mkdir(exist_ok=True)
    later(clone)
    with_cwd = clone.spawn("reconcile", "--once")
    assert with_cwd.returncode == 0, with_cwd
    assert (clone.has(OLD), clone.read(NEW), clone.read(f"{DS}/pipeline.py")) == (False, LATER, ADAPTED)


@pytest.mark.parametrize(
    "theirs", [pytest.param("steps", id="to-the-same-place"), pytest.param("clean", id="elsewhere")]
)
@pytest.mark.parametrize(
    "ours", [pytest.param((NODES, LATER), id="unedited"), pytest.param((EDITED, BOTH), id="edited")]
)
@pytest.mark.parametrize("told", [True, False], ids=["a-pass-between", "in-one-pass"])
def test_a_file_that_upstream_renamed_too_stays_where_it_is(
    installed: World, theirs: str, ours: tuple[str, str], told: bool
) -> None:
    """Upstream's new name is another name of the archive, and the person's place is the place."""
    rename(installed)
    installed.write(NEW, ours[0])
    if told:
        installed.sync()
    pipeline = FILES["pipeline.py"].replace("nodes", theirs)
    installed.publish({"__init__.py": "", "other.py": "O = 1\n", f"{theirs}.py": LATER, "pipeline.py": pipeline}, "2.0")
    installed.sync()
    assert (installed.has(OLD), installed.read(NEW)) == (False, ours[1])
    assert not installed.has(f"{DS}/clean.py")
    assert "from .steps import one\nfrom . import steps" in installed.read(f"{DS}/pipeline.py")
    assert own_table(installed).get("moved", {}) == ({} if theirs == "steps" else {"ds/clean.py": "ds/steps.py"})
    assert is_quiet(installed)


@pytest.mark.parametrize("told", [True, False], ids=["a-pass-between", "in-one-pass"])
def test_a_file_that_upstream_deleted_goes_and_an_edit_is_held(installed: World, told: bool) -> None:
    """As for one that stayed; the lock no longer speaks of it."""
    rename(installed)
    if told:
        installed.sync()
    installed.write(NEW, EDITED)
    installed.publish({"__init__.py": "", "other.py": "O = 1\n"}, "2.0")
    said = installed.reconcile()
    assert (said.code, "edited here and removed upstream" in said.out, installed.read(NEW)) == (4, True, EDITED)
    installed.write(NEW, NODES)
    installed.sync()
    assert (installed.has(OLD), installed.has(NEW)) == (False, False)
    assert "moved" not in own_table(installed)
    assert is_quiet(installed)


def test_an_edit_that_collides_is_held_where_it_is(installed: World) -> None:
    """What lies beside has its place, `resolve` takes it by that, and the lock keeps the old version till then."""
    rename(installed)
    installed.write(NEW, NODES.replace("A = 1", "A = 'mine'"))
    later(installed)
    said = installed.reconcile()
    assert (said.code, f"hold     {NEW}" in said.out, installed.has(OLD)) == (4, True, False)
    beside = f".micropkgd/conflicts/ds/merged/{NEW}"
    assert "<<<<<<<" in installed.read(beside)
    assert installed.reconcile().code == 4
    assert installed.run("resolve", "ds", NEW, "--take").code == 0
    assert (installed.has(OLD), installed.read(NEW), installed.read(f"{DS}/pipeline.py")) == (False, LATER, ADAPTED)
    assert is_quiet(installed)


def test_two_that_are_alike_are_a_question(installed: World) -> None:
    """The missing file is back, as ever, and both copies stay as they are."""
    rename(installed)
    installed.write(f"{DS}/copy.py", NODES)
    said = installed.reconcile()
    assert f"{OLD} is missing, and nothing tells which it became: {DS}/copy.py or {NEW}" in said.out
    assert [installed.read(path) for path in (OLD, NEW, f"{DS}/copy.py")] == [NODES] * 3
    assert "moved" not in own_table(installed)


def test_a_copy_that_stood_beside_it_is_no_move(installed: World) -> None:
    """Git's HEAD has both: the one was deleted, and comes back."""
    installed.write(NEW, NODES + "# mine\n")
    git(installed.root, "init", "-q")
    commit_all(installed.root)
    (installed.root / OLD).unlink()
    installed.sync()
    assert (installed.read(OLD), installed.read(NEW)) == (NODES, NODES + "# mine\n")


def test_a_locked_pass_writes_no_lock_and_brings_nothing_back(installed: World) -> None:
    """It says that the lock does not know yet."""
    rename(installed)
    before = installed.tree()
    said = installed.reconcile("--locked")
    assert (said.code, "a pass that may write the lock follows it" in said.out) == (0, True)
    assert installed.tree() == before


def test_a_lock_that_moves_on_alone_keeps_the_move(installed: World) -> None:
    """`lock` writes the new version's files where they will be."""
    rename(installed)
    installed.sync()
    later(installed)
    assert installed.run("lock").code == 0
    assert own_table(installed)["moved"] == {"ds/nodes.py": "ds/steps.py"}
    assert (installed.read(NEW), installed.has(OLD)) == (NODES, False)
    installed.sync()
    assert (installed.read(NEW), installed.has(OLD)) == (LATER, False)


@pytest.mark.parametrize("told", [True, False], ids=["a-pass-between", "in-one-pass"])
def test_an_alias_takes_the_move_along(installed: World, told: bool) -> None:
    """The entry goes elsewhere, and what was moved in it is moved there."""
    rename(installed)
    if told:
        installed.sync()
    installed.asks_for(alias="forecast")
    if not told:
        installed.sync()
        return
    installed.sync()
    assert installed.read("src/shop/forecast/steps.py") == NODES
    assert not installed.has("src/shop/forecast/nodes.py")
    assert installed.read("src/shop/forecast/pipeline.py") == ADAPTED
    assert is_quiet(installed)


def test_edits_of_it_are_shown_accepted_and_taken_home(installed: World) -> None:
    """Against what the archive makes there; the patch takes the move along."""
    rename(installed)
    installed.sync()
    installed.write(NEW, EDITED)
    shown = installed.run("diff", "--edits").out
    assert f"+++ b/{NEW}" in shown
    assert "+    return 'mine'" in shown
    assert installed.run("accept", "ds").code == 0
    assert installed.run("verify").code == 0
    patch = installed.run("patch", "ds").out
    assert "rename from" in patch or ("--- a/ds/nodes.py" in patch and "+++ b/ds/steps.py" in patch)


def test_a_checkout_with_crlf_is_followed(installed: World) -> None:
    """Line ends are no edit, here as anywhere."""
    rename(installed)
    installed.write(NEW, NODES.replace("\n", "\r\n"))
    installed.sync()
    later(installed)
    installed.sync()
    assert installed.read(NEW) == LATER.replace("\n", "\r\n")


def test_json_says_what_names_it(installed: World) -> None:
    """The change of a file that names what was moved has its own reason."""
    rename(installed)
    document = json.loads(installed.reconcile("--json").out)
    (change,) = document["projects"][0]["entries"][0]["changes"]
    assert (change["path"], change["reason"]) == (f"{DS}/pipeline.py", "names what you moved")


def test_the_service_follows_a_move_while_it_runs(installed: World, tmp_path: Path) -> None:
    """There, with an update, and back again; each time it rests with nothing to do."""
    with Daemon(tmp_path / "service", f'projects = ["{installed.root}"]\n') as daemon:
        daemon.ready(installed.root)
        rename(installed)
        wait_for(lambda: installed.read(f"{DS}/pipeline.py") == ADAPTED)
        later(installed)
        wait_for(lambda: installed.read(NEW) == LATER)
        rename(installed, NEW, OLD)  # amid the pass, as it may be
        wait_for(lambda: installed.read(f"{DS}/pipeline.py") == FILES["pipeline.py"])
        daemon.ready(installed.root)
    assert (installed.read(OLD), installed.has(NEW)) == (LATER, False)
    assert "moved" not in own_table(installed)


def test_what_goes_while_a_pass_ends_is_noticed_by_the_next(installed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that the pass wrote, and that was gone when it took its note, is missing: nothing says that it may be."""

    def and_someone_moves_it(this: Pass, outcome: Outcome) -> None:
        rename(installed, f"{DS}/other.py", "elsewhere.py")
        give_account(this, outcome)

    installed.publish({**FILES, "other.py": "O = 2\n"}, "2.0")
    with monkeypatch.context() as patched:
        patched.setattr("micropkgd.reconcile.cycle.give_account", and_someone_moves_it)
        installed.sync()
    assert not installed.has(f"{DS}/other.py")
    installed.sync()
    assert installed.read(f"{DS}/other.py") == "O = 2\n"
