"""What is committed, read without git: compared with what git says, over every way in which it keeps objects."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from micropkgd.errors import TreeError
from micropkgd.workspace.git import tracked
from micropkgd.workspace.git_head import committed, head_log, name_of
from tests.kit.git import git

FILES = 120


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project below the top of a work tree, with some history: folders that change a little make deltas."""
    top = tmp_path / "work"
    root = top / "team" / "shop"
    root.mkdir(parents=True)
    git(top, "init", "-q")
    for number in range(FILES):
        file = root / "src" / f"package {number % 3}" / f"mödule_{number:03}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"x = {number}\n")
    (top / "README.md").write_text("top\n")
    (root / "run.sh").write_text("true\n")
    (root / "run.sh").chmod(0o755)
    (root / "link").symlink_to("run.sh")
    for round_ in range(6):
        (root / "src" / "package 0" / "mödule_000.py").write_text(f"round = {round_}\n")
        git(top, "add", "-A")
        git(top, "commit", "-qm", f"round {round_}")
    return root


def as_git_says(root: Path) -> dict[str, bytes]:
    """The regular files of HEAD below the project."""
    found = {}
    for row in git(root, "ls-tree", "-r", "-z", "HEAD").split("\0"):
        about, _, path = row.partition("\t")
        if about.startswith("100"):
            found[path] = bytes.fromhex(about.split()[2])
    return found


def as_read(root: Path) -> dict[str, bytes | None]:
    """The same, without git."""
    head = committed(str(root))
    assert head is not None
    paths = [*head.files("src"), *(path for path in ("run.sh", "link") if head.file(path) is not None)]
    return {path: head.file(path) for path in paths}


def loose(root: Path) -> Path:
    """As objects are at first."""
    return root


def packed(root: Path) -> Path:
    """As `git gc` leaves them: packs with deltas, and refs in one file."""
    git(root, "gc", "-q", "--aggressive", "--prune=now")
    assert not list((root.parents[1] / ".git" / "refs" / "heads").iterdir())
    return root


def by_name(root: Path) -> Path:
    """With deltas that name their base."""
    git(root, "config", "repack.useDeltaBaseOffset", "false")
    git(root, "repack", "-adfq", "--depth=50", "--window=50")
    return root


def many_packs(root: Path) -> Path:
    """A pack for each of the last commits, and one index over all of them."""
    for number in range(3):
        (root / "src" / "package 1" / "new.py").write_text(f"y = {number}\n")
        git(root, "add", "-A")
        git(root, "commit", "-qm", "more")
        git(root, "repack", "-q")
    git(root, "multi-pack-index", "write")
    return root


def borrowed(root: Path) -> Path:
    """A clone that shares the objects of another one."""
    there = root.parents[2] / "clone"
    git(root, "clone", "-q", "--shared", str(root.parents[1]), str(there))
    return there / "team" / "shop"


def linked(root: Path) -> Path:
    """A second work tree of the same repository, on a branch with a folder in its name."""
    there = root.parents[2] / "linked"
    git(root, "worktree", "add", "-q", "-b", "wip/one", str(there))
    return there / "team" / "shop"


def shallow(root: Path) -> Path:
    """A clone without history."""
    there = root.parents[2] / "shallow"
    git(root, "clone", "-q", "--depth=1", root.parents[1].as_uri(), str(there))
    return there / "team" / "shop"


WAYS = (loose, packed, by_name, many_packs, borrowed, linked, shallow)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: str(way.__name__))
def test_the_files_of_head(project: Path, way: Callable[[Path], Path]) -> None:
    """Paths and contents are those that git says, however it keeps them."""
    root = way(project)
    head = committed(str(root))
    assert head is not None
    assert head.head.branch == git(root, "branch", "--show-current").strip()
    assert head.head.commit == bytes.fromhex(git(root, "rev-parse", "HEAD").strip())
    assert as_read(root) == as_git_says(root)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: str(way.__name__))
def test_the_index_says_what_git_does(project: Path, way: Callable[[Path], Path]) -> None:
    """Names of contents, and what `stat` said."""
    root = way(project)
    found = tracked(str(root))
    assert {path: one.blob for path, one in found.items() if path != "link"} == as_git_says(root)
    status = (root / "run.sh").stat()
    assert found["run.sh"][1:4] == (status.st_ctime_ns, status.st_mtime_ns, status.st_ino & 0xFFFFFFFF)


