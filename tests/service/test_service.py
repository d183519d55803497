"""The real service over real files: what wakes it, what it does then, and what nothing can stop."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from micropkgd.service.client import find_service
from tests.http.test_metrics import value
from tests.kit.daemon import PATIENCE, Daemon, members_of, served, until
from tests.kit.places import DATA
from tests.kit.servers.faults import FaultServer, Reply
from tests.kit.site import config as site_config
from tests.kit.site import listening
from tests.kit.world import archive
from tests.workspace.test_fsops import fill, mounted


@pytest.fixture
def src(tmp_path: Path) -> Path:
    """A folder of projects."""
    return tmp_path / "src"


def config(src: Path, more: str = "") -> str:
    """A config that serves every project of a folder, and asks sources only when told."""
    return f'projects = ["{src}/*"]\nevery = "1d"\n{more}\n'


def test_a_start_installs_and_packages(tmp_path: Path, src: Path) -> None:
    """The first pass of each project runs at once."""
    one, two = served(src, 1), served(src, 2)
    with Daemon(tmp_path / "d", config(src)) as daemon:
        daemon.ready(one.root)
        daemon.ready(two.root)

    assert one.has("src/shop/ds/nodes.py")
    assert two.has("dist/features-0.1.tar.gz")


def test_a_config_that_finds_no_project_says_so(tmp_path: Path, src: Path) -> None:
    """As a warning, with where it looked; and not once there is one."""
    with Daemon(tmp_path / "d", config(src)) as daemon:
        event = daemon.until("NoProjects")
        assert event["message"].endswith(f"is at {src}/*")
        assert b"[warning  ] NoProjects" in daemon.log.read_bytes()
        world = served(src)
        daemon.ready(world.root)
        os.kill(daemon.process.pid, signal.SIGHUP)
        daemon.until("ConfigReloaded")
        kinds = [row["kind"] for row in daemon.ask().get("/v1/events")["events"]]

    assert kinds.count("NoProjects") == 1


def test_a_slip_in_a_header_removes_nothing(tmp_path: Path, src: Path) -> None:
    """The service stalls with the line of the header, and goes on once it is mended; a removal by command is meant."""
    world = served(src)
    with Daemon(tmp_path / "d", config(src)) as daemon:
        daemon.ready(world.root)
        good = world.read("pyproject.toml")
        world.write("pyproject.toml", good.replace("[tool.micropkgd.pull]", "[tool.micropkg.pull]"))
        daemon.until("ConditionChanged", world.root, message="[tool.micropkg.pull] is a table that nothing reads")
        assert world.has("src/shop/ds/nodes.py")
        world.write("pyproject.toml", good)
        daemon.ready(world.root)
        ended = daemon.command("remove", "ds", cwd=world.root)
        assert ended.returncode == 0, ended.stderr

    assert not world.has("src/shop/ds")


def test_a_saved_module_is_packaged_again(tmp_path: Path, src: Path) -> None:
    """By rename, as editors save; the archive has the saved bytes."""
    world = served(src)

    def packed() -> bytes:
        return members_of((world.root / "dist/features-0.1.tar.gz").read_bytes())["features-0.1/features/nodes.py"]

    with Daemon(tmp_path / "d", config(src)) as daemon:
        daemon.quiet(world.root)
        world.write("src/shop/pipelines/features/nodes.py", "a = 2\n")
        event = daemon.until("Packaged", world.root, subject="pipelines.features", trigger="edit")

    assert event["message"] == "dist/features-0.1.tar.gz"
    assert packed() == b"a = 2\n"


def test_a_file_in_a_new_folder_is_packaged(tmp_path: Path, src: Path) -> None:
    """A folder that is made and filled at once gives no event for the file in it; later saves in it are seen too."""
    world = served(src)
    with Daemon(tmp_path / "d", config(src)) as daemon:
        for name in ("first", "second"):
            daemon.quiet(world.root)
            world.write(f"src/shop/pipelines/features/new/deep/{name}.py", "b = 1\n")
            daemon.until("Packaged", world.root)
            packed = members_of((world.root / "dist/features-0.1.tar.gz").read_bytes())
            assert f"features-0.1/features/new/deep/{name}.py" in packed


def test_a_module_exchanged_by_rename_is_packaged(tmp_path: Path, src: Path) -> None:
    """As a checkout does: the old folder goes, another one comes under its name, and is watched in its place."""
    world = served(src)
    module = world.root / "src/shop/pipelines/features"
    with Daemon(tmp_path / "d", config(src)) as daemon:
        daemon.ready(world.root)
        world.write("other/__init__.py", '__version__ = "0.2"\n')
        module.rename(world.root / "gone")
        (world.root / "other").rename(module)
        daemon.until("Packaged", world.root, message="features-0.2")
        daemon.quiet(world.root)
        world.write("src/shop/pipelines/features/later.py", "c = 1\n")
        daemon.until("Packaged", world.root, message="features-0.2")

    assert "features-0.2/features/later.py" in members_of((world.root / "dist/features-0.2.tar.gz").read_bytes())


def test_a_changed_archive_is_pulled(tmp_path: Path, src: Path) -> None:
    """A local ref is watched by the folder it stands in."""
    world = served(src)
    with Daemon(tmp_path / "d", config(src)) as daemon:
        daemon.ready(world.root)
        world.publish({"nodes.py": "x = 2\n"}, "1.1")
        daemon.until("Updated", world.root, message="1.1")

    assert world.read("src/shop/ds/nodes.py") == "x = 2\n"


def test_a_changed_manifest_is_obeyed_and_a_broken_one_waited_for(tmp_path: Path, src: Path) -> None:
    """A manifest that does not parse stalls the project, changes nothing, and clears by itself."""
    world = served(src)
    whole = world.read("pyproject.toml")
    with Daemon(tmp_path / "d", config(src)) as daemon:
        daemon.quiet(world.root)
        world.write("pyproject.toml", whole.replace("[tool.micropkgd.pull]", "[tool.micropkgd.pull"))
        daemon.until("ConditionChanged", world.root, message="Stalled")
        assert world.has("src/shop/ds/nodes.py")
        world.write("pyproject.toml", whole.replace('"dist/ds.tar.gz" = {}', '"dist/ds.tar.gz" = {alias = "other"}'))
        daemon.until("ConditionChanged", world.root, message="Ready")

    assert world.has("src/shop/other/nodes.py")
    assert not world.has("src/shop/ds")


def test_our_own_writes_lead_to_one_empty_pass_at_most(tmp_path: Path, src: Path) -> None:
    """The commit's own events are a trigger like any other; after that there is rest."""
    world = served(src)
    with Daemon(tmp_path, site_config(tmp_path)) as daemon:
        site = listening(daemon, "http.probes")

        def passes() -> float:
            daemon.ready(world.root)
            return value(site, "reconcile_total", project=str(world.root), result="in_sync") or 0

        before = passes()
        world.publish({"nodes.py": "x = 2\n"}, "1.1")
        daemon.until("Updated", world.root)
        count, stamps = passes(), world.stamps()
        time.sleep(1.0)  # nothing can be waited for where nothing should come
        assert passes() == count

    assert world.stamps() == stamps
    assert count - before in {1, 2}


