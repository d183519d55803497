"""The list of trusted folders: what it holds for, what takes it back, and that nobody else can write it."""

import json
import os
import shutil
from pathlib import Path

import pytest

from micropkgd.errors import TreeError
from micropkgd.machine.trust import distrust, revoke, trust, trusted
from micropkgd.model.condition import Condition, Distrust
from micropkgd.workspace import birth
from micropkgd.workspace.birth import birth_of
from tests.kit.world import World


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder with nothing in it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "micropkgd"


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """A folder that a glob may find."""
    made = tmp_path / "src" / "shop"
    made.mkdir(parents=True)
    return str(made)


def reason(folder: str) -> str:
    """Why it is left alone; empty where it is trusted."""
    doubt = distrust(folder)
    assert doubt is None or doubt.condition is Condition.UNTRUSTED
    assert doubt is None or f"micropkgd trust {folder}" in doubt.problem
    return doubt.reason if doubt is not None else ""


def test_a_folder_is_trusted_once_somebody_says_so(folder: str) -> None:
    """And no more once it is taken back."""
    assert reason(folder) == Distrust.FOUND_BY_GLOB
    trust([folder])
    assert reason(folder) == ""
    assert [one.folder for one in trusted()] == [folder]
    assert revoke([folder]) == [folder]
    assert reason(folder) == Distrust.FOUND_BY_GLOB
    assert revoke([folder]) == []
    assert trusted() == []


def test_what_is_inside_may_change(folder: str) -> None:
    """Files, names and times of change are no other folder."""
    trust([folder])
    (Path(folder) / "pyproject.toml").write_text("x = 1\n")
    os.utime(folder, (1, 1))
    os.chmod(folder, 0o700)

    assert reason(folder) == ""


def test_a_moved_folder_is_asked_about_again(folder: str) -> None:
    """With where it was trusted; moved back, it is what it was."""
    trust([folder])
    os.rename(folder, f"{folder}-2")
    doubt = distrust(f"{folder}-2")
    assert doubt is not None
    assert (doubt.reason, folder in doubt.problem) == (Distrust.MOVED, True)
    assert [one.stands for one in trusted()] == [False]
    os.rename(f"{folder}-2", folder)

    assert reason(folder) == ""


def test_another_folder_in_its_place_is_asked_about(folder: str) -> None:
    """Also one that is made at once, and so gets the very inode that the old one had."""
    trust([folder])
    for _ in range(20):
        shutil.rmtree(folder)
        os.mkdir(folder)
        assert reason(folder) == Distrust.REPLACED


def test_a_copy_is_another_folder(folder: str) -> None:
    """`cp -a` over what was trusted, and beside it."""
    trust([folder])
    shutil.copytree(folder, f"{folder}-copy")
    os.rename(folder, f"{folder}-old")
    os.rename(f"{folder}-copy", folder)

    assert reason(folder) == Distrust.REPLACED


def test_where_no_birth_is_known_the_inode_counts(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a C library without statx(2)."""
    monkeypatch.setattr(birth, "c_function", lambda _: None)
    trust([folder])
    assert birth_of(folder).born == 0
    assert reason(folder) == ""
    os.mkdir(f"{folder}-new")
    os.rename(folder, f"{folder}-old")
    os.rename(f"{folder}-new", folder)

    assert reason(folder) == Distrust.REPLACED


def entry(state: Path) -> Path:
    """The one file of the list."""
    (path,) = (state / "trusted").iterdir()
    return path


def test_a_list_that_others_wrote_counts_for_nothing(folder: str, state: Path) -> None:
    """A file with the right name and content, but without the mark of this user's key."""
    trust([folder])
    path = entry(state)
    body, _, mark = path.read_bytes().rpartition(b"\n")
    for spoilt in (b"", body, body + b"\n", body + b"\n" + b"0" * 64, body.replace(b"20", b"21") + b"\n" + mark):
        path.write_bytes(spoilt)
        assert reason(folder) == Distrust.NOT_OURS
        assert trusted() == []
    trust([folder])

    assert reason(folder) == ""


def test_an_entry_of_one_folder_is_none_of_another(folder: str, state: Path) -> None:
    """Renamed to where another folder's entry would stand, or copied there, it says nothing."""
    trust([folder])
    path = entry(state)
    data = path.read_bytes()
    other = f"{folder}-2"
    os.mkdir(other)
    trust([other])
    (theirs,) = (one for one in (state / "trusted").iterdir() if one != path)
    revoke([other])
    theirs.write_bytes(data)

    assert reason(other) != ""
    assert [one.folder for one in trusted()] == [folder]


def test_a_journal_s_mark_is_none_here(folder: str, state: Path, world: World) -> None:
    """What this user's key signed for a commit cannot be put into the list."""
    from micropkgd.workspace.fsops import FsOps
    from micropkgd.workspace.transaction.journal import signed

    trust([folder])
    said = json.loads(entry(state).read_bytes().rpartition(b"\n")[0])
    with FsOps(str(world.root)) as fs:
        entry(state).write_bytes(signed(fs, said))

    assert reason(folder) == Distrust.NOT_OURS


@pytest.mark.parametrize("what", ["link", "folder", "pipe"])
def test_what_is_no_file_says_nothing(folder: str, state: Path, what: str) -> None:
    """A link to a good entry is not followed, a pipe not waited for."""
    trust([folder])
    path = entry(state)
    path.rename(state / "real")
    if what == "link":
        path.symlink_to(state / "real")
    elif what == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)

    assert reason(folder) == Distrust.NOT_OURS


def test_without_a_state_folder_nothing_is_trusted(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And who wants to trust is told what else there is."""
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "nowhere")

    assert reason(folder) == Distrust.FOUND_BY_GLOB
    with pytest.raises(TreeError, match="no folder of this user's") as raised:
        trust([folder])
    assert "without a wildcard" in raised.value.hint


def test_a_state_folder_that_cannot_be_read_trusts_nothing(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it holds is not known, and that is said."""
    trust([folder])

    def refuse(_: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("micropkgd.machine.trust.FsOps", refuse)

    assert reason(folder) == Distrust.UNREADABLE


def test_under_systemd_the_command_names_the_state(folder: str, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell of the same user would look elsewhere."""
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/micropkgd/shop")
    doubt = distrust(folder)

    assert doubt is not None
    assert f"`XDG_STATE_HOME={state.parent} micropkgd trust {folder}`" in doubt.problem