def test_a_file_that_head_lacks(project: Path) -> None:
    """Nor is a folder one, a link, or what was only added."""
    (project / "new.py").write_text("")
    git(project, "add", "new.py")
    head = committed(str(project))
    assert head is not None
    assert [head.file(path) for path in ("new.py", "src", "link", "src/none/x.py", "run.sh/x")] == [None] * 5
    assert list(head.files("src/none")) == []


def test_the_name_of_a_content(project: Path) -> None:
    """It is git's."""
    assert name_of(b"x = 7\n").hex() == git(project, "hash-object", "src/package 1/mödule_007.py").strip()


def test_detached_and_unborn(project: Path, tmp_path: Path) -> None:
    """No branch; nothing committed; no repository."""
    git(project, "checkout", "-q", "--detach", "HEAD~1")
    head = committed(str(project))
    assert head is not None
    assert (head.head.branch, as_read(project)) == ("", as_git_says(project))
    new = tmp_path / "new"
    new.mkdir()
    git(new, "init", "-q")
    unborn = committed(str(new))
    assert unborn is not None
    assert (unborn.head, unborn.file("x"), list(unborn.files("y"))) == (("main", None), None, [])
    assert committed(str(tmp_path)) is None
    assert head_log(str(tmp_path)) is None


def test_head_moves_are_logged(project: Path) -> None:
    """The file that tells of a commit is the one that git writes to."""
    log = head_log(str(project))
    assert log is not None
    before = Path(log).read_text()
    git(project, "commit", "-q", "--allow-empty", "-m", "again")
    assert Path(log).read_text().startswith(before)
    assert "again" in Path(log).read_text().removeprefix(before)


def test_what_cannot_be_read_is_said(project: Path, tmp_path: Path) -> None:
    """Names of another kind, branches in another form, objects that a clone left out."""
    other = tmp_path / "sha256"
    other.mkdir()
    git(other, "init", "-q", "--object-format=sha256")
    (other / "x").write_text("")
    git(other, "add", "x")
    git(other, "commit", "-qm", "x")
    with pytest.raises(TreeError, match="in a form that cannot be read here"):
        committed(str(other))
    git(project, "config", "uploadpack.allowFilter", "true")
    git(project, "clone", "-q", "--filter=tree:0", "--no-checkout", project.parents[1].as_uri(), str(tmp_path / "part"))
    part = committed(str(tmp_path / "part"))
    assert part is not None
    with pytest.raises(TreeError, match="git's store has no object"):
        part.file("README.md")
    (project.parents[1] / ".git" / "reftable").mkdir()
    with pytest.raises(TreeError, match="in a form that cannot be read here"):
        committed(str(project))


@pytest.mark.parametrize("way", [loose, by_name, packed], ids=["loose", "by-name", "packed"])
def test_damage_is_said_and_nothing_else(project: Path, way: Callable[[Path], Path], tmp_path: Path) -> None:
    """Bytes that were changed anywhere in the store lead to the right answer, or to an error with a name."""
    root = way(project)
    truth = as_git_says(root)
    dice = random.Random(7)
    trees = [line.split()[2] for line in git(root, "ls-tree", "-rt", "HEAD").splitlines() if " tree " in line]
    wanted = {git(root, "rev-parse", "HEAD").strip(), git(root, "rev-parse", "HEAD^{tree}").strip(), *trees}
    store = root.parents[1] / ".git" / "objects"
    kept = tmp_path / "kept"
    shutil.copytree(store, kept)
    told = 0
    for _ in range(150):
        files = [path for path in sorted(store.rglob("*")) if path.is_file()]
        victim = dice.choice([one for one in files if len(one.name) != 38 or f"{one.parent.name}{one.name}" in wanted])
        data = bytearray(victim.read_bytes())
        for _ in range(dice.choice((1, 4, 40))):
            data[dice.randrange(len(data))] = dice.randrange(256)
        victim.chmod(0o644)
        victim.write_bytes(bytes(data[: dice.randrange(len(data))] if dice.random() < 0.3 else data))
        try:
            assert as_read(root) == truth
        except TreeError:
            told += 1
        shutil.copyfile(kept / victim.relative_to(store), victim)
    assert told > 10
