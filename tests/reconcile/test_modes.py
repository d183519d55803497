"""The ways to run a pass: looking only, trusting the lock, offline, several projects; and what looks without one."""

import os
import shutil
from pathlib import Path

import pytest

from tests.kit.world import World

NODES = "src/shop/ds/nodes.py"
ONE, TWO = {"nodes.py": "A = 1\n"}, {"nodes.py": "A = 2\n"}


def outdated(world: World, policy: str = "") -> None:
    """Pull the first version, then publish the second."""
    world.publish(ONE)
    world.asks_for(policy=policy)
    world.sync()
    world.publish(TWO, version="2.0")


@pytest.mark.parametrize(("mode", "code"), [("--dry-run", 0), ("--check", 3)])
def test_looking_writes_nothing(world: World, mode: str, code: int) -> None:
    """The plan is printed, the exit code says what is pending, and no file of the project is touched."""
    outdated(world)
    before = world.stamps()
    said = world.reconcile(mode)

    assert said.code == code
    assert "would update dist/ds.tar.gz" in said.out
    assert f"  update   {NODES}  (changed upstream)" in said.out
    assert "nothing was written" in said.out
    assert world.stamps() == before


@pytest.mark.parametrize("mode", ["--dry-run", "--check"])
def test_looking_at_a_fresh_project_makes_no_folder(world: World, mode: str) -> None:
    """Not even `.micropkgd` comes into being."""
    world.publish(ONE)
    world.asks_for()
    before = world.stamps()
    world.reconcile(mode)

    assert world.stamps() == before


def test_a_dry_run_says_the_plan_that_the_pass_then_carries_out(world: World) -> None:
    """Every change that was announced is made, and no other."""
    outdated(world)
    world.asks_for(destination="pipelines")
    planned = [line for line in world.reconcile("--dry-run").out.splitlines() if line.startswith("  ")]
    done = [line for line in world.reconcile("-v").out.splitlines() if line.startswith("  ")]

    assert planned == done


def test_check_is_content_when_nothing_is_pending(world: World) -> None:
    """In sync is exit code 0."""
    world.publish(ONE)
    world.asks_for()
    world.sync()

    assert world.reconcile("--check").code == 0


def test_locked_stays_with_the_lock_although_the_ref_moved(world: World) -> None:
    """`--locked` installs what is locked: nothing to do here."""
    outdated(world)

    assert world.reconcile("--locked").code == 0
    assert world.read(NODES) == "A = 1\n"


@pytest.mark.parametrize("mode", ["--locked", "--frozen"])
def test_a_fresh_clone_is_installed_from_its_lock(world: World, mode: str) -> None:
    """With lock and archives alone, the tree is the one that was locked."""
    world.publish(ONE)
    world.asks_for()
    world.sync()
    before = world.tree()
    for path in world.pulled():
        (world.root / path).unlink()
    shutil.rmtree(world.root / ".micropkgd")

    assert world.reconcile(mode).code == 0
    assert world.tree() == before


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param('"dist/ds.tar.gz" = {alias = "other"}', id="changed"),
        pytest.param('"dist/ds.tar.gz" = {}\n"dist/more.tar.gz" = {}', id="added"),
        pytest.param("", id="removed"),
    ],
)
def test_locked_refuses_a_manifest_that_disagrees(world: World, rows: str) -> None:
    """Exit 3, the entry named, nothing touched."""
    world.publish(ONE)
    world.asks_for()
    world.sync()
    world.manifest(rows)
    before = world.tree()
    said = world.reconcile("--locked")

    assert said.code == 3
    assert "micropkg.lock: `dist/" in said.err
    assert world.tree() == before


def test_frozen_does_not_care_what_the_manifest_says(world: World) -> None:
    """`--frozen` installs the lock's entries as they were locked, and prunes nothing."""
    world.publish(ONE)
    world.asks_for()
    world.sync()
    world.asks_for(alias="other", destination="pipelines")
    before = world.tree()

    assert world.reconcile("--frozen").code == 0
    assert world.tree() == before


def test_frozen_removes_nothing(world: World) -> None:
    """An entry that left the manifest stays until a pass that looks at the manifest."""
    world.publish(ONE)
    world.asks_for()
    world.sync()
    world.manifest("")
    before = world.tree()

    assert world.reconcile("--frozen").code == 0
    assert world.tree() == before


def test_locked_and_frozen_exclude_each_other(world: World) -> None:
    """A usage error, said by the option parser."""
    said = world.reconcile("--locked", "--frozen")

    assert said.code == 2
    assert "not allowed with argument" in said.err


def test_locked_refuses_other_bytes(world: World) -> None:
    """The locked archive is gone from the cache and the ref has another one: exit 6, nothing touched."""
    outdated(world)
    (world.root / NODES).unlink()
    before = world.tree()
    world.forget_archives()
    said = world.reconcile("--locked")

    assert said.code == 6
    assert "is not the archive that was asked for" in said.out
    assert world.tree() == before


def test_a_lock_whose_digests_were_changed_is_not_obeyed(world: World) -> None:
    """Bytes that are not what the lock says never reach the tree: exit 6, nothing touched (promise P4)."""
    world.publish(ONE)
    world.asks_for()
    world.sync()
    (world.root / NODES).unlink()
    lines = world.read("micropkg.lock").splitlines(keepends=True)
    other = f'"{NODES}" = "sha256:{"0" * 64}"\n'
    world.write("micropkg.lock", "".join(other if NODES in line else line for line in lines))
    before = world.tree()
    said = world.reconcile()

    assert said.code == 6
    assert "renders to other files than the lock lists" in said.out
    assert world.tree() == before


