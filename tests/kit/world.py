"""A small world: one Kedro project called `shop`, archives beside it, and the command line run in this process.

Tests change the project as a person would, with an editor and the command line, and look at the folder afterwards.
"""

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

from micropkgd.cli.run import run
from tests.kit.archives import gz, project
from tests.kit.canaries import look, note_held
from tests.kit.places import DATA

SAMPLES = DATA / "sdists"
KEDRO = """\
[tool.kedro]
package_name = "shop"
project_name = "shop"
kedro_init_version = "0.19.15"
"""
ROW = "dist/ds.tar.gz"

Stamp = tuple[int, int, int, int]  # mtime_ns, inode, size, mode


class Said(NamedTuple):
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str


class World:
    """One project in a folder of its own. The working folder of a test is `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("src/shop/__init__.py", "")
        self.write("tests/__init__.py", "")
        self.write("conf/base/parameters.yml", "own: 1\n")
        self.write("requirements.txt", "kedro\n")
        self.manifest("")

    @classmethod
    def at(cls, root: Path) -> "World":
        """A project that is there already."""
        found = cls.__new__(cls)
        found.root = root
        return found

    def manifest(self, rows: str, policy: str = "", home: str = "tool.micropkgd.pull") -> None:
        """Write `pyproject.toml` with these rows in a pull table and this policy."""
        self.write("pyproject.toml", f"{KEDRO}\n[tool.micropkgd]\n{policy}\n\n[{home}]\n{rows}\n")

    def asks_for(self, ref: str = ROW, policy: str = "", **options: str) -> None:
        """Write a manifest with one row."""
        pairs = ", ".join(f'{key.replace("_", "-")} = "{value}"' for key, value in options.items())
        self.manifest(f'"{ref}" = {{{pairs}}}', policy)

    def publish(self, files: Mapping[str, str | bytes] | None = None, version: str = "1.0", to: str = ROW) -> bytes:
        """Put an archive of package `ds` with these modules in place."""
        data = archive(files or {}, version)
        self.write(to, data)
        return data

    def copy_sample(self, sample: str, to: str) -> None:
        """Put one of the sample sdists in place."""
        self.write(to, (SAMPLES / sample).read_bytes())

    def write(self, path: str, data: str | bytes) -> Path:
        """Write a file as an editor that saves by rename does."""
        whole = self.root / path
        whole.parent.mkdir(parents=True, exist_ok=True)
        beside = whole.with_name(f"{whole.name}.editor")
        encoded = data.encode() if isinstance(data, str) else data
        beside.write_bytes(encoded)
        beside.rename(whole)
        note_held(whole, encoded)
        return whole

    def read(self, path: str) -> str:
        """The text of a file."""
        return (self.root / path).read_bytes().decode()

    def has(self, path: str) -> bool:
        """Whether anything stands at a path."""
        return os.path.lexists(self.root / path)

    def run(self, *arguments: str) -> Said:
        """Run one command line in this process."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            try:
                code = run(arguments)
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 1
        look(out.getvalue() + err.getvalue(), f"what `micropkgd {' '.join(arguments[:2])}` printed")
        return Said(code, out.getvalue(), err.getvalue())

    def reconcile(self, *options: str) -> Said:
        """Run one pass."""
        return self.run("reconcile", "--once", *options)

    def sync(self) -> None:
        """Run one pass that must end in sync."""
        said = self.reconcile()
        assert said.code == 0, said

    def spawn(self, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        """Run one command line in a process of its own."""
        command = [sys.executable, "-m", "micropkgd", *arguments]
        ended = subprocess.run(
            command, cwd=self.root, env=os.environ | environ, capture_output=True, text=True, timeout=300, check=False
        )
        look(ended.stdout + ended.stderr, f"what `micropkgd {' '.join(arguments[:2])}` printed")
        return ended

    def spawn_bytes(self, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
        """The same, for what is not of one encoding."""
        command = [sys.executable, "-m", "micropkgd", *arguments]
        return subprocess.run(command, cwd=self.root, capture_output=True, timeout=300, check=False)

    def tree(self) -> dict[str, bytes]:
        """Every file outside `.micropkgd` with its bytes; a link with what it names."""
        return {path: self._bytes(path) for path in self._paths() if not path.startswith(".micropkgd/")}

    def stamps(self) -> dict[str, Stamp]:
        """Every file and folder, `.micropkgd` too, with what any write would change."""
        found = {}
        for folder, names, files in os.walk(self.root):
            for name in (*names, *files, ""):
                status = os.lstat(os.path.join(folder, name))
                path = os.path.relpath(os.path.join(folder, name), self.root)
                found[path] = (status.st_mtime_ns, status.st_ino, status.st_size, status.st_mode)
        return found

    def pulled(self) -> set[str]:
        """Every path that a first pass added, the lock and the requirements left out."""
        own = {
            "src/shop/__init__.py",
            "tests/__init__.py",
            "conf/base/parameters.yml",
            "pyproject.toml",
            "micropkg.lock",
        }
        return {path for path in self.tree() if path not in own and not path.startswith(("dist/", "requirements"))}

    def forget(self) -> None:
        """Be a clone: without what this machine remembers of the project."""
        shutil.rmtree(self.root / ".micropkgd", ignore_errors=True)

    def forget_archives(self) -> None:
        """Empty the cache, as a person does who is short of space."""
        shutil.rmtree(os.environ["MICROPKGD_CACHE_DIR"])

    def _paths(self) -> list[str]:
        return sorted(
            os.path.relpath(os.path.join(folder, name), self.root)
            for folder, _, files in os.walk(self.root)
            for name in files
        )

    def _bytes(self, path: str) -> bytes:
        whole = self.root / path
        return os.readlink(whole).encode() if whole.is_symlink() else whole.read_bytes()


def archive(files: Mapping[str, str | bytes], version: str = "1.0", requires: tuple[str, ...] = ()) -> bytes:
    """An sdist of package `ds`: paths are below the package, or below the root where they begin with `/`."""
    dependencies = ", ".join(f"'{line}'" for line in requires)
    metadata = f"[project]\nname = 'ds'\nversion = '{version}'\ndependencies = [{dependencies}]\n"
    inner = {path[1:] if path.startswith("/") else f"ds/{path}": data for path, data in files.items()}
    return project({"pyproject.toml": metadata, "ds/__init__.py": "", **inner}, root=f"ds-{version}")


def raw_archive(files: Mapping[str, str | bytes]) -> bytes:
    """The archive of exactly these files, root folders and all."""
    from tests.kit.archives import file, tar

    encoded = ((path, text.encode() if isinstance(text, str) else text) for path, text in files.items())
    return gz(tar(*(file(path, data) for path, data in encoded)))
