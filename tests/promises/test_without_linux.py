"""What holds where the calls that only Linux has are refused: no `renameat2`, no `statx`, no `/proc`, as on a Mac.

Nothing here was run on a Mac. The calls are taken away from the program, in the process of the test.
"""

import builtins
import fcntl
import socket
from typing import Any

import pytest

from micropkgd.model.tree import RelPath
from micropkgd.service.http.unix_socket import listen
from micropkgd.service.timing.jumps import LastLook
from micropkgd.service.watching import inotify
from micropkgd.service.watching.polling import remote_mounts
from micropkgd.workspace import birth, fsops
from tests.kit.life import FILES, be_packaged, live
from tests.kit.world import World

PROBES = (RelPath("a.one"), RelPath("a.two"))


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A system without them; what was asked of `/proc` is noted."""
    asked: list[str] = []
    whole = builtins.open

    def refusing(path: Any, *arguments: Any, **options: Any) -> Any:
        if str(path).startswith("/proc/"):
            asked.append(str(path))
            raise FileNotFoundError(2, "No such file or directory", path)
        return whole(path, *arguments, **options)

    monkeypatch.setattr(builtins, "open", refusing)
    for module in (fsops, birth, inotify):
        monkeypatch.setattr(module, "c_function", lambda _: None)
    for name in ("SOCK_CLOEXEC", "SOCK_NONBLOCK", "AF_NETLINK", "AF_PACKET", "SO_PEERCRED"):
        monkeypatch.delattr(socket, name, raising=False)
    return asked


def test_an_entry_lives_its_life(world: World) -> None:
    """Installed, edited, merged, held, settled, rolled back, removed: as everywhere (P1 to P4, P11)."""
    live(world)


def test_a_module_is_packaged(world: World) -> None:
    """The same bytes as everywhere (P10)."""
    be_packaged(world)


def test_a_project_that_is_held_says_so(world: World, elsewhere: list[str]) -> None:
    """By whom is not known here (exit 7)."""
    world.publish(FILES)
    world.asks_for()
    world.sync()
    with (world.root / ".micropkgd/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = world.run("add", "dist/other.tar.gz", "--lock-timeout", "0")

    assert said.code == 7
    assert "unknown" in said.err
    assert "/proc/locks" in elsewhere


def test_the_doctor_looks_at_what_there_is(world: World) -> None:
    """It says how files are replaced, and that watches have no limits to read."""
    world.publish(FILES)
    world.asks_for()
    world.sync()
    said = world.run("doctor")

    assert said.code == 0, said.out
    assert "this machine does not say its limits" in said.out
    assert "replaced by link and rename" in said.out


def test_the_service_has_a_socket_and_looks_around(world: World) -> None:
    """Routes and mounts are not known: no network trigger, and nothing is taken for remote."""
    listener = listen(str(world.root / "ctl.sock"))
    assert not listener.get_inheritable()
    listener.close()
    assert LastLook().jumped() == []
    with pytest.raises(OSError, match="no inotify"):
        inotify.Inotify()
    assert remote_mounts() == ()


@pytest.mark.parametrize("action", ["install", "uninstall"])
def test_units_are_refused_where_there_is_no_systemd(
    world: World, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    """With what does it there."""
    monkeypatch.setattr("micropkgd.cli.commands.service.sys.platform", "darwin")
    said = world.run("service", action)

    assert said.code == 2
    assert said.err.startswith(
        "error: the units are for systemd, which this system does not have [MPK101]\nhint: start"
    )


def test_the_layer_is_in_the_way(world: World, elsewhere: list[str]) -> None:
    """It takes the calls away that a pass on Linux makes."""
    with fsops.FsOps(str(world.root)) as fs:
        for path in PROBES:
            fs.write_file(path, b"", 0o600)
        assert not fs.trades_places(*PROBES)
    with pytest.raises(FileNotFoundError), open("/proc/self/mounts"):
        pass
    assert elsewhere == ["/proc/self/mounts"]
