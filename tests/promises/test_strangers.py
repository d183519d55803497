"""Projects that only a glob found: until they are trusted the service does nothing there, fetches and sends nothing."""

import json
import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.kit.daemon import Daemon, served
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.site import config as site_config
from tests.kit.site import listening
from tests.kit.world import World, archive

ASK = {"MICROPKGD_TRUST": "ask"}


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who has trusted nothing yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def glob_of(tmp_path: Path, more: str = "") -> str:
    """A config with a glob alone."""
    return f'projects = ["{tmp_path}/src/*"]\nevery = "1d"\n{more}\n'


def stands(daemon: Daemon, world: World) -> Mapping[str, Any]:
    """How a project stands."""
    status = daemon.status(world.root)
    assert status is not None
    standing: Mapping[str, Any] = status["standing"]
    return standing


def said(daemon: Daemon, *arguments: str, cwd: Path, code: int = 0) -> str:
    """What a command beside the service printed."""
    ended = daemon.command(*arguments, cwd=cwd)
    assert ended.returncode == code, (ended.stdout, ended.stderr)
    return ended.stdout + ended.stderr


def test_what_a_glob_finds_is_left_alone_until_it_is_trusted(tmp_path: Path) -> None:
    """Status, page and events say so and how; then it is served as any other."""
    world = served(tmp_path / "src")
    before = world.stamps()
    with Daemon(tmp_path, site_config(tmp_path), environ=ASK) as daemon:
        event = daemon.until("ProjectUntrusted", world.root)
        site = listening(daemon, "http.listen")
        how = f"`micropkgd trust {world.root}`"
        assert how in event["message"]
        assert (stands(daemon, world)["state"], stands(daemon, world)["reason"]) == ("Untrusted", "FoundByGlob")
        assert how in said(daemon, "status", cwd=world.root)
        assert "Untrusted" in said(daemon, "status", "--all", cwd=world.root)
        assert "Untrusted" in site.get("/").body.decode()
        assert b"[warning  ] ProjectUntrusted" in daemon.log.read_bytes()
        for number in (signal.SIGUSR1, signal.SIGHUP):
            os.kill(daemon.process.pid, number)
        daemon.until("ConfigReloaded")
        for path in ("trigger", "reconcile", "suspend"):
            answer = site.post(f"/v1/{path}", {"projects": [str(world.root)]})
            assert (answer.status, how in answer.json()["error"]["problem"]) == (403, True)
            assert site.post(f"/v1/{path}", {}).json()["projects"] == []
        assert how in said(daemon, "trigger", cwd=world.root, code=1)
        assert world.stamps() == before
        assert site.get("/readyz").json() == {
            "schema": "micropkgd/1",
            "ok": True,
            "projects": 0,
            "ready": 0,
            "waits_for": [],
        }

        assert f"trusted: {world.root}" in said(daemon, "trust", cwd=world.root)
        daemon.ready(world.root)
    assert world.has("src/shop/ds/nodes.py")
    assert world.has("dist/features-0.1.tar.gz")


def test_those_that_are_named_need_no_trust(tmp_path: Path) -> None:
    """One by one in the config, also beside a glob that finds them; and on the command line."""
    one, two = served(tmp_path / "src", 1), served(tmp_path / "src", 2)
    named = f'projects = ["{tmp_path}/src/*"]\nevery = "1d"\n[[project]]\npaths = ["{one.root}"]\n'
    with Daemon(tmp_path / "d", named, environ=ASK) as daemon:
        daemon.ready(one.root)
        assert stands(daemon, two)["state"] == "Untrusted"
    with Daemon(tmp_path / "e", glob_of(tmp_path), str(two.root), environ=ASK) as daemon:
        daemon.ready(two.root)
        assert daemon.status(one.root) is None


def test_a_command_in_the_folder_acts_for_itself_alone(tmp_path: Path) -> None:
    """A person asked for this pass; the service still leaves the project alone, and hands none over."""
    world = served(tmp_path / "src")
    with Daemon(tmp_path / "d", glob_of(tmp_path), environ=ASK) as daemon:
        daemon.until("ProjectUntrusted", world.root)
        said(daemon, "reconcile", "--once", cwd=world.root)
        assert world.has("src/shop/ds/nodes.py")
        assert stands(daemon, world)["state"] == "Untrusted"
        assert "Ready     dist/ds.tar.gz" in said(daemon, "status", cwd=world.root)
        world.publish({"nodes.py": "x = 2\n"}, version="2.0")
        assert world.read("src/shop/ds/nodes.py") == "x = 1\n"


def test_trust_everything_is_what_it_says(tmp_path: Path) -> None:
    """Whoever puts a project there is served; and no more once the config asks again."""
    world = served(tmp_path / "src")
    daemon = Daemon(tmp_path / "d", glob_of(tmp_path, 'trust = "everything"'))
    del daemon.environ["MICROPKGD_TRUST"]
    with daemon:
        daemon.ready(world.root)
        daemon.config.write_text(glob_of(tmp_path))
        os.kill(daemon.process.pid, signal.SIGHUP)
        daemon.until("ProjectUntrusted", world.root)


