"""Read a source archive (`.tar.gz`) whole, or refuse it with a reason that never changes its name.

Promise: an `Sdist` is what every sound tar reader would unpack, below one root folder, within the caps, with gzip
and tar checked to their ends. No member is run, imported, written or linked, and no repair is tried. What is more than
a few bytes is given to whoever keeps it, piece by piece, and need not be in memory.
Reasons are the slugs of `ArchiveError.reason`; they reach metrics and status, so they are part of the contract.
"""

from io import BytesIO

from micropkgd.annotations import BinaryIO
from micropkgd.errors import ArchiveError
from micropkgd.model.contents import Content, whole
from micropkgd.named_tuples import NamedTuple
from micropkgd.sdist.headers import Keep, walk
from micropkgd.sdist.inflate import Inflater
from micropkgd.sdist.limits import DEFAULT_LIMITS, ReadLimits
from micropkgd.sdist.names import Claims, clean_path, shown

__all__ = ["Member", "ReadLimits", "Sdist", "read_sdist"]


class Member(NamedTuple):
    """A regular file of the archive."""

    path: str  # POSIX, below the root folder, NFC
    content: Content
    executable: bool  # any x bit was set; all else of the mode is dropped

    @property
    def data(self) -> bytes:
        """All its bytes."""
        return whole(self.content)


class Sdist(NamedTuple):
    """The content of one source archive."""

    root: str  # the one folder at its top: "ds-0.1"
    members: tuple[Member, ...]  # sorted by path

    def file(self, path: str) -> bytes | None:
        """The data of one member, `None` where there is none of that path."""
        return next((member.data for member in self.members if member.path == path), None)


def read_sdist(stream: BinaryIO | bytes, *, limits: ReadLimits = DEFAULT_LIMITS, keep: Keep | None = None) -> Sdist:
    """Read an archive to its end; `ArchiveError` where it is not whole, not safe or not plain.

    Without somebody to `keep` them its files are in memory, all together.
    """
    source = Inflater(BytesIO(stream) if isinstance(stream, bytes) else stream, limits)
    claims, members, root = Claims(limits), list[Member](), ""
    for header, content in walk(source, limits, keep):
        path = clean_path(header.name, folder=header.folder, limits=limits)
        if not path:
            continue
        top, _, below = path.partition("/")
        root = root or top
        if top != root or not (below or header.folder):
            raise _not_below(root, path)
        if header.folder:
            claims.add_folder(path)
        else:
            claims.add_file(path)
            members.append(Member(below, content, bool(header.mode & 0o111)))
    if not members:
        raise ArchiveError("empty", "it holds no files")
    return Sdist(root, tuple(sorted(members)))


def _not_below(root: str, path: str) -> ArchiveError:
    problem = (
        "it stands beside the root folder" if "/" not in path else f"it is not below the root folder `{shown(root)}`"
    )
    return ArchiveError(
        "root", problem, where=shown(path), hint="a source archive has one folder, `NAME-VERSION`, at its top"
    )
