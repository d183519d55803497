"""The folders that this user trusts, of those that only a glob of the config finds: the service acts in no other.

What a glob finds may be anybody's: a clone to be looked at, an unpacked archive. So it is left alone until a person
says `micropkgd trust FOLDER`. Each trusted folder has a file of its own in the user's state folder, with a mark of the
user's key below it (decision 0007), so that nothing that writes files for others can add to the list.

What makes it the same project is the folder: its path, its inode and the time of its birth. One that was moved, or that
stands where a trusted one stood, is asked about again. What changes inside it does not count: who trusts a project
trusts what it will say.
"""

import errno
import json
import os
import shlex
import stat
import time
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256

from micropkgd.annotations import Final
from micropkgd.clock import is_young, utc
from micropkgd.errors import MicropkgError, ShortageError, TreeError
from micropkgd.machine.projects import find_projects, named_projects
from micropkgd.model.condition import Distrust, Failure
from micropkgd.model.hashing import mark_of
from micropkgd.model.settings import Group, Trust
from micropkgd.model.tree import RelPath
from micropkgd.named_tuples import NamedTuple
from micropkgd.workspace.birth import Birth, birth_of
from micropkgd.workspace.fsops import FsOps, refused_by_disk
from micropkgd.workspace.transaction.journal_key import make_folder, state_folder, user_key

_FOLDER: Final = RelPath("trusted")
_SHORT: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
_NOBODY_SAID: Final = "a glob of the config found it, and nobody has said that it may be trusted"
_PURPOSE: Final = b"trusted folder\n"  # a mark of a journal must not pass for one of these


class UntrustedError(MicropkgError):
    """Somebody must say that a project may be trusted, before anything is done in it."""

    exit_code = 2


class Trusted(NamedTuple):
    """One folder that this user trusts."""

    folder: str
    birth: Birth
    since: str  # ISO 8601, UTC

    @property
    def stands(self) -> bool:
        """Whether it is still there, and the same."""
        try:
            return birth_of(self.folder) == self.birth
        except OSError:
            return False


def distrust(root: str) -> Failure | None:
    """Why the service leaves a folder alone that a glob found; None where this user trusts it.

    Raises `ShortageError` where the machine is too short of something to find out.
    """
    home = state_folder()
    if home is None:
        return _failure(root, Distrust.FOUND_BY_GLOB, _NOBODY_SAID)
    try:
        with FsOps(home) as fs:
            known = _read(fs, _path_of(root))
            if known is not None and known.stands:
                return None
            return _reason(fs, root, known)
    except FileNotFoundError:
        return _failure(root, Distrust.FOUND_BY_GLOB, _NOBODY_SAID)
    except OSError as error:
        if error.errno in _SHORT:
            raise ShortageError.of(error, root) from error
        what = f"the list of trusted folders cannot be read: {(error.strerror or str(error)).lower()}"
        return _failure(root, Distrust.UNREADABLE, what)


def found_by(groups: Sequence[Group], trust: Trust) -> tuple[Mapping[str, Group], Mapping[str, Failure]]:
    """The projects of a config, each with its group, and why some are left alone: a glob found them, and nobody else.

    Raises `ShortageError` where the machine is too short of something to find out.
    """
    found = find_projects(groups)
    doubts = {} if trust is Trust.EVERYTHING else strangers(found, named_projects(groups))
    return {root: group for root, group in found.items() if root not in doubts}, doubts


def glance() -> tuple[int, int, int] | None:
    """What the answers of `distrust` depend on besides the folders: equal ones mean the same list. None: too young."""
    home = state_folder()
    try:
        status = os.stat(os.path.join(home or "", _FOLDER))
    except OSError:
        return (0, 0, 0)
    young = is_young(max(status.st_mtime_ns, status.st_ctime_ns), time.time_ns())
    return None if young else (status.st_ino, status.st_mtime_ns, status.st_ctime_ns)


def strangers(found: Iterable[str], named: Container[str]) -> Mapping[str, Failure]:
    """Why the service leaves some of the found projects alone; those that were named one by one are not asked about."""
    doubts = {root: distrust(root) for root in found if root not in named}
    return {root: doubt for root, doubt in doubts.items() if doubt is not None}


