"""The files of a module as they stand still: read between two looks that see the same.

None of them is younger than the clock's tick, so that a half-saved file is never packed.
"""

import errno
import time
from typing import Final

from micropkgd.clock import GRAIN_NS, is_young
from micropkgd.errors import TreeError
from micropkgd.model.tree import RelPath
from micropkgd.reconcile.package.inputs import REQUIREMENTS, Inputs, Subject
from micropkgd.reconcile.package.tour import look, unreadable
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.reading import TEXT

_PATIENCE: Final = 3.0  # seconds for files to stand still


class UnsettledError(TreeError):
    """The files of a module do not stand still: trying again may help."""

    lasting = False


def read_still(fs: FsOps, root: str, subject: Subject) -> tuple[Inputs, dict[RelPath, bytes]]:
    """Find and read the files; `UnsettledError` where somebody keeps writing."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        now = time.time_ns()
        inputs = look(fs, root, subject)
        late = time.monotonic() > deadline
        if late or not any(one is not None and is_young(one.ctime_ns, now) for one in inputs.seen.values()):
            contents = _read(fs, subject, inputs)
            if contents is not None and look(fs, root, subject) == inputs:
                return inputs, contents
            if late:
                raise UnsettledError("its files keep changing", where=subject.place.code, hint="save, then run again")
        time.sleep(GRAIN_NS / 1e9)


def _read(fs: FsOps, subject: Subject, inputs: Inputs) -> dict[RelPath, bytes] | None:
    """All files; None where one went away or grew meanwhile."""
    sizes = {file.path: file.size for file in inputs.files}
    requirements = RelPath(f"{subject.place.code}/{REQUIREMENTS}")
    if inputs.seen.get(requirements) is not None:
        sizes[requirements] = TEXT
    try:
        return {path: fs.read(path, at_most=size) for path, size in sizes.items()}
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.EFBIG and error.filename != requirements:
            return None
        raise unreadable(error) from error
