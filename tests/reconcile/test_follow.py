"""Who follows: what is newer at the sources is taken where somebody asked, or where it was time to look."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from micropkgd.model.outcome import Outcome
from micropkgd.reconcile.cycle import run_pass
from micropkgd.reconcile.options import Following, PassOptions
from micropkgd.reconcile.resolve.fetcher import Fetcher
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.gather import Sources
from micropkgd.workspace.git import CheckedOut, checked_out
from tests.kit.git import git as run_git
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.world import World, archive

NODES = "src/shop/ds/nodes.py"
AWAY = Reply(503, b"")


def git(world: World, *words: str, stops: bool = False) -> str:
    """Run git in the project; where it `stops` it is left in the middle of what it did."""
    try:
        return run_git(world.root, *words)
    except subprocess.CalledProcessError:
        assert stops
        return ""


def repository(world: World) -> None:
    """The project as it is, committed on main."""
    git(world, "init", "-q", "-b", "main")
    git(world, "add", "-A")
    git(world, "commit", "-qm", "begin")


def a_pass(world: World, following: Following) -> Outcome:
    """A pass as the service runs it."""
    cache = ArchiveCache(str(world.root.parent / "cache"))
    with Sources(cache) as sources:
        options = PassOptions(following=following)
        return run_pass(str(world.root), options, lambda root: Fetcher(root, sources, cache, {}))


def standing(world: World) -> tuple[str, str]:
    """State and reason of the one entry."""
    (project,) = json.loads(world.run("status", "--json").out)["projects"]
    return project["entries"][0]["standing"]["state"], project["entries"][0]["standing"]["reason"]


def remote(world: World, faults: FaultServer, policy: str = "") -> None:
    """An entry at a server that has something newer than what is installed."""
    world.asks_for(faults.script("/ds.tar.gz", Reply(200, archive({"nodes.py": "A = 1\n"}))), policy)
    world.sync()
    faults.script("/ds.tar.gz", Reply(200, archive({"nodes.py": "A = 2\n"}, "2.0")))


def test_a_saved_file_is_no_reason_to_ask(world: World, faults: FaultServer) -> None:
    """Nor to take what is newer; who asks for it, and the schedule, do."""
    remote(world, faults)
    asked = len(faults.seen)
    a_pass(world, Following.NOTHING)
    assert (world.read(NODES), len(faults.seen)) == ("A = 1\n", asked)

    a_pass(world, Following.UNASKED)
    assert world.read(NODES) == "A = 2\n"


def test_a_changed_manifest_asks_for_the_entries_that_it_changes(world: World, faults: FaultServer) -> None:
    """A row that is new, and one with another pin; the others stay with the lock."""
    one, two, three = (faults.script(f"/{name}.tar.gz", Reply(200, archive({"n.py": "1\n"}))) for name in "abc")
    world.manifest(f'"{one}" = {{alias = "a"}}\n"{two}" = {{alias = "b"}}')
    world.sync()
    newer = archive({"n.py": "2\n"}, "2.0")
    digest = subprocess.run(["sha256sum"], input=newer, capture_output=True, check=True).stdout.decode()[:64]
    for name in "ab":
        faults.script(f"/{name}.tar.gz", Reply(200, newer))
    faults.seen.clear()
    pin = f'sha256 = "{digest}"'
    world.manifest(f'"{one}" = {{alias = "a"}}\n"{two}" = {{alias = "b", {pin}}}\n"{three}" = {{alias = "c"}}')
    outcome = a_pass(world, Following.NOTHING)

    assert outcome.exit_code == 0
    assert sorted({seen.target for seen in faults.seen}) == ["/b.tar.gz", "/c.tar.gz"]
    assert [world.read(f"src/shop/{name}/n.py") for name in "abc"] == ["1\n", "2\n", "1\n"]


def test_another_alias_asks_nobody(world: World, faults: FaultServer) -> None:
    """It is the same archive in another place."""
    remote(world, faults)
    faults.seen.clear()
    world.asks_for(faults.url("/ds.tar.gz"), alias="other")
    a_pass(world, Following.NOTHING)

    assert faults.seen == []
    assert world.read("src/shop/other/nodes.py") == "A = 1\n"


def test_a_local_archive_is_its_own_news(world: World) -> None:
    """One that was written since it was last looked at is taken; one that the lock has left behind is not."""
    world.publish({"nodes.py": "A = 1\n"})
    world.asks_for()
    world.sync()
    old = world.read("micropkg.lock"), world.read(NODES)
    world.publish({"nodes.py": "A = 2\n"}, "2.0")
    a_pass(world, Following.NOTHING)
    assert world.read(NODES) == "A = 2\n"

    world.write("micropkg.lock", old[0])  # as git checks both out
    world.write(NODES, old[1])
    for _ in range(2):
        a_pass(world, Following.NOTHING)
        assert (world.read("micropkg.lock"), world.read(NODES)) == old
    assert world.reconcile().code == 0
    assert world.read(NODES) == "A = 2\n"


def test_a_local_archive_that_went_takes_nothing_and_is_missed(world: World) -> None:
    """The lock is installed all the same; the status says what is wrong until the archive is back."""
    data = world.publish({"nodes.py": "A = 1\n"})
    world.asks_for()
    world.sync()
    (world.root / "dist/ds.tar.gz").unlink()
    (world.root / NODES).unlink()
    a_pass(world, Following.NOTHING)
    assert world.read(NODES) == "A = 1\n"
    assert standing(world) == ("Stalled", "Gone")

    (world.root / "dist/ds.tar.gz").write_bytes(data)
    a_pass(world, Following.NOTHING)
    assert standing(world) == ("Ready", "InSync")


@pytest.mark.parametrize("options", [("--offline",), ("--locked",), ()])
def test_what_failed_goes_on_to_fail_until_it_is_asked_again(
    world: World, faults: FaultServer, options: tuple[str, ...]
) -> None:
    """Since when, too; a command that was told to ask nobody ends well all the same."""
    remote(world, faults)
    faults.script("/ds.tar.gz", AWAY)
    assert world.reconcile().code == 5
    since = json.loads(world.run("status", "--json").out)["projects"][0]["entries"][0]["standing"]["since"]
    code = world.reconcile(*options).code if options else a_pass(world, Following.NOTHING).exit_code

    assert code == (0 if options else 5)
    assert standing(world) == ("Retrying", "Unreachable")
    assert json.loads(world.run("status", "--json").out)["projects"][0]["entries"][0]["standing"]["since"] == since
    faults.script("/ds.tar.gz", Reply(200, archive({"nodes.py": "A = 2\n"}, "2.0")))
    assert world.reconcile().code == 0
    assert standing(world) == ("Ready", "InSync")


def test_what_was_refused_goes_on_to_be_refused(world: World) -> None:
    """A local archive that cannot be used has no news to tell until it is another one."""
    world.publish({"nodes.py": "A = 1\n"})
    world.asks_for()
    world.sync()
    (world.root / "dist/ds.tar.gz").write_bytes(b"no archive")
    first = a_pass(world, Following.NOTHING)
    again = a_pass(world, Following.NOTHING)

    assert first.exit_code == again.exit_code == 6
    assert standing(world)[0] == "Stalled"
    world.publish({"nodes.py": "A = 2\n"}, "2.0")
    assert a_pass(world, Following.NOTHING).exit_code == 0
    assert world.read(NODES) == "A = 2\n"


def test_options_that_were_mended_are_tried_at_once(world: World, faults: FaultServer) -> None:
    """Where an entry failed, a save of its fs-args is a reason to ask its source."""
    remote(world, faults)
    world.write("conf/args.yml", "headers: {X: wrong}\n")
    world.asks_for(faults.script("/ds.tar.gz", Reply(401)), fs_args="conf/args.yml")
    assert world.reconcile().code == 1
    faults.script("/ds.tar.gz", Reply(200, archive({"nodes.py": "A = 2\n"}, "2.0")))
    assert a_pass(world, Following.NOTHING).exit_code == 1
    world.write("conf/args.yml", "headers: {X: right}\n")

    assert a_pass(world, Following.NOTHING).exit_code == 0
    assert world.read(NODES) == "A = 2\n"


def detached(world: World) -> None:
    """Look at a commit."""
    git(world, "switch", "-q", "--detach")


def bisecting(world: World) -> None:
    """Look for one."""
    for _ in range(4):
        git(world, "commit", "-q", "--allow-empty", "-m", "more")
    git(world, "bisect", "start", "HEAD", "HEAD~4")


def merging(world: World) -> None:
    """Stop in a merge, with a conflict."""
    git(world, "switch", "-qc", "other")
    world.write("note", "a\n")
    git(world, "add", "note")
    git(world, "commit", "-qm", "a")
    git(world, "switch", "-q", "main")
    world.write("note", "b\n")
    git(world, "add", "note")
    git(world, "commit", "-qm", "b")
    git(world, "merge", "other", stops=True)


def picking(world: World) -> None:
    """Stop in a cherry-pick."""
    merging(world)
    git(world, "merge", "--abort")
    git(world, "cherry-pick", "other", stops=True)


def reverting(world: World) -> None:
    """Stop in a revert."""
    merging(world)
    git(world, "merge", "--abort")
    world.write("note", "c\n")
    git(world, "commit", "-qam", "c")
    git(world, "revert", "--no-edit", "HEAD~1", stops=True)


def rebasing(world: World) -> None:
    """Stop in a rebase."""
    merging(world)
    git(world, "merge", "--abort")
    git(world, "rebase", "other", stops=True)


@pytest.mark.parametrize("turn", [detached, bisecting])
def test_nothing_is_followed_while_a_commit_is_looked_at(
    world: World, faults: FaultServer, turn: Callable[[World], None]
) -> None:
    """Whoever asks; it says why. What is not locked is asked for all the same."""
    remote(world, faults)
    repository(world)
    turn(world)
    for following in Following:
        outcome = a_pass(world, following)
        assert world.read(NODES) == "A = 1\n"
        assert bool(outcome.lock_holds) is (following is not Following.NOTHING)
    assert git(world, "status", "--porcelain") == ""
    said = world.reconcile()
    assert "the lock holds: " in said.out

    other = faults.script("/b.tar.gz", Reply(200, archive({"n.py": "1\n"})))
    world.manifest(f'"{faults.url("/ds.tar.gz")}" = {{}}\n"{other}" = {{alias = "b"}}')
    assert world.reconcile().code == 0
    assert world.has("src/shop/b/n.py")


@pytest.mark.parametrize("turn", [merging, picking, reverting, rebasing])
def test_nothing_is_followed_while_a_history_is_made(
    world: World, faults: FaultServer, turn: Callable[[World], None]
) -> None:
    """A look says so; a pass that would write waits for its end anyway."""
    remote(world, faults)
    repository(world)
    turn(world)
    said = world.run("diff")

    assert "A = 2" not in said.out
    assert world.reconcile().code == 7


@pytest.mark.parametrize(
    ("branch", "unasked"), [("main", True), ("release/1", True), ("topic", False), ("mainly", False)]
)
def test_branches_say_where_a_schedule_may_follow(
    world: World, faults: FaultServer, branch: str, unasked: bool
) -> None:
    """Who asks is followed everywhere."""
    remote(world, faults, 'follow-branches = ["main", "release/*"]')
    repository(world)
    if branch != "main":
        git(world, "switch", "-qc", branch)
    outcome = a_pass(world, Following.UNASKED)

    assert (world.read(NODES) == "A = 2\n") is unasked
    assert outcome.lock_holds == ("" if unasked else f"`follow-branches` leaves out `{branch}`")
    assert world.reconcile().code == 0
    assert world.read(NODES) == "A = 2\n"


def test_an_upgrade_that_is_asked_for_by_name_is_made(world: World, faults: FaultServer) -> None:
    """Also where HEAD is detached: somebody knows what they do."""
    remote(world, faults)
    repository(world)
    detached(world)
    assert world.run("lock").code == 0
    assert git(world, "status", "--porcelain") == ""
    said = world.run("lock", "--upgrade", "ds")

    assert said.code == 0
    assert "the lock holds" not in said.out
    assert "micropkg.lock" in git(world, "status", "--porcelain")


@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        (lambda _: None, CheckedOut("main")),
        (detached, CheckedOut(detached=True)),
        (bisecting, CheckedOut(detached=True, turning="a bisect")),
        (merging, CheckedOut("main", turning="a merge")),
        (picking, CheckedOut("main", turning="a cherry-pick")),
        (reverting, CheckedOut("main", turning="a revert")),
        (rebasing, CheckedOut(detached=True, turning="a rebase")),
    ],
    ids=["branch", "detached", "bisect", "merge", "cherry-pick", "revert", "rebase"],
)
def test_what_is_checked_out_is_read_as_git_says_it(
    world: World, turn: Callable[[World], None], expected: CheckedOut
) -> None:
    """From git's own files, made by git itself; the same in a linked work tree, which has a HEAD of its own."""
    repository(world)
    turn(world)
    assert checked_out(str(world.root)) == expected

    git(world, "worktree", "add", "-q", "-b", "feature/x", "../beside", "main")
    assert checked_out(str(world.root.parent / "beside")) == CheckedOut("feature/x")
    assert checked_out(str(world.root / "src/shop")) == expected


def test_where_no_repository_is_nothing_stops_following(tmp_path: Path) -> None:
    """And a branch that a file cannot tell is none of those that are named."""
    assert checked_out(str(tmp_path)) is None
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/HEAD").write_text("ref: refs/heads/.invalid\n")
    assert checked_out(str(tmp_path)) == CheckedOut()
