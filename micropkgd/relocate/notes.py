"""Findings as lines for people, each with file and line.

Rules: what comes again in a file is one note with all its lines; so is all text of a file that names moved modules, for
a table of many names would bury the rest.
"""

from collections.abc import Iterable, Iterator, Sequence

from micropkgd.relocate.names import Finding

_NAMED = 5  # lines of a file that are named beside the first


def notes_of(findings: Iterable[tuple[str, Finding]]) -> Iterator[str]:
    """One note for each thing found in each file."""
    alike: dict[tuple[str, ...], list[Finding]] = {}
    for path, finding in findings:
        alike.setdefault((path, *_subject(finding)), []).append(finding)
    for (path, *_), (first, *others) in alike.items():
        lines = sorted({finding.line for finding in others} - {first.line})
        yield f"{path}:{first.line}: `{first.text}`: {first.reason}{_also(lines)}"


def _subject(finding: Finding) -> tuple[str, ...]:
    """What a note is about."""
    return (finding.kind,) if finding.kind == "mention" else (finding.kind, finding.text, finding.reason)


def _also(lines: Sequence[int]) -> str:
    if not lines:
        return ""
    named = ", ".join(map(str, lines[:_NAMED]))
    more = f" and {len(lines) - _NAMED} more" if len(lines) > _NAMED else ""
    return f" (also on line {named}{more})"
