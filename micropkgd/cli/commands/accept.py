"""`accept`: a person's word that the edits in the tree are meant, written into the lock."""

from collections.abc import Iterator, Sequence
from types import SimpleNamespace as Namespace

from micropkgd.actions.accept import AcceptedEntry, accept_edits
from micropkgd.actions.naming import match_entry
from micropkgd.cli.lines import NOTHING_WRITTEN, plain
from micropkgd.cli.paths import ask_each, one_project, projects_at
from micropkgd.cli.say import say_each


def accept(options: Namespace) -> int:
    """Accept the edits of one entry, or of all."""
    applied = not options.dry_run
    roots = [one_project(options.project)] if options.ref else projects_at(options.project)
    only = match_entry(roots[0], options.ref) if options.ref else None
    found = ask_each(roots, lambda root: accept_edits(root, only, options.lock_timeout, apply=applied))
    return say_each(
        options,
        found,
        lambda entries: {"applied": applied, "entries": [entry.document() for entry in entries]},
        lambda entries: map(plain, _lines(entries, applied=applied)),
    )


def _lines(entries: Sequence[AcceptedEntry], *, applied: bool) -> Iterator[str]:
    for entry in entries:
        yield from (f"accepted  {path}" for path in entry.accepted)
        yield from (f"dropped   {path}  (not edited any more)" for path in entry.dropped)
        yield from (f"missing   {path}  (`keep-deleted` of its row lets it stay away)" for path in entry.missing)
    accepted, dropped = (sum(len(getattr(entry, what)) for entry in entries) for what in ("accepted", "dropped"))
    mode = "" if applied else NOTHING_WRITTEN
    yield f"{accepted} {'edit' if accepted == 1 else 'edits'} accepted, {dropped} dropped{mode}"
