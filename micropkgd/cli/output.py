"""Formats results: plain lines for people, a versioned document for programs. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from micropkgd.annotations import Final
from micropkgd.cli.lines import (
    NOTHING_WRITTEN,
    drifted_line,
    entries_line,
    plain,
    standing_line,
    unfetched_line,
    version_said,
)
from micropkgd.errors import MicropkgError
from micropkgd.model.condition import Failure
from micropkgd.model.outcome import EntryOutcome, Installed, Outcome, Verb
from micropkgd.model.plan import Change, ChangeKind
from micropkgd.model.tree import Digest, RelPath

JSON_SCHEMA = "micropkgd/1"

DONE: Final = {
    Verb.INSTALL: "installed",
    Verb.UPDATE: "updated",
    Verb.MOVE: "moved",
    Verb.REPAIR: "repaired",
    Verb.REMOVE: "removed",
    Verb.ADOPT: "adopted",
    Verb.NONE: "unchanged",
    Verb.HOLD: "held",
    Verb.FAIL: "failed",
    Verb.SUSPEND: "suspended",
}
_QUIET = {Verb.NONE, Verb.INSTALL, Verb.UPDATE, Verb.MOVE, Verb.REPAIR, Verb.REMOVE, Verb.ADOPT, Verb.SUSPEND}
COUNTED: Final = {
    ChangeKind.CREATE: "created",
    ChangeKind.UPDATE: "updated",
    ChangeKind.DELETE: "deleted",
    ChangeKind.MERGE: "merged",
    ChangeKind.ADOPT: "adopted",
    ChangeKind.RESTORE: "restored",
    ChangeKind.RELEASE: "left to you",
    ChangeKind.HOLD: "held",
}


def error_lines(error: MicropkgError) -> Iterator[str]:
    """An error for people: what and where, then what to do."""
    yield f"error: {plain(str(error))} [{Failure.of(error).code}]"
    if error.hint:
        yield f"hint: {plain(error.hint)}"


def outcome_lines(outcome: Outcome, *, verbose: bool = False, quiet: bool = False) -> Iterator[str]:
    """One line an entry, with what needs attention below it, and a line that counts."""
    if outcome.failure is not None:
        yield from failure_lines(outcome.failure)
        return
    called = _called(outcome.entries)
    for entry in outcome.entries:
        if quiet and entry.verb in _QUIET and not (entry.told or entry.unaccepted):
            continue
        yield plain(_entry_line(entry, applied=outcome.applied))
        yield from _detail_lines(entry, called.get(entry.ref, entry.ref), applied=outcome.applied, verbose=verbose)
    if verbose or not outcome.applied or not outcome.entries:
        yield from (f"  {_change_line(change)}" for change in outcome.shared)
    if outcome.requirements is not None:
        path, command = outcome.requirements
        changed = "changed" if outcome.applied else "would change"
        yield f"requirements in {plain(path)} {changed}: `{plain(command)}` installs them"
    if outcome.lock_holds and not quiet:
        yield f"the lock holds: {plain(outcome.lock_holds)}"
    if not quiet:
        yield _summary(outcome)


def _called(entries: Sequence[EntryOutcome]) -> Mapping[str, str]:
    """What the entries can be called, where a hint is to name one of them: most passes have none."""
    if not any(entry.unaccepted or (entry.plan is not None and entry.plan.held) for entry in entries):
        return {}
    from micropkgd.cli.hints import short_names

    return short_names([entry.key for entry in entries], {entry.ref: entry.name for entry in entries})


def failure_lines(failure: Failure, *, indent: str = "") -> Iterator[str]:
    """A failure for people."""
    yield f"{indent}error: {plain(failure.problem)}{f' [{failure.code}]' if failure.code else ''}"
    if failure.hint:
        yield f"{indent}hint: {plain(failure.hint)}"


def diff_lines(
    changes: Iterable[Change], before: Mapping[RelPath, bytes], contents: Mapping[Digest, bytes]
) -> Iterator[str]:
    """A unified diff of changes, `before` holding what stands there now."""
    from micropkgd.model import text_diff as unified

    return map(plain, unified.diff_lines(changes, before, contents))


def text_diff(path: RelPath, old: bytes | None, new: bytes | None) -> Iterator[str]:
    """A unified diff of one file; None where it is not there."""
    from micropkgd.model import text_diff as unified

    return map(plain, unified.text_diff(path, old, new))


def _entry_line(entry: EntryOutcome, *, applied: bool) -> str:
    word = (
        DONE[entry.verb]
        if applied or entry.verb in {Verb.NONE, Verb.HOLD, Verb.FAIL, Verb.SUSPEND}
        else f"would {entry.verb}"
    )
    line = standing_line(word, entry.ref, entry.target or "", _versions(entry))
    if entry.waiting is not None:
        return f"{line}  waiting: {_version(entry.waiting)}"
    if entry.moved_from:
        line = f"{line}  from {entry.moved_from}"
    counts = _counts(entry.plan.changes) if entry.plan and entry.plan.changes else ""
    return f"{line}  {counts}" if counts else line


def _versions(entry: EntryOutcome) -> str:
    """Which version and digest, from which to which."""
    before, after = entry.before, entry.after
    if after is None:
        return _version(before)
    if before is None or before == after:
        return _version(after)
    return f"{_version(before)} -> {_version(after)}"


def _version(installed: Installed | None) -> str:
    return version_said(*installed) if installed else ""


def _counts(changes: Sequence[Change]) -> str:
    counts = Counter(change.kind for change in changes)
    return ", ".join(f"{counts[kind]} {word}" for kind, word in COUNTED.items() if counts[kind])


def _detail_lines(entry: EntryOutcome, name: str, *, applied: bool, verbose: bool) -> Iterator[str]:
    if entry.failure is not None and entry.verb is not Verb.SUSPEND:
        yield from failure_lines(entry.failure, indent="  ")
        if entry.after is not None:
            since = f"; failing since {entry.failing_since}" if entry.failing_since else ""
            yield f"  kept: {_version(entry.after)} stays installed{since}"
    if entry.last_failure is not None:
        yield f"  not asked now; when it last was: {plain(entry.last_failure.problem)}"
    plan = entry.plan
    if plan is not None:
        named = {ChangeKind.HOLD, ChangeKind.MERGE, ChangeKind.RELEASE}
        shown = (
            plan.changes
            if verbose or not applied
            else [c for c in plan.changes if c.kind in named or c.way is not None]
        )
        yield from (f"  {_change_line(change)}" for change in shown)
        yield from (drifted_line(path, formatted=path in plan.formatted) for path in plan.drifted)
        yield from map(unfetched_line, plan.unfetched)
        if plan.held:
            yield from _question_lines(entry, name)
    if entry.unaccepted:
        yield from (plain(f"  edited   {path}  (beside what was accepted)") for path in entry.unaccepted)
        yield plain(f"  hint: micropkgd diff --edits {name} shows it, micropkgd accept {name} accepts it")
    yield from (f"  note: {plain(note)}" for note in entry.told)


def _question_lines(entry: EntryOutcome, name: str) -> Iterator[str]:
    """What collides, what was decided so far, and how to decide the rest."""
    question, version = entry.question, entry.waiting.version if entry.waiting is not None else "the new version"
    for path, ours, theirs, merged in question.collisions:
        where = f"; {question.folder}/merged/{path}:{merged.first}" if question.folder else ""
        yield plain(f"  collides {path}  ({ours} with {theirs} of {version}{where})")
    yield from (plain(f"  decided  {path}  ({choice})") for path, choice in question.decided.items())
    if entry.advice:
        yield f"  hint: {plain(entry.advice)}"
        return
    from micropkgd.cli.hints import choices

    laid = f"; the new version lies in {question.folder}/theirs" if question.folder else ""
    yield f"  hint: decide on all that is held, or name files behind {plain(name)}{laid}"
    waits = entry.waiting is not None
    yield from (f"    {plain(line)}" for line in choices(name, question.ways, question.folder, waits=waits))


def _change_line(change: Change) -> str:
    return plain(f"{change.kind:<8} {change.path}  ({change.reason})")


def _summary(outcome: Outcome) -> str:
    counts = Counter(entry.verb for entry in outcome.entries)
    words = [f"{counts[verb]} {DONE[verb]}" for verb in Verb if counts[verb]]
    mode = "" if outcome.applied else NOTHING_WRITTEN
    return entries_line(len(outcome.entries), ", ".join(words)) + mode
