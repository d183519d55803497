"""An entry that left the manifest: its untouched files go, and nothing else."""

import shutil

import pytest

from tests.kit.world import KEDRO, World

FILES = {"nodes.py": "A = 1\n", "config/parameters_ds.yml": "ds: 1\n", "/tests/test_ds.py": "T = 1\n"}


def pulled(world: World, policy: str = "") -> dict[str, bytes]:
    """Pull one entry, and give the tree as it was before."""
    world.publish(FILES)
    world.manifest("", policy)
    before = world.tree()
    world.asks_for(policy=policy, destination="pipelines")
    world.sync()
    return before


def test_a_removed_entry_leaves_no_trace(world: World) -> None:
    """Code, tests, parameters and lock block go; the folders that are empty then go too."""
    before = pulled(world)
    world.manifest("")
    said = world.reconcile()
    left = {path for path in world.tree() if path not in before}

    assert said.out.startswith("removed    dist/ds.tar.gz -> src/shop/pipelines/ds  1.0 (")
    assert left <= {"micropkg.lock", "src/shop/pipelines/__init__.py", "tests/pipelines/__init__.py"}
    assert "[[packages]]" not in world.read("micropkg.lock")


def test_what_stays_because_nothing_is_pruned_is_in_step(world: World) -> None:
    """`prune = false` leaves it locked, and `--locked` is content."""
    pulled(world, policy="prune = false")
    world.manifest("", policy="prune = false")
    world.sync()
    before = world.tree()
    assert world.reconcile("--locked", "--check").code == 0
    assert world.tree() == before


def test_an_entry_of_another_layout_that_left_goes_with_its_files(world: World) -> None:
    """Its package was renamed: as long as files of it stand they are named, after that the block goes, too."""
    pulled(world)
    old = (world.root / "src/shop").rename(world.root / "src/store")
    world.write("pyproject.toml", KEDRO.replace('"shop"', '"store"', 1) + "\n[tool.micropkgd.pull]\n")
    shutil.copytree(old / "pipelines", world.root / "src/shop/pipelines")
    said = world.reconcile()
    assert said.code == 0
    assert "remove its files by hand" in said.out
    assert world.reconcile("--locked").code == 0
    for path in ("src/shop", "tests/pipelines", "conf/base/parameters_ds.yml"):
        whole = world.root / path
        shutil.rmtree(whole) if whole.is_dir() else whole.unlink()
    world.sync()
    assert "[[packages]]" not in world.read("micropkg.lock")


@pytest.mark.parametrize("policy", ["merge", "hold", "overwrite"])
def test_an_edited_entry_that_left_is_a_question(world: World, policy: str) -> None:
    """Nothing of it is removed until somebody chooses, whatever the policy says of edits that meet a new version."""
    pulled(world, policy=f'on-local-edit = "{policy}"')
    world.write("src/shop/pipelines/ds/nodes.py", "A = 'mine'\n")
    world.manifest("", policy=f'on-local-edit = "{policy}"')
    before = world.tree()
    said = world.reconcile()

    assert said.code == 4
    assert world.tree() == before
    assert "hold     src/shop/pipelines/ds/nodes.py  (edited here and its entry left the manifest)" in said.out
    assert world.reconcile().code == 4


@pytest.mark.parametrize(("choice", "stays"), [("--take", False), ("--keep", True)])
def test_a_choice_ends_a_removal(world: World, choice: str, stays: bool) -> None:
    """`--take` removes the whole and keeps the edit for rollback; `--keep` makes the whole the person's own."""
    pulled(world)
    world.write("src/shop/pipelines/ds/nodes.py", "A = 'mine'\n")
    world.manifest("")
    world.reconcile()
    assert world.run("resolve", "dist/ds.tar.gz", choice).code == 0

    assert world.has("src/shop/pipelines/ds/nodes.py") == stays
    assert world.has("tests/pipelines/ds/test_ds.py") == stays
    assert "[[packages]]" not in world.read("micropkg.lock")
    world.sync()
    if not stays:
        world.run("rollback")
        assert world.read("src/shop/pipelines/ds/nodes.py") == "A = 'mine'\n"


def test_without_prune_everything_stays(world: World) -> None:
    """`prune = false`: tree and lock keep the entry, and each pass says that it left the manifest."""
    pulled(world, policy="prune = false")
    before = world.tree()
    world.manifest("", policy="prune = false")
    said = world.reconcile()

    assert said.code == 0
    assert "left the manifest" in said.out
    assert world.tree() | {"pyproject.toml": b""} == before | {"pyproject.toml": b""}


def test_a_manifest_that_does_not_parse_is_not_an_empty_one(world: World) -> None:
    """A slip in `pyproject.toml` never costs a file."""
    pulled(world)
    world.write("pyproject.toml", world.read("pyproject.toml") + "\n[tool.micropkgd.pull\n")
    before = world.tree()

    assert world.reconcile().code == 2
    assert world.tree() == before


def test_a_broken_entry_is_not_pruned(world: World) -> None:
    """An entry whose archive went away keeps its files."""
    pulled(world)
    (world.root / "dist/ds.tar.gz").unlink()
    before = world.tree()

    assert world.reconcile().code == 1
    assert world.tree() == before


