"""Rules for names of members: what one may be called, and which cannot stand side by side.

Rules: a name is UTF-8, relative, without `.`, `..`, empty parts, backslashes, control or format characters, and is
brought to NFC; two names that a case-insensitive or normalising file system takes for one are refused everywhere,
and so are names that git or Windows cannot hold, so that a lock made on one machine holds on all.
"""

from micropkgd.errors import ArchiveError
from micropkgd.model.place_names import why_not_portable
from micropkgd.sdist.limits import ReadLimits

_SHOWN_AT_MOST = 160  # characters of a name in a message


def shown(name: str | bytes) -> str:
    """A name as it may reach a terminal or a log: control and direction characters escaped, the length bounded."""
    text = name.decode("utf-8", "backslashreplace") if isinstance(name, bytes) else name
    if len(text) > _SHOWN_AT_MOST:
        text = f"{text[:_SHOWN_AT_MOST]}..."
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def clean_path(name: bytes, *, folder: bool, limits: ReadLimits) -> str:
    """The path in NFC, without a leading `./` and a folder's last slash; empty for the folder `./` itself."""
    path = _decode(name)
    if folder:
        path = path.removesuffix("/")
        if path == ".":
            return ""
    path = path.removeprefix("./")
    parts = path.split("/")
    if "\\" in path:
        raise _bad(name, "has a backslash", "build the archive with forward slashes")
    if path.startswith("/"):
        raise _bad(name, "is absolute")
    if "" in parts or "." in parts or ".." in parts:
        raise _bad(name, "has an empty, `.` or `..` part")
    if len(parts) > limits.depth:
        raise ArchiveError("name-depth", f"its path has more than {limits.depth} parts", where=shown(name))
    if len(path.encode()) > limits.component and any(len(part.encode()) > limits.component for part in parts):
        raise ArchiveError("name-length", f"a part of its path is over {limits.component} bytes", where=shown(name))
    # The pointer of a submodule is a plain file, and stands in many archives beside the package.
    check_portable(path if folder else path.removesuffix("/.git"), shown(name))
    return path


def check_portable(path: str, where: str) -> None:
    """See that every system can hold a name."""
    if reason := why_not_portable(path):
        problem = f"not every system can hold its name: {reason}"
        hint = "its author must rename it: trees are committed, and checked out elsewhere"
        raise ArchiveError("name-unportable", problem, where=where, hint=hint)


class Claims:
    """The places that members took so far."""

    def __init__(self, limits: ReadLimits) -> None:
        self._most = limits.members
        self._files: dict[str, str] = {}
        self._folders: dict[str, str] = {}
        self._known: set[str] = {""}  # folders in their own spelling: most members are the second of a folder

    def add_file(self, path: str) -> None:
        """Take a place that nothing else may have or go through."""
        self.add_folder(path.rpartition("/")[0])
        key = _folded(path)
        other = self._files.get(key) or self._folders.get(key)
        if other:
            raise _collision(path, other)
        self._files[key] = path

    def add_folder(self, path: str) -> None:
        """Take a place that other members may go through, spelt as the first of them spelt it."""
        if path in self._known:
            return
        self.add_folder(path.rpartition("/")[0])
        key = _folded(path)
        other = self._files.get(key) or self._folders.setdefault(key, path)
        if other != path or key in self._files:
            raise _collision(path, other)
        self._known.add(path)
        if len(self._known) > self._most:  # a short name can make many, and each costs as much as a file
            raise ArchiveError("too-many-members", f"its files stand in more than {self._most} folders")


def _decode(name: bytes) -> str:
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ArchiveError("name-encoding", "its name is not UTF-8", where=shown(name)) from error
    if text.isascii():
        control = not text.isprintable()
    else:
        import unicodedata

        text = unicodedata.normalize("NFC", text)
        control = any(unicodedata.category(c)[0] == "C" or c in "\u2028\u2029" for c in text)
    if control:
        raise ArchiveError("name-control", "its name has control or format characters", where=shown(name))
    return text


def _folded(path: str) -> str:
    if path.isascii():
        return path.lower()
    from unicodedata import normalize

    return normalize("NFC", normalize("NFD", path).casefold())


def _bad(name: bytes, what: str, hint: str = "") -> ArchiveError:
    return ArchiveError("name-path", f"its path {what}", where=shown(name) or "(no name)", hint=hint)


def _collision(path: str, other: str) -> ArchiveError:
    problem = "stands in the archive twice" if path == other else f"cannot stand beside `{shown(other)}`"
    return ArchiveError("collision", f"it {problem}", where=shown(path), hint="rename or leave out one of the two")
