"""A hold stays known until the edit is gone, another version fits, or somebody resolves it."""

import json
import tomllib

import pytest

from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.world import ROW, World, archive

NODES = "src/shop/ds/nodes.py"
GONE = "src/shop/ds/nodes.py"
BESIDE = ".micropkgd/conflicts/ds/theirs/src/shop/ds/nodes.py"
AWAY = Reply(503, b"")


def remote(world: World, faults: FaultServer, policy: str = "") -> None:
    """An entry that is held: edited here, and changed at its server."""
    world.asks_for(faults.script("/ds.tar.gz", Reply(200, archive({"nodes.py": "A = 1\n"}))), policy)
    world.sync()
    world.write(NODES, "A = 'mine'\n")
    faults.script("/ds.tar.gz", Reply(200, archive({"nodes.py": "A = 2\n"}, "2.0")))
    assert world.reconcile().code == 4


def stands_held(world: World) -> bool:
    """Whether status, JSON and what lies beside still say so."""
    (project,) = json.loads(world.run("status", "--json").out)["projects"]
    (entry,) = project["entries"]
    return bool(entry["standing"]["state"] == "Held" and entry["waiting"] == "2.0" and world.read(BESIDE) == "A = 2\n")


@pytest.mark.parametrize("options", [("--offline",), ("--locked",), ("--frozen",)])
def test_a_pass_that_asks_nobody_keeps_a_hold(world: World, faults: FaultServer, options: tuple[str, ...]) -> None:
    """Twice, too; what goes by the lock alone ends as the lock says."""
    remote(world, faults)
    for _ in range(2):
        said = world.reconcile(*options)
        assert said.code == (4 if options == ("--offline",) else 0), said
        assert stands_held(world)
    assert world.reconcile().code == 4


def test_an_outage_keeps_a_hold_and_its_choice(world: World, faults: FaultServer) -> None:
    """While the source is away a person can decide: what waits is in the cache."""
    remote(world, faults)
    faults.script("/ds.tar.gz", AWAY)
    assert world.reconcile().code == 5
    assert world.read(BESIDE) == "A = 2\n"
    assert world.run("resolve", "ds", "--take").code in {0, 5}
    assert world.read(NODES) == "A = 2\n"


def test_a_choice_is_for_the_version_that_waits(world: World, faults: FaultServer) -> None:
    """A newer one that came since was never looked at."""
    remote(world, faults)
    faults.script("/ds.tar.gz", Reply(200, archive({"nodes.py": "A = 3\n"}, "3.0")))
    assert world.run("resolve", "ds", "--take").code == 0

    assert world.read(NODES) == "A = 2\n"
    world.sync()
    assert world.read(NODES) == "A = 3\n"


def test_a_suspended_entry_keeps_its_hold(world: World, faults: FaultServer) -> None:
    """And has it still when it is looked after again."""
    remote(world, faults)
    world.run("suspend", "ds")
    world.reconcile()
    assert world.read(BESIDE) == "A = 2\n"
    world.run("resume", "ds")
    assert world.reconcile("--offline").code == 4


def test_a_hold_ends_with_the_edit(world: World, faults: FaultServer) -> None:
    """Also in a pass that asks nobody: there is nothing to choose any more."""
    remote(world, faults)
    world.write(NODES, "A = 1\n")

    assert world.reconcile("--offline").code == 0
    assert not world.has(BESIDE)
    world.sync()
    assert world.read(NODES) == "A = 2\n"


def test_a_hold_ends_with_a_version_that_fits(world: World, faults: FaultServer) -> None:
    """What merges is merged, and nothing waits any more."""
    remote(world, faults)
    faults.script("/ds.tar.gz", Reply(200, archive({"nodes.py": "A = 1\n", "more.py": ""}, "3.0")))

    assert world.reconcile().code == 0
    assert world.reconcile("--offline").code == 0
    assert not world.has(BESIDE)


def test_a_conflict_that_was_solved_in_git_is_no_hold(world: World, faults: FaultServer) -> None:
    """The lock came with the version that waited, and the file with what a colleague made of both."""
    remote(world, faults)
    mine = world.read(NODES)
    world.run("resolve", "ds", "--take")
    locked = world.read("micropkg.lock")
    world.run("rollback")
    world.write(NODES, mine)
    assert world.reconcile().code == 4
    world.write("micropkg.lock", locked)
    world.write(NODES, "A = 'mine and 2'\n")

    for options in ((), ("--offline",)):
        said = world.reconcile(*options)
        assert said.code == 0, said
        assert f"drifted: {NODES}" in said.out
    assert world.read(NODES) == "A = 'mine and 2'\n"


def test_a_package_that_is_saved_beside_a_hold_does_not_end_it(world: World, faults: FaultServer) -> None:
    """As the service's pass after a save, which asks no remote source."""
    from micropkgd.reconcile.cycle import run_pass
    from micropkgd.reconcile.options import Following, PassOptions
    from micropkgd.reconcile.resolve.fetcher import Fetcher
    from micropkgd.sources.cache import ArchiveCache
    from micropkgd.sources.gather import Sources

    remote(world, faults)
    cache = ArchiveCache(str(world.root.parent / "cache"))
    with Sources(cache) as sources:
        outcome = run_pass(
            str(world.root), PassOptions(following=Following.NOTHING), lambda root: Fetcher(root, sources, cache, {})
        )  # fmt: skip

    assert outcome.exit_code == 4
    assert stands_held(world)


@pytest.mark.parametrize("row", ['"dist/ds.tar.gz" = {}  # ours', '"dist/ds.tar.gz" = { keep-deleted = ["x"] }'])
def test_a_deletion_that_is_kept_stays_so(world: World, row: str) -> None:
    """`resolve --keep` writes it into the row, so that no later pass, and no clone, brings the file back."""
    deleted_and_changed(world, row)
    said = world.run("resolve", "ds", "--keep")
    assert said.code == 0, said
    assert f'"{GONE}"' in said.err
    assert tomllib.loads(world.read("pyproject.toml"))["tool"]["micropkgd"]["pull"][ROW]["keep-deleted"][-1] == GONE
    assert ("# ours" in row) == ("# ours" in world.read("pyproject.toml"))

    for forgets in (False, True):
        if forgets:
            world.forget()
        world.sync()
        assert not world.has(NODES)
        assert not world.has("src/shop/ds/nod[es].py")
        assert "your edit is kept" not in world.reconcile().out
        assert world.read("src/shop/ds/other.py") == "O = 2\n"
        assert world.reconcile("--locked", "--check").code == 0


def test_what_is_kept_of_a_deletion_is_one_step(world: World) -> None:
    """Row, lock and files go back together; a dry run writes nothing, and says what it would write."""
    deleted_and_changed(world, '"dist/ds.tar.gz" = {}')
    before = world.tree()
    said = world.run("resolve", "ds", "--keep", "--dry-run")
    assert (said.code, world.tree()) == (0, before)
    assert GONE in said.err
    assert world.run("resolve", "ds", "--keep").code == 0
    assert world.tree() != before
    assert world.run("rollback").code == 0
    assert world.tree() == before


def deleted_and_changed(world: World, row: str) -> None:
    """An entry that is held, for a file was deleted here that its new version has otherwise."""
    files = {"nodes.py": "A = 1\n", "nod[es].py": "B = 1\n", "other.py": "O = 1\n"}
    world.publish(files)
    world.manifest(row)
    world.sync()
    (world.root / NODES).unlink()
    (world.root / "src/shop/ds/nod[es].py").unlink()
    world.publish({path: text.replace("1", "2") for path, text in files.items()}, "2.0")
    assert world.reconcile().code == 4
