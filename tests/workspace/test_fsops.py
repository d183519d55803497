"""The calls that change a tree, on disks that are full, locked or old, and among links that lead elsewhere."""

import errno
import os
import stat
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from micropkgd.errors import MicropkgError, TreeError
from micropkgd.model.tree import Obstacle, RelPath, digest_of
from micropkgd.workspace import fsops
from micropkgd.workspace.fsops import MUTATING, FsOps, LinkInTheWayError
from tests.kit.faults import Scene, changing_scene, in_child
from tests.kit.places import REPOSITORY

NOBODY = 65534

A, B = RelPath("pkg/a"), RelPath("pkg/b")
LINKED = RelPath("pkg/link/file")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with a folder, two files, and a link that leaves it."""
    (tmp_path / "root/pkg").mkdir(parents=True)
    (tmp_path / "outside/inner").mkdir(parents=True)
    (tmp_path / "outside/file").write_bytes(b"theirs")
    for path, data in ((A, b"a"), (B, b"b")):
        (tmp_path / "root" / path).write_bytes(data)
    (tmp_path / "root/pkg/link").symlink_to(tmp_path / "outside")
    return tmp_path / "root"


@pytest.fixture
def fs(root: Path) -> Iterator[FsOps]:
    """The calls on it."""
    with FsOps(str(root)) as fs:
        yield fs


@pytest.fixture(params=[True, False], ids=["renameat2", "link-and-rename"])
def any_disk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """A disk that knows `renameat2`, and one that refuses it."""
    if not request.param:
        monkeypatch.setattr(fsops, "_renameat2", lambda *arguments: False)
    return bool(request.param)


THROUGH_A_LINK: dict[str, Callable[[FsOps], object]] = {
    "make_folder": lambda fs: fs.make_folder(RelPath("pkg/link/new")),
    "write_file": lambda fs: fs.write_file(RelPath("pkg/link/new"), b""),
    "write_pieces": lambda fs: fs.write_pieces(RelPath("pkg/link/new"), [b"a", b"b"]),
    "sync_file": lambda fs: fs.sync_file(LINKED),
    "sync_folder": lambda fs: fs.sync_folder(RelPath("pkg/link")),
    "rename": lambda fs: fs.rename(A, LINKED),
    "rename_new": lambda fs: fs.rename_new(A, RelPath("pkg/link/new")),
    "exchange": lambda fs: fs.exchange(A, LINKED),
    "remove_file": lambda fs: fs.remove_file(LINKED),
    "remove_folder": lambda fs: fs.remove_folder(RelPath("pkg/link/inner")),
}


def test_every_call_that_changes_the_disk_is_tried_through_a_link() -> None:
    """The table above leaves none out."""
    assert set(THROUGH_A_LINK) == set(MUTATING)


@pytest.mark.parametrize("name", MUTATING)
def test_no_call_follows_a_link(fs: FsOps, root: Path, name: str) -> None:
    """A link in the middle of a path stops the call, and what is behind it is as before."""
    with pytest.raises(LinkInTheWayError):
        THROUGH_A_LINK[name](fs)
    assert sorted(os.listdir(root.parent / "outside")) == ["file", "inner"]
    assert (root.parent / "outside/file").read_bytes() == b"theirs"


def test_looking_through_a_link_finds_nothing(fs: FsOps) -> None:
    """What is behind a link is an obstacle, has no stat and no names."""
    assert fs.found(LINKED) == Obstacle("a symbolic link above it")
    assert fs.status(LINKED) is None
    assert fs.names(RelPath("pkg/link")) == ()


def test_a_file_that_becomes_a_link_is_not_read(fs: FsOps, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that does so between the stat and the opening."""
    plain = os.lstat(root / A)
    (root / A).unlink()
    (root / A).symlink_to(root.parent / "outside/file")
    monkeypatch.setattr(os, "stat", lambda *arguments, **options: plain)
    assert fs.found(A) == Obstacle("a symbolic link")


