"""`patch`: the edits of an entry as a patch for the repository where its module lives."""

import os
from contextlib import ExitStack
from types import SimpleNamespace as Namespace

from micropkgd.actions.entry_edits import ChosenPaths
from micropkgd.actions.git_patch import mail_of, patch_of
from micropkgd.actions.patch import EntryPatch, entry_patch
from micropkgd.cli.lines import plain
from micropkgd.cli.output import failure_lines
from micropkgd.cli.paths import one_project
from micropkgd.cli.reach import Reach
from micropkgd.cli.say import say_aside, say_json
from micropkgd.cli.streams import put_bytes
from micropkgd.errors import TreeError, UsageError
from micropkgd.machine.git_identity import GitIdentity, git_identity
from micropkgd.model.condition import Failure
from micropkgd.model.outcome_json import failure_document


def patch(options: Namespace) -> int:
    """Print the patch, or write it to a file; nothing else is written."""
    root = one_project(options.project)
    author = _author(root) if options.mail else None
    chosen = ChosenPaths(tuple(options.paths), tuple(options.exclude), root, os.getcwd())
    with ExitStack() as stack:
        fetcher = Reach(options, stack).fetcher
        found = entry_patch(root, options.ref, fetcher, chosen=chosen, as_archived=options.as_archived)
    if isinstance(found, Failure):
        if options.json:
            say_json(
                options, {"projects": [], "failure": failure_document(found)}, exit_code=found.exit_code
            )  # fmt: skip
        else:
            say_aside(failure_lines(found))
        return found.exit_code
    data = _written(root, found, author)
    if options.output and options.output != "-":
        _write(options.output, data)
    if options.json:
        in_document = data if not options.output else None
        say_json(options, {"projects": [_document(root, found, in_document)]}, exit_code=0)
        return 0
    say_aside(f"note: {plain(note)}" for note in _notes(found, options.ref))  # first, wherever both lead to one place
    if not options.output or options.output == "-":
        put_bytes(data)
    return 0


def _author(root: str) -> GitIdentity:
    author = git_identity(root, os.environ)
    if author is None:
        hint = "run `git config user.name` and `user.email`, or set GIT_AUTHOR_NAME and GIT_AUTHOR_EMAIL"
        raise UsageError("a mail says who made the edits, and nothing here does", hint=hint)
    return author


def _written(root: str, found: EntryPatch | None, author: GitIdentity | None) -> bytes:
    """The patch with its heading, or the mail; nothing where there are no edits."""
    if found is None or not found.changes:
        return b""
    data = patch_of(found.changes)
    heading = "".join(f"{plain(line)}\n" for line in _heading(found))
    if author is None:
        return f"{heading}\n".encode() + data
    subject = plain(f"{found.name}: edits made in {os.path.basename(root)}")
    return mail_of(data, subject, heading.removesuffix("\n"), author)


def _heading(found: EntryPatch) -> list[str]:
    lines = [f"Package: {found.name} {found.version}", f"Archive: {found.archive}", f"Pulled-To: {found.target}"]
    if found.origin is not None:
        lines.append(f"Origin: {found.origin.package}.{found.origin.module} {found.origin.repository}".rstrip())
    return lines


def _notes(found: EntryPatch | None, ref: str | None) -> list[str]:
    if found is None:
        return ["no entry has edits, so there is nothing to carry home"]
    notes = [] if found.changes else [f"`{ref or found.ref}` has no edits that could be carried home"]
    return [*notes, *found.notes]


def _write(path: str, data: bytes) -> None:
    try:
        with open(path, "wb") as stream:
            stream.write(data)
    except OSError as error:
        raise TreeError(f"the patch cannot be written: {(error.strerror or str(error)).lower()}", where=path) from error


def _document(root: str, found: EntryPatch | None, data: bytes | None) -> dict[str, object]:
    if found is None:
        return {"project": root, "ref": None, "files": [], "notes": [], "patch": ""}
    return {
        "project": root,
        "ref": found.ref,
        "name": found.name,
        "version": found.version,
        "archive": found.archive,
        "origin": None if found.origin is None else _origin(found),
        "files": [
            {"path": one.path, "change": "add" if one.before is None else "delete" if one.after is None else "edit"}
            for one in found.changes
        ],
        "notes": list(found.notes),
        "patch": _text(data),
    }


def _origin(found: EntryPatch) -> dict[str, object]:
    origin = found.origin
    return {} if origin is None else {"module": f"{origin.package}.{origin.module}", "repository": origin.repository}


def _text(data: bytes | None) -> str | None:
    """The patch, where it can stand in a document: a text, and not in a file of its own."""
    try:
        return None if data is None else data.decode()
    except UnicodeDecodeError:
        return None
