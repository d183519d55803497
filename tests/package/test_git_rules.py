"""`.gitignore` files mean what git takes them for: compared with git itself, over made-up rules and trees."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from micropkgd.reconcile.package.ignore import Ignored
from micropkgd.workspace.fsops import FsOps

CLASSES = [
    "alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "xdigit",
]  # fmt: skip
QUIET = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "HOME": "/nonexistent",
    "PATH": os.environ["PATH"],
}

FOLDERS = ["", "a", "b", "ab", "a/b", "a/a", "b/a", "a/b/a", ".a", "é", "a b", "a-"]
NAMES = ["a", "b", "aa", "ab", "ba", "aab", "abb", ".b", "-", "a.", "]", "!", "#", "é", "a ", "\\", "*", "[", "[a", "^"]
PIECES = st.sampled_from(
    ["a", "a", "b", "b", "ab", ".", "-", "*", "*", "**", "***", "?", "/", "/", "//", "**/", "**/", "/**", "/**/",
     "[ab]", "[!a]", "[^b]", "[a-b]", "[]]", "[!]a]", "[a", "[", "]", "[[:alpha:]]", "[[:punct:]-]", "[[:no:]]",
     "[[:]", "[a-", "[\\]]", "[\\", "\\", "\\a", "\\*", "\\/", "\\ ", " ", "!", "#", "é", "\t", "\r", "\0",
     "[--a]", "[b-a]", "[a-\\b]"]
)  # fmt: skip
LINES = st.lists(PIECES, min_size=1, max_size=5).map("".join) | st.text("ab*?/[]!\\-^ .", max_size=8)
FILES = st.builds(
    lambda bom, lines, end, last: bom + end.join(lines) + last,
    st.sampled_from(["", "", "\ufeff"]), st.lists(LINES, max_size=5), st.sampled_from(["\n", "\n", "\r\n"]),
    st.sampled_from(["", "\n"]),
)  # fmt: skip


@pytest.fixture(scope="module")
def tree() -> Iterator[Path]:
    """A repository without a commit, with each name in each folder, on a file system that is quick."""
    shm = Path("/dev/shm")
    top = Path(mkdtemp(dir=shm if os.access(shm, os.W_OK) else None))
    subprocess.run(["git", "init", "-q", str(top)], env=QUIET, check=True)
    for folder in FOLDERS:
        (top / folder).mkdir(exist_ok=True)
    for folder, name in product(FOLDERS, NAMES):
        if not (top / folder / name).exists():
            (top / folder / name).touch()
    yield top
    shutil.rmtree(top)


@settings(max_examples=300, deadline=None)
@given(FILES, st.dictionaries(st.sampled_from(FOLDERS), FILES, max_size=2))
@example("a/*\n!a/b\n", {})
@example("a/\n!a/b\n", {})
@example("/a**/b", {})
@example("a\\ \na  \n", {})
@example("**/b/**\n!b\n", {"a": "!b"})
def test_what_git_ignores_is_ignored(tree: Path, rules: str, deeper: Mapping[str, str]) -> None:
    """Each file and each folder of the tree, by the rules of its top and of the folders below."""
    with ruled(tree, {"": rules, **deeper}):
        assert ignored_here(tree) == ignored_by_git(tree)


@pytest.mark.parametrize("name", CLASSES)
def test_classes_are_those_of_git(tree: Path, name: str) -> None:
    """Over every byte that a name can have."""
    names = [f"x{chr(code)}" for code in range(1, 127) if chr(code) != "/"]
    (tree / "all").mkdir()
    for each in names:
        (tree / "all" / each).touch()
    try:
        with ruled(tree, {"all": f"x[[:{name}:]]\n"}):
            assert ignored_here(tree) == ignored_by_git(tree) != set()
    finally:
        shutil.rmtree(tree / "all")


def test_a_byte_is_a_character(tree: Path) -> None:
    """As git has it: an umlaut is two."""
    with ruled(tree, {"b": "/??\n"}):
        assert ignored_here(tree) == ignored_by_git(tree)
        assert {"b/aa", "b/é"} <= ignored_here(tree)


@contextmanager
def ruled(tree: Path, rules: Mapping[str, str]) -> Iterator[None]:
    """The tree with these files of rules for a while."""
    homes = {tree / folder / ".gitignore": text.encode() for folder, text in rules.items()}
    for home, data in homes.items():
        home.write_bytes(data)
    try:
        yield
    finally:
        for home in homes:
            home.unlink()


def paths_of(tree: Path) -> dict[str, bool]:
    """Every path of the tree, and whether it is a folder."""
    found = {}
    for folder, folders, files in os.walk(tree):
        if ".git" in folders:
            folders.remove(".git")
        for name in (*folders, *files):
            found[os.path.relpath(os.path.join(folder, name), tree)] = name in folders
    return found


def ignored_here(tree: Path) -> set[str]:
    """What the rules ignore, as packaging asks them."""
    with FsOps(str(tree)) as fs:
        ignored = Ignored(fs, {})
        return {path for path, is_folder in paths_of(tree).items() if ignored.why(path, is_folder=is_folder)}


def ignored_by_git(tree: Path) -> set[str]:
    """What git ignores of it."""
    asked = b"".join(os.fsencode(path) + b"\0" for path in paths_of(tree))
    command = ["git", "-C", str(tree), "check-ignore", "--no-index", "--stdin", "-z"]
    answer = subprocess.run(command, input=asked, env=QUIET, capture_output=True, check=False)
    assert answer.returncode in {0, 1}, answer.stderr
    return {os.fsdecode(path) for path in answer.stdout.split(b"\0") if path}


ABOVE = [
    pytest.param({".gitignore": "*.csv\n"}, {"a/x.csv", "b/y.csv"}, id="top"),
    pytest.param({".gitignore": "/sub/shop/a/\n"}, {"a", "a/x.csv", "a/z.py"}, id="anchored"),
    pytest.param({".gitignore": "/a/\n"}, set(), id="anchored elsewhere"),
    pytest.param({".gitignore": "*.csv\n", "sub/.gitignore": "!y.csv\n"}, {"a/x.csv"}, id="between"),
    pytest.param({".gitignore": "*.csv\n", "sub/shop/.gitignore": "!x.csv\n"}, {"b/y.csv"}, id="its own"),
    pytest.param({"sub/.gitignore": "shop/b\n"}, {"b", "b/y.csv"}, id="a path"),
    pytest.param({".gitignore": "**/b/y.*\n"}, {"b/y.csv"}, id="stars"),
]


@pytest.mark.parametrize(("rules", "ignored"), ABOVE)
def test_rules_above_the_project(tmp_path: Path, rules: Mapping[str, str], ignored: set[str]) -> None:
    """A project in a folder of its repository has those of the folders above, as git has them."""
    shop = tmp_path / "sub/shop"
    subprocess.run(["git", "init", "-q", str(tmp_path)], env=QUIET, check=True)
    for path in ("a/x.csv", "a/z.py", "b/y.csv"):
        (shop / path).parent.mkdir(parents=True, exist_ok=True)
        (shop / path).touch()
    for path, text in rules.items():
        (tmp_path / path).write_text(text)
    seen: dict[str, object] = {}
    with FsOps(str(shop)) as fs:
        ours = Ignored(fs, seen, root=str(shop))  # type: ignore[arg-type]
        found = {path for path, is_folder in paths_of(shop).items() if ours.why(path, is_folder=is_folder)}

    assert found == ignored == ignored_by_git(shop)
    assert {"../../.gitignore", "../.gitignore", ".gitignore"} <= set(seen)


@pytest.mark.parametrize("rule", ["*", "sub/", "/sub/shop"])
def test_a_work_tree_that_leaves_the_project_out_has_no_say(tmp_path: Path, rule: str) -> None:
    """A home folder under git, say: what it ignores is the whole project, which is not its own."""
    shop = tmp_path / "sub/shop"
    shop.mkdir(parents=True)
    (shop / "x.csv").touch()
    subprocess.run(["git", "init", "-q", str(tmp_path)], env=QUIET, check=True)
    (tmp_path / ".gitignore").write_text(f"*.csv\n{rule}\n")
    with FsOps(str(shop)) as fs:
        assert Ignored(fs, {}, root=str(shop)).why("x.csv") == ""
