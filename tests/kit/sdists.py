"""Writes a source archive that is in memory as a whole."""

from typing import NamedTuple

from micropkgd.model.tree import Digest
from micropkgd.sdist.limits import DEFAULT_LIMITS, ReadLimits
from micropkgd.sdist.reader import Sdist
from micropkgd.sdist.writer import Packing, part_of


class WrittenArchive(NamedTuple):
    """One archive."""

    data: bytes  # the `.tar.gz`
    content: Digest  # of the tar inside


def write_sdist(sdist: Sdist, *, limits: ReadLimits = DEFAULT_LIMITS) -> WrittenArchive:
    """Write the members below their root folder; `ArchiveError` names one that no reader should be given."""
    packing = Packing(sdist.root, limits=limits)
    data = b"".join(packing.pack(part_of(member) for member in sorted(sdist.members)))
    return WrittenArchive(data, packing.content)
