"""Refs that go back: to an older version, to other bytes under the same one, and to nothing at all."""

import json
from pathlib import Path
from typing import Any

import pytest

from micropkgd.model.lock import Block
from micropkgd.model.outcome import StepBack
from micropkgd.model.tree import RelPath, digest_of
from micropkgd.reconcile.plan.backwards import step_back
from tests.kit.daemon import Daemon
from tests.kit.git import commit_all, git
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.site import config as site_config
from tests.kit.site import listening
from tests.kit.world import ROW, Said, World, archive

NEW, OLD = {"nodes.py": "v = 2\n", "more.py": "m = 1\n"}, {"nodes.py": "v = 1\n"}
NODES = "src/shop/ds/nodes.py"


def entry(said: Said) -> dict[str, Any]:
    """The one entry of a document."""
    found: dict[str, Any] = json.loads(said.out)["projects"][0]["entries"][0]
    return found


@pytest.fixture
def installed(world: World) -> World:
    """A project with version 2.0 in place."""
    world.publish(NEW, version="2.0")
    world.asks_for()
    world.sync()
    return world


def test_an_older_version_is_held(installed: World) -> None:
    """What is installed stays, the other one waits, and every pass says so, also one that asks nobody."""
    tree = installed.tree()
    installed.publish(OLD, version="1.0")
    found = entry(installed.reconcile("--json"))
    assert (found["action"], found["condition"], found["step_back"]) == ("hold", "Held", "older")
    assert (found["after"]["version"], found["waiting"]["version"]) == ("2.0", "1.0")
    assert found["failure"]["reason"] == "Downgrade"
    assert {path for path, data in installed.tree().items() if tree.get(path) != data} == {ROW}
    said = installed.reconcile()
    assert said.code == 4
    assert "older than the 2.0 that is installed" in said.out
    assert "waiting: 1.0" in said.out
    assert "hint: `micropkgd resolve dist/ds.tar.gz --take` installs it" in said.out
    assert "Held" in installed.run("status").out
    assert installed.reconcile("--check").code == 4


@pytest.mark.parametrize("how", ["resolve dist/ds.tar.gz --take", "reconcile --once --allow-downgrade"])
def test_a_person_takes_it(installed: World, how: str) -> None:
    """By either word; the next pass is in sync."""
    installed.publish(OLD, version="1.0")
    assert installed.reconcile().code == 4
    assert installed.run(*how.split()).code == 0
    assert installed.read(NODES) == "v = 1\n"
    assert not installed.has("src/shop/ds/more.py")
    installed.sync()


def test_the_policy_follows(installed: World) -> None:
    """Without a question; the document still says what it was."""
    installed.asks_for(policy='on-downgrade = "follow"')
    installed.publish(OLD, version="1.0")
    found = entry(installed.reconcile("--json"))

    assert (found["action"], found["step_back"], found["after"]["version"]) == ("update", "older", "1.0")


def test_other_bytes_of_the_same_version(installed: World) -> None:
    """Are followed, for that is what a ref that moves is for; a policy may hold them."""
    installed.publish({"nodes.py": "v = 3\n"}, version="2.0")
    found = entry(installed.reconcile("--json"))
    assert (found["action"], found["step_back"]) == ("update", "rebuilt")
    installed.asks_for(policy='on-downgrade = "hold"')
    installed.publish({"nodes.py": "v = 4\n"}, version="2.0")
    found = entry(installed.reconcile("--json"))
    assert (found["action"], found["failure"]["reason"]) == ("hold", "Rebuilt")
    assert installed.read(NODES) == "v = 3\n"


def test_going_on_ends_it(installed: World) -> None:
    """The publisher takes it back, or releases something newer."""
    installed.publish(OLD, version="1.0")
    assert installed.reconcile().code == 4
    installed.publish(NEW, version="2.0")
    installed.sync()
    installed.publish(OLD, version="1.0")
    assert installed.reconcile().code == 4
    installed.publish({"nodes.py": "v = 3\n"}, version="3.0")
    installed.sync()
    assert installed.read(NODES) == "v = 3\n"


