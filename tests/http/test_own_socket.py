"""The socket of a running service: within limits, made again where it went, and never another's."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from micropkgd.service.client import find_service
from micropkgd.service.http.unix_socket import open_unix_socket
from micropkgd.service.unix_connection import connect_unix
from tests.kit.daemon import PATIENCE, Daemon, served, until
from tests.kit.site import rest_of

HEAD = b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A service with one project."""
    world = served(tmp_path / "src")
    with Daemon(tmp_path / "d", f'projects = ["{tmp_path}/src/*"]\nevery = "1d"\n') as running:
        running.ready(world.root)
        yield running


def connected(daemon: Daemon) -> socket.socket:
    """A connection that says nothing yet."""
    caller = socket.socket(socket.AF_UNIX)
    caller.settimeout(PATIENCE)
    caller.connect(daemon.socket)
    return caller


def answers(daemon: Daemon) -> bool:
    """Whether a question gets its answer."""
    service = find_service(daemon.socket)
    return service is not None and len(service.get("/v1/status")["projects"]) == 1


@pytest.mark.parametrize("whole", [False, True])
def test_a_socket_that_vanished_is_made_again(daemon: Daemon, whole: bool) -> None:
    """By a logout that takes the folder with it, too; and it is said."""
    with daemon.asleep():
        os.unlink(daemon.socket)
        if whole:
            Path(daemon.socket).parent.rmdir()
        assert find_service(daemon.socket) is None
    until(lambda: find_service(daemon.socket) is not None)
    assert answers(daemon)
    told = [event["kind"] for event in daemon.ask().get("/v1/events")["events"]]
    assert told.count("SocketMadeAgain") == 1
    assert daemon.end() == 0
    assert not os.path.lexists(daemon.socket)


def test_who_listens_to_events_stays_connected(daemon: Daemon) -> None:
    """Though the file went under which they came in."""
    os.unlink(daemon.socket)
    daemon.until("SocketMadeAgain")


def test_a_socket_that_cannot_be_made_is_said_once(daemon: Daemon) -> None:
    """And is tried again until it can be."""
    folder = Path(daemon.socket).parent
    with daemon.asleep():
        os.unlink(daemon.socket)
        folder.chmod(0o777)
    daemon.until("SocketLost", message="others may write")
    folder.chmod(0o700)
    daemon.until("SocketMadeAgain")
    assert [event["kind"] for event in daemon.ask().get("/v1/events")["events"]].count("SocketLost") == 1


def test_what_another_has_made_stays_its_own(tmp_path: Path) -> None:
    """The end of a service removes the socket that it made, by its inode."""
    path = str(tmp_path / "run/s")
    opened = open_unix_socket(path, {})
    os.unlink(path)
    other = open_unix_socket(path, {})
    assert (opened.stands(), other.stands()) == (False, True)
    opened.remove()
    assert other.stands()
    other.remove()
    assert not os.path.lexists(path)
    for one in (opened, other):
        one.listener.close()


def test_a_second_service_says_who_serves(daemon: Daemon) -> None:
    """Also where the socket of the first has vanished, or the second has another."""
    os.unlink(daemon.socket)
    for place in (daemon.socket, f"{daemon.socket}.2"):
        daemon.environ["MICROPKGD_SOCKET"] = place
        said = daemon.command("reconcile", "--config", str(daemon.config), cwd=daemon.folder)
        assert said.returncode == 7
        assert f"another micropkgd serves this: pid {daemon.process.pid}" in said.stderr
    daemon.process.kill()
    daemon.process.wait()
    daemon.environ["MICROPKGD_SOCKET"] = daemon.socket
    daemon.start()


def test_a_state_folder_that_cannot_be_written_keeps_nobody_from_work(tmp_path: Path) -> None:
    """A container may have none."""
    served(tmp_path / "src")
    (tmp_path / "file").write_text("")
    environ = {"STATE_DIRECTORY": str(tmp_path / "file")}
    with Daemon(tmp_path / "d", f'projects = ["{tmp_path}/src/*"]\nevery = "1d"\n', environ=environ) as running:
        events = running.ask().get("/v1/events")["events"]
        assert "NotAlone" in {event["kind"] for event in events}


def test_idle_clients_stop_nobody(daemon: Daemon) -> None:
    """More of them than there may be at once: each has five seconds to say something."""
    with ExitStack() as stack:
        for _ in range(300):
            try:
                stack.enter_context(connected(daemon))
            except OSError:
                break
        until(lambda: answers(daemon))
        assert len(os.listdir(f"/proc/{daemon.process.pid}/fd")) < 250


def test_a_slow_head_is_not_waited_for(daemon: Daemon) -> None:
    """A byte now and then keeps no connection open."""
    with connected(daemon) as caller:
        caller.sendall(HEAD)
        until(lambda: not is_open(caller))


def is_open(caller: socket.socket) -> bool:
    """Whether one more byte of a head can be sent."""
    time.sleep(0.5)
    try:
        caller.sendall(b"X")
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (HEAD + b"X: " + b"x" * 9000 + b"\r\n\r\n", b" 431 "),
        (HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", b" 400 "),
        (b"POST /v1/trigger HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n", b" 413 "),
        (HEAD + b"\r\n" + HEAD + b"\r\n", b" 200 "),
    ],
)
def test_what_is_sent_is_bounded(daemon: Daemon, sent: bytes, code: bytes) -> None:
    """As over TCP: heads, bodies, and one request a connection."""
    with connected(daemon) as caller:
        caller.sendall(sent)
        said = rest_of(caller)
    assert code in said.partition(b"\r\n")[0]
    assert said.count(b"HTTP/1.") == 1


def test_many_who_wait_leave_room_for_a_question(daemon: Daemon) -> None:
    """Followers without end are turned away before a `status` is."""
    with ExitStack() as stack:
        callers = [stack.enter_context(connect_unix(daemon.socket, PATIENCE)) for _ in range(100)]
        for caller in callers:
            caller.sendall(HEAD.replace(b"/v1/status", b"/v1/events?follow=1") + b"\r\n")
        said = [caller.recv(12) for caller in callers]
        assert {b"HTTP/1.1 200", b"HTTP/1.1 503"} == set(said)
        assert answers(daemon)
