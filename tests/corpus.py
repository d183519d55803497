"""Sdists of other people through the reader: `PIP_INDEX_URL=... python -m tests.corpus [NAME ...]` prints a table.

The newest sdist of each name is fetched by the program's own index source, never by a tool that would build what it
fetches, and read whole; GNU tar says what it should have been. Kedro's rule of one package is left out: it is no rule
of the archive. Ends with 1 where an sdist was rejected or read differently; a name without an sdist counts for nothing.

Mind who runs the index: without names this makes two requests for each of `NAMES`.
"""

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from micropkgd.errors import ArchiveError
from micropkgd.model.ref import Ref
from micropkgd.sdist.reader import read_sdist
from micropkgd.sources.cache import ArchiveCache
from micropkgd.sources.gather import Sources
from micropkgd.sources.index.login import Index, index_for
from micropkgd.sources.source import Answer, Failed, Fetched, Lookup, Request
from tests.gnu_tar import unpacked

NAMES = (Path(__file__).parent / "data" / "corpus.txt").read_text().split()
_AT_ONCE = 8


class Row(NamedTuple):
    """What one sdist came to."""

    name: str
    version: str = ""
    size: int = 0  # bytes
    files: int = 0
    verdict: str = "read"  # "read", "none", "rejected" or "differs"
    detail: str = ""

    @property
    def is_bad(self) -> bool:
        """Whether the reader is at odds with the world."""
        return self.verdict in {"rejected", "differs"}


def examine(names: Sequence[str], index: Index, folder: Path) -> Iterator[Row]:
    """Fetch, read and compare; the archives stay in a cache below the folder."""
    cache = ArchiveCache(folder / "cache")
    lookup = Lookup(index.url, index.login)
    with Sources(cache) as sources:
        for start in range(0, len(names), _AT_ONCE):
            some = names[start : start + _AT_ONCE]
            answers = sources.answer([Request(Ref.parse(name), lookup=lookup) for name in some], folder)
            for name, answer in zip(some, answers, strict=True):
                yield _judged(name, answer, cache, folder)


def _judged(name: str, answer: Answer, cache: ArchiveCache, folder: Path) -> Row:
    if not isinstance(answer, Fetched):
        return Row(name, verdict="none", detail=answer.problem if isinstance(answer, Failed) else "")
    version = answer.release.version if answer.release is not None else ""
    data = cache.read(answer.digest) or b""
    theirs, complaints = unpacked(data, folder / "unpacked")
    try:
        ours = read_sdist(data)
    except ArchiveError as error:
        return Row(
            name, version, len(data), len(theirs.members) if theirs else 0, "rejected", f"{error.reason}: {error}"
        )
    row = Row(name, version, len(data), len(ours.members))
    same = theirs == ours and not complaints
    return (
        row if same else row._replace(verdict="differs", detail="; ".join(complaints) or "GNU tar unpacks other files")
    )


def main(names: Sequence[str]) -> int:
    """Print the table."""
    if not any(os.environ.get(name) for name in ("PIP_INDEX_URL", "UV_INDEX_URL")):
        print("name the index to ask in PIP_INDEX_URL", file=sys.stderr)
        return 2
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for row in examine(names or NAMES, index_for(None, os.environ), Path(folder)):
            rows.append(row)
            print(
                f"{row.name:24} {row.version:14} {row.size:>10,} {row.files:>6,} {row.verdict:8} {row.detail}".rstrip()
            )
    bad, read = sum(row.is_bad for row in rows), sum(row.verdict == "read" for row in rows)
    print(f"{read} read and agreed with GNU tar, {bad} did not, of {len(rows)} names")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
