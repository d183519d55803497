"""What systemd is told of the service, seen by a socket that stands in for systemd's; process and signals are real."""

import asyncio
import fcntl
import itertools
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from micropkgd.errors import MicropkgError
from micropkgd.model.settings import Settings
from micropkgd.service.http.front import Front
from micropkgd.service.http.probes import Probes
from micropkgd.service.run import Machine, Reloads
from micropkgd.service.supervisor import Supervisor
from micropkgd.service.systemd_notify import Notifier
from tests.kit.daemon import PATIENCE, Daemon, until
from tests.kit.world import World

PING_USEC = 400_000  # of WATCHDOG_USEC; half of it is the pause between two pings


class Manager:
    """The side of systemd: a datagram socket with a name, which is read all the time as systemd does.

    The kernel keeps ten messages for who does not read, and signs of life come all the time.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._told = queue.SimpleQueue[str]()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    @property
    def environ(self) -> dict[str, str]:
        """What systemd says to a service that it starts."""
        return {"NOTIFY_SOCKET": self.address, "WATCHDOG_USEC": str(PING_USEC)}

    def next(self) -> dict[str, str]:
        """One message, as its assignments."""
        text = self._told.get(timeout=PATIENCE)
        return dict(line.split("=", 1) for line in text.splitlines())

    def until(self, key: str) -> dict[str, str]:
        """The next message that assigns a key."""
        deadline = time.monotonic() + PATIENCE
        while key not in (message := self.next()):
            assert time.monotonic() < deadline, f"no {key}"
        return message

    def drain(self) -> int:
        """Forget what was sent so far, and say how many messages that was."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"DRAINED=1", self._socket.getsockname())
        return next(count for count in itertools.count() if "DRAINED" in self.next())

    def close(self) -> None:
        """Be gone."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._reading.join()
        self._socket.close()

    def _read(self) -> None:
        while data := self._socket.recv(65536):
            self._told.put(data.decode())


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    """The one who is told."""
    made = Manager(str(tmp_path / "notify"))
    yield made
    made.close()


def test_a_reload_that_fails_by_a_bug_is_over_all_the_same(tmp_path: Path, manager: Manager) -> None:
    """A service that says it reloads and never that it is ready would be ended."""

    def broken() -> Settings:
        raise RuntimeError("a bug")

    async def main() -> None:
        supervisor = Supervisor(Settings(cache_dir=str(tmp_path)), lambda _: None)
        machine = Machine("", broken, lambda _: None)
        reloads = Reloads(supervisor, machine, Notifier(manager.environ), Front(supervisor, Probes(supervisor)))
        with pytest.raises(RuntimeError, match="a bug"):
            await reloads.ask()

    asyncio.run(main())
    assert "RELOADING" in manager.next()
    assert "READY" in manager.next()


@pytest.fixture
def served(world: World) -> World:
    """A project that has something to do."""
    world.publish({"nodes.py": "A = 1\n"})
    world.asks_for()
    return world


def test_ready_is_said_with_a_status_and_then_signs_of_life_come(
    served: World, manager: Manager, tmp_path: Path
) -> None:
    """READY=1 has a STATUS; WATCHDOG=1 follows again and again; STATUS says when a project's state is another."""
    with Daemon(tmp_path / "service", f'projects = ["{served.root}"]', environ=manager.environ):
        told = manager.until("READY")
        assert told["READY"] == "1"
        while "1 ready" not in told["STATUS"]:
            told = manager.until("STATUS")
        assert manager.until("WATCHDOG") == {"WATCHDOG": "1"}
        assert manager.until("WATCHDOG") == {"WATCHDOG": "1"}


def test_a_process_that_is_stopped_gives_no_sign_of_life(served: World, manager: Manager, tmp_path: Path) -> None:
    """SIGSTOP ends the pings, SIGCONT brings them back."""
    with Daemon(tmp_path / "service", f'projects = ["{served.root}"]', environ=manager.environ) as daemon:
        manager.until("WATCHDOG")
        daemon.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, daemon.process.pid, os.WSTOPPED)
        manager.drain()

        time.sleep(3 * PING_USEC / 1e6)  # nothing can be waited for where nothing may come

        assert manager.drain() == 0
        daemon.process.send_signal(signal.SIGCONT)
        manager.until("WATCHDOG")


