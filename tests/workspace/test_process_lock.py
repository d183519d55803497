"""One process at a time in a project, and who waits learns for whom."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from micropkgd.errors import MicropkgError, ProjectBusyError, TreeError
from micropkgd.workspace.process_lock import hold
from tests.kit.daemon import PATIENCE
from tests.kit.places import REPOSITORY

HOLDER = """
import sys, time
from micropkgd.workspace.process_lock import hold
with hold(sys.argv[1], 0):
    print("held", flush=True)
    time.sleep(60)
"""


def other_holder(root: Path) -> subprocess.Popen[str]:
    """A process of its own that holds the project."""
    command = [sys.executable, "-c", HOLDER, str(root)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_waits_and_then_names_the_first(tmp_path: Path) -> None:
    """After the time it was given, the error says which process holds the project and ends with 7."""
    holder = other_holder(tmp_path)
    begun = time.monotonic()
    with pytest.raises(ProjectBusyError, match=rf"pid {holder.pid} \(.*python") as error, hold(str(tmp_path), 0.3):
        pass
    assert time.monotonic() - begun >= 0.3
    assert error.value.exit_code == 7
    holder.kill()
    holder.communicate()


def test_the_second_goes_on_when_the_first_is_killed(tmp_path: Path) -> None:
    """The lock dies with its process, whatever it died of; the one who waits has it at once."""
    holder = other_holder(tmp_path)
    os.kill(holder.pid, signal.SIGKILL)
    with hold(str(tmp_path), PATIENCE):
        pass
    holder.communicate()


def test_what_is_held_is_free_afterwards(tmp_path: Path) -> None:
    """An error inside lets the project go, and no descriptor stays open."""
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(2):
        with pytest.raises(KeyError), hold(str(tmp_path), 0):
            raise KeyError
    assert len(os.listdir("/proc/self/fd")) == before


def test_our_folder_is_private_and_hidden_from_git(tmp_path: Path) -> None:
    """What we keep is nobody else's to read and never shows in `git status`."""
    with hold(str(tmp_path), 0):
        pass
    own = tmp_path / ".micropkgd"
    assert own.stat().st_mode & 0o777 == 0o700
    assert (own / ".gitignore").read_text() == "*\n"


def test_a_folder_that_was_begun_is_completed(tmp_path: Path) -> None:
    """A process that died between making the folder and hiding it from git leaves the rest to the next."""
    (tmp_path / ".micropkgd").mkdir()
    with hold(str(tmp_path), 0):
        pass
    assert (tmp_path / ".micropkgd/.gitignore").read_text() == "*\n"


def test_holding_again_writes_nothing(tmp_path: Path) -> None:
    """A pass with nothing to do leaves no trace, not even a time."""
    with hold(str(tmp_path), 0):
        pass
    before = {path: os.lstat(path) for path in (tmp_path / ".micropkgd").rglob("*")}
    with hold(str(tmp_path), 0):
        pass
    after = {path: os.lstat(path) for path in (tmp_path / ".micropkgd").rglob("*")}
    assert {path: (found.st_mtime_ns, found.st_ctime_ns) for path, found in before.items()} == {
        path: (found.st_mtime_ns, found.st_ctime_ns) for path, found in after.items()
    }


@pytest.mark.parametrize("target", ["outside", "missing"])
def test_a_link_in_the_place_of_our_folder_is_not_followed(tmp_path: Path, target: str) -> None:
    """Whoever can put a link there must not make us write elsewhere."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / ".micropkgd").symlink_to(tmp_path / target)
    with pytest.raises(TreeError, match="something else than a folder"), hold(str(root), 0):
        pass
    assert os.listdir(outside) == []
    assert sorted(os.listdir(tmp_path)) == ["outside", "root"]


def pipe_for_gitignore(own: Path) -> None:
    """A pipe that nobody reads; to open it would last for ever."""
    own.mkdir()
    os.mkfifo(own / ".gitignore")


@pytest.mark.parametrize(
    "obstacle",
    [
        pytest.param(lambda own: own.write_bytes(b""), id="file-for-folder"),
        pytest.param(lambda own: (own / "lock").mkdir(parents=True), id="folder-for-lock"),
        pytest.param(lambda own: (own.mkdir(), (own / "lock").symlink_to("/dev/null")), id="link-for-lock"),
        pytest.param(pipe_for_gitignore, id="pipe-for-gitignore"),
    ],
)
def test_what_cannot_be_a_lock_is_a_message(tmp_path: Path, obstacle: object) -> None:
    """Whatever stands there, people get a sentence and no traceback."""
    assert callable(obstacle)
    obstacle(tmp_path / ".micropkgd")
    with pytest.raises(MicropkgError), hold(str(tmp_path), 0):
        pass


def test_a_file_system_without_locks_is_a_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where `flock` does not work nothing is held, and that is said."""

    def refuse(descriptor: int, how: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(TreeError, match="no locks available"), hold(str(tmp_path), 0):
        pass
