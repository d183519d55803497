"""What stands in the tree: never an old answer for a new file, and no look while git is at work."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from micropkgd.clock import GRAIN_NS, is_young
from micropkgd.errors import ProjectBusyError, TreeError
from micropkgd.model.tree import Digest, Obstacle, RelPath, digest_of
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.git import git_operation, wait_for_git
from micropkgd.workspace.observe import see, signature_of
from tests.kit.daemon import PATIENCE
from tests.kit.young import while_young

if TYPE_CHECKING:
    from micropkgd.workspace.memory.state import Signature

PATH = RelPath("pkg/one.py")


@pytest.fixture
def fs(tmp_path: Path) -> Iterator[FsOps]:
    """A project with one file, written long enough ago."""
    (tmp_path / "pkg").mkdir()
    (tmp_path / PATH).write_bytes(b"old")
    time.sleep(2 * GRAIN_NS / 1e9)
    with FsOps(str(tmp_path)) as fs:
        yield fs


def test_an_unchanged_file_is_not_read_again(fs: FsOps, tmp_path: Path) -> None:
    """A remembered hash is taken while the signature is the same: also a wrong one, which proves that none is made."""
    signature = signature_of(os.lstat(tmp_path / PATH))
    seen = see(fs, str(tmp_path), [PATH], {PATH: (signature, digest_of(b"remembered"))})
    assert seen.found == {PATH: digest_of(b"remembered")}


def test_an_edit_of_the_same_size_in_the_same_tick_is_seen(fs: FsOps, tmp_path: Path) -> None:
    """However fast an edit follows a look, the next look finds it: a hash that a tick could hide is not kept."""
    hashes: dict[RelPath, tuple[Signature, Digest]] = {}
    for number in range(300):
        data = b"%04d" % number
        with open(tmp_path / PATH, "r+b") as file:
            file.write(data)
        seen = see(fs, str(tmp_path), [PATH], hashes)
        assert seen.found[PATH] == digest_of(data)
        hashes = dict(seen.hashes)


def test_a_young_file_is_remembered_when_it_has_aged(fs: FsOps, tmp_path: Path) -> None:
    """The rule costs one more hash, not one for ever."""
    file = tmp_path / PATH
    seen = while_young(file, lambda: file.write_bytes(b"new"), lambda: see(fs, str(tmp_path), [PATH], {}))
    assert seen.hashes == {}
    time.sleep(2 * GRAIN_NS / 1e9)
    assert set(see(fs, str(tmp_path), [PATH], {}).hashes) == {PATH}


def test_a_time_that_was_set_back_hides_no_edit(fs: FsOps, tmp_path: Path) -> None:
    """Same size, same modification time, as `cp -p` or `touch -r` leave it: the change time tells."""
    before = os.lstat(tmp_path / PATH)
    hashes = see(fs, str(tmp_path), [PATH], {}).hashes
    (tmp_path / PATH).write_bytes(b"new")
    os.utime(tmp_path / PATH, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert see(fs, str(tmp_path), [PATH], hashes).found[PATH] == digest_of(b"new")


@pytest.mark.parametrize(
    ("age", "ctime_ns", "young"),
    [
        pytest.param(GRAIN_NS // 2, 123, True, id="within-the-grain"),
        pytest.param(GRAIN_NS * 2, 123, False, id="older"),
        pytest.param(1_500_000_000, 0, True, id="whole-seconds"),
        pytest.param(2_500_000_000, 0, False, id="whole-seconds-older"),
        pytest.param(-(10**12), 123, True, id="future"),
    ],
)
def test_how_long_a_file_is_young(age: int, ctime_ns: int, young: bool) -> None:
    """The grain is that of the clock; where a file system keeps whole seconds, that of its times."""
    changed = 1_700_000_000 * 10**9 + ctime_ns
    assert is_young(changed, changed + age) is young


def test_what_is_no_file_is_an_obstacle(fs: FsOps, tmp_path: Path) -> None:
    """Links, folders and pipes are named, not read."""
    (tmp_path / "link").symlink_to(PATH)
    os.mkfifo(tmp_path / "pipe")
    paths = [RelPath(name) for name in ("link", "pipe", "pkg", "none", "pkg/one.py/below")]
    found = see(fs, str(tmp_path), paths, {}).found
    assert [type(found[path]) for path in paths] == [Obstacle, Obstacle, Obstacle, type(None), Obstacle]


@pytest.mark.parametrize("there", [True, False])
def test_a_link_above_a_path_is_an_obstacle(fs: FsOps, tmp_path: Path, there: bool) -> None:
    """What is behind a link is not the project's, whether a file is there or not."""
    (tmp_path / "pkg").rename(tmp_path / "real")
    (tmp_path / "pkg").symlink_to("real" if there else "nowhere")
    assert see(fs, str(tmp_path), [PATH], {}).found == {PATH: Obstacle("a symbolic link above it")}


