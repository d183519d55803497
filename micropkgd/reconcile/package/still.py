"""The files of a module while they stand still: what is made of them is made between two looks that see the same.

None of them is younger than the clock's tick, so that a half-saved file is never packed.
"""

import time
from collections.abc import Callable, Iterator

from micropkgd.annotations import Final, TypeVar
from micropkgd.clock import GRAIN_NS, is_young
from micropkgd.errors import MicropkgError, TreeError
from micropkgd.model.tree import RelPath
from micropkgd.reconcile.package.inputs import Input, Inputs, PackagedModule
from micropkgd.reconcile.package.walk import look, unreadable
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.reading import TEXT

_PATIENCE: Final = 3.0  # seconds for files to stand still
_PIECE: Final = 1 << 20

T = TypeVar("T")


class UnsettledError(TreeError):
    """The files of a module do not stand still: trying again may help."""

    lasting = False


class _ChangedError(Exception):
    """A file is not the one that was looked at."""


def while_still(fs: FsOps, root: str, subject: PackagedModule, act: Callable[[Inputs], T]) -> T:
    """Do something with the files of a module, again if they changed meanwhile; `UnsettledError` where they always do.

    What is wrong with the files counts only where they stood still: half-saved code is nobody's mistake.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        now = time.time_ns()
        inputs = look(fs, root, subject)
        late = time.monotonic() > deadline
        if late or not any(one is not None and is_young(one.ctime_ns, now) for one in inputs.seen.values()):
            done = _try(act, inputs)
            if not isinstance(done, _ChangedError) and look(fs, root, subject) == inputs:
                if isinstance(done, MicropkgError):
                    raise done
                return done
            if late:
                raise UnsettledError("its files keep changing", where=subject.place.code, hint="save, then run again")
        time.sleep(GRAIN_NS / 1e9)


def pieces_of(fs: FsOps, file: Input) -> Iterator[bytes]:
    """The bytes of a file, as many as were seen; they are never all in memory together."""
    left = file.size
    try:
        with fs.open_file(file.path) as stream:
            while piece := stream.read(min(_PIECE, left + 1)):
                left -= len(piece)
                if left < 0:
                    break
                yield piece
    except FileNotFoundError as error:
        raise _ChangedError from error
    except OSError as error:
        raise unreadable(error) from error
    if left:
        raise _ChangedError


def text_of(fs: FsOps, path: RelPath) -> bytes:
    """A document of the module, whole."""
    try:
        return fs.read(path, at_most=TEXT)
    except FileNotFoundError as error:
        raise _ChangedError from error
    except OSError as error:
        raise unreadable(error) from error


def _try(act: Callable[[Inputs], T], inputs: Inputs) -> T | MicropkgError | _ChangedError:
    try:
        return act(inputs)
    except (MicropkgError, _ChangedError) as error:
        return error
