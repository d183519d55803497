"""Remembers over restarts how each project stood as it was last told: what was told once is no news to the next start.

A file a project, in the folder where the service keeps its events; written when a project comes to stand otherwise,
not when it is merely tried again, and not synced: where one is lost or cannot be read, things are told once more.
"""

import json
import os
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from hashlib import sha256

from micropkgd.annotations import Final
from micropkgd.errors import MicropkgError
from micropkgd.machine.replaced import replace_file
from micropkgd.model.condition import Standing
from micropkgd.model.status import ProjectStatus, read_status

_FOLDER: Final = "told"
_LONGEST_AWAY: Final = 30 * 86400.0  # seconds, after which a project that is not served is forgotten


class StandingMemory:
    """How projects stood; without a folder nothing is remembered."""

    def __init__(self, folder: str | None = None) -> None:
        self._folder = os.path.join(folder, _FOLDER) if folder is not None else None
        self._written: dict[str, int] = {}  # by root, what was written last

    def recall(self, root: str) -> ProjectStatus | None:
        """How a project stood; None where nothing of it was told."""
        if self._folder is None:
            return None
        with suppress(OSError, ValueError, TypeError, RecursionError, MicropkgError):
            with open(self._path(root), "rb") as stream:
                known = read_status(json.load(stream))
            if known.root == root:
                self._written[root] = _facts(known)
                return known
        return None

    def note(self, status: ProjectStatus) -> None:
        """Remember how a project stands, now that it is told; a disk that refuses is no matter."""
        facts = _facts(status)
        if self._folder is None or self._written.get(status.root) == facts:
            return
        with suppress(OSError):
            data = json.dumps(status.document()).encode()
            replace_file(self._path(status.root), data, private=True, durable=False)
            self._written[status.root] = facts

    def forget(self, root: str) -> None:
        """It is no longer served: when it comes again it is a new one."""
        self._written.pop(root, None)
        if self._folder is not None:
            with suppress(OSError):
                os.unlink(self._path(root))

    def sweep(self, served: Collection[str]) -> None:
        """Forget what has not been served for a month: nobody says so of a folder that went while no service ran."""
        if self._folder is None:
            return
        kept = {os.path.basename(self._path(root)) for root in served}
        with suppress(OSError):
            for name in os.listdir(self._folder):
                path = os.path.join(self._folder, name)
                if name in kept:
                    os.utime(path)
                elif os.stat(path).st_mtime < time.time() - _LONGEST_AWAY:
                    os.unlink(path)

    def _path(self, root: str) -> str:
        name = sha256(os.fsencode(root)).hexdigest()[:32]
        return os.path.join(self._folder or "", f"{name}.json")


def _facts(status: ProjectStatus) -> int:
    """What of a status is news, and not a matter of when it was asked."""
    return hash(tuple(_told(status)))


def _told(status: ProjectStatus) -> Iterator[object]:
    yield _turn(status.standing)
    yield from (entry._replace(standing=_turn(entry.standing)) for entry in status.entries)
    yield from (package._replace(standing=_turn(package.standing)) for package in status.packages)


def _turn(standing: Standing) -> Standing:
    return standing._replace(message="", next_try="", hint="")
