"""The outcome of passes as Markdown, for the body of a pull request or the summary of a CI job. Pure.

What others wrote (refs, notes, change logs) stands in code spans and fences, so that nothing in it is a mention, a link
or markup of theirs.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from micropkgd.annotations import Final
from micropkgd.cli.lines import plain
from micropkgd.cli.output import COUNTED, DONE
from micropkgd.model.outcome import EntryOutcome, Installed, Outcome, Verb
from micropkgd.model.tree import Digest, short

_CHANGE_LOG: Final = re.compile(
    r"(?:change(?:s|log)|history|news|release[-_]?notes)(?:\.(?:md|rst|txt))?", re.IGNORECASE
)
_HEADING: Final = re.compile(r"(?:#{1,4}\s+|\S)")
_LONGEST_LOG: Final = 60  # lines


def summary_lines(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """One section a project."""
    for outcome in outcomes:
        heading = f" of {_code(outcome.root)}" if len(outcomes) > 1 else ""
        yield f"## Micro-packages{heading}"
        yield ""
        yield from _project(outcome)


def _project(outcome: Outcome) -> Iterator[str]:
    if outcome.failure is not None:
        yield f"**Not looked at**: {_code(outcome.failure.problem)}"
        yield ""
        return
    entries = [entry for entry in outcome.entries if entry.verb is not Verb.NONE]
    verbs = Counter(entry.verb for entry in entries)
    said = ", ".join(f"{count} {_word(verb, applied=outcome.applied)}" for verb, count in verbs.items())
    yield f"{said}." if said else f"Nothing changed: {len(outcome.entries)} in sync."
    yield ""
    if entries:
        yield from ("| entry | | from | to | files |", "|---|---|---|---|---|")
        yield from (_row(entry, applied=outcome.applied) for entry in entries)
        yield ""
    yield from _waiting(entries)
    for entry in entries:
        yield from _told(entry, outcome.contents)


def _row(entry: EntryOutcome, *, applied: bool) -> str:
    counts = Counter(change.kind for change in (entry.plan.changes if entry.plan else ()))
    files = ", ".join(f"{counts[kind]} {word}" for kind, word in COUNTED.items() if counts[kind])
    place = f" in {_code(entry.target)}" if entry.target else ""
    waiting = entry.waiting if entry.verb is not Verb.NONE else None
    after = waiting or (entry.after if entry.verb is not Verb.FAIL else None)
    verb = _word(entry.verb, applied=applied)
    return f"| {_code(entry.ref)}{place} | {verb} | {_version(entry.before)} | {_version(after)} | {files} |"


def _word(verb: Verb, *, applied: bool) -> str:
    asis = applied or verb in {Verb.HOLD, Verb.FAIL, Verb.SUSPEND}
    return DONE[verb] if asis else f"to {verb}"


def _version(installed: Installed | None) -> str:
    return f"{_code(installed.version)} ({_code(short(installed.archive))})" if installed is not None else ""


def _waiting(entries: Sequence[EntryOutcome]) -> Iterator[str]:
    """What somebody has to decide or to mend."""
    for entry in entries:
        if entry.verb is Verb.HOLD:
            yield f"- {_code(entry.ref)} is **held**: {_code(entry.to_choose.replace('`', ''))}"
        elif entry.verb is Verb.FAIL and entry.failure is not None:
            hint = f" ({_code(entry.failure.hint)})" if entry.failure.hint else ""
            yield f"- {_code(entry.ref)} **failed**: {_code(entry.failure.problem)}{hint}"
        yield from (
            f"- {_code(entry.ref)}: edited here: {_code(path)}" for path in (entry.plan.drifted if entry.plan else ())
        )
    if any(entry.verb in {Verb.HOLD, Verb.FAIL} or (entry.plan and entry.plan.drifted) for entry in entries):
        yield ""


def _told(entry: EntryOutcome, contents: Mapping[Digest, bytes]) -> Iterator[str]:
    """The publisher's own words on the new version, and what the pass noticed."""
    if lines := change_log(entry, contents):
        yield f"What its publisher says of {_code(entry.ref)}:"
        yield from _fence(lines)
    if entry.told:
        yield f"Notes on {_code(entry.ref)}:"
        yield from _fence(entry.told)


def change_log(entry: EntryOutcome, contents: Mapping[Digest, bytes]) -> Sequence[str]:
    """The lines of a change log in the package that are of the new version and of those since the old one."""
    if entry.plan is None or entry.after is None or entry.before is None or entry.before.version == entry.after.version:
        return ()
    for change in entry.plan.changes:
        name = change.path.rpartition("/")[2]
        if change.after is not None and change.after in contents and _CHANGE_LOG.fullmatch(name):
            text = contents[change.after].decode(errors="replace")
            return _between(text.splitlines(), entry.before.version, entry.after.version)
    return ()


def _between(lines: Sequence[str], old: str, new: str) -> Sequence[str]:
    """From the heading of the new version to that of the old one."""
    begin = next((number for number, line in enumerate(lines) if _names(line, new)), None)
    if begin is None:
        return ()
    rest = range(begin + 1, len(lines))
    end = next((number for number in rest if _names(lines[number], old)), len(lines))
    found = [*lines[begin:end]]
    while found and not found[-1].strip():
        found.pop()
    return found if len(found) <= _LONGEST_LOG else [*found[:_LONGEST_LOG], f"({len(found) - _LONGEST_LOG} lines more)"]


def _names(line: str, version: str) -> bool:
    """Whether a line is the heading of a version."""
    found = re.search(rf"(?<![\w.]){re.escape(version)}(?![\w.])", line)
    return found is not None and _HEADING.match(line) is not None and not line.startswith(("-", "*", " ", "\t"))


def _code(text: str) -> str:
    """A text in a code span, in one cell of a table."""
    return f"`{plain(text).replace('`', chr(39)).replace('|', '¦')}`"


def _fence(lines: Sequence[str]) -> Iterator[str]:
    """Lines in a fence that none of them ends."""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield from (f"{fence}text", *map(plain, lines), fence, "")