@pytest.mark.usefixtures("any_disk")
class TestAnyDisk:
    """The same promises with `renameat2` and without."""

    def test_exchange(self, fs: FsOps, root: Path) -> None:
        """Two files trade places and leave nothing beside them."""
        fs.exchange(A, B)
        assert (fs.read(A), fs.read(B)) == (b"b", b"a")
        assert sorted(os.listdir(root / "pkg")) == ["a", "b", "link"]

    def test_exchange_with_nothing(self, fs: FsOps, root: Path) -> None:
        """Without a second file there is nothing to trade, and the first stays."""
        with pytest.raises(FileNotFoundError):
            fs.exchange(A, RelPath("pkg/none"))
        assert sorted(os.listdir(root / "pkg")) == ["a", "b", "link"]

    def test_rename_new(self, fs: FsOps, root: Path) -> None:
        """A file moves to a free place."""
        fs.rename_new(A, RelPath("pkg/c"))
        assert sorted(os.listdir(root / "pkg")) == ["b", "c", "link"]

    def test_rename_new_never_replaces(self, fs: FsOps) -> None:
        """What stands there stays, and so does what was to move."""
        with pytest.raises(FileExistsError):
            fs.rename_new(A, B)
        assert (fs.read(A), fs.read(B)) == (b"a", b"b")

    def test_a_link_is_moved_itself(self, fs: FsOps, root: Path) -> None:
        """The last part of a path is never followed."""
        fs.rename_new(RelPath("pkg/link"), RelPath("pkg/moved"))
        assert (root / "pkg/moved").is_symlink()


