"""A service that very many ask at once is waited for: the kernel says `EAGAIN` where its queue is full."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from micropkgd.errors import ProjectBusyError, UsageError
from micropkgd.service.client import find_service, require_service
from micropkgd.service.http.unix_socket import listen
from micropkgd.service.unix_connection import connect_unix

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 14\r\nConnection: close\r\n\r\n{"told": true}'


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[socket.socket]:
    """A listener before whom as many wait as may."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket(socket.AF_UNIX))
        listening.bind(str(tmp_path / "s"))
        listening.listen(0)
        while (waiting := one_more(tmp_path / "s")) is not None:
            stack.enter_context(waiting)
        yield listening


def one_more(path: Path) -> socket.socket | None:
    """One more who waits; None where there is no room."""
    caller = socket.socket(socket.AF_UNIX)
    caller.setblocking(False)
    try:
        caller.connect(str(path))
    except BlockingIOError:
        caller.close()
        return None
    return caller


def test_a_full_queue_is_waited_for(crowded: socket.socket) -> None:
    """However long it takes, where nothing else is said."""
    path = crowded.getsockname()
    with pytest.raises(BlockingIOError):
        connect_unix(path, 0.1)
    for patience in (30.0, None):
        caller = threading.Thread(target=lambda patience=patience: connect_unix(path, patience).close())
        caller.start()
        time.sleep(0.2)
        assert caller.is_alive()
        crowded.accept()[0].close()
        caller.join()


def test_a_question_is_answered_when_its_turn_comes(crowded: socket.socket) -> None:
    """It was refused at once before, though a service listened."""
    service = find_service(crowded.getsockname())
    assert service is not None
    assert require_service(crowded.getsockname()) is not None

    def answer() -> None:
        time.sleep(0.2)
        crowded.accept()[0].close()
        with crowded.accept()[0] as caller:
            asked = b""
            while b"\r\n\r\n" not in asked:
                asked += caller.recv(4096)
            caller.sendall(ANSWER)

    answering = threading.Thread(target=answer)
    answering.start()
    assert service.get("/v1/status", timeout=30) == {"told": True}
    answering.join()


def test_who_is_asked_by_many_is_not_dead(crowded: socket.socket) -> None:
    """A second service would have said that the first does not answer."""
    with pytest.raises(ProjectBusyError, match="another micropkgd serves here"):
        listen(crowded.getsockname())


def test_nobody_is_not_waited_for(tmp_path: Path) -> None:
    """Where nothing stands, or nobody listens any more."""
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(tmp_path / "dead"))
    for name in ("none", "dead"):
        with pytest.raises((FileNotFoundError, ConnectionRefusedError)):
            connect_unix(str(tmp_path / name), None)
        with pytest.raises(UsageError, match="no service listens"):
            require_service(str(tmp_path / name))
