"""Rows of what looks and changes nothing: `--version`, a pass in sync, `verify`, `status`, `lock --check`."""

import os
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.contest import OURS, Goal, Line, Place, Work, contest
from benchmarks.passes import FILES, make_project
from benchmarks.tools import PROGRAM, on_path, ours

_LSTAT: Final = "import os, sys\nfor path in open(sys.argv[1]):\n os.lstat(path[:-1])"
_HASH: Final = (
    "import hashlib, sys\n"
    "for path in open(sys.argv[1]):\n"
    " with open(path[:-1], 'rb') as stream: hashlib.sha256(stream.read()).hexdigest()"
)
_PARSE: Final = "import os, sys, tomllib\nfor path in sys.argv[2:]:\n tomllib.load(open(path, 'rb'))\n" + _LSTAT
_IDENTITY: Final = ("-c", "user.name=x", "-c", "user.email=x@x")


def version(folder: Path) -> Iterator[Line]:
    """`--version` beside Python that does nothing: by the script of uv or a newer pip, and by the one that is here."""
    place, scripts = Place(folder), {"`--version`": ours()}
    if "import re" in Path(PROGRAM).read_text():
        scripts["`--version`, the script of an older pip, which imports `re`"] = PROGRAM
    for what, program in scripts.items():
        works = {OURS: place.command(program, "--version"), "python -c pass": place.python("pass")}
        yield Line(what, contest(works, rounds=31), (Goal("python -c pass", 1.3),))


def nothing(folder: Path) -> Iterator[Line]:
    """A pass with nothing to do."""
    for entries in (10, 100, 1000):
        place, project, paths = _pulled(folder, entries)
        git = on_path("git")
        works = {OURS: place.ours("reconcile", "--once", at=project)}
        works |= {"python + lstat": place.python(_LSTAT, paths, at=project)}
        if git is not None:
            for words in (["init", "-q"], ["add", "-A"], [*_IDENTITY, "commit", "-qm", "x"]):
                place.command(git, *words, at=project)()
            works |= {"git status": place.command(git, "status", at=project)}
        goals = [Goal("python + lstat", 1.2), *([Goal("git status", 1.5)] if entries == 1000 else [])]
        yield Line(f"nothing to do, {entries:,} x {FILES} files", _twice(works), tuple(goals))


def verify(folder: Path) -> Iterator[Line]:
    """`verify`, which reads and hashes every file."""
    for entries in (100, 1000):
        place, project, paths = _pulled(folder, entries)
        works = {OURS: place.ours("verify", at=project), "python read + hash": place.python(_HASH, paths, at=project)}
        if (program := on_path("sha256sum")) is not None:
            sums = folder / f"sums{entries}"
            with open(sums, "wb") as stream:
                subprocess.run(["xargs", "-a", paths, program], cwd=project, stdout=stream, check=True)
            works |= {"sha256sum -c": place.command(program, "-c", "--quiet", str(sums), at=project)}
        yield Line(f"`verify`, {entries * FILES:,} files", _twice(works), (Goal("python read + hash", 1.3),))


def status(folder: Path) -> Iterator[Line]:
    """`status` without a service."""
    for entries in (10, 100, 1000):
        place, project, paths = _pulled(folder, entries)
        works = {OURS: place.ours("status", at=project), "python + lstat": place.python(_LSTAT, paths, at=project)}
        yield Line(f"`status`, {entries:,} x {FILES} files", _twice(works))


def lock(folder: Path) -> Iterator[Line]:
    """`lock --check`: where nothing moved, and where documents were touched a moment ago."""
    for entries in (100, 1000):
        place, project, paths = _pulled(folder, entries)
        documents = [project / name for name in ("micropkg.lock", "pyproject.toml")]
        works = {OURS: place.ours("lock", "--check", at=project)}
        works |= {"tomllib + lstat": place.python(_PARSE, paths, *map(str, documents), at=project)}
        settled = _twice(works)
        cold = contest(works, before=partial(_touch, documents))
        yield Line(f"`lock --check`, {entries:,} entries, moved", cold, (Goal("tomllib + lstat", 1.2),))
        yield Line(f"`lock --check`, {entries:,} entries, nothing moved", settled, (Goal("tomllib + lstat", 0.4),))


def _touch(paths: list[Path]) -> None:
    for path in paths:
        os.utime(path)


def _twice(works: dict[str, Work]) -> dict[str, float]:  # the first time makes byte code and what is remembered
    for work in works.values():
        work()
    return contest(works)


def _pulled(folder: Path, entries: int) -> tuple[Place, Path, str]:
    """A project in sync, which all rows of a run share, and a file that lists its installed files."""
    home = folder.parent / f"pulled{entries}"
    place, project, listed = Place(home), home / "project", home / "paths"
    if not home.exists():
        home.mkdir()
        make_project(home, entries)
        place.ours("reconcile", "--once", at=project)()
        installed = sorted((project / "src/shop/pipelines").rglob("*.py"))
        listed.write_text("".join(f"{path.relative_to(project)}\n" for path in installed))
    place.ours("reconcile", "--once", at=project)()
    return place, project, str(listed)
