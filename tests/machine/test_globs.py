"""What a glob stands for: all that `glob.glob` finds, and no less where the machine is short of something."""

import glob
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropkgd.errors import ShortageError
from micropkgd.machine.globs import paths_of
from micropkgd.machine.projects import find_projects
from micropkgd.model.settings import Group
from tests.service.test_shortage import no_descriptor_left

NAMES = ("a", "b", "ab", ".a", "a[b]")
PARTS = st.sampled_from((*NAMES, "*", "?", "a*", "*b", "[ab]", "[!a]", ".*", "**", "a[[]b]", "[", "", ".", ".."))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders, files and links of all names, one below the other."""
    root = tmp_path_factory.mktemp("tree")
    for one in NAMES:
        for two in NAMES:
            (root / one / two).mkdir(parents=True)
            (root / one / two / "file").touch()
    (root / "file").touch()
    (root / "gone").symlink_to("nowhere")
    (root / "link").symlink_to("ab")
    return root


@given(parts=st.lists(PARTS, min_size=1, max_size=4), is_whole=st.booleans())
def test_a_glob_finds_what_python_finds(tree: Path, parts: list[str], is_whole: bool) -> None:
    """From the root of the disk, and from the working folder."""
    pattern = "/".join([str(tree), *parts] if is_whole else ["." if not parts[0] else parts[0], *parts[1:]])
    before = os.getcwd()
    os.chdir(tree)
    try:
        assert set(map(os.path.normpath, paths_of(pattern))) == set(map(os.path.normpath, glob.glob(pattern)))
    finally:
        os.chdir(before)


def test_who_cannot_look_says_so(tree: Path) -> None:
    """It was an empty answer: a service let all its projects go, and a command said that there are none."""
    (tree / "a/pyproject.toml").write_text("[tool.micropkgd]\n")
    group = Group((f"{tree}/*",))
    assert list(find_projects([group])) == [f"{tree}/a"]
    with no_descriptor_left():
        for look in (lambda: paths_of(f"{tree}/*"), lambda: find_projects([group])):
            with pytest.raises(ShortageError, match="too many open files"):
                look()


def test_a_folder_that_is_none_has_nothing(tree: Path) -> None:
    """A file, a link to nowhere, a folder that went."""
    assert paths_of(f"{tree}/file/*") == paths_of(f"{tree}/gone/*") == paths_of(f"{tree}/none/*") == []
