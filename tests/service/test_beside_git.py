"""Git at work in a project that the service looks after: what is checked out stays clean, and git can go on."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.kit.daemon import Daemon, rests
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.world import World, archive
from tests.reconcile.test_follow import git

NODES = "src/shop/ds/nodes.py"


def release(faults: FaultServer, number: int) -> None:
    """Let the server give out a version."""
    faults.script("/ds.tar.gz", Reply(200, archive({"nodes.py": f"A = {number}\n"}, f"{number}.0")))


class Team:
    """A project with a history in which a package grew from version to version, and its service."""

    def __init__(self, world: World, daemon: Daemon, faults: FaultServer) -> None:
        self.world = world
        self.daemon = daemon
        self._faults = faults

    def commit(self, number: int) -> None:
        """Follow a new version, and commit what came of it."""
        release(self._faults, number)
        self.daemon.ask().post("/v1/reconcile", {}, timeout=None)
        assert self.world.read(NODES) == f"A = {number}\n"
        git(self.world, "add", "-A")
        git(self.world, "commit", "-qm", f"version {number}")
        git(self.world, "tag", f"v{number}")

    def git(self, *words: str) -> None:
        """Run git, and let the service see to what it did."""
        git(self.world, *words)
        self.rest()

    def rest(self) -> None:
        """Wait until every event has led to its pass."""
        self.daemon.until_status(self.world.root, rests)

    @property
    def changes(self) -> str:
        """What is not as it was checked out."""
        return git(self.world, "status", "--porcelain")


@pytest.fixture
def team(tmp_path: Path, faults: FaultServer) -> Iterator[Team]:
    """Three versions, of which the third is checked out."""
    world = World(tmp_path / "src/p")
    release(faults, 1)
    world.asks_for(faults.url("/ds.tar.gz"))
    with Daemon(tmp_path / "d", f'projects = ["{tmp_path}/src/*"]\nevery = "1d"\n') as daemon:
        daemon.ready(world.root)
        git(world, "init", "-q", "-b", "main")
        made = Team(world, daemon, faults)
        for number in (1, 2, 3):
            made.commit(number)
        yield made


def test_an_older_branch_stays_clean_and_git_can_go_back(team: Team) -> None:
    """What it has locked is what is installed, though the source has something newer."""
    git(team.world, "branch", "old", "v1")
    for branch, number in (("old", 1), ("main", 3), ("old", 1)):
        team.git("switch", "-q", branch)
        assert team.changes == ""
        assert team.world.read(NODES) == f"A = {number}\n"


def test_a_pull_a_stash_and_a_bisect_end_clean(team: Team) -> None:
    """Also where the service is told to look in the middle of it."""
    world = team.world
    team.git("switch", "-q", "-c", "topic", "v1")
    team.git("merge", "-q", "--ff-only", "v2")
    assert (team.changes, world.read(NODES)) == ("", "A = 2\n")

    world.write("conf/base/parameters.yml", "own: 2\n")
    team.git("stash", "-q")
    team.git("stash", "pop", "-q")
    assert team.changes == " M conf/base/parameters.yml\n"
    git(world, "restore", ".")

    team.git("bisect", "start", "v3", "v1")
    assert (team.changes, world.read(NODES)) == ("", "A = 2\n")
    team.daemon.command("trigger", cwd=world.root)
    team.rest()
    assert (team.changes, world.read(NODES)) == ("", "A = 2\n")
    team.git("bisect", "reset")
    assert (team.changes, git(world, "branch", "--show-current")) == ("", "topic\n")


def test_a_rebase_that_stops_is_waited_for_and_ends_clean(team: Team) -> None:
    """The service looks again by itself when git is done, and takes nothing that is newer than what was rebased."""
    world = team.world
    team.git("switch", "-q", "-c", "topic", "v1")
    world.write("note", "mine\n")
    git(world, "add", "note")
    git(world, "commit", "-qm", "mine")
    git(world, "switch", "-q", "-c", "theirs", "v2")
    world.write("note", "theirs\n")
    git(world, "add", "note")
    git(world, "commit", "-qm", "theirs")
    team.git("switch", "-q", "topic")
    git(world, "rebase", "theirs", stops=True)
    world.write("pyproject.toml", world.read("pyproject.toml"))
    team.daemon.until("ConditionChanged", world.root, message="git is in the middle of a rebase")
    world.write("note", "both\n")
    git(world, "add", "note")
    git(world, "-c", "core.editor=true", "rebase", "--continue")
    team.daemon.until("ConditionChanged", world.root, message="Ready")

    assert (team.changes, world.read(NODES)) == ("", "A = 2\n")


def test_a_schedule_follows_on_the_branches_that_are_named(tmp_path: Path, faults: FaultServer) -> None:
    """Elsewhere the lock holds, whatever the server has."""
    world = World(tmp_path / "src/p")
    release(faults, 1)
    world.asks_for(faults.url("/ds.tar.gz"), 'follow-branches = ["main"]')
    config = f'projects = ["{tmp_path}/src/*"]\nevery = "1s"\njitter = "0s"\n'
    with Daemon(tmp_path / "d", config) as daemon:
        daemon.until("Installed", world.root)
        git(world, "init", "-q", "-b", "main")
        git(world, "add", "-A")
        git(world, "commit", "-qm", "begin")
        git(world, "switch", "-qc", "topic")
        begins_and_ends(daemon, world)
        release(faults, 2)
        begins_and_ends(daemon, world)
        assert git(world, "status", "--porcelain") == ""
        git(world, "switch", "-q", "main")
        daemon.until("Updated", world.root)


def test_where_the_lock_holds_an_outage_ends_too(tmp_path: Path, faults: FaultServer) -> None:
    """Its source is tried again when it was said to be, for nobody else would ask; what it has is not taken."""
    world = World(tmp_path / "src/p")
    release(faults, 1)
    world.asks_for(faults.url("/ds.tar.gz"), 'follow-branches = ["main"]')
    with Daemon(tmp_path / "d", f'projects = ["{tmp_path}/src/*"]\nevery = "1d"\n') as daemon:
        daemon.until("Installed", world.root)
        git(world, "init", "-q", "-b", "main")
        git(world, "add", "-A")
        git(world, "commit", "-qm", "begin")
        git(world, "switch", "-qc", "topic")
        faults.script("/ds.tar.gz", Reply(503))
        daemon.command("trigger", cwd=world.root)
        daemon.until_status(world.root, is_retrying)
        asked = len(faults.seen)
        release(faults, 2)
        daemon.ready(world.root)

        assert len(faults.seen) > asked
        assert (daemon.status(world.root) or {})["entries"][0]["version"] == "1.0"
        assert git(world, "status", "--porcelain") == ""


def is_retrying(status: Mapping[str, Any]) -> bool:
    """Whether a source is away, and nobody is asking it."""
    return status["standing"]["state"] == "Retrying" and not status["running"]


def begins_and_ends(daemon: Daemon, world: World) -> None:
    """Wait until a pass of the schedule began and ended: one that is under way now may have begun before."""
    for _ in range(2):
        known = (daemon.status(world.root) or {})["last_pass"]["id"]
        daemon.until_status(
            world.root,
            lambda one, known=known: (  # type: ignore[misc]
                one["last_pass"]["trigger"] == "schedule" and one["last_pass"]["id"] != known
            ),
        )


def test_an_edit_in_an_outage_leaves_the_outage_known(tmp_path: Path, faults: FaultServer) -> None:
    """It asks nobody, says so in no event, and the next try comes when it was said to come."""
    world = World(tmp_path / "src/p")
    release(faults, 1)
    world.asks_for(faults.url("/ds.tar.gz"))
    with Daemon(tmp_path / "d", f'projects = ["{tmp_path}/src/*"]\nevery = "1d"\n') as daemon:
        daemon.ready(world.root)
        faults.script("/ds.tar.gz", Reply(503, headers={"Retry-After": "4"}))
        daemon.ask().post("/v1/reconcile", {}, timeout=None)
        for _ in range(9):  # until no try fell into the time between the two looks
            asked = len(faults.seen)
            before = daemon.until_status(world.root, is_retrying)
            world.write("pyproject.toml", world.read("pyproject.toml") + "# a comment\n")
            after = daemon.until_status(
                world.root,
                lambda status, before=before: (  # type: ignore[misc]
                    is_retrying(status)
                    and status["last_pass"]["id"] != before["last_pass"]["id"]
                    and "files" in status["last_pass"]["trigger"]
                ),
            )
            if len(faults.seen) == asked:
                break
        release(faults, 2)
        daemon.until("Updated", world.root)

    assert after["standing"] == before["standing"]
    assert after["last_pass"]["exit_code"] == 5
