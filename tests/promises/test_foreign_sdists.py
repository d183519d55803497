"""Archives as other programs write them: none is rejected, and each is what GNU tar says it is.

They are made here by the programs themselves, or are those of popular projects, and are examined by what
`python -m tests.kit.corpus` runs.
"""

import ast
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from micropkgd.documents.edits import add_row, remove_row
from micropkgd.documents.moves import move_table
from micropkgd.sdist.metadata import package_name
from micropkgd.sdist.reader import read_sdist
from tests.kit import archives as a
from tests.kit.corpus import BACKENDS, BY_RULE, LOCK, NAMES, Row, examine, fetch, main
from tests.kit.servers.venvs import environment
from tests.kit.world import World

pytestmark = pytest.mark.no_cover

FILES = {
    "PKG-INFO": "Metadata-Version: 2.2\nName: demo\nVersion: 1.0\n",
    "pyproject.toml": "[build-system]\nrequires = ['hatchling']\nbuild-backend = 'hatchling.build'\n"
    "[project]\nname = 'demo'\nversion = '1.0'\ndescription = 'A demo.'\n[tool.setuptools]\npackages = ['demo']\n"
    "[tool.uv.build-backend]\nmodule-root = ''\n",
    "demo/__init__.py": "",
    "demo/nodes.py": "x = 1\n" * 500,
    "demo/ümlaut/日本語.py": "",
    f"demo/{'long-folder-name/' * 6}{'long-file-name-' * 6}.py": "x = 1\n",
    "README.md": "demo\n",
    "empty.txt": "",
}
TAR = ["tar", "--create", "--gzip", "--file"]
ZIPPED = "tar --create demo-1.0 | {} > {}"


def tree(folder: Path) -> Path:
    """The folder that is packed."""
    root = folder / "demo-1.0"
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / "demo/nodes.py").chmod(0o755)
    (root / "README.md").chmod(0o600)
    return root


def gnu_tar(*options: str) -> Callable[[Path], bytes]:
    """GNU tar with these options."""

    def pack(folder: Path) -> bytes:
        tree(folder)
        subprocess.run(
            [*TAR, folder / "made.tar.gz", *options, "demo-1.0"], cwd=folder, check=True, capture_output=True
        )
        return (folder / "made.tar.gz").read_bytes()

    return pack


def with_dot(folder: Path) -> bytes:
    """GNU tar told to pack `.`, as people do."""
    root = tree(folder)
    (folder / "in").mkdir()
    shutil.move(root, folder / "in")
    subprocess.run([*TAR, folder / "made.tar.gz", "."], cwd=folder / "in", check=True)
    return (folder / "made.tar.gz").read_bytes()


def piped(packer: str) -> Callable[[Path], bytes]:
    """A program that packs what tar writes to a pipe, so that neither name nor time is in the frame."""

    def pack(folder: Path) -> bytes:
        tree(folder)
        subprocess.run(ZIPPED.format(packer, "made.tar.gz"), cwd=folder, shell=True, check=True)
        return (folder / "made.tar.gz").read_bytes()

    return pack


def gzipped_file(folder: Path) -> bytes:
    """A tar that was packed as a file: its name and time are in the frame."""
    tree(folder)
    subprocess.run(["tar", "--create", "--file", "demo-1.0.tar", "demo-1.0"], cwd=folder, check=True)
    subprocess.run(["gzip", "-9", "--name", "demo-1.0.tar"], cwd=folder, check=True)
    return (folder / "demo-1.0.tar.gz").read_bytes()


def git_archive(folder: Path) -> bytes:
    """What a forge makes of a tag: the commit stands in a global header."""
    root = tree(folder)
    who = ["-c", "user.name=x", "-c", "user.email=x@y"]
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=root, check=True, capture_output=True)
    command = ["git", "archive", "--format=tar.gz", "--prefix=demo-1.0/", "HEAD"]
    return subprocess.run(command, cwd=root, check=True, capture_output=True).stdout


WRITERS: dict[str, Callable[[Path], bytes]] = {
    "gnu": gnu_tar("--format=gnu"),
    "oldgnu": gnu_tar("--format=oldgnu"),
    "pax": gnu_tar("--format=pax"),
    "pax-plain": gnu_tar("--format=pax", "--pax-option=delete=atime,delete=ctime"),
    "owners": gnu_tar("--owner=üname:2097152", "--group=x:4294967295", "--format=gnu"),
    "owners-pax": gnu_tar("--owner=üname:2097152", "--group=x:4294967295", "--format=pax"),
    "old-times": gnu_tar("--mtime=@-1", "--format=gnu"),
    "far-times": gnu_tar("--mtime=@99999999999", "--format=pax"),
    "blocking": gnu_tar("--blocking-factor=1"),
    "wide-blocking": gnu_tar("--blocking-factor=2000"),
    "sorted-reproducible": gnu_tar("--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"),
    "dot": with_dot,
    "piped": piped("gzip -1"),
    "stored": piped(
        f"{sys.executable} -c 'import gzip,sys;sys.stdout.buffer.write(gzip.compress(sys.stdin.buffer.read(),0))'"
    ),
    "gzip-name": gzipped_file,
    "git": git_archive,
}


