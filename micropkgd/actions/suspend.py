"""Leave entries alone for a while, and look after them again: what `suspend` and `resume` do."""

from collections.abc import Sequence

from micropkgd.actions.naming import match_entry
from micropkgd.clock import utc
from micropkgd.errors import UsageError
from micropkgd.model.fields import nearest
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.suspension import WHOLE, Suspension, read_suspension, write_suspension
from micropkgd.workspace.process_lock import hold
from micropkgd.workspace.project import read_manifest


def suspend(root: str, names: Sequence[str], lock_timeout: float) -> Suspension:
    """Leave entries alone, or the whole project where none is named; what is left alone then."""
    found = frozenset(_match(root, name) for name in names)
    with hold(root, lock_timeout), FsOps(root) as fs:
        before = read_suspension(fs)
        times = {**dict.fromkeys(found or [WHOLE], utc()), **before.times}
        after = Suspension(before.whole or not names, before.names | found, times)
        write_suspension(fs, after)
    return after


def resume(root: str, names: Sequence[str], lock_timeout: float) -> Suspension:
    """Look after entries again, or after everything where none is named; what is still left alone."""
    found = frozenset(_match(root, name) for name in names)
    with hold(root, lock_timeout), FsOps(root) as fs:
        before = read_suspension(fs)
        if names and before.whole:
            raise UsageError(
                "the whole project is suspended", where=root, hint="run `micropkgd resume`, then suspend the rest"
            )
        times = {name: time for name, time in before.times.items() if name not in found}
        after = Suspension(names=before.names - found, times=times) if names else Suspension()
        write_suspension(fs, after)
    return after


def _match(root: str, text: str) -> str:
    """The ref or module that a text names."""
    modules = [entry.module for entry in read_manifest(root).packages]
    if text in modules:
        return text
    try:
        return match_entry(root, text)
    except UsageError as error:
        if near := nearest(text, modules):
            raise UsageError(error.problem, where=error.where, hint=f"did you mean `{near}`?") from error
        raise
