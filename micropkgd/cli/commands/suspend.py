"""`suspend` and `resume`: leave entries alone for a while."""

from types import SimpleNamespace as Namespace

from micropkgd.actions import suspend as suspending
from micropkgd.cli.machine import tell_service
from micropkgd.cli.say import say_json, say_words
from micropkgd.workspace.memory.suspension import Suspension
from micropkgd.workspace.root import find_root


def suspend(options: Namespace) -> int:
    """Leave entries alone, or all of them."""
    root = find_root(options.project)
    after = suspending.suspend(root, options.names, options.lock_timeout)
    tell_service(options, root)
    return _say(options, root, after)


def resume(options: Namespace) -> int:
    """Look after entries again, or after all of them."""
    root = find_root(options.project)
    after = suspending.resume(root, options.names, options.lock_timeout)
    tell_service(options, root)
    return _say(options, root, after)


def _say(options: Namespace, root: str, suspension: Suspension) -> int:
    names = sorted(suspension.names)
    if options.json:
        row = {"project": root, "suspended": {"whole": suspension.whole, "names": names}}
        say_json(options, {"projects": [row]}, exit_code=0)
    elif suspension.whole:
        say_words(["suspended: every entry; `micropkgd resume` looks after them again"])
    elif names:
        say_words([f"suspended: {', '.join(names)}"])
    else:
        say_words(["nothing is suspended"])
    return 0
