"""`reconcile` without `--once`: the service. Every event of it becomes a log line."""

import gc
import os
import shlex
from contextlib import suppress
from types import SimpleNamespace as Namespace

from micropkgd.annotations import Final
from micropkgd.cli.logs import Logs
from micropkgd.cli.paths import in_workspaces
from micropkgd.errors import MicropkgError, ProjectBusyError
from micropkgd.machine.config import check_schedules, load
from micropkgd.machine.places import find_config, served_by
from micropkgd.machine.projects import project_around
from micropkgd.model.event import Event
from micropkgd.model.settings import LogFormat, Settings
from micropkgd.service.client import find_service
from micropkgd.service.conditions import is_weighty
from micropkgd.service.run import Machine, serve
from micropkgd.workspace.root import find_root, root_around

_ALLOCATIONS: Final = 50_000  # before garbage is looked for: fewer than in a command, which ends soon


def run_service(options: Namespace) -> int:
    """Serve until a signal ends it."""
    gc.set_threshold(_ALLOCATIONS)
    settings = load_settings(options)
    log = Logs(
        options.log_format or settings.log_format.value,
        level="debug" if options.verbose else "warning" if options.quiet else settings.log_level.value,
    )

    def say(event: Event) -> None:
        facts = {key: value for key, value in event.document().items() if value and key not in {"id", "time", "kind"}}
        write = log.warning if is_weighty(event.kind, event.message) else log.info
        write(event.kind, **facts)

    log.bring_in_others()
    try:
        what = served_by(options.config, settings.socket, os.environ)
        serve(Machine(what, lambda: load_settings(options), say))
    except ProjectBusyError as error:
        error.hint = _how_to_add(options, settings) or error.hint
        raise
    return 0


def _how_to_add(options: Namespace, settings: Settings) -> str:
    """What to do where a service runs already: one serves all projects of a user. Empty where nobody knows."""
    running = find_service(settings.socket)
    root = root_around(options.projects[0] if options.projects else ".")
    if running is None or root is None:
        return ""
    with suppress(MicropkgError):
        if running.serves(root):
            return "it serves this project: see `micropkgd status`"
        return f"`micropkgd service add {shlex.quote(root)}` lets it serve this project, too"
    return ""


def load_settings(options: Namespace) -> Settings:
    """The machine's config, as far as the command line does not say otherwise."""
    path = find_config(options.config, os.environ)
    settings = load(path, os.environ)
    check_schedules(settings, path)
    if options.projects:
        settings = settings._replace(only=tuple(in_workspaces(options.projects)))
    elif not settings.groups:
        settings = settings._replace(only=tuple(in_workspaces([find_root(".")])))
    elif (around := project_around(".")) is not None:
        settings = settings._replace(usual=settings.usual._replace(paths=(*settings.usual.paths, around)))
    if settings.log_format is LogFormat.CONSOLE and options.log_format:
        settings = settings._replace(log_format=LogFormat(options.log_format))
    return settings