def test_sighup_is_a_reload_with_the_time_it_began(served: World, manager: Manager, tmp_path: Path) -> None:
    """RELOADING=1 with MONOTONIC_USEC of now, then READY=1."""
    with Daemon(tmp_path / "service", f'projects = ["{served.root}"]', environ=manager.environ) as daemon:
        manager.until("READY")
        before = time.monotonic_ns() // 1000
        daemon.process.send_signal(signal.SIGHUP)

        reloading = manager.until("RELOADING")

        assert reloading["RELOADING"] == "1"
        assert before <= int(reloading["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
        assert "failed" not in manager.until("READY")["STATUS"]


@pytest.mark.parametrize(
    "config", ["passes = [", 'cron = "61 * * * *"\nprojects = ["/nowhere"]', 'socket = "\\n"\nfoo=1']
)
def test_a_reload_with_a_bad_config_says_so_and_keeps_the_old_one(
    config: str, served: World, manager: Manager, tmp_path: Path
) -> None:
    """The status names the failure in one line, and the project is still served."""
    with Daemon(tmp_path / "service", f'projects = ["{served.root}"]', environ=manager.environ) as daemon:
        manager.until("READY")
        daemon.config.write_text(config)
        daemon.process.send_signal(signal.SIGHUP)
        manager.until("RELOADING")

        ready = manager.until("READY")

        assert ready["STATUS"].startswith("reload failed: ")
        assert str(daemon.config) in ready["STATUS"]
        daemon.until("ConfigRefused")
        daemon.ready(served.root)


def test_sigterm_ends_with_stopping_and_0(served: World, manager: Manager, tmp_path: Path) -> None:
    """STOPPING=1 is said, the exit code is 0, and the socket is gone."""
    with Daemon(tmp_path / "service", f'projects = ["{served.root}"]', environ=manager.environ) as daemon:
        daemon.ready(served.root)

        assert daemon.end() == 0
        assert manager.until("STOPPING") == {"STOPPING": "1"}
        assert not os.path.exists(daemon.socket)


def test_a_second_sigterm_ends_at_once(served: World, manager: Manager, tmp_path: Path) -> None:
    """While a pass that does not end is waited for, the second signal ends the process with 143."""
    config = f'projects = ["{served.root}"]\ndrain = "600s"\n'
    with Daemon(tmp_path / "service", config, environ=manager.environ) as daemon:
        daemon.ready(served.root)
        with (served.root / ".micropkgd" / "lock").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            served.publish({"nodes.py": "A = 2\n"})
            asked = threading.Thread(target=_reconcile, args=(daemon,))
            asked.start()
            daemon.until_status(served.root, lambda status: bool(status["running"]))
            daemon.process.send_signal(signal.SIGTERM)
            manager.until("STOPPING")
            daemon.process.send_signal(signal.SIGTERM)

            assert daemon.process.wait(PATIENCE) == 143
        asked.join(PATIENCE)


def _reconcile(daemon: Daemon) -> None:
    """Ask for a pass that waits for who holds the project."""
    with suppress(MicropkgError):
        daemon.ask().post("/v1/reconcile", {"options": {"allow_downgrade": True}}, timeout=None)


def test_an_abstract_address_is_one(tmp_path: Path) -> None:
    """A name that begins with @ is no path."""
    manager = Manager(f"@micropkgd-test-{os.getpid()}")

    Notifier({"NOTIFY_SOCKET": manager.address}).alive()

    assert manager.next() == {"WATCHDOG": "1"}
    manager.close()


def test_a_text_of_several_lines_is_one_assignment(manager: Manager) -> None:
    """What an error says cannot pass for a message of the service."""
    Notifier(manager.environ).status("bad\nSTOPPING=1\n")

    assert manager.next() == {"STATUS": "bad STOPPING=1"}


def test_a_reader_that_never_reads_holds_nothing_up(tmp_path: Path) -> None:
    """A queue that is full loses messages, and no call stays in it."""
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(address)
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender,
            suppress(BlockingIOError),
        ):
            while sender.sendto(b"X=1", address):
                pass

        Notifier({"NOTIFY_SOCKET": address}).alive()

        assert deaf.recv(65536) == b"X=1"


@pytest.mark.parametrize(
    ("environ", "interval"),
    [
        pytest.param({"WATCHDOG_USEC": "3000000"}, 1.5, id="half of what systemd allows"),
        pytest.param({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, None, id="meant for another process"),
        pytest.param({"WATCHDOG_USEC": "often"}, None, id="no number"),
        pytest.param({}, None, id="no watchdog"),
    ],
)
def test_signs_of_life_are_due_twice_as_often_as_systemd_asks(environ: dict[str, str], interval: float | None) -> None:
    """WATCHDOG_USEC counts for the process it is meant for."""
    assert Notifier(environ).watchdog_interval == interval


def test_a_socket_that_systemd_has_opened_is_served_and_stays(served: World, tmp_path: Path) -> None:
    """The first question starts the service (here by systemd-socket-activate); its end leaves the socket's file."""
    daemon = Daemon(tmp_path / "service", f'projects = ["{served.root}"]')
    Path(daemon.socket).parent.mkdir(mode=0o700)
    passed = [f"--setenv={name}={value}" for name, value in daemon.environ.items() if "\n" not in value]
    daemon.start(["systemd-socket-activate", f"--listen={daemon.socket}", *passed])
    with_file = os.stat(daemon.socket).st_ino
    try:
        daemon.ready(served.root)

        assert daemon.end() == 0
        assert os.stat(daemon.socket).st_ino == with_file
    finally:
        daemon.__exit__(None, None, None)


def test_a_socket_of_another_kind_is_refused(tmp_path: Path) -> None:
    """What else a unit may pass is named, and ends the start with 2."""
    daemon = Daemon(tmp_path / "service")
    passed = [f"--setenv={name}={value}" for name, value in daemon.environ.items() if "\n" not in value]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    program = [sys.executable, "-m", "micropkgd", "reconcile", "/nowhere"]
    words = ["systemd-socket-activate", f"--listen=127.0.0.1:{port}", *passed, *program]
    with subprocess.Popen(
        [*words, "reconcile", "/nowhere"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    ) as process:
        until(lambda: _connects(port))
        _, said = process.communicate(timeout=PATIENCE)

    assert process.returncode == 2
    assert "one unix socket that listens" in said


def _connects(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
