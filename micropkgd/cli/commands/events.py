"""`events`: what happened lately, as the running service saw it."""

from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from micropkgd.cli.lines import plain
from micropkgd.cli.machine import socket_of
from micropkgd.cli.say import say, say_json
from micropkgd.service.client import require_service
from micropkgd.workspace.root import find_root, root_around


def events(options: Namespace) -> int:
    """Say what happened."""
    service = require_service(socket_of(options))
    root = None if options.all else _project_of(options)
    if options.follow:
        with suppress(KeyboardInterrupt):  # the way to end it
            for event in service.follow(f"/v1/events?follow=1&since={options.since}"):
                _say_events(options, [event], root)
    else:
        found = service.get(f"/v1/events?since={options.since}")["events"]
        if options.json:
            rows = [event for event in found if root in {None, event["project"]}]
            say_json(options, {"projects": [], "events": rows}, exit_code=0)
        else:
            _say_events(options, found, root)
    return 0


def _project_of(options: Namespace) -> str | None:
    """The project whose events are meant; where nobody named one, and this folder is in none: all."""
    return root_around(".") if options.project == "." else find_root(options.project)


def _say_events(options: Namespace, found: Iterable[Mapping[str, Any]], root: str | None) -> None:
    import json

    wanted = (event for event in found if root in {None, event["project"]})
    say(json.dumps(event) if options.json else line for event in wanted for line in _lines(event, whose=root is None))


def _lines(event: Mapping[str, Any], *, whose: bool) -> Iterator[str]:
    project = f" {event['project']}" if whose and event["project"] else ""
    subject = f" {event['subject']}" if event["subject"] else ""
    trigger = f"  ({event['trigger']})" if event["trigger"] else ""
    yield plain(
        f"{event['id']:>5}  {event['time']}  {event['kind']:<16}{project}{subject}  {event['message']}{trigger}"
    )
    if event.get("hint"):
        yield plain(f"       hint: {event['hint']}")
