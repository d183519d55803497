"""`status`: how projects stand, asked of the running service, or read from what the last pass left."""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from types import SimpleNamespace as Namespace

from micropkgd.actions.settled_status import settled_status
from micropkgd.annotations import TYPE_CHECKING, Final
from micropkgd.cli.lines import plain
from micropkgd.cli.machine import service_of, settings_of, socket_of, tell_once
from micropkgd.cli.output_status import status_lines
from micropkgd.cli.paths import ask_each, projects_at
from micropkgd.cli.say import say, say_json, say_words
from micropkgd.cli.streams import put
from micropkgd.cli.terminal import columns, is_smart
from micropkgd.clock import utc
from micropkgd.errors import DocumentError, MicropkgError
from micropkgd.model.condition import Condition, Failure
from micropkgd.model.standing import failed
from micropkgd.model.status import EntryStatus, ProjectStatus, by_need, in_need, read_status

if TYPE_CHECKING:
    from micropkgd.service.client import Service

_LOOK_EVERY: Final = 1.0  # seconds
_WIPE: Final = "\x1b[H\x1b[2J\x1b[3J"  # what was shown before, off a terminal that can
_PATIENCE: Final = 1.5  # seconds for an answer that the last pass has left, too


def status(options: Namespace) -> int:
    """Say it once, or again whenever it changes; asks no source."""
    roots = [] if options.all else projects_at(options.project)
    options.headed = options.all or len(roots) > 1  # each project below its folder
    if options.watch:
        with suppress(KeyboardInterrupt):  # the way to end it
            _watch(options, roots)
    else:
        _say(options, _ask(options, roots))
    return 0


def _watch(options: Namespace, roots: Sequence[str]) -> None:
    shown: object = None
    while True:
        projects = _ask(options, roots)
        seen = [project.document() for project in projects] if options.json else list(_lines(options, projects))
        if seen != shown:
            if is_smart(sys.stdout) and not options.json:
                put(_WIPE)
            elif shown is not None and not options.json:
                say(["", time.strftime("-- %H:%M:%S")])
            _say(options, projects)
            shown = seen
        time.sleep(_LOOK_EVERY)


def _ask(options: Namespace, roots: Sequence[str]) -> Sequence[ProjectStatus]:
    """The projects that are meant, what needs somebody first; with `--quiet` that alone."""
    found = by_need(_found(options, roots))
    return [one for one in map(in_need, found) if one is not None] if options.quiet else found


def _found(options: Namespace, roots: Sequence[str]) -> Sequence[ProjectStatus]:
    """One of several that cannot be read stands so, as the service would say it."""
    if options.all:
        return _ask_for_all(options)
    service = service_of(options)
    found = ask_each(roots, lambda root: _of_one(options, service, root))
    return [ProjectStatus(root, failed(one, "")) if isinstance(one, Failure) else one for root, one in found]


def _of_one(options: Namespace, service: "Service | None", root: str) -> ProjectStatus:
    served = _served(service, root) if service is not None else None
    return _as_seen(served) if served is not None else _by_memory(options, root)


def _served(service: "Service", root: str) -> ProjectStatus | None:
    """What the service says; None where it does not serve the project, or hangs."""
    from micropkgd.service.client import ServiceError

    try:
        row = service.project(root, timeout=_PATIENCE)
    except ServiceError as error:
        tell_once(f"note: {error}; this is what the last pass left\n")
        return None
    return None if row is None else read_status(row)


def _by_memory(options: Namespace, root: str) -> ProjectStatus:
    """How a project stands that no service looks after. The config is read only where a source does not answer."""
    settled = settled_status(root)
    if settled is not None:
        return settled
    from micropkgd.actions.status import project_status

    status = project_status(root)
    if all(standing.state != Condition.RETRYING.value for standing in status.standings):
        return status
    from micropkgd.model.settings import Settings

    settings: Settings | None = None
    with suppress(DocumentError):  # told already, by who looked for the service
        settings = settings_of(options)
    return project_status(root, utc(time.time() - (settings or Settings()).max_staleness))


def _as_seen(served: ProjectStatus) -> ProjectStatus:
    """What the service says, with what it does not look at.

    Local edits are those of now, for a save of what was pulled makes no pass due. Of a project that the service leaves
    alone it knows no entries.
    """
    from micropkgd.actions.status import project_status

    try:
        found = settled_status(served.root) or project_status(served.root)
    except MicropkgError:  # the service has said of the project what is wrong with it
        return served
    if served.standing.state == Condition.UNTRUSTED.value:
        return found._replace(standing=served.standing)
    seen = {(entry.ref, entry.target): entry for entry in found.entries}
    return served._replace(entries=tuple(_now(one, seen.get((one.ref, one.target), one)) for one in served.entries))


def _now(served: EntryStatus, found: EntryStatus) -> EntryStatus:
    now = served.in_tree(found.drifted, found.missing, found.formatted, found.left_out, found.unfetched)
    same = served.standing.reason == found.standing.reason  # else a pass has come between
    return now._replace(choices=found.choices, beside=found.beside) if same else now


def _ask_for_all(options: Namespace) -> Sequence[ProjectStatus]:
    """Only the service knows all projects."""
    from micropkgd.service.client import require_service

    service = require_service(socket_of(options))
    return [read_status(row) for row in service.projects()]


def _say(options: Namespace, projects: Sequence[ProjectStatus]) -> None:
    if options.json:
        say_json(options, {"projects": [project.document() for project in projects]}, exit_code=0)
    else:
        say_words(_lines(options, projects))


def _lines(options: Namespace, projects: Sequence[ProjectStatus]) -> Iterator[str]:
    width = columns(sys.stdout)
    if width is not None:
        from micropkgd.cli.status_table import all_lines, table_lines

        now = time.time()
        if options.headed:
            yield from map(
                plain, all_lines(projects, width, now, home=os.path.expanduser("~"), verbose=options.verbose)
            )
            return
        for project in projects:
            yield from map(plain, table_lines(project, width, now, verbose=options.verbose))
        return
    for project in projects:
        if options.headed:
            yield plain(_heading(project))
        yield from (plain(f"  {line}" if options.headed else line) for line in status_lines(project))


def _heading(project: ProjectStatus) -> str:
    last = project.last_pass
    when = f"  last pass {last.ended}, {last.trigger}" if last is not None else ""
    running = f"  (a pass is under way since {project.running_since})" if project.running else ""
    return f"{project.standing.state:<9} {project.root}{when}{running}"