def test_a_write_is_known_to_who_asks_behind_it(tmp_path: Path, src: Path) -> None:
    """A script that saves, and waits for the project to rest, never takes the rest before for the one after."""
    world = served(src)
    with Daemon(tmp_path / "d", config(src)) as daemon:
        daemon.ready(world.root)
        for number in range(9):
            world.write("src/shop/pipelines/features/nodes.py", f"a = 'save {number}'\n")
            daemon.ready(world.root)
            packed = members_of((world.root / "dist/features-0.1.tar.gz").read_bytes())
            assert packed["features-0.1/features/nodes.py"] == f"a = 'save {number}'\n".encode()


def test_a_source_that_is_down_at_the_start_is_asked_again(tmp_path: Path, src: Path, faults: FaultServer) -> None:
    """Retrying, with when it is tried again; then installed, without anybody asking."""
    world = served(src)
    replies = [Reply(503)] * 4 + [Reply(200, archive({"n.py": "1\n"}))]
    world.asks_for(faults.script("/ds.tar.gz", *replies))
    with Daemon(tmp_path / "d", config(src)) as daemon:
        status = daemon.until_status(world.root, lambda status: status["standing"]["state"] == "Retrying")
        assert status["entries"][0]["standing"]["next_try"]
        daemon.until("Installed", world.root)

    assert world.has("src/shop/ds/n.py")