def test_a_missing_file_comes_back_while_it_is_held(installed: World) -> None:
    """Of the version that is installed."""
    installed.publish(OLD, version="1.0")
    assert installed.reconcile().code == 4
    (installed.root / NODES).unlink()
    assert installed.reconcile().code == 4
    assert installed.read(NODES) == "v = 2\n"


def test_what_a_person_asks_for_is_no_step_back(installed: World) -> None:
    """Another ref in the same place, and a pin, are edits of the manifest."""
    installed.publish(OLD, version="1.0", to="dist/old.tar.gz")
    installed.asks_for("dist/old.tar.gz")
    installed.sync()
    assert installed.read(NODES) == "v = 1\n"
    installed.publish(NEW, version="2.0")
    installed.asks_for()
    installed.sync()
    data = installed.publish(OLD, version="1.0")
    installed.asks_for(sha256=digest_of(data).removeprefix("sha256:"))
    installed.sync()
    assert installed.read(NODES) == "v = 1\n"


def test_a_clone_holds_it_too(installed: World) -> None:
    """The lock says what is installed, on every machine."""
    installed.publish(OLD, version="1.0")
    tree = installed.tree()
    for name in ("state.json", "settled"):
        (installed.root / ".micropkgd" / name).unlink(missing_ok=True)
    installed.forget_archives()

    assert installed.reconcile().code == 4
    assert installed.tree() == tree


@pytest.mark.parametrize("policy", ["", 'on-downgrade = "follow"'])
@pytest.mark.parametrize("version", ["1.0", "2.0", "3.0"])
@pytest.mark.parametrize("empty", ["", " \n\n"])
def test_an_empty_package_deletes_nothing(installed: World, policy: str, version: str, empty: str) -> None:
    """Whatever its version, and whatever anybody says; parameters and tests are no package."""
    installed.asks_for(policy=policy)
    installed.write("dist/ds.tar.gz", archive({"__init__.py": empty, "/tests/test_x.py": "x = 1\n"}, version))
    for options in ((), ("--allow-downgrade",)):
        said = installed.reconcile("--json", *options)
        assert (said.code, entry(said)["failure"]["reason"]) == (6, "EmptyPackage")
    assert installed.read(NODES) == "v = 2\n"
    assert installed.has("src/shop/ds/more.py")


def test_an_empty_package_may_be_the_first(world: World) -> None:
    """There is nothing to lose."""
    world.publish({})
    world.asks_for()
    world.sync()
    world.publish({"nodes.py": "v = 1\n"}, version="1.1")
    world.sync()


def block(version: str, archive_: str = "a", name: str = "ds") -> Block:
    """A block of this version."""
    return Block(name, version, "u", 1, digest_of(archive_.encode()), "r", digest_of(b"r"), RelPath("t"), 1, (), {})


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (block("1.0"), block("1.0"), None),
        (block("1.0"), block("1.0", "b"), StepBack.REBUILT),
        (block("1.0"), block("1.1", "b"), None),
        (block("1.10"), block("1.9", "b"), StepBack.OLDER),
        (block("1.0"), block("1.0rc1", "b"), StepBack.OLDER),
        (block("1.0"), block("1.0.post1", "b"), None),
        (block("1!0.1"), block("9.0", "b"), StepBack.OLDER),
        (block("2.0"), block("1.0", "b", "other"), None),
        (block("odd"), block("1.0", "b"), None),
    ],
)
def test_what_counts_as_back(before: Block, after: Block, expected: StepBack | None) -> None:
    """By PEP 440; another package under the ref is another thing."""
    assert step_back(before, after) is expected