def trust(roots: Iterable[str]) -> None:
    """Let the service act in these folders; `TreeError` where that cannot be kept."""
    home = state_folder()
    if home is None:
        raise TreeError(
            "there is no folder of this user's to keep it in",
            where="~/.local/state",
            hint="set XDG_STATE_HOME, or name the folder in `projects` of the config as it is, without a wildcard",
        )
    try:
        make_folder(os.path.join(home, _FOLDER))
        with FsOps(home) as fs:
            for root in roots:
                _write(fs, Trusted(root, birth_of(root), utc()))
    except OSError as error:
        raise refused_by_disk(error) from error


def revoke(roots: Iterable[str]) -> list[str]:
    """Take trust back; those of the folders that had it."""
    home = state_folder()
    if home is None or not os.path.isdir(os.path.join(home, _FOLDER)):
        return []
    try:
        with FsOps(home) as fs:
            taken = [root for root in roots if fs.status(_path_of(root)) is not None]
            for root in taken:
                fs.remove_file(_path_of(root))
            fs.sync_folder(_FOLDER)
    except OSError as error:
        raise refused_by_disk(error) from error
    return taken


def trusted() -> list[Trusted]:
    """Every folder that this user trusts, also those that are gone, by path."""
    home = state_folder()
    if home is None or not os.path.isdir(home):
        return []
    try:
        with FsOps(home) as fs:
            return sorted(_all(fs))
    except OSError as error:
        raise refused_by_disk(error) from error


def _reason(fs: FsOps, root: str, known: Trusted | None) -> Failure:
    if known is not None:
        return _failure(root, Distrust.REPLACED, "another folder stood here when it was trusted")
    if fs.status(_path_of(root)) is not None:
        return _failure(root, Distrust.NOT_OURS, "what says that it is trusted was not written by this user here")
    birth = birth_of(root)
    before = next((one.folder for one in _all(fs) if one.birth == birth), None)
    if before is not None:
        return _failure(root, Distrust.MOVED, f"it was trusted as {before}, and moved since")
    return _failure(root, Distrust.FOUND_BY_GLOB, _NOBODY_SAID)


def _failure(root: str, reason: Distrust, why: str) -> Failure:
    return Failure(2, reason.value, f"{why}; the service acts in it after `{_command(root, os.environ)}`")


def _command(root: str, environ: Mapping[str, str]) -> str:
    """What lets this process act in a folder; under systemd its state is not where a shell would look for it."""
    apart = environ.get("XDG_STATE_HOME") if environ.get("STATE_DIRECTORY") else None
    where = f"XDG_STATE_HOME={shlex.quote(apart)} " if apart else ""
    return f"{where}micropkgd trust {shlex.quote(root)}"


def _all(fs: FsOps) -> Iterator[Trusted]:
    for name in fs.names(_FOLDER):
        with suppress(FileNotFoundError):  # it was revoked this moment
            one = _read(fs, RelPath(f"{_FOLDER}/{name}"))
            if one is not None:
                yield one


def _path_of(root: str) -> RelPath:
    return RelPath(f"{_FOLDER}/{sha256(os.fsencode(root)).hexdigest()[:32]}")


def _read(fs: FsOps, path: RelPath) -> Trusted | None:
    """What a file says, once its mark has shown that this user wrote it; nothing where there is none."""
    status = fs.status(path)
    if status is None or not stat.S_ISREG(status.st_mode):
        return None
    from hmac import compare_digest

    body, _, mark = fs.read(path).rpartition(b"\n")
    if not compare_digest(mark, _mark(fs, body)):
        return None
    said = json.loads(body)
    one = Trusted(said["folder"], Birth(said["inode"], said["born"]), said["since"])
    return one if _path_of(one.folder) == path else None  # that of another folder says nothing of this one


def _write(fs: FsOps, one: Trusted) -> None:
    said = {"folder": one.folder, **one.birth._asdict(), "since": one.since}
    body = json.dumps(said).encode()
    path = _path_of(one.folder)
    draft = RelPath(f"{path}.{os.urandom(4).hex()}.tmp")
    fs.write_file(draft, body + b"\n" + _mark(fs, body), 0o600)
    fs.sync_file(draft)
    fs.rename(draft, path)
    fs.sync_folder(_FOLDER)


def _mark(fs: FsOps, body: bytes) -> bytes:
    return mark_of(user_key(fs), _PURPOSE + body)
