"""`service`: the units of this user (they say what they do, and start nothing), its config, and the projects in it."""

import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from types import SimpleNamespace as Namespace

from micropkgd.cli.lines import plain
from micropkgd.cli.machine import socket_of
from micropkgd.cli.say import say_json, say_words
from micropkgd.errors import UsageError
from micropkgd.machine import systemd_units as units
from micropkgd.machine.places import find_config, usual_places
from micropkgd.machine.systemd_units import SERVICE, SOCKET, UnitStep

_DONE = {"write": "wrote", "keep": "is already", "remove": "removed"}
_WOULD = {"write": "would write", "keep": "is already", "remove": "would remove"}


def service(options: Namespace) -> int:
    """Put the units in place, or take them away; or the same with projects."""
    if options.action in {"add", "remove"}:
        from micropkgd.cli.commands.own_projects import change_projects

        return change_projects(options)
    if options.action == "reload":
        return _reload(options)
    if not sys.platform.startswith("linux"):
        hint = "start `micropkgd reconcile` by what this system has for that, like launchd.plist(5)"
        raise UsageError("the units are for systemd, which this system does not have", hint=hint)
    folder = units.unit_folder(os.environ)
    if options.action == "install":
        steps = units.install(folder, _texts(options), force=options.force, dry_run=options.dry_run)
        commands = _to_start(socket=options.socket)
    else:
        steps = units.uninstall(folder, force=options.force, dry_run=options.dry_run)
        commands = _to_end(steps)
    if options.json:
        rows = [step._asdict() for step in steps]
        say_json(options, {"steps": rows, "commands": [row for row, _ in commands], "projects": []}, exit_code=0)
    else:
        say_words(_lines(options, steps, commands))
    return 0


def _reload(options: Namespace) -> int:
    """Let the running service read its config again."""
    from micropkgd.service.client import require_service

    require_service(socket_of(options)).reload()
    if options.json:
        say_json(options, {"projects": []}, exit_code=0)
    else:
        say_words(["the service has read its config again"])
    return 0


def _texts(options: Namespace) -> dict[str, str]:
    config = ["--config", os.path.abspath(os.path.expanduser(options.config))] if options.config else []
    words = [*units.program_words(sys.argv[0]), "reconcile", *config]
    names = (SERVICE, SOCKET) if options.socket else (SERVICE,)
    return {name: units.unit_text(name, words) for name in names}


def _to_start(*, socket: bool) -> list[tuple[str, str]]:
    enabled = f"{SOCKET} {SERVICE}" if socket else SERVICE
    return [
        ("systemctl --user daemon-reload", "let systemd read it"),
        (f"systemctl --user enable --now {enabled}", "start it, now and at every login"),
        ("loginctl enable-linger", "let it run while you are not logged in, if you wish"),
    ]


def _to_end(steps: Sequence[UnitStep]) -> list[tuple[str, str]]:
    """A unit whose file is gone can still be stopped."""
    gone = [os.path.basename(step.path) for step in steps]
    names = [name for name in (SOCKET, SERVICE) if name in gone]
    if not names:
        return []
    return [
        (f"systemctl --user stop {' '.join(names)}", "stop what runs"),
        ("systemctl --user daemon-reload", "let systemd forget it"),
    ]


def _lines(options: Namespace, steps: Sequence[UnitStep], commands: Sequence[tuple[str, str]]) -> Iterator[str]:
    words = _WOULD if options.dry_run else _DONE
    if not steps:
        yield "nothing is installed"
    for step in steps:
        path = plain(shlex.quote(step.path))
        yield f"{path} {words['keep']} as it should be" if step.what == "keep" else f"{words[step.what]} {path}"
    if options.action == "install" and find_config(options.config, os.environ) is None:
        yield f"there is no config yet: name your projects in {plain(usual_places(os.environ)[0])} first"
    if commands:
        yield "micropkgd runs no systemctl itself; what is left to do:"
    for command, why in commands:
        yield f"  {command:<60}  # {why}"
