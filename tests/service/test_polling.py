"""Seeing changes without events: what every kind of write looks like, and where it is needed."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from micropkgd.service.watching import polling
from micropkgd.service.watching.polling import (
    changed,
    is_below,
    mounts_in,
    remote_mounts,
    take_picture,
    with_mounted_files,
)


def by_rename(path: Path) -> None:
    """Save as vim does: another file under the same name, with the same size and times."""
    status = path.stat()
    beside = path.with_name("beside")
    beside.write_text("y = 1\n")
    os.utime(beside, ns=(status.st_atime_ns, status.st_mtime_ns))
    beside.rename(path)


def in_place(path: Path) -> None:
    """Write the same number of bytes, a moment later."""
    when = path.stat().st_mtime_ns
    path.write_text("z = 1\n")
    os.utime(path, ns=(when, when + 1))


WRITES: list[Callable[[Path], object]] = [
    by_rename,
    in_place,
    Path.unlink,
    lambda path: path.write_text("longer than that\n"),
]


@pytest.mark.parametrize("write", WRITES)
def test_every_write_is_seen(tmp_path: Path, write: Callable[[Path], object]) -> None:
    """Also one that leaves size and time as they were, or is a nanosecond away."""
    path = tmp_path / "a.py"
    path.write_text("x = 1\n")
    (tmp_path / "other.py").write_text("")
    before = take_picture([str(tmp_path)])
    write(path)

    assert changed(before, take_picture([str(tmp_path)])) == {str(path)}


def test_a_folder_that_is_written_into_is_no_change_of_its_own(tmp_path: Path) -> None:
    """What is in it is seen where it is asked for; a folder that was exchanged is seen."""
    inner = tmp_path / "inner"
    inner.mkdir()
    before = take_picture([str(tmp_path)])
    (inner / "a.py").write_text("")
    assert changed(before, take_picture([str(tmp_path)])) == set()
    (tmp_path / "another").mkdir()
    inner.rename(tmp_path / "gone")
    (tmp_path / "another").rename(inner)

    assert str(inner) in changed(before, take_picture([str(tmp_path)]))


def test_what_is_not_there_is_not_in_the_picture(tmp_path: Path) -> None:
    """Neither folders that went nor those that may not be read stop anybody."""
    assert take_picture([str(tmp_path / "nothing"), "/proc/1/fd/nothing"]) == {}


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/net/home", True), ("/net/home/x", True), ("/net/homes", False), ("/net", False), ("/", False)],
)
def test_a_mount_holds_what_is_below_it(path: str, expected: bool) -> None:
    """And nothing that only begins like it."""
    assert is_below(path, ("/net/home", "/mnt/")) is expected
    assert is_below("/mnt/x", ("/net/home", "/mnt/"))


def test_no_other_mount_is_looked_at_than_one_in_a_watched_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server of another may be away, and then a look never ends."""
    (tmp_path / "config.toml").touch()
    (tmp_path / "inner").mkdir()
    there = [str(tmp_path / "config.toml"), str(tmp_path / "inner"), "/net/away"]
    monkeypatch.setattr(polling, "_mounts", lambda: [(where, "ext4") for where in there])
    is_folder, looked = os.path.isdir, list[str]()

    def look(path: str) -> bool:
        looked.append(path)
        return is_folder(path)

    monkeypatch.setattr(os.path, "isdir", look)
    assert with_mounted_files({str(tmp_path)}) == {str(tmp_path)}
    assert looked == there[:2]


NAMES = st.text(min_size=1).map(os.fsencode).filter(lambda name: b"\0" not in name) | st.binary(min_size=1).filter(
    lambda name: b"\0" not in name
)


def as_the_kernel_writes_it(path: bytes) -> bytes:
    """`mangle_path` of the kernel, as it is called for mount points."""
    return b"".join(b"\\%03o" % byte if byte in b" \t\n\\#" else bytes([byte]) for byte in path)


@given(st.lists(st.tuples(NAMES, st.sampled_from(["ext4", "nfs4", "fuse.sshfs"])), max_size=4))
@example([(b"/mnt/a\\040b", "nfs4"), (b"/mnt/\t\n #\\134", "ext4"), (b"/mnt/\xff\r\x0b\xc2\x85", "cifs")])
def test_every_mount_point_is_read_as_it_is_called(mounts: list[tuple[bytes, str]]) -> None:
    """Whatever stands in its name: only what the kernel writes in octal is read so."""
    table = b"".join(b"dev %s %s rw 0 0\n" % (as_the_kernel_writes_it(path), kind.encode()) for path, kind in mounts)
    assert list(mounts_in(table)) == [(os.fsdecode(path), kind) for path, kind in mounts]


def test_a_mount_of_any_name_is_found(tmp_path: Path) -> None:
    """As the kernel itself tells of it."""
    place = tmp_path / "a b\tc\nd\\040 #e\u2028"
    place.mkdir()
    ask = "from micropkgd.service.watching.polling import _mounts; print(_mounts()[-1])"
    script = 'mount -t tmpfs none "$1" && exec "$2" -c "$3"'
    command = ["unshare", "--mount", "sh", "-c", script, "sh", str(place), sys.executable, ask]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stdout == f"{(str(place), 'tmpfs')}\n"


def test_local_disks_are_no_remote_mounts(tmp_path: Path) -> None:
    """The folder of this test is watched, not scanned."""
    assert not is_below("/proc", remote_mounts())
