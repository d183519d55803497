"""`events`: what happened lately, as the running service tells it, or as the last one left it."""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from types import SimpleNamespace as Namespace

from micropkgd.annotations import Any, Final
from micropkgd.cli.lines import plain
from micropkgd.cli.machine import settings_of, socket_of, tell_once
from micropkgd.cli.paths import projects_at
from micropkgd.cli.say import local, say, say_json, say_words
from micropkgd.errors import DocumentError, UsageError
from micropkgd.machine.memory.event_log import read_events
from micropkgd.machine.places import memory_place, served_by
from micropkgd.service.client import ServiceError, require_service
from micropkgd.service.conditions import is_weighty
from micropkgd.workspace.root import root_around

_PATIENCE: Final = 2.0  # seconds for an answer that the disk has, too
_LOOK_EVERY: Final = 0.5  # seconds

Row = Mapping[str, Any]


def events(options: Namespace) -> int:
    """Say what happened."""
    roots = None if options.all else _projects_of(options)
    whose = roots is None or len(roots) > 1
    if options.follow:
        with suppress(KeyboardInterrupt):  # the way to end it
            for event in _as_they_come(options):
                _say_events(options, _wanted(options, [event], roots), whose=whose)
        return 0
    found = _wanted(options, _ask(options), roots)
    if options.json:
        say_json(options, {"projects": [], "events": list(found)}, exit_code=0)
    else:
        _say_events(options, found, whose=whose)
    return 0


def _ask(options: Namespace) -> Iterable[Row]:
    """The events that the service tells; where none does, those that are kept."""
    try:
        rows: Iterable[Row] = require_service(socket_of(options)).get(_target(options), _PATIENCE)["events"]
    except (ServiceError, UsageError) as error:
        rows = _kept(options, error)
    return rows


def _as_they_come(options: Namespace) -> Iterator[Row]:
    """The same, and what happens from now on: where no service runs, as soon as one does."""
    try:
        service = require_service(socket_of(options))
    except (ServiceError, UsageError) as error:
        rows = _kept(options, error)
    else:
        yield from service.follow(f"{_target(options)}&follow=1")
        return
    last = options.since
    while True:
        for row in rows:
            last = row["id"]
            yield row
        time.sleep(_LOOK_EVERY)
        rows = _read(_place(options), last)


def _target(options: Namespace) -> str:
    return f"/v1/events?since={options.since}"


def _kept(options: Namespace, error: ServiceError | UsageError) -> list[Row]:
    """What a service left on this machine; where none ever ran here, that none answers is all there is to say."""
    place = _place(options)
    if not read_events(place):
        raise error
    tell_once(f"note: {error}; this is what is kept on this machine\n")
    return _read(place, options.since)


def _read(place: str, since: int) -> list[Row]:
    return [event.document() for event in read_events(place) if event.id > since]


def _place(options: Namespace) -> str:
    settings = None
    with suppress(DocumentError):  # told already, by who looked for the service
        settings = settings_of(options)
    return memory_place(served_by(options.config, settings.socket if settings else None, os.environ), os.environ)


def _projects_of(options: Namespace) -> frozenset[str] | None:
    """The projects whose events are meant; where nobody named one, and this folder is in none: all."""
    if options.project == "." and root_around(".") is None:
        return None
    return frozenset(projects_at(options.project))


def _wanted(options: Namespace, found: Iterable[Row], roots: frozenset[str] | None) -> Iterator[Row]:
    """Those of the project that is meant; with `--quiet` what needs somebody alone."""
    for row in found:
        if (roots is None or row["project"] in roots) and (
            not options.quiet or is_weighty(row["kind"], row["message"])
        ):
            yield row


def _say_events(options: Namespace, found: Iterable[Row], *, whose: bool) -> None:
    if options.json:
        import json

        say(map(json.dumps, found))
        return
    say_words(line for event in found for line in _lines(event, whose=whose))


def _lines(event: Row, *, whose: bool) -> Iterator[str]:
    project = f" {event['project']}" if whose and event["project"] else ""
    subject = f" {event['subject']}" if event["subject"] else ""
    trigger = f"  ({event['trigger']})" if event["trigger"] else ""
    when = local(event["time"])
    yield plain(f"{event['id']:>5}  {when}  {event['kind']:<16}{project}{subject}  {event['message']}{trigger}")
    if event.get("hint"):
        yield plain(f"       hint: {event['hint']}")
