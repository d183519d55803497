"""Hostile projects, a hundred and fifty of them, beside a victim: what they get, by service and by command.

Three machines. One whose glob finds them: nothing whatever is done. One whose owner trusts them all, and says no more
than that: they get no login of the machine, and replace nothing without a copy. One whose owner also lists where
projects may read, publish and look: they reach nobody.
"""

import base64
import json
import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

import pytest

from tests.kit.daemon import PATIENCE, Daemon, until
from tests.kit.planted import LOGIN, VARIABLE, Victim, plants
from tests.kit.servers.faults import FaultServer, Reply, Seen
from tests.kit.servers.gcs import FakeGcs
from tests.kit.world import World, archive

PLANTS = plants()
LISTS = 'allowed-origins = ["https://packages.example"]\npublish-origins = []\nenvironment = ["TEAM_TOKEN"]\n'


class Scene:
    """The victim, the servers that note what they are sent, and the planted projects."""

    def __init__(self, home: Path, servers: "Servers") -> None:
        self.victim = Victim(home)
        self.evil, store, self.team = servers
        evil, team = self.evil, self.team
        self.store, self.bucket = store, f"stolen-{os.urandom(4).hex()}"
        store.create(self.bucket)
        self.pip = f"http://localhost:{team.port}/pip/simple/"
        named = f"http://localhost:{team.port}"
        self.places = {
            "EVIL": evil.url(""), "BARE": f"127.0.0.1:{evil.port}", "NAMED": named, "PIP": f"{named}/pip",
            "STORE": f"http://127.0.0.1:{store.port}", "BUCKET": self.bucket, "HOME": str(home),
        }  # fmt: skip
        evil.script("/to-netrc", Reply(302, headers={"Location": f"{named}/led.tar.gz"}))
        for number in (301, 303, 307, 308):
            evil.script(f"/to-netrc-{number}", Reply(number, headers={"Location": f"{named}/led.tar.gz"}))
        evil.script("/to-redirect", Reply(302, headers={"Location": evil.url("/to-netrc")}))
        evil.script("/to-pip", Reply(302, headers={"Location": f"{self.pip}led/"}))
        evil.script("/to-metadata", Reply(302, headers={"Location": "http://169.254.169.254/latest/meta-data/"}))
        page = f'<html><a href="{named}/led/ds-1.0.tar.gz">ds-1.0.tar.gz</a></html>'
        evil.script("/simple/ds/", Reply(body=page.encode(), headers={"Content-Type": "text/html"}))
        team.script("/led/ds-1.0.tar.gz", Reply(body=archive({"nodes.py": "x = 1\n"})))
        self.worlds = {plant.name: plant.make(home / "src", self.places) for plant in PLANTS}
        self.before = self.victim.files()

    def sent(self) -> list[Seen]:
        """Every request that any server got."""
        return [*self.abroad(), *self.team.seen]

    def abroad(self) -> list[Seen]:
        """Those that went to others than the victim's own team, and those that others led there."""
        led = [seen for seen in self.team.seen if "led" in seen.target]
        return [*self.evil.seen, *led]

    def stolen(self) -> list[str]:
        """What was put into the bucket of somebody else."""
        with urlopen(f"http://127.0.0.1:{self.store.port}/storage/v1/b/{self.bucket}/o", timeout=10) as answer:
            return [row["name"] for row in json.load(answer).get("items", ())]


class Servers(NamedTuple):
    """Who is asked: a server that is hostile, a real store that asks nobody who he is, and the team's own."""

    evil: FaultServer
    store: FakeGcs
    team: FaultServer


@pytest.fixture
def servers(gcs: FakeGcs, tmp_path: Path) -> Iterator[Servers]:
    """All of them, and what they are sent. The cache goes at the end: it has what a path of the victim's led to."""
    with FaultServer() as evil, FaultServer() as team:
        yield Servers(evil, gcs, team)
    for cache in ("d/cache", "cache"):
        shutil.rmtree(tmp_path / cache, ignore_errors=True)


def told(seen: list[Seen], word: str) -> list[str]:
    """Which requests said a word in a header or an address, plain or in a form that logins are sent in."""
    forms = {word, *(base64.b64encode(f"{user}:{word}".encode()).decode() for user in ("u", ""))}
    return [one.target for one in seen if any(form in f"{one.target}{one.headers}" for form in forms)]


def config(scene: Scene, more: str) -> str:
    """A service over all that is planted."""
    return f'projects = ["{scene.victim.home}/src/*"]\nevery = "1d"\n{more}\n[limits]\npasses = 4\n'


def daemon_of(scene: Scene, folder: Path, more: str, trust: str) -> Daemon:
    """The victim's service."""
    return Daemon(folder, config(scene, more), environ={**scene.victim.environ(scene.pip), "MICROPKGD_TRUST": trust})


def settled(daemon: Daemon) -> Mapping[str, Mapping[str, object]]:
    """How all projects stand once each had its first pass."""

    def were_looked_at() -> bool:
        rows = daemon.ask().get("/v1/status")["projects"]
        return len(rows) == len(PLANTS) and all(row["last_pass"] for row in rows)

    until(were_looked_at, 4 * PATIENCE)
    return {Path(row["project"]).name: row for row in daemon.ask().get("/v1/status")["projects"]}


def test_there_are_enough_of_them() -> None:
    """Each under a name of its own."""
    assert len({plant.name for plant in PLANTS}) == len(PLANTS) >= 150


