"""`export`: what was copied in, in the words of other programs; nothing of the project is changed."""

import os
from contextlib import ExitStack
from types import SimpleNamespace as Namespace

from micropkgd.actions.copied import CopiedCode, copied_code, with_archives
from micropkgd.annotations import Final
from micropkgd.cli.lines import plain
from micropkgd.cli.paths import one_project
from micropkgd.cli.reach import Reach
from micropkgd.cli.say import say_aside, say_json
from micropkgd.cli.streams import put_bytes
from micropkgd.errors import TreeError, UsageError, words_of
from micropkgd.machine.replaced import replace_file

_EPOCH: Final = "SOURCE_DATE_EPOCH"
_LATEST: Final = 253_402_300_799  # the last second of the year 9999
_HEADING: Final = b"# Written by `micropkgd export`"
_MARKS: Final = (b'"bomFormat": "CycloneDX"', b'"name": "micropkgd",')
_MARKED_WITHIN: Final = 1 << 24  # bytes


def export(options: Namespace) -> int:
    """Print the document, or put it where `--output` says."""
    code = copied_code(one_project(options.project))
    place = options.output if options.output != "-" else None
    if options.format == "pylock":
        from micropkgd import documents
        from micropkgd.actions.pylock import HEADING, pylock

        folder = os.path.dirname(os.path.abspath(place)) if place else code.root
        text = HEADING + documents.write_toml(pylock(code, os.path.realpath(folder)))
    else:
        from micropkgd.actions.cyclonedx import cyclonedx

        with ExitStack() as stack:
            code = with_archives(code, Reach(options, stack).fetcher)
        text = cyclonedx(code, _epoch())
    if place:
        _write(place, text.encode())
    if options.json:
        say_json(options, {"projects": [_document(code, options.format, place, text)]}, exit_code=0)
        return 0
    say_aside(f"note: {plain(note)}" for note in code.notes)
    if not place:
        put_bytes(text.encode())
    return 0


def _epoch() -> int | None:
    """The time that a build says it is made at (reproducible-builds.org); None where it says none."""
    text = os.environ.get(_EPOCH, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text[:20]) <= _LATEST):
        raise UsageError(f"{_EPOCH} is `{text}`, which is not a number of seconds")
    return int(text)


def _write(path: str, data: bytes) -> None:
    """Replace an earlier export, and nothing else."""
    whole = os.path.abspath(path)
    try:
        if os.path.lexists(whole) and not _is_export(whole):
            problem = "it is there, and `micropkgd export` did not write it, so it stays"
            raise UsageError(problem, where=path, hint="move it away, or name another file")
        os.stat(os.path.dirname(whole))  # a folder that is missing is a slip
        replace_file(whole, data)
    except OSError as error:
        raise TreeError(f"cannot be written: {words_of(error)}", where=path) from error


def _is_export(path: str) -> bool:
    if os.path.islink(path) or not os.path.isfile(path):
        return False
    with open(path, "rb") as stream:
        data = stream.read(_MARKED_WITHIN)
    return not data or data.startswith(_HEADING) or all(mark in data for mark in _MARKS)


def _document(code: CopiedCode, form: str, place: str | None, text: str) -> dict[str, object]:
    return {
        "project": code.root,
        "format": form,
        "output": place,
        "packages": [one.document() for one in code.packages],
        "notes": list(code.notes),
        "document": None if place else text,
    }
