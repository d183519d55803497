"""Turns a person's choice for a held entry into the pass that carries it out: the same for `resolve` and the service.

From the page a choice comes with what the person saw; on the command line that is what is there when the command
begins. Where it is no more, nothing is decided; and the pass looks again, so that an edit that is saved while it waits
for its turn is safe, too.
"""

import os
from collections.abc import Sequence

from micropkgd.actions.held_texts import HeldSight, held_sight
from micropkgd.actions.keep_deleted import held_deletions, keep_deleted
from micropkgd.actions.merge_work import save_merged
from micropkgd.actions.settle import HeldEntry, decide, found_of, held_entry, named_files
from micropkgd.actions.status import require_choice
from micropkgd.errors import StillHeldError
from micropkgd.model.choice import Conflict, Decision
from micropkgd.model.outcome import Outcome, Verb
from micropkgd.model.tree import RelPath
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.options import PassOptions
from micropkgd.workspace.transaction import kept


class Resolving(NamedTuple):
    """The wishes for the pass, and the deletions that were written down before it."""

    options: PassOptions
    paths: tuple[RelPath, ...]  # that were named
    gone: tuple[RelPath, ...] = ()


def resolving(
    root: str, ref: str, choice: Conflict, names: Sequence[str], lock_timeout: float, *, apply: bool
) -> Resolving:
    """What somebody decides from where they stand, of the files that they name, or of all."""
    require_choice(root, ref, choice)
    entry = held_entry(root, ref)
    paths = named_files(entry, names, root, os.getcwd())
    decision = decide(root, entry, choice, paths)
    if entry.hold is not None:
        decision = decision._replace(waiting=entry.hold.archive, seen=found_of(root, paths or entry.contested))
    return _prepared(root, entry, choice, paths, decision, lock_timeout, apply=apply)


def resolving_as_seen(
    root: str,
    ref: str,
    choice: Conflict,
    paths: Sequence[RelPath],
    seen: str,
    text: str | None,
    lock_timeout: float,
) -> Resolving:
    """What somebody decides on a page, who saw this; `text` is what they made of the one file that they name.

    `StillHeldError` where something else is there by now, or a merge cannot be taken yet.
    """
    sight = held_sight(root, ref)
    _check_seen(sight, paths, seen)
    require_choice(root, ref, choice)
    if text is not None:
        save_merged(root, sight.entry, paths[0], text, sight.merged[paths[0]], lock_timeout)
    # Each file by its name: what is not among those that were seen is not decided either.
    chosen = paths or _undecided(sight, choice)
    hold, decision = sight.entry.hold, decide(root, sight.entry, choice, chosen)
    if chosen:
        decision = decision._replace(seen={path: sight.found[path] for path in decision.paths})
    decision = decision._replace(waiting=hold.archive if hold is not None else None)
    return _prepared(root, sight.entry, choice, tuple(chosen), decision, lock_timeout, apply=True)


def changed_meanwhile(root: str, outcome: Outcome, wanted: Resolving) -> bool:
    """Whether something else waits, or an edit was saved, since it was decided on: nothing was done of it then."""
    ((ref, decision),) = wanted.options.choices.items()
    entry = next((one for one in outcome.entries if one.ref == ref), None)
    if entry is None or entry.failure is not None or decision.waiting is None:
        return False
    version = entry.waiting or entry.after
    if version is not None and version.archive != decision.waiting:
        return True
    return entry.verb is Verb.HOLD and found_of(root, list(decision.seen)) != decision.seen


def _check_seen(sight: HeldSight, paths: Sequence[RelPath], seen: str) -> None:
    """`StillHeldError` where somebody saw something else."""
    settled = not {file.path for file in sight.files}.issuperset(paths)
    if settled or sight.seen_of(paths) != seen:
        what = f"`{paths[0]}`" if len(paths) == 1 else f"`{sight.entry.ref}`"
        problem = f"{what} is not what you saw any more: a file, the waiting version or a decision changed since"
        raise StillHeldError(problem, hint="nothing was done; look at it again")


def _undecided(sight: HeldSight, choice: Conflict) -> tuple[RelPath, ...]:
    """What a word without names is about."""
    left = [file for file in sight.files if file.choice is None]
    if choice is Conflict.JOINED:
        left = [file for file in left if choice in file.choices]
    return tuple(file.path for file in left)


def _prepared(
    root: str,
    entry: HeldEntry,
    choice: Conflict,
    paths: tuple[RelPath, ...],
    decision: Decision,
    lock_timeout: float,
    *,
    apply: bool,
) -> Resolving:
    """The pass that carries a decision out, with the deletions and commits that go along with it."""
    before = kept.ids(root)
    gone = _kept_deletions(root, entry.ref, paths, lock_timeout, apply=apply) if choice is Conflict.KEEP else ()
    options = PassOptions(
        apply=apply,
        choices={entry.ref: decision},
        lock_timeout=lock_timeout,
        trigger=f"resolve {' '.join((entry.ref, *paths))} --{choice.value}",
        joins=tuple(kept.ids(root) - before),
    )
    return Resolving(options, paths, gone)


def _kept_deletions(
    root: str, ref: str, paths: Sequence[RelPath], lock_timeout: float, *, apply: bool
) -> tuple[RelPath, ...]:
    """Write it down where a file was deleted that the new version has: the next pass would restore it."""
    gone = tuple(path for path in held_deletions(root, ref) if not paths or path in paths)
    if gone and apply:
        keep_deleted(root, ref, gone, lock_timeout)
    return gone
