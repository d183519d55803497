"""Popular sdists of other people: `python -m tests.kit.corpus [FOLDER]` prints what the reader makes of each.

Without a folder, pip fetches those of `NAMES` first: packages that our development lock names, in the versions it
pins. pip asks a package's build backend who it is, so code of theirs runs then, as whenever an sdist is installed;
nothing of ours ever builds one. GNU tar says what each should have been.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from micropkgd.errors import ArchiveError
from micropkgd.sdist.reader import read_sdist
from tests.kit.gnu_tar import unpacked
from tests.kit.places import DATA, REPOSITORY
from tests.kit.servers.venvs import ENVIRON, environment

NAMES = (DATA / "corpus.txt").read_text().split()
LOCK = REPOSITORY / "requirements-dev.lock"
BACKENDS = (
    "setuptools==80.9.0",
    "hatchling==1.27.0",
    "flit-core==3.12.0",
    "poetry-core==2.1.3",
    "pdm-backend==2.5.0",
    "uv-build==0.13.6",
)
_PLUGINS = ("wheel", "setuptools-scm", "hatch-vcs", "hatch-fancy-pypi-readme", "cython<4")
BY_RULE = {"member-type", "too-many-members"}  # rules of ours that a well-made sdist may break: links, 10,000 members
_AT_ONCE = 2


class Row(NamedTuple):
    """What one sdist came to."""

    name: str
    size: int  # bytes
    files: int = 0
    verdict: str = "read"  # "read", "refused" by a rule of ours, "rejected" or "differs"
    detail: str = ""

    @property
    def is_bad(self) -> bool:
        """Whether the reader is at odds with the world."""
        return self.verdict in {"rejected", "differs"}


def fetch(names: Sequence[str], folder: Path, cache: Path) -> list[str]:
    """Have pip put the sdists of these projects into the folder; what it said where it could not.

    Most are asked who they are in one environment, which the cache keeps, and only the others each in one of its own.
    """
    pip = (str(environment(cache, *BACKENDS, *_PLUGINS) / "bin" / "python"), "-m", "pip", "download", "--quiet")

    def one(name: str) -> str:
        options = ["--no-deps", "--no-binary", name, "--constraint", str(LOCK), "--dest", str(folder), name]
        for more in (["--no-build-isolation"], []):
            command = [*pip, "--disable-pip-version-check", *more, *options]
            ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=ENVIRON)
            if ended.returncode == 0:
                return ""
        return f"{name}: {ended.stderr}"

    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return [problem for problem in threads.map(one, names) if problem]


def examine(sdists: Sequence[Path]) -> Iterator[Row]:
    """Read each, and compare it with what GNU tar unpacks. Kedro's rule of one package is no rule of the archive."""
    with tempfile.TemporaryDirectory() as scratch:
        for sdist in sdists:
            yield _judged(sdist.name, sdist.read_bytes(), Path(scratch, "unpacked"))


def _judged(name: str, data: bytes, scratch: Path) -> Row:
    theirs, complaints = unpacked(data, scratch)
    try:
        ours = read_sdist(data)
    except ArchiveError as error:
        verdict = "refused" if error.reason in BY_RULE else "rejected"
        return Row(name, len(data), 0, verdict, f"{error.reason}: {error}")
    row = Row(name, len(data), len(ours.members))
    if theirs == ours and not complaints:
        return row
    return row._replace(verdict="differs", detail="; ".join(complaints) or "GNU tar unpacks other files")


def main(folders: Sequence[str]) -> int:
    """Print the table; 1 where an sdist was rejected or read differently, or where there was none."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(folders[0]) if folders else Path(scratch)
        for problem in [] if folders else fetch(NAMES, folder, Path(scratch)):
            print(problem, file=sys.stderr)
        rows = []
        for row in examine(sorted(folder.glob("*.tar.gz"))):
            rows.append(row)
            print(f"{row.name:44} {row.size:>10,} {row.files:>6,} {row.verdict:8} {row.detail}".rstrip(), flush=True)
    bad, read = sum(row.is_bad for row in rows), sum(row.verdict == "read" for row in rows)
    print(f"{read} read and agreed with GNU tar, {bad} did not, of {len(rows)} sdists")
    return 1 if bad or not read else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
