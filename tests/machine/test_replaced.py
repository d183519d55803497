"""Files of a user that are written anew: whole, and readable by those who could read them before."""

import os
from pathlib import Path

import pytest

from micropkgd.machine.own_projects import add_project
from micropkgd.machine.replaced import replace_file


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o660])
def test_who_could_read_a_file_can_read_it_still(tmp_path: Path, mode: int) -> None:
    """And nobody else; a config that holds more than one may know is not opened to all by a line that is added."""
    config = tmp_path / "config.toml"
    config.write_text('every = "5m"\n')
    config.chmod(mode)
    (tmp_path / "p").mkdir()

    assert add_project(str(config), str(tmp_path / "p"))

    assert config.stat().st_mode & 0o777 == mode
    assert str(tmp_path / "p") in config.read_text()


def test_a_new_file_is_as_the_user_makes_files(tmp_path: Path) -> None:
    """By the umask, unless it is private."""
    (tmp_path / "usual").write_text("")
    replace_file(str(tmp_path / "new"), b"x")
    replace_file(str(tmp_path / "secrets/token"), b"x", private=True)

    assert (tmp_path / "new").stat().st_mode == (tmp_path / "usual").stat().st_mode
    assert (tmp_path / "secrets/token").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700


def test_a_private_file_is_private_whatever_stood_there(tmp_path: Path) -> None:
    """A token that somebody opened to all is closed when it is made anew; nothing is left beside it."""
    token = tmp_path / "token"
    token.write_text("old")
    token.chmod(0o644)

    replace_file(str(token), b"new", private=True)

    assert (token.read_bytes(), token.stat().st_mode & 0o777) == (b"new", 0o600)
    assert os.listdir(tmp_path) == ["token"]


def test_two_who_write_a_file_at_once_do_not_take_each_others_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processes in containers have the same number, and threads of a service have one."""
    path, sync = tmp_path / "config.toml", os.fsync

    def meanwhile(descriptor: int) -> None:
        monkeypatch.setattr(os, "fsync", sync)
        replace_file(str(path), b"of another")
        assert path.read_bytes() == b"of another"
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", meanwhile)
    replace_file(str(path), b"mine")

    assert path.read_bytes() == b"mine"
    assert os.listdir(tmp_path) == ["config.toml"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "Ctrl-C"])
def test_who_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """Whatever it fails by."""
    path = tmp_path / "config.toml"
    path.write_bytes(b"old")

    def fail(descriptor: int) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(type(error)):
        replace_file(str(path), b"new")

    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["config.toml"]


def test_who_writes_clears_away_what_the_killed_left(tmp_path: Path) -> None:
    """A draft of days ago; never one that may be under way, nor what is somebody's."""
    old, young, theirs = ".micropkgd.0123456789ab.draft", ".micropkgd.ba9876543210.draft", ".notes.draft"
    for name in (old, young, theirs):
        (tmp_path / name).write_bytes(b"half")
        os.utime(tmp_path / name, (0, 0) if name != young else None)

    replace_file(str(tmp_path / "config.toml"), b"x")

    assert set(os.listdir(tmp_path)) == {"config.toml", young, theirs}