def examined(folder: Path, data: bytes) -> Row:
    """Examine this archive."""
    sdist = folder / "demo-1.0.tar.gz"
    sdist.write_bytes(data)
    (row,) = examine([sdist])
    return row


@pytest.mark.parametrize("writer", WRITERS)
def test_what_others_write_is_read(tmp_path: Path, writer: str) -> None:
    """Headers, frames and names of every kind; the same files come out as went in."""
    row = examined(tmp_path, WRITERS[writer](tmp_path))

    assert (row.verdict, row.detail) == ("read", "")
    assert row.files >= len(FILES) - 1  # build backends choose for themselves


@pytest.fixture(scope="module")
def python(server_cache: Path) -> Path:
    """A Python that has the build backends which most sdists are made with."""
    return environment(server_cache, *BACKENDS) / "bin" / "python"


@pytest.mark.parametrize(
    "backend",
    [
        "setuptools.build_meta",
        "hatchling.build",
        "flit_core.buildapi",
        "poetry.core.masonry.api",
        "pdm.backend",
        "uv_build",
    ],
)
def test_what_build_backends_write_is_read(python: Path, tmp_path: Path, backend: str) -> None:
    """Of a project of our own."""
    root = tree(tmp_path)
    (root / "PKG-INFO").unlink()  # it is for the backend to write
    (root / "demo/__init__.py").write_text('"""A demo."""\n')
    code = f"import sys, {backend} as backend; print(backend.build_sdist(sys.argv[1]))"
    environ = os.environ | {"PATH": f"{python.parent}:{os.environ['PATH']}"}
    built = subprocess.run(
        [python, "-c", code, tmp_path],
        cwd=root,
        env=environ,
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    row = examined(tmp_path, (tmp_path / built.stdout.split()[-1]).read_bytes())

    assert (row.verdict, row.detail) == ("read", "")
    assert row.files >= 5


@pytest.fixture(scope="module")
def sdists(server_cache: Path) -> list[Path]:
    """What pip could fetch of the popular ones, in the versions of the development lock."""
    which = "\n".join((LOCK.read_text(), *NAMES))
    folder = server_cache / f"corpus-{hashlib.sha256(which.encode()).hexdigest()[:16]}"
    with open(folder.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            fetch(NAMES, folder, server_cache)
            (folder / "complete").touch()
    return sorted(folder.glob("*.tar.gz"))


def test_popular_sdists_are_read(sdists: list[Path]) -> None:
    """None is rejected as damaged or unusual, and each is file by file what GNU tar unpacks."""
    rows = list(examine(sdists))

    assert [row for row in rows if row.is_bad] == []
    assert sum(row.verdict == "read" for row in rows) >= 50


def test_popular_sdists_are_pulled(world: World, sdists: list[Path]) -> None:
    """In one project, by one pass: what holds one package comes in whole, and the others say why they do not.

    Every module of what came in can be imported that can be imported in the original: they are what this environment
    runs itself.
    """
    world.manifest("\n".join(f'"{sdist}" = {{}}' for sdist in sdists))
    said = world.reconcile("--json")
    (project,) = json.loads(said.out)["projects"]
    installed = [entry for entry in project["entries"] if entry["action"] == "install"]
    reasons = {entry["failure"]["reason"] for entry in project["entries"] if entry["action"] == "fail"}

    assert reasons <= {"ArchiveRejected/not-one-package", *(f"ArchiveRejected/{rule}" for rule in BY_RULE)}
    assert len(installed) >= 30
    assert world.run("verify").code == 0
    for path in world.root.glob("src/shop/**/*.py"):
        ast.parse(path.read_bytes(), path)  # every one of these was good Python before its imports were rewritten

    before = world.stamps()
    world.reconcile()
    assert world.stamps() == before

    refs = {entry["target"].removeprefix("src/shop/"): Path(entry["ref"]) for entry in installed}
    assert refs.keys() >= IMPORTED
    for package in sorted(IMPORTED):
        root = world.root / "originals" / refs[package].name.removesuffix(".tar.gz")
        root.parent.mkdir(exist_ok=True)
        subprocess.run(["tar", "--extract", "--gzip", "--file", refs[package], "-C", root.parent], check=True)
        original = {f"shop.{name}" for name in imported(root, package)}
        assert len(original) >= 5
        assert original <= imported(world.root / "src", f"shop.{package}"), package


def test_the_manifests_in_them_are_edited(sdists: list[Path]) -> None:
    """A row is added to, moved in and removed from every `pyproject.toml`: all else says what it said, byte for byte.

    As it is, with the line ends of Windows, and without the last line end.
    """
    old, new = ("tool", "kedro", "micropkg"), ("tool", "micropkgd")
    found = {text for sdist in sdists for text in manifests_in(sdist)}
    assert len(found) >= 50
    windows, endless = ({edit(text) for text in found} for edit in (crlf, str.rstrip))
    for text in found | windows | endless:
        added = add_row(text, (*old, "pull"), "a.b", {"alias": "q"})
        moved = move_table(added, old, new)
        row = {"tool": {"micropkgd": {"pull": {"a.b": {"alias": "q"}}}}}

        assert moved == added.replace("[tool.kedro.micropkg.pull]", "[tool.micropkgd.pull]")
        assert tomllib.loads(moved) == merged(tomllib.loads(text), row)
        assert remove_row(added, (*old, "pull"), "a.b") == remove_row(moved, (*new, "pull"), "a.b") == text


def crlf(text: str) -> str:
    """The text as Windows has it."""
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


def manifests_in(sdist: Path) -> Iterator[str]:
    """The texts of every `pyproject.toml` in an archive that are TOML."""
    with tarfile.open(sdist) as archive:
        for member in archive:
            if member.name.endswith("/pyproject.toml") and (stream := archive.extractfile(member)):
                with suppress(ValueError):
                    text = stream.read().decode()
                    tomllib.loads(text)
                    yield text


def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Two mappings, tables joined."""
    both = {**one, **other}
    return {
        key: merged(one[key], other[key]) if key in one and isinstance(other.get(key), dict) else value
        for key, value in both.items()
    }


# Popular, small, and each with a way of its own to name itself.
NAMESAKES = (
    "boltons", "colorama", "funcy", "idna", "markdown-it-py", "more-itertools", "python-slugify", "voluptuous",
)  # fmt: skip


@pytest.fixture(scope="module")
def namesakes(server_cache: Path) -> list[Path]:
    """What pip could fetch of them, in their newest versions."""
    folder = server_cache / "namesakes"
    with open(folder.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            assert fetch(NAMESAKES, folder, server_cache) == []
            (folder / "complete").touch()
    return sorted(folder.glob("*.tar.gz"))


def test_what_was_pulled_elsewhere_can_be_imported_or_says_why(world: World, namesakes: list[Path]) -> None:
    """With an alias and a destination: each module works as in the original, or a note has told of its file."""
    rows = [f'"{sdist}" = {{alias = "p{number}", destination = "x"}}' for number, sdist in enumerate(namesakes)]
    world.manifest("\n".join(rows))
    (project,) = json.loads(world.reconcile("--json").out)["projects"]

    assert len(project["entries"]) == len(NAMESAKES)
    for entry in project["entries"]:
        sdist, alias = Path(entry["ref"]), entry["target"].rpartition("/")[2]
        root = world.root / "originals" / alias
        root.mkdir(parents=True)
        subprocess.run(["tar", "--extract", "--gzip", "--file", sdist, "-C", root, "--strip=1"], check=True)
        package = package_name(read_sdist(sdist.read_bytes()))
        original = {name.replace(package, f"shop.x.{alias}", 1) for name in imported(root, package)}
        lost = original - imported(world.root / "src", f"shop.x.{alias}")
        assert original
        assert [name for name in lost if not any(name.replace(".", "/") in note for note in entry["notes"])] == []


# Those with many imports of their own modules, by name. Not fsspec: its modules use one another by their whole names
# before the package is whole, and Python knows `shop.fsspec` as an attribute of `shop` only after that.
IMPORTED = {"botocore", "coverage", "markdown_it", "oauthlib", "prometheus_client", "pygments", "rich"}
WALK = """
import importlib, pkgutil, sys

def walk(name):
    try:
        module = importlib.import_module(name)
    except BaseException:
        return
    sys.stderr.write(f"imported {name}\\n")
    for each in pkgutil.iter_modules(getattr(module, "__path__", [])):
        if each.name != "__main__":
            walk(f"{name}.{each.name}")

walk(sys.argv[1])
"""


def imported(path: Path, package: str) -> set[str]:
    """The modules below a package that can be imported from a folder."""
    command = [sys.executable, "-P", "-B", "-c", WALK, package]
    environ = os.environ | {"PYTHONPATH": str(path)}
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
    return {line.removeprefix("imported ") for line in ended.stderr.splitlines() if line.startswith("imported ")}


def test_the_table_tells_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Refused by a rule, rejected, read differently: each has its word, and the last two end the command with 1."""
    good = tmp_path / "good-1.0.tar.gz"
    good.write_bytes(a.sdist())
    (tmp_path / "linked-1.0.tar.gz").write_bytes(a.sdist(a.symlink("demo-1.0/l", "x")))
    assert main([str(tmp_path)]) == 0
    (tmp_path / "half-1.0.tar.gz").write_bytes(a.sdist()[:100])
    assert main([str(tmp_path)]) == 1
    table = capsys.readouterr().out

    assert "1 read and agreed with GNU tar, 1 did not, of 3 sdists" in table
    assert "refused  member-type: demo-1.0/l: it is a symbolic link" in table
    assert "rejected truncated" in table

    monkeypatch.setattr("tests.kit.corpus.unpacked", lambda data, folder: (None, []))
    assert [row.verdict for row in examine([good])] == ["differs"]


def test_no_sdists_are_no_proof(tmp_path: Path) -> None:
    """An empty folder ends with 1."""
    assert main([str(tmp_path)]) == 1
