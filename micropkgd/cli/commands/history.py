"""`history`: what the last commits did."""

from collections.abc import Iterator, Sequence
from types import SimpleNamespace as Namespace

from micropkgd.actions.history import PastCommit, past_commits
from micropkgd.cli.lines import plain, version_said
from micropkgd.cli.paths import ask_each, projects_at
from micropkgd.cli.say import local, say_each
from micropkgd.model.tree import Digest, short


def history(options: Namespace) -> int:
    """List the kept commits, newest first."""
    found = ask_each(projects_at(options.project), past_commits)
    return say_each(
        options,
        found,
        lambda commits: {"commits": [one.document() for one in commits]},
        lambda commits: map(plain, _lines(commits)),
    )


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