def test_a_new_archive_without_a_package_removes_nothing(world: World) -> None:
    """An empty archive is refused, never read as `delete everything`."""
    from tests.kit.world import raw_archive

    pulled(world)
    world.write("dist/ds.tar.gz", raw_archive({"ds-2.0/pyproject.toml": "[project]\nname='ds'\nversion='2.0'\n"}))
    before = world.tree()

    assert world.reconcile().code == 6
    assert world.tree() == before


def test_pruning_takes_python_s_caches_along(world: World) -> None:
    """`__pycache__` of files that go does not keep a dead folder alive."""
    pulled(world)
    world.write("src/shop/pipelines/ds/__pycache__/nodes.cpython-311.pyc", b"x")
    world.manifest("")
    world.sync()

    assert not world.has("src/shop/pipelines/ds")


def test_what_lock_left_in_the_tree_goes_with_the_next_pass(world: World) -> None:
    """`lock` touches no file, however often it runs; the lock says what still stands, for any machine's next pass."""
    before = pulled(world)
    world.manifest("")
    placed = {path: data for path, data in world.tree().items() if path != "micropkg.lock"}
    world.run("lock")
    assert "removed" not in world.run("lock").out
    assert world.run("lock", "--check").code == 0
    assert {path: data for path, data in world.tree().items() if path != "micropkg.lock"} == placed

    world.forget()
    said = world.reconcile()
    left = {path for path in world.tree() if path not in before}

    assert said.out.startswith("removed    dist/ds.tar.gz -> src/shop/pipelines/ds  1.0 (")
    assert not {
        path for path in left if path.endswith(("nodes.py", "test_ds.py", "parameters_ds.yml", "ds/__init__.py"))
    }
    assert "[[packages]]" not in world.read("micropkg.lock")
    assert "removed" not in world.reconcile().out


def test_the_old_place_of_a_moved_row_is_pruned_after_lock(world: World) -> None:
    """The new place is filled and the old one emptied in one pass."""
    pulled(world)
    world.asks_for(destination="moved")
    world.run("lock")
    assert world.has("src/shop/pipelines/ds/nodes.py")
    world.sync()

    assert world.read("src/shop/moved/ds/nodes.py") == "A = 1\n"
    assert not world.has("src/shop/pipelines/ds")


def test_what_lock_left_waits_while_nothing_is_to_be_pruned(world: World) -> None:
    """`--frozen` and `prune = false` keep it, and keep it in mind."""
    pulled(world)
    world.manifest("")
    world.run("lock")
    world.reconcile("--frozen")
    world.manifest("", policy="prune = false")
    world.sync()
    assert world.has("src/shop/pipelines/ds/nodes.py")

    world.manifest("")
    world.sync()
    assert "[[packages]]" not in world.read("micropkg.lock")
    assert not world.has("src/shop/pipelines/ds")


def test_what_an_old_lock_brings_back_is_not_pruned(world: World) -> None:
    """As a branch does that still has the row: the files are an entry's again."""
    pulled(world)
    manifest, locked = world.read("pyproject.toml"), world.read("micropkg.lock")
    world.manifest("")
    world.run("lock")
    world.write("pyproject.toml", manifest)
    world.write("micropkg.lock", locked)

    assert world.reconcile().out.startswith("unchanged")
    assert world.has("src/shop/pipelines/ds/nodes.py")


def test_a_row_that_comes_back_to_what_lock_left_goes_on_from_there(world: World) -> None:
    """The lock says what its files are: the new version replaces them as it would have, and an edit is still one."""
    pulled(world)
    manifest = world.read("pyproject.toml")
    world.manifest("")
    world.run("lock")
    world.publish({**FILES, "nodes.py": "A = 2\n", "/tests/test_ds.py": "T = 2\n"}, version="2.0")
    world.write("tests/pipelines/ds/test_ds.py", "T = 'mine'\n")
    world.write("pyproject.toml", manifest)

    assert world.reconcile().code == 4
    assert world.read("src/shop/pipelines/ds/nodes.py") == "A = 1\n"
    world.write("tests/pipelines/ds/test_ds.py", "T = 1\n")
    world.sync()
    assert world.read("src/shop/pipelines/ds/nodes.py") == "A = 2\n"


def test_what_lock_left_and_a_person_pulled_again_stays(world: World) -> None:
    """A pull by hand makes it that person's."""
    pulled(world)
    world.manifest("")
    world.run("lock")
    assert world.run("pull", "dist/ds.tar.gz", "--destination", "pipelines").code == 0
    world.sync()

    assert world.has("src/shop/pipelines/ds/nodes.py")


def test_a_row_that_comes_back_after_lock_keeps_its_files(world: World) -> None:
    """What is locked again is nobody's to prune, and is updated as what was installed."""
    pulled(world)
    world.manifest("")
    world.run("lock")
    world.run("lock")
    world.publish({**FILES, "nodes.py": "A = 2\n"}, version="2.0")
    world.asks_for(destination="pipelines")
    world.run("lock")
    world.sync()
    world.sync()

    assert world.read("src/shop/pipelines/ds/nodes.py") == "A = 2\n"