def test_the_service_tells_it(tmp_path: Path, faults: FaultServer) -> None:
    """One event and one count for each, not for every pass that finds it so."""
    world = World(tmp_path / "src/p0")
    old, rebuilt = archive(OLD, "1.0"), archive({"nodes.py": "v = 3\n"}, "2.0")
    address = faults.script("/ds.tar.gz", Reply(body=archive(NEW, "2.0")))
    world.asks_for(address)
    with Daemon(tmp_path, site_config(tmp_path)) as daemon:
        daemon.ready(world.root)
        site = listening(daemon, "http.probes")
        for data, kind, message in ((rebuilt, "Rebuilt", "followed: 2.0 ("), (old, "Downgrade", "held: 2.0 (")):
            faults.script("/ds.tar.gz", Reply(body=data))
            for _ in range(2):
                daemon.command("reconcile", "--once", cwd=world.root)
            assert daemon.until(kind, world.root)["message"].startswith(message)
        kinds = [event["kind"] for event in daemon.ask().get("/v1/events")["events"]]
        assert (kinds.count("Rebuilt"), kinds.count("Downgrade")) == (1, 1)
        status = daemon.status(world.root)
        assert status is not None
        assert (status["standing"]["state"], status["standing"]["reason"]) == ("Held", "Downgrade")
        assert status["entries"][0]["waiting"] == "1.0"
        told = site.get("/metrics", token="").body.decode()
        head = f'micropkgd_downgrades_total{{project="{world.root}"'
        assert f'{head},result="held",to="older"}} 1.0' in told
        assert f'{head},result="followed",to="rebuilt"}} 1.0' in told
    assert world.read(NODES) == "v = 3\n"


ADDRESS = "/ds.tar.gz"


class History:
    """A project that pulls 2.0 from a server, whose ref then goes back to 1.0."""

    def __init__(self, world: World, faults: FaultServer) -> None:
        self.world, self._faults = world, faults
        self.gives(NEW, "2.0")
        world.asks_for(faults.url(ADDRESS))
        world.sync()
        self.gives(OLD, "1.0")

    def gives(self, files: dict[str, str], version: str) -> None:
        """What the server has from now on."""
        self._faults.script(ADDRESS, Reply(body=archive(files, version), headers={"ETag": f'"{version}"'}))

    def is_away(self) -> None:
        """An outage."""
        self._faults.script(ADDRESS, Reply(503))

    def stands(self) -> tuple[str, str, str, str]:
        """How the entry stands, what it has, and what waits."""
        (project,) = json.loads(self.world.run("status", "--json").out)["projects"]
        (one,) = project["entries"]
        return one["standing"]["state"], one["standing"]["reason"], one["version"], one["waiting"]


@pytest.fixture
def history(world: World, faults: FaultServer) -> History:
    """That project."""
    return History(world, faults)


def test_what_waits_is_known_until_something_newer_is(history: History) -> None:
    """Through passes that ask nobody, a server that says that nothing changed, and an outage."""
    world = history.world
    assert world.reconcile().code == 4
    for options in (("--offline",), (), ("--offline",)):
        said = world.reconcile("--json", *options)
        assert (said.code, entry(said)["waiting"]["version"], entry(said)["step_back"]) == (4, "1.0", "older")
        assert history.stands() == ("Held", "Downgrade", "2.0", "1.0")
    history.is_away()
    said = world.reconcile("--json")
    assert (said.code, entry(said)["waiting"]["version"]) == (5, "1.0")
    assert world.reconcile("--offline").code == 4
    assert world.reconcile("--locked").code == 0  # that is what is locked
    assert history.stands() == ("Held", "Downgrade", "2.0", "1.0")
    history.gives({"nodes.py": "v = 3\n"}, "2.1")
    world.sync()
    assert history.stands() == ("Ready", "InSync", "2.1", "")


def test_it_can_be_taken_while_its_server_is_away(history: History) -> None:
    """From the cache: the very version that was told."""
    assert history.world.reconcile().code == 4
    history.is_away()
    assert history.world.run("resolve", "ds", "--take").code == 0
    assert history.world.read(NODES) == "v = 1\n"
    assert history.stands()[2:] == ("1.0", "")


def test_there_is_nothing_to_keep(history: History) -> None:
    """What is installed stays without a word; `--keep` would mean edits."""
    assert history.world.reconcile().code == 4
    said = history.world.run("resolve", "ds", "--keep")
    assert said.code == 2
    assert "it keeps what it has without a word" in said.err