def test_a_save_in_the_middle_of_an_exchange_by_link_stays(
    fs: FsOps, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without `renameat2`, a save by rename right after the old file got its second name stops the exchange."""
    link = os.link

    def link_and_save(*arguments: object, **options: object) -> None:
        link(*arguments, **options)  # type: ignore[arg-type]
        (root / "draft").write_bytes(b"mine")
        (root / "draft").rename(root / B)

    monkeypatch.setattr(fsops, "_renameat2", lambda *arguments: False)
    monkeypatch.setattr(os, "link", link_and_save)
    with pytest.raises(BlockingIOError):
        fs.exchange(A, B)
    assert (fs.read(A), fs.read(B)) == (b"a", b"mine")
    assert sorted(os.listdir(root / "pkg")) == ["a", "b", "link"]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_kernel_that_refuses_renameat2_is_believed(root: Path, number: int) -> None:
    """The real call, refused from outside as by a file system or a sandbox, falls back and gives the same tree."""
    code = "import sys; from micropkgd.workspace.fsops import *; FsOps(sys.argv[1]).exchange('pkg/a', 'pkg/b')"
    inject = f"inject=renameat2:error={number}"
    trace = root.parent / "trace"
    command = [
        "strace",
        "-f",
        "-o",
        str(trace),
        "-e",
        "trace=renameat2,linkat",
        "-e",
        inject,
        sys.executable,
        "-c",
        code,
    ]
    subprocess.run([*command, str(root)], check=True, cwd=REPOSITORY)
    assert "INJECTED" in trace.read_text()
    assert "linkat" in trace.read_text()
    assert ((root / A).read_bytes(), (root / B).read_bytes()) == (b"b", b"a")


def test_many_folders_need_few_descriptors(fs: FsOps, root: Path) -> None:
    """A project of any size is worked on within the limits of any machine."""
    before = len(os.listdir("/proc/self/fd"))
    for number in range(300):
        (root / f"{number}").mkdir()
        fs.write_file(RelPath(f"{number}/file"), b"")
    assert len(os.listdir("/proc/self/fd")) < before + 70


def test_a_write_that_is_cut_short_goes_on(fs: FsOps, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel may take fewer bytes than it was given."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, bytes(data)[:3]))
    fs.write_file(RelPath("pkg/c"), b"0123456789")
    monkeypatch.undo()
    assert fs.found(RelPath("pkg/c")) == digest_of(b"0123456789")


MIB = 1024 * 1024


@pytest.mark.parametrize(("size", "reads"), [(0, 1), (1, 1), (MIB - 1, 1), (MIB, 1), (MIB + 1, 3), (3 * MIB, 4)])
def test_a_file_is_hashed_with_few_reads(
    fs: FsOps, root: Path, monkeypatch: pytest.MonkeyPatch, size: int, reads: int
) -> None:
    """One that gave all that it has is not asked again; ten thousand small ones are read ten thousand times."""
    data = os.urandom(size)
    (root / B).write_bytes(data)
    read, asked = os.read, list[int]()

    def counted(descriptor: int, most: int) -> bytes:
        asked.append(most)
        return read(descriptor, most)

    monkeypatch.setattr(os, "read", counted)
    found = fs.found(B)
    monkeypatch.undo()

    assert found == digest_of(data)
    assert len(asked) == reads


def test_a_read_that_is_cut_short_goes_on(fs: FsOps, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As some file systems do: what comes piece by piece is hashed whole."""
    (root / B).write_bytes(b"0123456789")
    read = os.read
    monkeypatch.setattr(os, "read", lambda descriptor, most: read(descriptor, min(most, 3)))
    found = fs.found(B)
    monkeypatch.undo()

    assert found == digest_of(b"0123456789")


def test_a_mode_is_given_as_asked(fs: FsOps, root: Path) -> None:
    """The umask decides only where no mode was asked for."""
    fs.write_file(RelPath("pkg/c"), b"", 0o666)
    assert stat.S_IMODE((root / "pkg/c").stat().st_mode) == 0o666


@pytest.mark.parametrize("name", MUTATING)
def test_an_error_names_the_whole_path(fs: FsOps, name: str) -> None:
    """Not only the last part of it, which is all that the system is told."""
    gone = RelPath("pkg/gone/file")
    arguments: dict[str, tuple[object, ...]] = {
        "write_file": (gone, b""), "write_pieces": (gone, [b""]), "rename": (A, gone), "rename_new": (A, gone),
        "exchange": (A, gone),
    }  # fmt: skip
    with pytest.raises(FileNotFoundError) as error:
        getattr(fs, name)(*arguments.get(name, (gone,)))
    assert error.value.filename == gone


@pytest.mark.parametrize("unnamed", [True, False], ids=["unnamed", "unlinked"])
def test_a_scratch_file_has_no_name(fs: FsOps, root: Path, monkeypatch: pytest.MonkeyPatch, *, unnamed: bool) -> None:
    """Nothing is left of it, whatever happens; where the system has no such files it loses its name at once."""
    if not unnamed:
        monkeypatch.delattr(os, "O_TMPFILE")
    before = sorted(os.listdir(root / "pkg"))
    with fs.scratch(RelPath("pkg")) as stream:
        stream.write(b"abc")
        stream.seek(0)
        assert stream.read() == b"abc"
        assert sorted(os.listdir(root / "pkg")) == before
    with pytest.raises(LinkInTheWayError):
        fs.scratch(RelPath("pkg/link"))


def test_a_file_is_written_from_pieces(fs: FsOps, root: Path) -> None:
    """One after the other, into a file that was not there."""
    fs.write_pieces(RelPath("pkg/c"), iter([b"ab", b"", b"c"]), 0o640)
    assert (root / "pkg/c").read_bytes() == b"abc"
    assert stat.S_IMODE((root / "pkg/c").stat().st_mode) == 0o640
    with pytest.raises(FileExistsError):
        fs.write_pieces(A, [b""])


@pytest.mark.parametrize("read", [FsOps.read, FsOps.open_file])
@pytest.mark.parametrize(
    "make", [os.mkfifo, os.mkdir, lambda path: os.symlink("a", path)], ids=["pipe", "folder", "link"]
)
def test_only_regular_files_are_opened(
    fs: FsOps, root: Path, read: Callable[[FsOps, RelPath], object], make: Callable[[Path], None]
) -> None:
    """A pipe would be waited for, a link leads elsewhere; no descriptor is left open."""
    make(root / "pkg/odd")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with pytest.raises(OSError) as error:  # noqa: PT011 - which of them depends on what stands there
            read(fs, RelPath("pkg/odd"))
        assert error.value.filename == "pkg/odd"
    assert len(os.listdir("/proc/self/fd")) <= before + 1  # the folder's own is kept


def test_a_file_of_more_than_is_allowed_is_not_read(fs: FsOps, root: Path) -> None:
    """Its size says so before a byte of it is read."""
    with (root / "pkg/c").open("wb") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(OSError, match="it has 1,099,511,627,776 bytes, and no more than 10 are read"):
        fs.read(RelPath("pkg/c"), at_most=10)
    (root / "pkg/c").write_bytes(b"0123456789")
    assert fs.read(RelPath("pkg/c"), at_most=10) == b"0123456789"


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[Path]:
    """A small disk in memory."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(("size=1m", *options)), "none", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("options", [pytest.param((), id="blocks"), pytest.param(("nr_inodes=60",), id="inodes")])
def test_a_full_disk(tmp_path: Path, options: tuple[str, ...]) -> None:
    """A really full disk leaves the tree as it was, says so, and the pass after some cleaning up succeeds."""
    with mounted(tmp_path / "disk", *options) as disk:
        scene = Scene(disk)
        scene.cache = tmp_path / "cache"
        scene.ask_for("ds")
        scene.publish("ds", {"ds/one.py": "ONE = 1\n", "ds/two.py": "TWO = 1\n"})
        scene.run()
        scene.publish("ds", {**{f"ds/n{n}.py": "" for n in range(20)}, "ds/one.py": "ONE = 2\n" + "#" * 100_000})
        fill(disk, bool(options))
        before = scene.tree()
        with pytest.raises(TreeError, match="no space left") as error:
            scene.run()
        assert "free some space" in error.value.hint
        assert error.value.where.startswith(".micropkgd/")
        assert scene.tree() == before
        for path in disk.glob("filler*"):
            path.unlink()
        scene.run()
        assert (scene.text("src/shop/ds/one.py") or "").startswith("ONE = 2")
        assert scene.text("src/shop/ds/two.py") is None


def fill(disk: Path, inodes: bool) -> None:
    """Leave little space, or room for few files."""
    left = os.statvfs(disk)
    if inodes:
        for number in range(left.f_favail - 12):
            (disk / f"filler{number}").touch()
    else:
        (disk / "filler").write_bytes(bytes((left.f_bavail - 20) * left.f_bsize))


def test_a_read_only_disk(tmp_path: Path) -> None:
    """A disk that became read-only is a message; looking at it without applying still works."""
    with mounted(tmp_path / "disk") as disk:
        scene = changing_scene(disk)
        scene.cache = tmp_path / "cache"
        before = scene.tree()
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        with pytest.raises(MicropkgError, match="read-only file system"):
            scene.run()
        assert scene.run(apply=False).pending
        assert scene.tree() == before


def as_nobody(scene: Scene) -> str:
    """One pass by a user who owns nothing here: what it raised, or how each entry ended."""
    scene.cache = scene.folder / "nobody"
    scene.cache.mkdir(mode=0o777)
    said = scene.folder / "said"
    said.touch()
    os.chown(scene.cache, NOBODY, NOBODY)
    os.chown(said, NOBODY, NOBODY)

    def work() -> None:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        try:
            said.write_text("\n".join(str(entry.failure) for entry in scene.run().entries))
        except MicropkgError as error:
            said.write_text(f"MicropkgError: {error}")

    assert in_child(work) == 0
    return said.read_text()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


def test_a_tree_of_another_user(open_folder: Path) -> None:
    """A project that may not be written to is a message, and as before."""
    scene = changing_scene(open_folder)
    before = scene.tree()
    assert "MicropkgError" in as_nobody(scene)
    assert scene.tree() == before


def test_one_folder_of_another_user_stops_one_entry(open_folder: Path) -> None:
    """Where one entry's folder may not be written to, that entry fails with the path and the others are applied."""
    scene = changing_scene(open_folder)
    for folder, folders, names in os.walk(scene.root):
        for name in (".", *folders, *names):
            os.chown(os.path.join(folder, name), NOBODY, NOBODY, follow_symlinks=False)
    os.chown(scene.root / "src/shop/beta", 0, 0)
    said = as_nobody(scene)
    assert "no permission to write into its folder" in said
    assert scene.text("src/shop/beta/one.py") == "ONE = 1\n"
    assert scene.text("conf/base/parameters_beta.yml") == "a: 1\n"
    assert scene.text("src/shop/alpha/new.py") == "NEW = 1\n"
    assert scene.own("txn") == []


def test_a_look_at_a_file_takes_four_calls(fs: FsOps, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its stat, and to open, read and close it; a folder is opened once for all files in it, also after many others."""
    for folder in ("one", "two"):
        for number in range(10):
            path = root / f"pkg/{folder}/{number}"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"x" * 1000)
    counts = Counter[str]()

    def count(name: str) -> None:
        call = getattr(os, name)

        def counted(*arguments: object, **named: object) -> object:
            counts[name] += 1
            return call(*arguments, **named)

        monkeypatch.setattr(os, name, counted)

    for name in ("stat", "lstat", "fstat", "open", "read", "close", "scandir", "listdir"):
        count(name)
    found = [fs.found(RelPath(f"pkg/{folder}/{number}")) for folder in ("one", "two") for number in range(10)]

    assert set(found) == {digest_of(b"x" * 1000)}
    assert counts == {"stat": 20, "open": 20 + 3, "read": 20, "close": 20}
