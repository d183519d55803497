"""The name and the version of an archive, which must be the same in every place that states them.

Rules: names are compared as an index compares them (case, `-`, `_` and `.` folded), versions as PEP 440 does; the root
folder is `NAME-VERSION` in whichever spelling the build backend of its day used.
"""

import re

from micropkgd.annotations import Final
from micropkgd.errors import ArchiveError
from micropkgd.model.distribution_name import NAME, same_name
from micropkgd.named_tuples import NamedTuple
from micropkgd.sdist.names import shown

_VERSION: Final = r"[A-Za-z0-9.!+_-]+"


class Identity(NamedTuple):
    """What one file states; empty text where it states nothing."""

    where: str
    name: str
    version: str


def agreed_identity(*stated: Identity, root: str) -> tuple[str, str]:
    """Name and version as the first file that has them states them, all others and the root folder agreeing."""
    name = next((one.name for one in stated if one.name), "")
    version = next((one.version for one in stated if one.version), "")
    if not (name and version):
        missing = "version" if name else "name"
        raise ArchiveError("bad-metadata", f"neither PKG-INFO nor pyproject.toml states its {missing}")
    if not (re.fullmatch(NAME, name) and re.fullmatch(_VERSION, version)):
        raise ArchiveError("bad-metadata", f"`{shown(name)}` {shown(version)} is not a name and version")
    for one in stated:
        if not (same_name(one.name or name, name) and _same_version(one.version or version, version)):
            raise _mismatch(f"{one.where} says `{shown(one.name)}` {shown(one.version)}", name, version)
    if not _fits_root(root, name, version):
        raise _mismatch(f"the root folder is `{shown(root)}`", name, version)
    return name, version


def _same_version(one: str, other: str) -> bool:
    if one == other:
        return True
    from packaging.version import Version

    try:
        return Version(one) == Version(other)
    except ValueError:  # InvalidVersion is one; so is a number too long for int
        return False


def _fits_root(root: str, name: str, version: str) -> bool:
    """Names and versions may both hold dashes, so each dash is tried as the border."""
    borders = (at for at, character in enumerate(root) if character == "-")
    return any(same_name(root[:at], name) and _same_version(root[at + 1 :], version) for at in borders)


def _mismatch(problem: str, name: str, version: str) -> ArchiveError:
    hint = "the archive was renamed or put together by hand: build it again"
    return ArchiveError("metadata-mismatch", f"{problem}, but its metadata say `{name}` {version}", hint=hint)
