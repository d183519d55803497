"""`accept`: a person's word that the edits in the tree are meant, written into the lock."""

from collections.abc import Iterator, Sequence
from types import SimpleNamespace as Namespace

from micropkgd.actions.accept import AcceptedEntry, accept_edits
from micropkgd.actions.naming import match_entry
from micropkgd.cli.lines import NOTHING_WRITTEN, plain
from micropkgd.cli.say import say_json, say_words
from micropkgd.workspace.root import find_root


def accept(options: Namespace) -> int:
    """Accept the edits of one entry, or of all."""
    root = find_root(options.project)
    only = match_entry(root, options.ref) if options.ref else None
    entries = accept_edits(root, only, options.lock_timeout, apply=not options.dry_run)
    if options.json:
        rows = [entry.document() for entry in entries]
        document = {"project": root, "applied": not options.dry_run, "entries": rows}
        say_json(options, {"projects": [document]}, exit_code=0)
    else:
        say_words(plain(line) for line in _lines(entries, applied=not options.dry_run))
    return 0


def _lines(entries: Sequence[AcceptedEntry], *, applied: bool) -> Iterator[str]:
    for entry in entries:
        yield from (f"accepted  {path}" for path in entry.accepted)
        yield from (f"dropped   {path}  (not edited any more)" for path in entry.dropped)
        yield from (f"missing   {path}  (`keep-deleted` of its row lets it stay away)" for path in entry.missing)
    accepted, dropped = (sum(len(getattr(entry, what)) for entry in entries) for what in ("accepted", "dropped"))
    mode = "" if applied else NOTHING_WRITTEN
    yield f"{accepted} {'edit' if accepted == 1 else 'edits'} accepted, {dropped} dropped{mode}"
