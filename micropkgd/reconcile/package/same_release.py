"""Tells whether two archives are one release: same name, version, requirements, code, tests, parameters. Pure.

What an archive says of how it was made and where it comes from is no part of that: another micropkgd, or another
address of the repository, makes other bytes of the same files, and nobody needs a new version for them.
"""

from collections.abc import Mapping
from typing import Final

from micropkgd.errors import ArchiveError
from micropkgd.sdist.metadata import SdistMetadata, read_metadata
from micropkgd.sdist.reader import Member, read_sdist

_DESCRIBING: Final = frozenset({"MANIFEST.in", "PKG-INFO", "pyproject.toml"})


def is_same_release(one: bytes, other: bytes) -> bool:
    """Whether two archives differ in nothing that a project would take from them."""
    try:
        return _content(one) == _content(other)
    except ArchiveError:
        return False


def _content(data: bytes) -> tuple[SdistMetadata, Mapping[str, Member]]:
    sdist = read_sdist(data)
    return read_metadata(sdist), {one.path: one for one in sdist.members if one.path not in _DESCRIBING}
