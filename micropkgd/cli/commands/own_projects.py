"""`service add` and `service remove`: which projects the machine's config names, and the running service told of it."""

import os
import shlex
from types import SimpleNamespace as Namespace

from micropkgd.cli.lines import plain
from micropkgd.cli.machine import service_of
from micropkgd.cli.paths import in_workspaces, projects_at
from micropkgd.cli.say import say_json, say_words
from micropkgd.machine.own_projects import add_project, remove_project
from micropkgd.machine.places import find_config, usual_places
from micropkgd.workspace.root import root_around


def change_projects(options: Namespace) -> int:
    """Put projects into the config or take them out, and let the running service read it again."""
    config = find_config(options.config, os.environ) or usual_places(os.environ)[0]
    adds, changes = options.action == "add", {}
    for root in _roots(options.folders or ["."], adds=adds):
        if adds:
            changes[root] = "added" if add_project(config, root, dry_run=options.dry_run) else "named already"
        else:
            remove_project(config, root, dry_run=options.dry_run)
            changes[root] = "removed"
    served = {} if options.dry_run else _served(options, [*changes])
    if options.json:
        rows = [{"project": root, "change": what, "served": served.get(root)} for root, what in changes.items()]
        say_json(options, {"config": config, "projects": rows}, exit_code=0)
        return 0
    would = "would be " if options.dry_run else ""
    said = (f"{would if what != 'named already' else ''}{what}: {root} ({config})" for root, what in changes.items())
    say_words(map(plain, said))
    how = (line for root in changes for line in _how_it_is_served(options, root, served, config))
    say_words(map(plain, dict.fromkeys(how)))  # once what is so of all
    return 0


def _roots(folders: list[str], *, adds: bool) -> list[str]:
    """The projects that are meant; one that is to be taken out need not be there any more."""
    if adds:
        return projects_at(*folders)
    return [root_around(folder) or os.path.realpath(folder) for folder in in_workspaces(folders)]


def _served(options: Namespace, roots: list[str]) -> dict[str, bool]:
    """Whether the running service serves each project, once it has read its config again; nothing where none runs."""
    service = service_of(options)
    if service is None:
        return {}
    service.reload()
    return {root: service.serves(root) for root in roots}


def _how_it_is_served(options: Namespace, root: str, served: dict[str, bool], config: str) -> list[str]:
    if options.dry_run:
        return []
    if not served:
        return ["no service runs: `micropkgd reconcile` starts one, `micropkgd service install` for good"]
    if options.action == "add":
        no = f"the running service does not serve it: it reads another config than {shlex.quote(config)}"
        return ["the running service serves it now" if served[root] else no]
    return ["the running service serves it still: a wildcard or another config names it"] if served[root] else []
