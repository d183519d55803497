"""Applies the machine's config, and the running service, to a command.

Rule: where nobody said anything and nobody listens, which is the usual case, next to nothing is imported to find out.
"""

import os
from functools import cache
from types import SimpleNamespace as Namespace

from micropkgd.annotations import TYPE_CHECKING
from micropkgd.errors import DocumentError
from micropkgd.machine.places import find_config, is_silent, socket_path
from micropkgd.model.outcome import Outcome
from micropkgd.model.variables import SOCKET

if TYPE_CHECKING:
    from micropkgd.cli.logs import Logs
    from micropkgd.model.settings import Settings
    from micropkgd.reconcile.commit.preview import Check
    from micropkgd.reconcile.options import PassOptions
    from micropkgd.service.client import Service


def settings_of(options: Namespace) -> "Settings | None":
    """The machine's config; None where neither a file nor a variable says anything."""
    named = getattr(options, "config", None)
    if is_silent(named, os.environ):
        return None
    from micropkgd.machine.config import load

    return load(find_config(named, os.environ), os.environ)


def socket_of(options: Namespace) -> str | None:
    """Where the config says that the service is asked; None for the usual place.

    A config that has become wrong since the service read it keeps nobody from asking: that is told beside the answer.
    """
    try:
        settings = settings_of(options)
    except DocumentError as error:
        chosen = os.environ.get(SOCKET)
        if not os.path.exists(socket_path(chosen, os.environ)):
            raise
        from micropkgd.cli.output import error_lines

        tell_once("".join(f"{line}\n" for line in error_lines(error)))
        return chosen
    return settings.socket if settings is not None else None


@cache
def tell_once(text: str) -> None:
    """Tell something on stderr that holds for as long as the command runs."""
    from micropkgd.cli.say import say_aside

    say_aside(text.splitlines())


def service_of(options: Namespace) -> "Service | None":
    """The running service of this user, if there is one."""
    chosen = socket_of(options)
    if not os.path.exists(socket_path(chosen, os.environ)):
        return None
    from micropkgd.service.client import find_service

    return find_service(chosen)


def pass_by_service(options: Namespace, root: str, wanted: "PassOptions") -> Outcome | None:
    """What came of a pass if the running service serves this project: one process works on it at a time."""
    from micropkgd.reconcile.options import TRAVELLING, PassOptions

    asked = {wish: getattr(wanted, wish) for wish in TRAVELLING}
    if not wanted.apply or wanted._replace(trigger=PassOptions().trigger, joins=()) != PassOptions(
        lock_timeout=wanted.lock_timeout, **asked
    ):
        return None
    service = service_of(options)
    if service is None or not service.serves(root):
        return None
    return service.reconcile(root, asked)


def tell_service(options: Namespace, root: str, *, newly: bool = False) -> None:
    """Let the service, if it serves this project or is to do so `newly`, look at it now."""
    service = service_of(options)
    if service is not None and (service.serves(root) or (newly and service.knows(root))):
        service.post("/v1/trigger", {"projects": [root]})


def check_of(options: Namespace, logs: "Logs") -> "Check | None":
    """What may object to a commit before it is made: the hook `before-commit`, where the config has one."""
    settings = settings_of(options)
    if settings is None or not settings.hooks.before_commit:
        return None
    from micropkgd.service.hooks.gate import check_by_hand

    return check_by_hand(settings.hooks, lambda hook, ended: logs.warning("hook ended", hook=hook, how=str(ended)))