def test_sources_are_asked_by_schedule_however_often_files_are_looked_at(
    tmp_path: Path, src: Path, faults: FaultServer
) -> None:
    """Neither scans nor saves nor a config that is read again put the next question off."""
    world = served(src)
    world.asks_for(faults.script("/ds.tar.gz", Reply(200, archive({"n.py": "1\n"}))))
    often = f'projects = ["{src}/*"]\nevery = "3s"\njitter = "0s"\nscan-every = "1s"\n'
    with Daemon(tmp_path / "d", often) as daemon:
        daemon.until("Installed", world.root)
        known = len(faults.requests_for("/ds.tar.gz"))
        until(lambda: len(faults.requests_for("/ds.tar.gz")) >= known + 3)
        os.kill(daemon.process.pid, signal.SIGHUP)


def test_a_full_disk_is_tried_again_by_itself(tmp_path: Path) -> None:
    """Room comes back without an event in the project: the service asks again, as it asks a source that is down."""
    with mounted(tmp_path / "disk") as disk:
        world = served(disk / "src")
        with Daemon(tmp_path / "d", config(disk / "src")) as daemon:
            daemon.ready(world.root)
            fill(disk, inodes=False)
            world.publish({"nodes.py": "A = 2\n" + "#" * 200_000})  # which is packed to very little
            daemon.until_status(world.root, lambda status: status["standing"]["state"] == "Retrying")
            (disk / "filler").unlink()
            daemon.until("Updated", world.root)
        assert world.read("src/shop/ds/nodes.py").startswith("A = 2\n")


def test_a_broken_project_never_stops_the_others_and_may_come_back(tmp_path: Path, src: Path) -> None:
    """A folder that is not there is said to be missing, and is served as soon as it stands."""
    world, missing = served(src), tmp_path / "elsewhere"
    paths = f'projects = ["{src}/*", "{missing}/p7"]\nevery = "1d"\n'
    with Daemon(tmp_path / "d", paths) as daemon:
        daemon.ready(world.root)
        daemon.until_status(missing / "p7", lambda status: status["standing"]["state"] == "Stalled")
        back = served(tmp_path / "made", 7)
        missing.mkdir()
        back.root.rename(missing / "p7")
        daemon.quiet(world.root, missing / "p7")
        world.write("src/shop/pipelines/features/nodes.py", "a = 3\n")
        daemon.until("Packaged", world.root)

    assert (missing / "p7/src/shop/ds/nodes.py").exists()


def test_a_new_project_is_found_and_one_that_went_is_let_go(tmp_path: Path, src: Path) -> None:
    """A glob is looked at again when something comes into its folder; a moved project is served in its new place."""
    world = served(src)
    with Daemon(tmp_path / "d", config(src)) as daemon:
        daemon.ready(world.root)
        other = served(tmp_path / "made", 5)
        other.root.rename(src / "p5")
        daemon.ready(src / "p5")
        (src / "p5").rename(src / "p6")
        daemon.until("ProjectRemoved", src / "p5")
        daemon.ready(src / "p6")


def test_signals(tmp_path: Path, src: Path) -> None:
    """SIGUSR1 asks for a pass, SIGHUP reads the config again, SIGTERM ends with 0 and leaves no socket."""
    world, other = served(src), served(tmp_path / "more", 9)
    with Daemon(tmp_path / "d", config(src)) as daemon:
        daemon.quiet(world.root)
        daemon.process.send_signal(signal.SIGUSR1)
        daemon.until_status(world.root, lambda status: "signal: SIGUSR1" in status["last_pass"]["trigger"])
        daemon.config.write_text("every = 5")
        daemon.process.send_signal(signal.SIGHUP)
        refused = daemon.until("ConfigRefused")
        assert 'config.toml:1: `every` must be a time such as "30s"' in refused["message"]
        daemon.environ["MICROPKGD_CONFIG"] = str(daemon.config)
        for command in ("status", "status --all", "events", "trigger"):  # the service runs on, and answers
            said = daemon.command(*command.split(), cwd=world.root)
            assert said.returncode == 0, said
            assert said.stdout
            assert "config.toml:1: `every` must be" in said.stderr
        daemon.config.write_text(config(src) + f'[[project]]\npaths = ["{other.root}"]\n')
        daemon.process.send_signal(signal.SIGHUP)
        daemon.until("ConfigReloaded")
        daemon.ready(other.root)

        assert daemon.end() == 0
        assert not os.path.exists(daemon.socket)


