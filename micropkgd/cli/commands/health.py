"""`health`: one question to the running service, for what keeps containers running. It imports next to nothing."""

import os
from collections.abc import Mapping
from types import SimpleNamespace as Namespace

from micropkgd.annotations import Any, Final
from micropkgd.cli.streams import aside, put
from micropkgd.errors import MicropkgError
from micropkgd.model.variables import SOCKET

_PROBES: Final = {"alive": "/livez", "ready": "/readyz", "started": "/startupz"}


def health(options: Namespace) -> int:
    """Ask, and say the answer by the exit code: 0 for yes, 1 for no and for no answer."""
    from micropkgd.cli.machine import socket_of
    from micropkgd.service.client import require_service

    try:
        chosen = os.environ.get(SOCKET) or socket_of(options)  # the variable spares reading the config
        answer = require_service(chosen).get(_PROBES[options.probe])
        problem = "" if answer.get("ok") is True else f"the service is not {options.probe}{_why(answer)}"
    except MicropkgError as error:
        answer, problem = {"ok": False}, str(error)
    if options.json:
        from micropkgd.cli.say import say_json

        say_json(options, {**answer, "problem": problem, "projects": []}, exit_code=int(bool(problem)))
    elif problem or not options.quiet:
        (aside if problem else put)(f"{problem or options.probe}\n")
    return int(bool(problem))


def _why(answer: Mapping[str, Any]) -> str:
    """What it waits for, as far as it says that."""
    if "looked_at" in answer:
        return f": {answer['looked_at']} of {answer['projects']} projects looked at"
    rows = [
        f"{row['state']} ({row['reason']}) {', '.join(row.get('names', ()))}" for row in answer.get("waits_for", ())
    ]
    return f": {'; '.join(row.strip() for row in rows)}" if rows else ""
