"""`history`: what the last commits did."""

from collections.abc import Iterator, Sequence
from types import SimpleNamespace as Namespace

from micropkgd.actions.history import PastCommit, past_commits
from micropkgd.cli.lines import plain, version_said
from micropkgd.cli.say import local, say_json, say_words
from micropkgd.model.tree import Digest, short
from micropkgd.workspace.root import find_root


def history(options: Namespace) -> int:
    """List the kept commits, newest first."""
    root = find_root(options.project)
    commits = past_commits(root)
    if options.json:
        say_json(
            options, {"projects": [{"project": root, "commits": [one.document() for one in commits]}]}, exit_code=0
        )
    else:
        say_words(plain(line) for line in _lines(commits))
    return 0


def _lines(commits: Sequence[PastCommit]) -> Iterator[str]:
    for one in commits:
        count, page = len(one.commit.operations), one.page
        by = f"  {page.trigger}" if page is not None else ""
        yield f"{one.commit.id}  {local(one.time)}  {count} {'file' if count == 1 else 'files'}{by}"
        for deed in page.deeds if page is not None else ():
            yield f"  {deed.action} {deed.entry} -> {deed.target}  {version_said(deed.version, deed.archive)}"
        for path, _, before, after in one.commit.operations:
            yield f"  {_brief(before)} -> {_brief(after)}  {path}"
    if not commits:
        yield "no commits"


def _brief(digest: Digest | None) -> str:
    return short(digest) if digest else f"{'nothing':<12}"
