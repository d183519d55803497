"""The words of `diff` about what holds an entry, for people and for programs. Pure."""

from collections.abc import Iterable, Iterator, Mapping

from micropkgd.cli.hints import choices
from micropkgd.cli.lines import plain, standing_line, version_said
from micropkgd.cli.output import diff_lines, text_diff
from micropkgd.model.collision import Collision
from micropkgd.model.outcome import EntryOutcome
from micropkgd.model.plan import Change
from micropkgd.model.tree import Digest, RelPath


def held_lines(
    entry: EntryOutcome, name: str, before: Mapping[RelPath, bytes], contents: Mapping[Digest, bytes]
) -> Iterator[str]:
    """That an entry is held, and the three things that say why, each under its name; then what can be done."""
    old = entry.before.version if entry.before is not None else "nothing"
    new = entry.waiting.version if entry.waiting is not None else "nothing"
    installed = version_said(*entry.before) if entry.before is not None else "not installed"
    waiting = f"  waiting: {version_said(*entry.waiting)}" if entry.waiting is not None else ""
    yield plain(standing_line("held", entry.ref, entry.target or "", f"{installed}{waiting}"))
    yield from (plain(f"  hold     {change.path}  ({change.reason})") for change in _held(entry))
    yield plain(f"changed upstream, from {old} to {new}:")
    yield from upstream_lines(entry, before, contents)
    yield plain(f"edited here, since {old}:")
    yield from edits_lines(entry)
    yield "collides:" if entry.question.collisions else "nothing collides line by line"
    for collision in entry.question.collisions:
        yield plain(f"  {collision.path}: {collision.ours} here, {collision.theirs} of {new}")
        yield from (plain(line) for line in hunk(entry, collision))
    if not entry.question.folder:
        yield plain(f"hint: no pass has held {new} yet: `micropkgd reconcile --once` does, and lays the texts beside")
    yield "hint: decide on all that is held, or name files behind " + plain(name)
    rows = choices(name, entry.question.ways, entry.question.folder, waits=entry.waiting is not None)
    yield from (f"  {plain(line)}" for line in rows if " diff " not in line)


def held_document(
    entry: EntryOutcome, before: Mapping[RelPath, bytes], contents: Mapping[Digest, bytes]
) -> dict[str, object]:
    """The same for programs."""
    return {
        "ref": entry.ref,
        "upstream": list(upstream_lines(entry, before, contents)),
        "edits": list(edits_lines(entry)),
        "hunks": [{"path": one.path, "lines": list(hunk(entry, one))} for one in entry.question.collisions],
    }


def upstream_lines(
    entry: EntryOutcome, before: Mapping[RelPath, bytes], contents: Mapping[Digest, bytes]
) -> Iterator[str]:
    """What the new version has otherwise than the installed one; of a merged file, what the merge brings."""
    texts = entry.question.texts
    held = {change.path for change in _held(entry)}
    for change in entry.plan.changes if entry.plan is not None else ():
        if change.path not in held:
            yield from diff_lines([change] if change.before != change.after else [], before, contents)
        elif change.path in texts:
            yield from text_diff(change.path, texts[change.path].base, texts[change.path].theirs)


def edits_lines(entry: EntryOutcome) -> Iterator[str]:
    """What was edited here, of the files of which the installed text is known."""
    for path, (base, ours, _) in sorted(entry.question.texts.items()):
        yield from text_diff(path, base, ours)


def hunk(entry: EntryOutcome, collision: Collision) -> Iterable[str]:
    """Both sides of one collision, and the base, between markers."""
    text = entry.question.merged.get(collision.path, b"")
    lines = text.decode(errors="backslashreplace").splitlines()
    return lines[collision.merged.first - 1 : collision.merged.last]


def _held(entry: EntryOutcome) -> tuple[Change, ...]:
    return entry.plan.held if entry.plan is not None else ()
