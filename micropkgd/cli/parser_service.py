"""The parsers of the commands for the service, the machine's config, and what all projects share."""

from collections.abc import Callable, Mapping

from micropkgd.annotations import TYPE_CHECKING, Final
from micropkgd.cli.arguments import (
    Definition,
    add_common,
    add_config,
    add_lock_timeout,
    add_project,
    add_projects,
    days,
)

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

    Actions = _SubParsersAction[ArgumentParser]


def _config(command: Definition) -> None:
    """`config check | show`."""
    actions = _actions(command, "config")
    action = _action(actions, "check", "read the config as the service would, and say what is wrong with it")
    add_config(action)
    action = _action(actions, "show", "print every setting that holds")
    action.add_argument("--origin", action="store_true", help="say of each where it comes from")
    add_config(action)


def _events(command: Definition) -> None:
    """`events`."""
    add_common(command)
    command.add_argument("-f", "--follow", action="store_true", help="go on with what happens from now on")
    command.add_argument("--since", type=int, default=0, metavar="ID", help="only events after this one")
    command.add_argument("--all", action="store_true", help="of every project that is served, and of the service")
    add_config(command)
    command.add_argument(
        "--project", default=".", metavar="FOLDER", help="the project (default: the one around this folder, else all)"
    )


def _why(command: Definition) -> None:
    """`why`."""
    add_common(command)
    command.add_argument("path", metavar="PATH", help="a file or folder of the project")
    add_project(command)


def _suspend(command: Definition) -> None:
    """`suspend` and `resume`."""
    add_common(command)
    command.add_argument(
        "names", nargs="*", metavar="ENTRY", help="entries: ref, target, name or module (default: all)"
    )
    add_lock_timeout(command)
    add_project(command)


def _trigger(command: Definition) -> None:
    """`trigger`."""
    add_common(command)
    command.add_argument("--all", action="store_true", help="every project that is served")
    add_config(command)
    add_projects(command)


def _ui(command: Definition) -> None:
    """`ui`."""
    add_common(command)
    command.add_argument("--print", action="store_true", help="print the address, and open no browser")
    add_config(command)


def _trust(command: Definition) -> None:
    """`trust`."""
    add_common(command)
    ways = command.add_mutually_exclusive_group()
    ways.add_argument("--list", action="store_true", dest="listed", help="print the folders that are trusted")
    ways.add_argument("--revoke", action="store_true", help="take trust back: the service acts there no more")
    ways.add_argument("--dry-run", action="store_true", help="say what would be trusted, and write nothing")
    add_config(command)
    command.add_argument(
        "folders", nargs="*", metavar="FOLDER", help="projects (default: the one around this folder)"
    )  # fmt: skip


def _token(command: Definition) -> None:
    """`token show | rotate`."""
    actions = _actions(command, "token")
    add_config(_action(actions, "show", "print the token that requests over HTTP must carry"))
    add_config(_action(actions, "rotate", "make a new token; the old one is refused from then on"))


def _cache(command: Definition) -> None:
    """`cache info | gc | verify`."""
    actions = _actions(command, "cache")
    _action(actions, "info", "say where the archives are, how many, and how large")
    action = _action(actions, "gc", "remove archives that nobody used for long, and what dead downloads left")
    action.add_argument("--older-than", type=days, default=90.0, metavar="DAYS", help="how long is long (default: 90)")
    _action(actions, "verify", "hash every archive, and remove and name those that are damaged")


def _unit(command: Definition) -> None:
    """`service install | uninstall | reload | add | remove`."""
    actions = _actions(command, "service")
    action = _action(actions, "install", "write a systemd unit for this user, and say how to start it")
    action.add_argument("--socket", action="store_true", help="write a socket unit too: the first request starts it")
    add_config(action)
    _add_unit_options(action)
    _add_unit_options(_action(actions, "uninstall", "remove the units of this user, and say how to stop them"))
    add_config(_action(actions, "reload", "let the running service read its config again; a bad one changes nothing"))
    for name, what in (
        ("add", "name projects in the machine's config, and let the running service read it again"),
        ("remove", "take projects out of the machine's config, and let the running service read it again"),
    ):
        action = _action(actions, name, what)
        action.add_argument("--dry-run", action="store_true", help="say what would be done, and write nothing")
        add_config(action)
        action.add_argument(
            "folders", nargs="*", metavar="FOLDER", help="projects (default: the one around this folder)"
        )


def _health(command: Definition) -> None:
    """`health`."""
    add_common(command)
    questions = command.add_mutually_exclusive_group()
    questions.add_argument(
        "--ready",
        action="store_const",
        const="ready",
        dest="probe",
        help="whether the projects that this depends on have what they ask for",
    )
    questions.add_argument(
        "--started",
        action="store_const",
        const="started",
        dest="probe",
        help="whether each project was looked at since the start",
    )
    command.set_defaults(probe="alive")
    add_config(command)


def _add_unit_options(action: Definition) -> None:
    action.add_argument("--dry-run", action="store_true", help="say what would be done, and write nothing")
    action.add_argument("--force", action="store_true", help="also where somebody has changed the unit")


def _actions(command: Definition, name: str) -> "Actions":
    actions: Actions = command.add_subparsers(dest="action", metavar="ACTION", required=True, prog=f"micropkgd {name}")
    return actions


def _action(actions: "Actions", name: str, what: str) -> "ArgumentParser":
    action = actions.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.")
    add_common(action)
    return action


ARGUMENTS: Final[Mapping[str, Callable[[Definition], None]]] = {
    "cache": _cache,
    "config": _config,
    "events": _events,
    "health": _health,
    "service": _unit,
    "suspend": _suspend,
    "token": _token,
    "trigger": _trigger,
    "trust": _trust,
    "ui": _ui,
    "why": _why,
}
"""What defines the arguments of a command, by the module below `commands` that carries it out."""
