"""Shows what a pass would change, as texts: the files as they are now, beside what they would be."""

import os
from collections.abc import Iterable
from contextlib import suppress

from micropkgd.errors import TreeError
from micropkgd.model.collision import ThreeTexts
from micropkgd.model.outcome import EntryOutcome, Outcome
from micropkgd.model.plan import Change
from micropkgd.model.tree import RelPath
from micropkgd.workspace.reading import CONTENT, read_regular


def read_files(root: str, paths: Iterable[RelPath]) -> dict[RelPath, bytes]:
    """The bytes of files as they are now."""
    found = {}
    for path in paths:
        try:
            found[path] = read_regular(os.path.join(root, path), at_most=CONTENT)
        except OSError as error:
            raise TreeError.unreadable(error, path) from error
    return found


def changes_of(outcome: Outcome, only: str | None) -> list[Change]:
    """What a pass would change of one entry, or of all and of the files that they share."""
    changes = [
        change
        for entry in outcome.entries
        if entry.plan is not None and only in {None, entry.ref}
        for change in entry.plan.changes
        if change.before != change.after
    ]
    return changes + list(outcome.shared if only is None else ())


def with_texts_beside(root: str, entry: EntryOutcome) -> EntryOutcome:
    """A held entry whose texts this pass did not make, as its source was not asked, with those that lie beside."""
    question, plan = entry.question, entry.plan
    if question.texts or not question.is_laid or plan is None:
        return entry
    texts = {
        change.path: ThreeTexts(
            _read(root, f"{question.folder}/base/{change.path}"),
            _read(root, change.path),
            _read(root, f"{question.folder}/theirs/{change.path}"),
        )
        for change in plan.held
    }
    return entry._replace(question=question._replace(texts=texts))


def _read(root: str, path: str) -> bytes | None:
    with suppress(OSError):
        return read_regular(os.path.join(root, path), at_most=CONTENT)
    return None
