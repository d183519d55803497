"""Seeing changes without events: what every kind of write looks like, and where it is needed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from micropkgd.service.watching import polling
from micropkgd.service.watching.polling import changed, is_below, remote_mounts, take_picture, with_mounted_files


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


def test_local_disks_are_no_remote_mounts(tmp_path: Path) -> None:
    """The folder of this test is watched, not scanned."""
    assert not is_below("/proc", remote_mounts())