def test_trust_can_be_taken_back_while_the_service_runs(tmp_path: Path) -> None:
    """From then on nothing more is done, whatever happens in the folder."""
    world = served(tmp_path / "src")
    with Daemon(tmp_path / "d", glob_of(tmp_path), environ=ASK) as daemon:
        said(daemon, "trust", cwd=world.root)
        daemon.quiet(world.root)
        assert f"no longer trusted: {world.root}" in said(daemon, "trust", "--revoke", cwd=world.root)
        daemon.until("ProjectUntrusted", world.root)
        world.publish({"nodes.py": "x = 2\n"}, version="2.0")
        before = world.stamps()
        for number in (signal.SIGUSR1, signal.SIGHUP):
            os.kill(daemon.process.pid, number)
        daemon.until("ConfigReloaded")
        assert stands(daemon, world)["state"] == "Untrusted"
        assert world.stamps() == before
        said(daemon, "trust", cwd=world.root)
        daemon.until("Updated", world.root)
    assert world.read("src/shop/ds/nodes.py") == "x = 2\n"


def test_a_list_that_is_emptied_by_hand_counts_before_the_next_pass(tmp_path: Path) -> None:
    """Nobody tells the service: the pass itself looks."""
    world = served(tmp_path / "src")
    with Daemon(tmp_path / "d", glob_of(tmp_path), environ=ASK) as daemon:
        said(daemon, "trust", cwd=world.root)
        daemon.quiet(world.root)
        shutil.rmtree(tmp_path / "state/micropkgd/trusted")
        world.publish({"nodes.py": "x = 2\n"}, version="2.0")
        daemon.until("ProjectUntrusted", world.root)

    assert world.read("src/shop/ds/nodes.py") == "x = 1\n"


def test_trust_outlives_a_restart_and_no_replacement(tmp_path: Path) -> None:
    """The same folder is served again; another one in its place is asked about, also while the service runs."""
    world = served(tmp_path / "src")
    with Daemon(tmp_path / "d", glob_of(tmp_path), environ=ASK) as daemon:
        said(daemon, "trust", cwd=world.root)
        daemon.ready(world.root)
        assert daemon.end() == 0
        daemon.start()
        daemon.ready(world.root)
        stranger = served(tmp_path / "made")
        world.root.rename(tmp_path / "aside")
        stranger.root.rename(world.root)
        event = daemon.until("ProjectUntrusted", world.root)
        assert "another folder stood here" in event["message"]
        assert daemon.end() == 0
        daemon.start()
        status = daemon.until_status(world.root, lambda status: status["standing"]["state"] == "Untrusted")
        assert "another folder stood here" in status["standing"]["message"]
        assert not world.has("micropkg.lock")
        (tmp_path / "aside").rename(tmp_path / "src/moved")
        event = daemon.until("ProjectUntrusted", tmp_path / "src/moved")
        assert f"it was trusted as {world.root}" in event["message"]


def test_nothing_is_asked_of_anybody(tmp_path: Path, faults: FaultServer) -> None:
    """No server hears of a project that is not trusted; of one that is, it does."""
    address = faults.script("/ds.tar.gz", Reply(200, archive({"nodes.py": "x = 1\n"})))
    world = World(tmp_path / "src/p0")
    world.asks_for(address)
    with Daemon(tmp_path / "d", glob_of(tmp_path), environ=ASK) as daemon:
        daemon.until("ProjectUntrusted", world.root)
        os.kill(daemon.process.pid, signal.SIGUSR1)
        daemon.ask().post("/v1/trigger", {})
        assert faults.seen == []
        told = said(daemon, "trust", "--dry-run", cwd=world.root)
        assert f"would be trusted: {world.root}\n  pulls from: {faults.url('')}" in told
        assert stands(daemon, world)["state"] == "Untrusted"
        said(daemon, "trust", cwd=world.root)
        daemon.ready(world.root)
    assert len(faults.seen) == 1


def test_the_list_for_people_and_for_programs(world: World, tmp_path: Path) -> None:
    """What is trusted since when, what a manifest would have done, and what never was."""
    other = served(tmp_path / "src")
    other.write("conf/args.yml", "headers: {Authorization: '${TEAM_TOKEN}'}\n")
    other.manifest('"https://a.example/x.tar.gz" = {fs-args = "conf/args.yml"}\n"dist/ds.tar.gz" = {}')
    with (other.root / "pyproject.toml").open("a") as manifest:
        manifest.write('[tool.micropkgd.package]\n"pipelines.features" = {publish = "s3://team/pkgs/"}\n')
    assert world.run("trust", "--list").out.startswith("no folder is trusted")
    rows = json.loads(world.run("trust", "--json", str(other.root), ".").out)["projects"]
    assert rows[0] == {
        "project": str(other.root),
        "pulls_from": ["https://a.example", "the project itself"],
        "publishes_to": ["s3://team/pkgs/"],
        "variables": ["TEAM_TOKEN"],
        "problem": None,
    }
    listed = world.run("trust", "--list")
    assert [line.split("  ")[1] for line in listed.out.splitlines()] == sorted(map(str, (world.root, other.root)))
    shutil.rmtree(other.root)
    assert "none: it is asked about again" in world.run("trust", "--list").out
    rows = json.loads(world.run("trust", "--list", "--json").out)["projects"]
    assert {row["project"]: row["stands"] for row in rows} == {str(world.root): True, str(other.root): False}
    assert world.run("trust", "--revoke").out == f"no longer trusted: {world.root}\n"
    assert world.run("trust", "--revoke").out == f"was not trusted: {world.root}\n"


def test_a_folder_without_a_project_is_not_trusted(world: World, tmp_path: Path) -> None:
    """Nor is any other that was named with it."""
    (tmp_path / "empty").mkdir()
    ended = world.run("trust", ".", str(tmp_path / "empty"))

    assert ended.code == 2
    assert world.run("trust", "--list").out.startswith("no folder is trusted")
