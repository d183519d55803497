"""`history`: what the last commits did."""

from argparse import Namespace
from collections.abc import Iterator, Sequence

from micropkgd.cli.lines import plain, version_said
from micropkgd.cli.say import say, say_json
from micropkgd.clock import utc
from micropkgd.model.tree import Digest, short
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.memory.pass_log import PassRecord, pages
from micropkgd.workspace.root import find_root
from micropkgd.workspace.transaction import kept


def history(options: Namespace) -> int:
    """List the kept commits, newest first."""
    root = find_root(options.project)
    with FsOps(root) as fs:
        commits = [(each, _page_of(each, remembered)) for remembered in [list(pages(fs))] for each in kept.history(fs)]
    if options.json:
        say_json(
            options, {"projects": [{"project": root, "commits": [_document(*each) for each in commits]}]}, exit_code=0
        )
    else:
        say(plain(line) for line in _lines(commits))
    return 0


def _page_of(commit: kept.Commit, remembered: Sequence[PassRecord]) -> PassRecord | None:
    return next((page for page in remembered if commit.id in page.commits), None)


def _lines(commits: Sequence[tuple[kept.Commit, PassRecord | None]]) -> Iterator[str]:
    for commit, page in commits:
        count = len(commit.operations)
        by = f"  {page.trigger}" if page is not None else ""
        yield f"{commit.id}  {_time(commit)}  {count} {'file' if count == 1 else 'files'}{by}"
        for deed in page.deeds if page is not None else ():
            yield f"  {deed.action} {deed.entry} -> {deed.target}  {version_said(deed.version, deed.archive)}"
        for path, _, before, after in commit.operations:
            yield f"  {_brief(before)} -> {_brief(after)}  {path}"
    if not commits:
        yield "no commits"


def _document(commit: kept.Commit, page: PassRecord | None) -> dict[str, object]:
    deeds = [deed._asdict() for deed in page.deeds] if page is not None else []
    by = {"trigger": page.trigger if page is not None else None, "deeds": deeds}
    changes = [{"path": path, "before": before, "after": after} for path, _, before, after in commit.operations]
    return {"id": commit.id, "time": _time(commit), **by, "changes": changes}


def _time(commit: kept.Commit) -> str:
    return utc(commit.when_ns // 1_000_000_000)


def _brief(digest: Digest | None) -> str:
    return short(digest) if digest else f"{'nothing':<12}"