def test_a_second_sigterm_ends_at_once(tmp_path: Path, src: Path, faults: FaultServer) -> None:
    """The first ends a download that hangs, too; the second waits for nothing."""
    world = served(src)
    world.asks_for(faults.script("/ds.tar.gz", Reply(200, archive({"n.py": "1\n"}), stall_after=10)))
    with Daemon(tmp_path / "d", config(src)) as daemon:
        until(lambda: len(faults.requests_for("/ds.tar.gz")) == 1)
        assert daemon.end() == 0
        daemon.start()
        until(lambda: len(faults.requests_for("/ds.tar.gz")) == 2)
        daemon.process.send_signal(signal.SIGSTOP)
        daemon.process.send_signal(signal.SIGTERM)
        daemon.process.send_signal(signal.SIGINT)
        daemon.process.send_signal(signal.SIGCONT)

        assert daemon.process.wait(PATIENCE) in {0, 143}


def test_after_a_kill_the_next_start_goes_on(tmp_path: Path, src: Path) -> None:
    """The socket that nobody answers at is taken over."""
    world = served(src)
    with Daemon(tmp_path / "d", config(src)) as daemon:
        daemon.ready(world.root)
        daemon.end(signal.SIGKILL)
        assert os.path.exists(daemon.socket)
        world.publish({"nodes.py": "x = 9\n"}, "2.0")
        daemon.start()
        daemon.until("Updated", world.root, message="2.0")


def test_a_second_service_is_refused_and_once_asks_the_first(tmp_path: Path, src: Path) -> None:
    """`reconcile --once` beside the service reports the pass that the service ran."""
    world = served(src)
    with Daemon(tmp_path / "d", config(src)) as daemon:
        daemon.ready(world.root)
        second = daemon.command("reconcile", "--config", str(daemon.config), cwd=world.root)
        assert second.returncode == 7
        assert "another micropkgd serves this: pid " in second.stderr
        with daemon.asleep():
            world.publish({"nodes.py": "x = 3\n"}, "1.2")
        said = daemon.command("reconcile", "--once", cwd=world.root)

        assert said.returncode == 0, said
        assert "ds.tar.gz -> src/shop/ds" in said.stdout
        daemon.ready(world.root)
    assert world.read("src/shop/ds/nodes.py") == "x = 3\n"


def test_what_was_stopped_meanwhile_is_seen_afterwards(tmp_path: Path, src: Path) -> None:
    """A process that sleeps loses no change: the events wait for it."""
    world = served(src)
    with Daemon(tmp_path / "d", config(src)) as daemon:
        daemon.quiet(world.root)
        with daemon.asleep():
            world.write("src/shop/pipelines/features/nodes.py", "a = 4\n")
        daemon.until("Packaged", world.root)


def test_why_names_pass_and_trigger(tmp_path: Path, src: Path) -> None:
    """Of an installed file, and of an archive that was packaged."""
    world = served(src)
    with Daemon(tmp_path / "d", config(src)) as daemon:
        daemon.quiet(world.root)
        world.publish({"nodes.py": "x = 2\n"}, "1.1")
        event = daemon.until("Updated", world.root)
        daemon.ready(world.root)
        said = daemon.command("why", "src/shop/ds/nodes.py", cwd=world.root).stdout
        packed = daemon.command("why", "dist/features-0.1.tar.gz", cwd=world.root).stdout

    assert event["pass_id"] in said
    assert "update, because of edit: dist/ds.tar.gz" in said
    assert "entry: pipelines.features" in packed


def test_a_suspended_entry_is_left_alone_until_it_is_resumed(tmp_path: Path, src: Path) -> None:
    """By the service and by `--once` alike; its update comes when it is resumed."""
    world = served(src)
    with Daemon(tmp_path / "d", config(src)) as daemon:
        daemon.ready(world.root)
        assert daemon.command("suspend", "ds", cwd=world.root).returncode == 0
        world.publish({"nodes.py": "x = 5\n"}, "1.5")
        daemon.until_status(world.root, lambda status: status["standing"]["state"] == "Suspended")
        assert "suspended" in daemon.command("reconcile", "--once", cwd=world.root).stdout
        assert world.read("src/shop/ds/nodes.py") == "x = 1\n"
        daemon.command("resume", cwd=world.root)
        daemon.until("Updated", world.root, message="1.5")


