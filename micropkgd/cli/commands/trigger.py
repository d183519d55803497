"""`trigger`: ask the running service for passes."""

from types import SimpleNamespace as Namespace

from micropkgd.cli.machine import socket_of
from micropkgd.cli.paths import projects_at
from micropkgd.cli.say import say_json, say_words
from micropkgd.service.client import require_service


def trigger(options: Namespace) -> int:
    """Ask for passes."""
    service = require_service(socket_of(options))
    roots = projects_at(*(options.projects or ([] if options.all else ["."])))
    answer = service.post("/v1/trigger", {} if options.all else {"projects": roots})
    if options.json:
        say_json(options, {"projects": [{"project": root} for root in answer["projects"]]}, exit_code=0)
    else:
        say_words(f"asked for a pass of {root}" for root in answer["projects"])
    return 0
