"""A server that drips: it stops neither its project's other entries nor its edits, and no command for ever."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from micropkgd.model.outcome import Outcome
from micropkgd.model.standing import in_sync
from micropkgd.model.status import EntryStatus, PackageStatus, ProjectStatus
from micropkgd.service.conclusion import overdue
from tests.kit.daemon import Daemon, rests, until
from tests.kit.packages import CODE, module
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.site import config as site_config
from tests.kit.site import listening
from tests.kit.world import ROW, World, archive

DATA = archive({"nodes.py": "slow = 1\n"})
DRIP = Reply(body=bytes(100_000), rate_limit=(60, 1.0))  # 60 bytes a second: its end comes after that of any test
LIMITS = '[limits]\nsource-wait = "1s"\n'


@pytest.fixture
def shop(tmp_path: Path) -> World:
    """A project with a module of its own, and an archive beside it."""
    world = World(tmp_path / "src/p0")
    module(world, {"nodes.py": "A = 1\n"})
    world.publish({"nodes.py": "x = 1\n"})
    return world


def asks_for(world: World, address: str) -> None:
    """Pull from a slow server and from a file, and package the module."""
    rows = f'"{address}" = {{alias = "slow"}}\n"{ROW}" = {{alias = "fast"}}'
    world.manifest(rows)
    with (world.root / "pyproject.toml").open("a") as manifest:
        manifest.write('\n[tool.micropkgd.package]\n"pipelines.ds" = {}\n')


def behind_a_gate(world: World, faults: FaultServer) -> threading.Event:
    """The same from a server that sends nothing before the gate is open."""
    gate = threading.Event()
    asks_for(world, faults.script("/slow.tar.gz", Reply(body=DATA, gate=gate)))
    return gate


def standings(status: dict[str, Any]) -> dict[str, str]:
    """The reasons of the entries, by their refs' ends."""
    return {entry["ref"].rpartition("/")[2]: entry["standing"]["reason"] for entry in status["entries"]}


def test_a_drip_stops_nothing_else(tmp_path: Path, shop: World, faults: FaultServer) -> None:
    """What has an answer is installed, edits are packaged, and the status says what is on its way."""
    asks_for(shop, faults.script("/slow.tar.gz", DRIP))
    with Daemon(tmp_path / "d", f'projects = ["{shop.root}"]\nevery = "1d"\n{LIMITS}') as daemon:
        status = daemon.until_status(shop.root, lambda status: bool(status["last_pass"]))
        assert standings(dict(status)) == {"slow.tar.gz": "Downloading", "ds.tar.gz": "InSync"}
        assert status["standing"]["state"] == "Retrying"
        assert shop.has("src/shop/fast/nodes.py")
        shop.write(f"{CODE}/nodes.py", "A = 2\n")
        daemon.until("Packaged", shop.root)
        shop.publish({"nodes.py": "x = 2\n"}, version="2.0")
        daemon.until("Updated", shop.root)
        assert len(faults.seen) == 1
        assert daemon.end() == 0


def test_what_came_late_is_installed_at_once(tmp_path: Path, shop: World, faults: FaultServer) -> None:
    """Its end asks for the pass, not the schedule."""
    gate = behind_a_gate(shop, faults)
    with Daemon(tmp_path / "d", f'projects = ["{shop.root}"]\nevery = "1d"\n{LIMITS}') as daemon:
        daemon.until("ConditionChanged", shop.root, message="Downloading")
        daemon.until_status(shop.root, rests)
        gate.set()
        event = daemon.until("Installed", shop.root, subject="slow.tar.gz")
        assert event["trigger"] == "network: a download has ended"
        daemon.ready(shop.root)
    assert shop.read("src/shop/slow/nodes.py") == "slow = 1\n"