def test_a_glob_that_finds_them_does_nothing(tmp_path: Path, servers: Servers) -> None:
    """No server hears a word, no file of theirs or of the victim's changes, whatever is asked of the service."""
    scene = Scene(tmp_path / "home", servers)
    stamps = {name: world.stamps() for name, world in scene.worlds.items()}
    with daemon_of(scene, tmp_path / "d", "", "ask") as daemon:
        until(lambda: len(daemon.ask().get("/v1/status")["projects"]) == len(PLANTS))
        os.kill(daemon.process.pid, signal.SIGUSR1)
        daemon.ask().post("/v1/trigger", {})
        os.kill(daemon.process.pid, signal.SIGHUP)
        daemon.until("ConfigReloaded")
        rows = daemon.ask().get("/v1/status")["projects"]

    assert {row["standing"]["state"] for row in rows} == {"Untrusted"}
    assert (scene.sent(), scene.stolen()) == ([], [])
    assert scene.victim.files() == scene.before
    assert {name: world.stamps() for name, world in scene.worlds.items()} == stamps


def check_trusted(scene: Scene) -> None:
    """What a trusted project cannot do: take logins along, and replace what it did not write without a copy."""
    assert told(scene.abroad(), LOGIN) == []
    assert told(scene.team.seen, LOGIN)  # the team's own servers know it already
    after = scene.victim.files()
    copies = [path.read_bytes() for path in scene.victim.home.glob("src/*/.micropkgd/replaced/*")]
    for path, data in scene.before.items():
        assert path in after
        assert after[path] == data or (data in copies and path.endswith("/ds-1.0.tar.gz")), path
    new = after.keys() - scene.before.keys()
    assert not new, new


def test_trusted_by_the_service(tmp_path: Path, servers: Servers) -> None:
    """They may read variables and publish; this is what the documents say that trust means."""
    scene = Scene(tmp_path / "home", servers)
    with daemon_of(scene, tmp_path / "d", "", "everything") as daemon:
        status = settled(daemon)

    check_trusted(scene)
    assert len(told(scene.sent(), VARIABLE)) >= 5
    assert scene.stolen() == ["pkgs/ds-1.0.tar.gz"]
    reasons = {name: {entry["standing"]["reason"] for entry in row["entries"]} for name, row in status.items()}  # type: ignore[attr-defined]
    assert reasons["s3-endpoint"] == reasons["gs-file"] == {"LoginWithheld"}


def test_held_by_lists_of_the_service(tmp_path: Path, servers: Servers) -> None:
    """Nobody is asked, nothing is sent, no variable is told."""
    scene = Scene(tmp_path / "home", servers)
    with daemon_of(scene, tmp_path / "d", LISTS, "everything") as daemon:
        settled(daemon)

    assert (scene.sent(), scene.stolen()) == ([], [])
    assert scene.victim.files() == scene.before


@pytest.fixture
def victim_s(tmp_path: Path, servers: Servers, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """Commands of this process run as the victim, in all projects."""
    scene = Scene(tmp_path / "home", servers)
    scene.victim.wear(monkeypatch, scene.pip)
    monkeypatch.setenv("MICROPKGD_CACHE_DIR", str(tmp_path / "cache"))
    return scene


def run(world: World, monkeypatch: pytest.MonkeyPatch, *command: str) -> None:
    """Run a command in a project: whatever it ends with, it is an end for people."""
    monkeypatch.chdir(world.root)
    said = world.run(*command)
    assert said.code in {0, 1, 2, 3, 4, 5, 6}, said
    assert "Traceback" not in said.err


def test_a_person_s_commands(victim_s: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who runs one in such a project trusts it for as long; no login goes along either."""
    for world in victim_s.worlds.values():
        run(world, monkeypatch, "reconcile", "--once", "--json")

    check_trusted(victim_s)


def test_looking_at_them_sends_nothing(victim_s: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that only look are safe in any folder."""
    stamps = {name: world.stamps() for name, world in victim_s.worlds.items()}
    for world in victim_s.worlds.values():
        for command in ("status", "history", "trust --dry-run", "trust --list", "reconcile --once --check --offline"):
            run(world, monkeypatch, *command.split())

    assert (victim_s.sent(), victim_s.stolen()) == ([], [])
    assert victim_s.victim.files() == victim_s.before
    assert {name: world.stamps() for name, world in victim_s.worlds.items()} == stamps


def test_a_person_s_commands_under_lists(victim_s: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's lists hold for commands as for the service."""
    (tmp_path / "config.toml").write_text(LISTS)
    monkeypatch.setenv("MICROPKGD_CONFIG", str(tmp_path / "config.toml"))
    for world in victim_s.worlds.values():
        run(world, monkeypatch, "reconcile", "--once", "--json")

    assert (victim_s.sent(), victim_s.stolen()) == ([], [])
    assert victim_s.victim.files() == victim_s.before


def test_trusting_one_trusts_no_other(tmp_path: Path, servers: Servers) -> None:
    """The neighbours of a project that somebody trusted are still left alone."""
    scene = Scene(tmp_path / "home", servers)
    one = scene.worlds["variable-header"]
    with daemon_of(scene, tmp_path / "d", "", "ask") as daemon:
        until(lambda: len(daemon.ask().get("/v1/status")["projects"]) == len(PLANTS))
        ended = daemon.command("trust", "--json", cwd=one.root)
        assert json.loads(ended.stdout)["projects"][0]["variables"] == ["VICTIM_SECRET"], ended
        daemon.until_status(one.root, lambda status: bool(status["last_pass"]))

    assert {seen.target for seen in scene.sent()} == {"/x.tar.gz"}
    assert len(told(scene.sent(), VARIABLE)) == len(scene.sent())
    assert scene.victim.files() == scene.before