def test_a_hundred_projects(tmp_path: Path, src: Path) -> None:
    """All come into sync, and a save in the last is seen."""
    worlds = [served(src, number) for number in range(100)]
    with Daemon(tmp_path / "d", config(src)) as daemon:
        daemon.quiet(*(world.root for world in worlds))
        worlds[-1].write("src/shop/pipelines/features/nodes.py", "a = 5\n")
        daemon.until("Packaged", worlds[-1].root, trigger="edit")


def test_a_clock_that_jumps_leads_to_one_pass(tmp_path: Path, src: Path) -> None:
    """A year ahead: everything planned for meanwhile is one pass, and the schedule goes on from there."""
    world, clock = served(src), tmp_path / "clock"
    clock.write_text("0")
    environ = {"PYTHONPATH": str(DATA / "clock"), "CLOCK_FILE": str(clock)}
    hourly = f'projects = ["{src}/*"]\ncron = "0 * * * *"\n'
    with Daemon(tmp_path / "d", hourly, environ=environ) as daemon:
        daemon.quiet(world.root)
        clock.with_name("ahead").write_text("31536000")
        clock.with_name("ahead").rename(clock)
        changed = daemon.until("SurroundingsChanged")
        status = daemon.until_status(world.root, lambda status: "the clock moved" in status["last_pass"]["trigger"])
        seen = [event["kind"] for event in daemon.ask().get("/v1/events?since=0")["events"]]

    assert "+31536000 s" in changed["message"]
    assert status["last_pass"]["trigger"].count("schedule") == 1
    assert seen.count("SurroundingsChanged") == 1
    assert f"{time.gmtime().tm_year + 1}-" in daemon.log.read_text() + status["next_pass"]


def test_without_watches_folders_are_scanned(tmp_path: Path, src: Path) -> None:
    """The machine's limit is said with what to do, and changes are seen all the same."""
    world = served(src)
    limit = 'echo 0 > /proc/sys/user/max_inotify_watches && exec "$@"'
    daemon = Daemon(tmp_path / "d", config(src))
    daemon.start(["unshare", "-Ur", "sh", "-c", limit, "sh"])
    try:
        degraded = daemon.until("WatchDegraded")
        assert "sysctl" in degraded["message"]
        daemon.ready(world.root)
        status = daemon.status(world.root)
        assert status is not None
        assert status["watching"] == "scans"
        daemon.until("Packaged", world.root, trigger="start")
        world.write("src/shop/pipelines/features/nodes.py", "a = 6\n")
        daemon.until("Packaged", world.root)  # by what the same look saw of the lock, too
    finally:
        daemon.end(signal.SIGKILL)


def test_nothing_heavy_is_loaded_for_local_projects(tmp_path: Path) -> None:
    """Neither cloud libraries nor the log's, until there is use for them."""
    heavy = ("s3fs", "gcsfs", "botocore", "rich", "prometheus_client")
    code = f"import sys, micropkgd.service.run; print([name for name in {heavy} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert said.stdout == "[]\n"
    assert find_service(str(tmp_path / "nothing.sock")) is None


def test_status_names_a_local_edit_at_once(tmp_path: Path, src: Path) -> None:
    """No pass has seen it yet; nor once it is taken back. A manifest that cannot be read hides nothing."""
    world = served(src)
    with Daemon(tmp_path / "d", config(src)) as daemon:
        daemon.ready(world.root)
        pulled = world.read("src/shop/ds/nodes.py")
        world.write("src/shop/ds/nodes.py", "A = 'mine'\n")
        edited = daemon.command("status", cwd=world.root).stdout
        world.write("src/shop/ds/nodes.py", pulled)
        restored = daemon.command("status", cwd=world.root).stdout
        world.write("pyproject.toml", "[tool.kedro\n")
        broken = daemon.command("status", cwd=world.root)

    assert "drifted: src/shop/ds/nodes.py" in edited
    assert "drifted" not in restored
    assert broken.returncode == 0
    assert "dist/ds.tar.gz" in broken.stdout