def test_a_command_goes_on_too(
    shop: World, faults: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is fast is there while the slow one comes; at the end both are said to be installed."""
    gate = behind_a_gate(shop, faults)
    (tmp_path / "config.toml").write_text(LIMITS)
    command = [sys.executable, "-m", "micropkgd", "reconcile", "--once", "--json"]
    monkeypatch.setenv("MICROPKGD_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("MICROPKGD_CACHE_DIR", str(tmp_path / "cache"))
    with subprocess.Popen(command, cwd=shop.root, stdout=subprocess.PIPE, text=True) as running:
        until(lambda: shop.has("src/shop/fast/nodes.py") and shop.has("dist/ds-1.0.tar.gz"))
        assert running.poll() is None
        assert not shop.has("src/shop/slow")
        gate.set()
        said = json.loads(running.communicate(timeout=60)[0])

    (project,) = said["projects"]
    assert (said["exit_code"], running.returncode) == (0, 0)
    assert [entry["action"] for entry in project["entries"]] == ["install", "install"]
    assert [package["action"] for package in project["packages"]] == ["create"]
    assert {change["path"] for change in project["shared"]} == {"micropkg.lock"}
    assert shop.has("src/shop/slow/nodes.py")
    assert len(faults.seen) == 1


def test_a_command_that_is_interrupted_has_done_the_rest(
    shop: World, faults: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while only the drip is waited for."""
    asks_for(shop, faults.script("/slow.tar.gz", DRIP))
    (tmp_path / "config.toml").write_text(LIMITS)
    monkeypatch.setenv("MICROPKGD_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("MICROPKGD_CACHE_DIR", str(tmp_path / "cache"))
    command = [sys.executable, "-m", "micropkgd", "reconcile", "--once"]
    with subprocess.Popen(command, cwd=shop.root, stderr=subprocess.PIPE, text=True) as running:
        until(lambda: shop.has("src/shop/fast/nodes.py") and shop.has("dist/ds-1.0.tar.gz"))
        running.send_signal(signal.SIGINT)
        said = running.communicate(timeout=60)[1]

    assert running.returncode == 130
    assert said.startswith("interrupted")


def test_a_command_asks_the_service_and_waits_for_the_end(tmp_path: Path, shop: World, faults: FaultServer) -> None:
    """The download is the service's, and so is the pass that installs it."""
    gate = behind_a_gate(shop, faults)
    with Daemon(tmp_path / "d", f'projects = ["{shop.root}"]\nevery = "1d"\n{LIMITS}') as daemon:
        daemon.ready(shop.root, state="Retrying")
        with ThreadPoolExecutor(1) as beside:
            running = beside.submit(daemon.command, "reconcile", "--once", cwd=shop.root)
            daemon.until_status(shop.root, lambda status: "command" in status["last_pass"]["trigger"])
            assert not running.done()
            gate.set()
            ended = running.result()

    assert ended.returncode == 0, ended
    assert shop.has("src/shop/slow/nodes.py")
    assert len([seen for seen in faults.seen if "if-none-match" not in seen.headers]) <= 3


@pytest.fixture
def stuck(tmp_path: Path, shop: World) -> Iterator[Daemon]:
    """A service in which a pass never ends: a program that it asks does not answer."""
    hook = json.dumps(["sh", "-c", f"touch {tmp_path}/began; sleep 600"])
    more = f'max-staleness = "1s"\n[hooks]\nbefore-commit = {hook}\ntimeout = "600s"\n'
    head, _, tail = site_config(tmp_path).partition("[http]")
    with Daemon(tmp_path, f'{head}drain = "1s"\n{more}[http]{tail}') as daemon:
        yield daemon
        daemon.end()  # and the program with it


def test_a_pass_that_does_not_end_is_seen(stuck: Daemon, shop: World) -> None:
    """Status and metric say how old it is."""
    asks_for(shop, "https://localhost:9/x.tar.gz")
    until((stuck.folder / "began").exists)
    site = listening(stuck, "http.probes")
    status = stuck.status(shop.root)
    assert status is not None
    assert status["running_since"]
    assert f'micropkgd_pass_age_seconds{{project="{shop.root}"}}' in site.get("/metrics", token="").body.decode()


def test_what_was_in_sync_is_stale_while_a_pass_goes_on_for_too_long() -> None:
    """Of a project that stood well; what stands otherwise says so still."""
    fine = in_sync("2026-01-01T00:00:00Z")
    before = ProjectStatus("/p", fine, (EntryStatus("r", "t", "1", "d", fine),), (PackageStatus("m", "p", "1", fine),))
    found = overdue(before, "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z")

    assert found is not None
    standings = [found.status.standing, *found.status.standings]
    assert {(one.state, one.reason, one.since) for one in standings} == {("Stale", "LongPass", "2026-01-03T00:00:00Z")}
    assert "under way since 2026-01-02T00:00:00Z" in found.status.standing.message
    assert {news.kind for news in found.news} == {"ConditionChanged"}
    assert overdue(found.status, "2026-01-02T00:00:00Z", "2026-01-04T00:00:00Z") is None


def test_two_passes_are_told_as_one() -> None:
    """Of each entry what was done to it; nothing of an empty first pass is lost or doubled."""
    empty = Outcome("/p")

    assert empty.and_then(empty) == empty
    assert Outcome("/p", recovered=True).and_then(empty).recovered
