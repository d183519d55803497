"""Tells whether two archives are one release: same name, version, requirements, code, tests, parameters. Pure.

What an archive says of how it was made and where it comes from is no part of that: another micropkgd, or another
address of the repository, makes other bytes of the same files, and nobody needs a new version for them.
"""

from collections.abc import Callable, Mapping

from micropkgd.annotations import BinaryIO, Final
from micropkgd.errors import ArchiveError
from micropkgd.model.contents import Contents
from micropkgd.model.tree import Digest
from micropkgd.reconcile.plan.byte_store import ByteStore
from micropkgd.sdist.metadata import SdistMetadata, read_metadata
from micropkgd.sdist.reader import read_sdist

_DESCRIBING: Final = frozenset({"MANIFEST.in", "PKG-INFO", "pyproject.toml"})


def is_same_release(one: BinaryIO, other: BinaryIO, scratch: Callable[[], BinaryIO]) -> bool:
    """Whether two archives differ in nothing that a project would take from them."""
    try:
        return _content(one, scratch) == _content(other, scratch)
    except ArchiveError:
        return False


def _content(
    stream: BinaryIO, scratch: Callable[[], BinaryIO]
) -> tuple[SdistMetadata, Mapping[str, Digest], frozenset[str]]:
    sdist = read_sdist(stream, keep=ByteStore(scratch).keep)
    members = [one for one in sdist.members if one.path not in _DESCRIBING]
    digests = Contents({one.path: one.content for one in members}).digests()
    return read_metadata(sdist), digests, frozenset(one.path for one in members if one.executable)