def test_who_asks_for_what_is_there_gets_it(history: History) -> None:
    """`lock` alone is what bots and CI run too; with `--upgrade` somebody wants what the refs have now."""
    assert history.world.run("lock").code == 4
    assert history.world.run("lock", "--upgrade").code == 0
    history.world.sync()
    assert history.world.read(NODES) == "v = 1\n"
    assert not history.world.has("src/shop/ds/more.py")


def test_a_pull_by_hand_follows(world: World) -> None:
    """A person named the archive; but nobody means an empty one."""
    for files, version in ((NEW, "2.0"), (OLD, "1.0")):
        world.publish(files, version)
        assert world.run("pull", ROW).code == 0
    assert world.read(NODES) == "v = 1\n"
    world.publish({}, "3.0")
    said = world.run("pull", ROW)
    assert (said.code, "its package is empty" in said.out + said.err) == (6, True)
    assert world.read(NODES) == "v = 1\n"


def test_another_row_with_an_empty_package_deletes_nothing(installed: World) -> None:
    """A row may name another archive in the same place; it may not have nothing."""
    installed.publish({}, "3.0", to="dist/other.tar.gz")
    installed.asks_for("dist/other.tar.gz")
    assert installed.reconcile().code == 6
    assert installed.read(NODES) == "v = 2\n"


def test_an_older_lock_is_followed(history: History, tmp_path: Path) -> None:
    """A colleague looked at the older version, took it, and committed it: everybody else just gets it."""
    world = history.world
    assert world.reconcile().code == 4
    world.write(".gitignore", ".micropkgd/\n")
    git(world.root, "init", "-q", "-b", "main")
    commit_all(world.root)
    git(world.root, "clone", "-q", str(world.root), str(tmp_path / "clone"))
    assert world.run("reconcile", "--once", str(tmp_path / "clone")).code == 4
    assert world.run("resolve", "--project", str(tmp_path / "clone"), "ds", "--take").code == 0
    commit_all(tmp_path / "clone")
    git(world.root, "pull", "-q", str(tmp_path / "clone"), "main")
    for options in (["--offline"], [], ["--offline"]):
        assert world.reconcile(*options).code == 0
    assert world.read(NODES) == "v = 1\n"
    assert history.stands() == ("Ready", "InSync", "1.0", "")


def test_going_back_in_git_is_no_step_back(
    tmp_path: Path, faults: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under a running service, which says nothing of a ref that went back, for it did not; and restarts remember."""
    world = World(tmp_path / "src/p0")
    monkeypatch.chdir(world.root)
    history = History(world, faults)
    history.gives(NEW, "2.0")
    world.write(".gitignore", ".micropkgd/\n")
    with Daemon(tmp_path / "d", site_config(tmp_path)) as daemon:
        daemon.ready(world.root)
        git(world.root, "init", "-q", "-b", "main")
        commit_all(world.root)
        history.gives({"nodes.py": "v = 3\n"}, "3.0")
        assert daemon.command("reconcile", "--once", cwd=world.root).returncode == 0
        commit_all(world.root)
        git(world.root, "checkout", "-q", "-b", "before", "HEAD~")
        daemon.until_status(world.root, lambda status: status["entries"][0]["version"] == "2.0")
        assert "Downgrade" not in {event["kind"] for event in daemon.ask().get("/v1/events")["events"]}
        git(world.root, "checkout", "-q", "main")
        daemon.until_status(world.root, lambda status: status["entries"][0]["version"] == "3.0")

        history.gives(OLD, "1.0")
        assert daemon.command("reconcile", "--once", cwd=world.root).returncode == 4
        assert daemon.end() == 0
        history.is_away()
        daemon.start()
        daemon.until_status(world.root, lambda status: [one["waiting"] for one in status["entries"]] == ["1.0"])
        history.gives({"nodes.py": "v = 4\n"}, "4.0")
        assert daemon.command("reconcile", "--once", cwd=world.root).returncode == 0
        daemon.ready(world.root)
        status = daemon.status(world.root) or {}
        assert (status["entries"][0]["version"], status["entries"][0]["waiting"]) == ("4.0", "")
