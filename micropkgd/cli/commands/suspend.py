"""`suspend` and `resume`: leave entries alone for a while."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace as Namespace

from micropkgd.actions import suspend as suspending
from micropkgd.cli.machine import tell_service
from micropkgd.cli.paths import ask_each, one_project, projects_at
from micropkgd.cli.say import say_each
from micropkgd.workspace.memory.suspension import Suspension


def suspend(options: Namespace) -> int:
    """Leave entries alone, or all of them."""
    return _change(options, suspending.suspend)


def resume(options: Namespace) -> int:
    """Look after entries again, or after all of them."""
    return _change(options, suspending.resume)


def _change(options: Namespace, change: Callable[[str, Sequence[str], float], Suspension]) -> int:
    def changed(root: str) -> Suspension:
        after = change(root, options.names, options.lock_timeout)
        tell_service(options, root)
        return after

    roots = [one_project(options.project)] if options.names else projects_at(options.project)
    return say_each(options, ask_each(roots, changed), _document, _lines)


def _document(suspension: Suspension) -> dict[str, object]:
    return {"suspended": {"whole": suspension.whole, "names": sorted(suspension.names)}}


def _lines(suspension: Suspension) -> list[str]:
    if suspension.whole:
        return ["suspended: every entry; `micropkgd resume` looks after them again"]
    names = ", ".join(sorted(suspension.names))
    return [f"suspended: {names}" if names else "nothing is suspended"]
