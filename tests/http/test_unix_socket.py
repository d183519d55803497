"""The unix socket: where it is, who may come in, and what is never removed."""

import os
import socket
import stat
import sys
from pathlib import Path

import pytest

from micropkgd.errors import ProjectBusyError, TreeError
from micropkgd.machine.places import socket_path
from micropkgd.service.http.unix_socket import listen, peer_of


def test_where_it_is(tmp_path: Path) -> None:
    """By config, unit, user, or in a folder of one's own below /tmp."""
    assert socket_path("/x/y.sock", {"XDG_RUNTIME_DIR": "/run/user/1"}) == "/x/y.sock"
    assert socket_path(None, {"RUNTIME_DIRECTORY": "/run/m:/run/n", "XDG_RUNTIME_DIR": "/u"}) == "/run/m/ctl.sock"
    assert socket_path(None, {"XDG_RUNTIME_DIR": "/run/user/1"}) == "/run/user/1/micropkgd/ctl.sock"
    assert socket_path(None, {}) == f"/tmp/micropkgd-{os.getuid()}/ctl.sock"


def test_only_its_user_may_open_it(tmp_path: Path) -> None:
    """From the first moment on: the mode is there before anybody can connect."""
    path = tmp_path / "run" / "ctl.sock"
    with listen(str(path)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.skipif(sys.platform == "darwin", reason="there a socket has its mode from the umask alone")
def test_no_other_file_is_private_because_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The umask is that of all threads, and passes write files meanwhile."""
    masks: list[int] = []
    monkeypatch.setattr(os, "umask", masks.append)
    with listen(str(tmp_path / "s")):
        assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o600
    assert masks == []


def test_the_kernel_says_who_comes(tmp_path: Path) -> None:
    """Not what the other side says of itself."""
    with listen(str(tmp_path / "s")) as listening, socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(tmp_path / "s"))
        with listening.accept()[0] as connection:
            assert peer_of(connection) == (os.getpid(), os.getuid())


def test_a_dead_socket_is_replaced_and_a_living_one_is_not(tmp_path: Path) -> None:
    """A kill leaves the socket behind; a service that answers keeps it."""
    path = str(tmp_path / "s")
    listen(path).close()
    with listen(path), pytest.raises(ProjectBusyError, match="another micropkgd serves here"):
        listen(path)


def test_what_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    """A path in the config may be mistyped."""
    precious = tmp_path / "thesis"
    precious.write_text("years")
    with pytest.raises(TreeError, match="something else than a socket"):
        listen(str(precious))

    assert precious.read_text() == "years"


def test_a_folder_that_others_write_to_is_refused(tmp_path: Path) -> None:
    """They could put a socket of their own in its place."""
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(TreeError, match="others may write"):
        listen(str(folder / "s"))


def test_a_path_too_long_for_a_socket_is_said(tmp_path: Path) -> None:
    """Sockets have short names; another place can be named."""
    with pytest.raises(TreeError, match="cannot be made") as caught:
        listen(str(tmp_path / ("x" * 120)))
    assert "`socket`" in caught.value.hint
