"""`micropkgd health`: one question to the service, answered by the exit code."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.daemon import Daemon
from tests.kit.world import World

HEAVY = {"aiohttp", "asyncio", "rich", "structlog", "yaml", "watchfiles"}


@pytest.fixture
def daemon(world: World, tmp_path: Path) -> Iterator[Daemon]:
    """A service with one project that is in sync."""
    world.publish({"nodes.py": "A = 1\n"})
    world.asks_for()
    with Daemon(tmp_path / "service", f'projects = ["{world.root}"]') as made:
        made.ready(world.root)
        yield made


@pytest.mark.parametrize(
    ("question", "word"),
    [([], "alive"), (["--ready"], "ready"), (["--started"], "started")],
    ids=lambda value: str(value),
)
def test_yes_is_0(question: list[str], word: str, daemon: Daemon) -> None:
    """Each of the three questions has its own word."""
    ended = daemon.command("health", *question, cwd=daemon.folder)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"{word}\n", "")


def test_no_is_1_and_says_which(world: World, tmp_path: Path) -> None:
    """A project that never had what it asks for is not ready, and the service is alive all the same."""
    world.asks_for("dist/missing.tar.gz")
    with Daemon(tmp_path / "service", f'projects = ["{world.root}"]') as daemon:
        daemon.until_status(world.root, lambda status: bool(status["last_pass"]))

        ended = daemon.command("health", "--ready", cwd=tmp_path)

        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr == f"the service is not ready: Stalled (Gone) {world.root}\n"
        assert daemon.command("health", "--quiet", cwd=tmp_path).returncode == 0


def test_nobody_there_is_1(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Not 2, which would say that the question was wrong."""
    monkeypatch.setenv("MICROPKGD_SOCKET", str(tmp_path / "none.sock"))

    said = world.run("health")

    assert (said.code, said.out) == (1, "")
    assert "no service listens" in said.err


@pytest.mark.parametrize("command", ["health", "trigger --all", "events --all", "status --all"])
@pytest.mark.parametrize("closed", ["socket", "folder"])
def test_a_service_of_somebody_else_is_there(world: World, tmp_path: Path, command: str, closed: str) -> None:
    """It listens: who may not ask it is told that, and not to start another one."""
    runtime = tmp_path / "run"
    runtime.mkdir()
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(runtime / "ctl.sock"))
        listening.listen()
        (runtime / "ctl.sock").chmod(0o600 if closed == "socket" else 0o666)
        runtime.chmod(0o755 if closed == "socket" else 0o700)
        code = (
            "import contextlib, io, os, sys; from micropkgd.cli.run import run\n"
            "with contextlib.redirect_stderr(io.StringIO()):\n"  # loads all that user 65534 may not read
            "    os.environ['MICROPKGD_SOCKET'] = '/nowhere/ctl.sock'; run(sys.argv[1:])\n"
            f"os.environ['MICROPKGD_SOCKET'] = {str(runtime / 'ctl.sock')!r}\n"
            "os.setgroups([]); os.setgid(65534); os.setuid(65534); sys.exit(run(sys.argv[1:]))"
        )
        ended = subprocess.run(
            [sys.executable, "-c", code, *command.split()], cwd=world.root, capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip

    assert ended.returncode == 1, ended
    assert "the service cannot be asked: permission denied" in ended.stderr
    assert "no service listens" not in ended.stderr


def test_a_service_that_hangs_is_1(daemon: Daemon) -> None:
    """No answer in time is a no."""
    daemon.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, daemon.process.pid, os.WSTOPPED)

    ended = daemon.command("health", cwd=daemon.folder)

    assert ended.returncode == 1
    assert "does not answer" in ended.stderr


def test_json_has_the_answer(daemon: Daemon) -> None:
    """The document of all commands, with what the service said."""
    document = json.loads(daemon.command("health", "--ready", "--json", cwd=daemon.folder).stdout)

    assert (document["exit_code"], document["ok"], document["ready"], document["problem"]) == (0, True, 1, "")


def test_a_config_that_went_wrong_is_not_the_services_fault(
    daemon: Daemon, world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The service runs on with the config it had, and its health is asked where it usually listens."""
    broken = tmp_path / "broken.toml"
    broken.write_text("colour = 1")
    runtime = tmp_path / "runtime" / "micropkgd"
    runtime.mkdir(parents=True, mode=0o700)
    (runtime / "ctl.sock").symlink_to(daemon.socket)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime.parent))

    assert world.run("health", "--config", str(broken)).code == 0


def test_it_loads_little(daemon: Daemon) -> None:
    """A probe that runs every few seconds imports no loop, no log and no network library."""
    code = "import sys; from micropkgd.cli.run import run; run(['health']); print(*sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", code], env=daemon.environ, capture_output=True, text=True, timeout=60, check=True
    )

    assert ended.stdout.startswith("alive\n")
    assert HEAVY & set(ended.stdout.split()) == set()
