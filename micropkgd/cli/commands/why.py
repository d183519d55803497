"""`why PATH`: which entry, ref, digest, pass and trigger put this file here."""

import os
from collections.abc import Iterator
from types import SimpleNamespace as Namespace

from micropkgd.actions.why import Reason, reasons
from micropkgd.cli.lines import plain
from micropkgd.cli.paths import one_project
from micropkgd.cli.say import local, say_json, say_words
from micropkgd.errors import UsageError
from micropkgd.model.tree import Digest, short


def why(options: Namespace) -> int:
    """Say why a file is here."""
    root = one_project(options.project)
    path = os.path.relpath(
        os.path.join(os.path.realpath(os.path.dirname(os.path.abspath(options.path))), os.path.basename(options.path)),
        root,
    )
    found = reasons(root, path)
    if not found:
        raise UsageError(
            f"`{path}` is of no entry",
            hint="what several entries share is of none: the lock, the requirements, an `__init__.py` above them",
        )
    if options.json:
        say_json(
            options,
            {"projects": [{"project": root, "path": path, "reasons": [one.document() for one in found]}]},
            exit_code=0,
        )
    else:
        say_words(plain(line) for reason in found for line in _lines(reason))
    return 0


def _lines(reason: Reason) -> Iterator[str]:
    yield f"{reason.path}"
    yield f"  entry: {reason.entry} -> {reason.target}"
    yield f"  from:  {reason.version} ({short(Digest(reason.archive))})"
    if reason.pass_id:
        yield f"  pass:  {reason.pass_id}, {local(reason.time)}, {reason.action}, because of {reason.trigger}"
    else:
        yield "  pass:  not remembered on this machine"
    if reason.state:
        yield f"  now:   {reason.state}"