def test_offline_uses_local_refs(world: World) -> None:
    """Only the network is off limits."""
    world.publish(ONE)
    world.asks_for()

    assert world.reconcile("--offline").code == 0


def test_one_broken_project_does_not_stop_the_others(world: World, tmp_path: Path) -> None:
    """The sound project is served, the broken one named, and the exit code is the broken one's."""
    broken = World(tmp_path / "broken")
    broken.write("pyproject.toml", "[tool.kedro\n")
    world.publish(ONE)
    world.asks_for()
    said = world.reconcile(str(broken.root), str(world.root))

    assert said.code == 2
    assert said.err.startswith(f"{broken.root}:\nerror: pyproject.toml: invalid TOML")
    assert world.has(NODES)


def test_the_project_is_found_from_a_folder_inside(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refs stay relative to the project, not to the working folder."""
    world.publish(ONE)
    world.asks_for()
    monkeypatch.chdir(world.root / "src/shop")
    world.sync()

    assert world.has(NODES)


def test_update_locked_waits_for_an_upgrade(world: World) -> None:
    """`update = "locked"`: a pass stays with the lock until `lock --upgrade` moves it."""
    outdated(world, policy='update = "locked"')
    world.sync()
    assert world.read(NODES) == "A = 1\n"

    assert world.run("lock").code == 0
    assert 'version = "1.0"' in world.read("micropkg.lock")
    assert world.run("lock", "--upgrade", "dist/ds.tar.gz").code == 0
    assert 'version = "2.0"' in world.read("micropkg.lock")
    assert world.read(NODES) == "A = 1\n"
    world.sync()
    assert world.read(NODES) == "A = 2\n"


def test_upgrade_of_one_ref_leaves_the_others(world: World) -> None:
    """Only the named ref moves."""
    rows = '"dist/a.tar.gz" = {alias = "aa"}\n"dist/b.tar.gz" = {alias = "bb"}'
    for name in ("a", "b"):
        world.publish(ONE, to=f"dist/{name}.tar.gz")
    world.manifest(rows, 'update = "locked"')
    world.sync()
    for name in ("a", "b"):
        world.publish(TWO, version="2.0", to=f"dist/{name}.tar.gz")
    world.run("lock", "--upgrade", "aa")
    world.sync()

    assert world.read("src/shop/aa/nodes.py") == "A = 2\n"
    assert world.read("src/shop/bb/nodes.py") == "A = 1\n"


def test_lock_writes_the_lock_alone(world: World) -> None:
    """The tree waits for the next pass, which then has everything to apply."""
    world.publish(ONE)
    world.asks_for()

    assert world.run("lock").code == 0
    assert world.has("micropkg.lock")
    assert not world.has("src/shop/ds")
    world.sync()
    assert world.read(NODES) == "A = 1\n"


def test_lock_says_what_it_leaves_in_the_tree(world: World) -> None:
    """The files wait for the next pass; where nothing is pruned at all, they stay locked."""
    outdated(world)
    world.manifest("")

    assert "note: its files stay in the tree until the next `reconcile`" in world.run("lock", "--check").out
    assert world.reconcile("--dry-run").out.startswith("would remove")
    world.manifest("", "prune = false")
    assert world.run("lock", "--check").code == 0


def test_lock_check(world: World) -> None:
    """Exit 3 while the lock is not up to date, 0 once it is; nothing is written."""
    world.publish(ONE)
    world.asks_for()
    before = world.tree()

    assert world.run("lock", "--check").code == 3
    assert world.tree() == before
    world.run("lock")
    assert world.run("lock", "--check").code == 0


def test_diff_shows_what_a_pass_would_change(world: World) -> None:
    """A unified diff, and nothing is written."""
    outdated(world)
    before = world.stamps()
    said = world.run("diff", "ds")

    assert said.out == f"--- a/{NODES}\n+++ b/{NODES}\n@@ -1 +1 @@\n-A = 1\n+A = 2\n"
    assert world.stamps() == before


def test_status_asks_no_source(world: World) -> None:
    """What is installed, what is edited, what is held: from the disk alone."""
    outdated(world)
    world.write(NODES, "A = 'mine'\n")
    world.reconcile()
    (world.root / "dist/ds.tar.gz").unlink()
    said = world.run("status")

    assert said.code == 0
    assert said.out.startswith("Held      dist/ds.tar.gz -> src/shop/ds  1.0 (")
    assert f"LocalEdits: {NODES}" in said.out
    assert f"drifted: {NODES}" in said.out


def test_status_of_a_fresh_project(world: World) -> None:
    """An entry that no pass has installed yet is pending."""
    world.asks_for()

    assert world.run("status").out.startswith("Pending   dist/ds.tar.gz\n")


def test_verify_finds_one_flipped_byte(world: World) -> None:
    """Exit 6 and the path, although size and times are as before."""
    world.publish(ONE)
    world.asks_for()
    world.sync()
    assert world.run("verify").code == 0
    whole = world.root / NODES
    times = whole.stat()
    whole.write_bytes(b"A = 2\n")
    os.utime(whole, ns=(times.st_atime_ns, times.st_mtime_ns))
    said = world.run("verify")

    assert said.code == 6
    assert said.out == f"modified  {NODES}\n2 files checked, 1 not as locked\n"


def test_verify_finds_a_missing_file(world: World) -> None:
    """A file that is not there is not as locked."""
    world.publish(ONE)
    world.asks_for()
    world.sync()
    (world.root / NODES).unlink()

    assert f"missing   {NODES}\n" in world.run("verify").out