def git(folder: Path, *words: str) -> None:
    """Run git without anybody's settings."""
    given = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    names = ("AUTHOR", "COMMITTER")
    given |= {f"GIT_{name}_{what}": "a@example.org" for name in names for what in ("NAME", "EMAIL")}
    subprocess.run(["git", *words], cwd=folder, env=given, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit and a project below its root."""
    git(tmp_path, "init", "-q", "-b", "main", "repo")
    (tmp_path / "repo/project").mkdir()
    git(tmp_path / "repo", "commit", "-q", "--allow-empty", "-m", "one")
    return tmp_path / "repo"


def test_outside_of_git_nothing_is_waited_for(tmp_path: Path) -> None:
    """A project need not be in a repository."""
    assert git_operation(str(tmp_path)) is None
    wait_for_git(str(tmp_path), 0)


@pytest.mark.parametrize(
    ("mark", "what"),
    [
        pytest.param("rebase-merge", "a rebase", id="rebase"),
        pytest.param("rebase-apply", "a rebase", id="am"),
        pytest.param("MERGE_HEAD", "a merge", id="merge"),
        pytest.param("CHERRY_PICK_HEAD", "a cherry-pick", id="cherry-pick"),
        pytest.param("REVERT_HEAD", "a revert", id="revert"),
    ],
)
@pytest.mark.parametrize("linked", [False, True], ids=["main", "linked-work-tree"])
def test_a_pass_stays_away_from_what_git_is_at(repository: Path, mark: str, what: str, linked: bool) -> None:
    """In the middle of a merge or the like the tree is nobody's yet; the message says of which."""
    folder, marks = repository, repository / ".git"
    if linked:
        git(repository, "worktree", "add", "-q", "../linked")
        folder, marks = repository.parent / "linked", repository / ".git/worktrees/linked"
    (folder / "project").mkdir(exist_ok=True)
    (marks / mark).touch()
    with pytest.raises(ProjectBusyError, match=what):
        wait_for_git(str(folder / "project"), 0)


def test_another_work_tree_of_the_repository_disturbs_nobody(repository: Path) -> None:
    """A rebase in one work tree leaves the others free."""
    git(repository, "worktree", "add", "-q", "../linked")
    (repository / ".git/rebase-merge").mkdir()
    assert git_operation(str(repository.parent / "linked")) is None


def test_a_pass_waits_for_the_index(repository: Path) -> None:
    """A git command that is writing is waited for, and when it ends the pass goes on."""
    lock = repository / ".git/index.lock"
    lock.touch()
    timer = threading.Timer(0.2, lock.unlink)
    timer.start()
    wait_for_git(str(repository / "project"), PATIENCE)
    assert not lock.exists()


def test_an_index_lock_that_stays_is_named(repository: Path) -> None:
    """A lock of a dead git is not waited for without end; the hint says what to do."""
    (repository / ".git/index.lock").touch()
    with pytest.raises(ProjectBusyError, match=r"index\.lock") as error:
        wait_for_git(str(repository), 0.1)
    assert "remove that file" in error.value.hint


@pytest.mark.parametrize("data", [b"", b"gitdir: /nowhere\n", b"\xff\xfe"])
def test_a_broken_mark_of_git_stops_nothing(tmp_path: Path, data: bytes) -> None:
    """A `.git` file that points nowhere is no repository."""
    (tmp_path / ".git").write_bytes(data)
    assert git_operation(str(tmp_path)) is None


def test_a_mark_of_git_that_cannot_be_read_is_a_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback where a `.git` file belongs to somebody else."""
    (tmp_path / ".git").write_bytes(b"gitdir: x")

    def refuse(*arguments: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(TreeError, match="permission denied"):
        git_operation(str(tmp_path))


def test_a_file_from_the_future_is_remembered(fs: FsOps, tmp_path: Path) -> None:
    """Its modification time is its author's to set: what tells is when it was changed here."""
    os.utime(tmp_path / PATH, ns=(2**62, 2**62))
    time.sleep(2 * GRAIN_NS / 1e9)
    assert set(see(fs, str(tmp_path), [PATH], {}).hashes) == {PATH}
