"""A look at a project between the writes of others: what was seen while a commit was made is looked at again.

A look holds nothing, so that no pass ever waits for it. A commit shows itself by its journal while it is made, and by
what it keeps afterwards.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress

from micropkgd.annotations import TypeVar
from micropkgd.errors import MicropkgError
from micropkgd.workspace.process_lock import is_held
from micropkgd.workspace.transaction.journal import JOURNAL
from micropkgd.workspace.transaction.kept import KEPT

_PAUSE = 0.02  # seconds between two looks whether a commit has ended

T = TypeVar("T")


def undisturbed(root: str, patience: float, look: Callable[[], T]) -> T:
    """What a look came to that no commit fell into; after `patience` seconds, what the last one came to."""
    deadline = time.monotonic() + patience
    while True:
        before = _settled_writes(root, deadline)
        try:
            seen = look()
        except MicropkgError:
            if _writes(root) == before or time.monotonic() >= deadline:
                raise
            continue
        if _writes(root) == before or time.monotonic() >= deadline:
            return seen


def _settled_writes(root: str, deadline: float) -> tuple[bool, frozenset[str]]:
    """What was written until now, once nobody is in the middle of it; who was killed there has left his journal."""
    while (writes := _writes(root))[0] and time.monotonic() < deadline and is_held(root):
        time.sleep(_PAUSE)
    return writes


def _writes(root: str) -> tuple[bool, frozenset[str]]:
    """Whether a commit has been begun, and the names of those that ended."""
    names: list[str] = []
    with suppress(OSError):
        names = os.listdir(os.path.join(root, KEPT))
    return os.path.lexists(os.path.join(root, JOURNAL)), frozenset(names)
