"""`resolve --edit`: let a person join both sides of what is held, in their merge tool or editor."""

import os
from collections.abc import Iterator, Mapping, Sequence
from shlex import quote
from types import SimpleNamespace as Namespace

from micropkgd.actions.merge_work import mark_opened, opened_still, set_stale_aside
from micropkgd.actions.settle import HeldEntry, held_entry, mergeable, named_files, problems_in
from micropkgd.actions.status import require_choice
from micropkgd.cli.lines import plain
from micropkgd.cli.merge_tool import MergeFile, MergeTool, merge_tool, open_files, require_terminal
from micropkgd.cli.say import say_json, say_words
from micropkgd.errors import StillHeldError
from micropkgd.model.choice import Conflict
from micropkgd.model.condition import EXIT_HELD, EXIT_IN_SYNC
from micropkgd.model.tree import RelPath
from micropkgd.workspace.memory.laid import beside


def join(options: Namespace, root: str, ref: str) -> int:
    """Let a person join both sides of the held files, and say what is left to do; nothing of it is taken yet."""
    require_choice(root, ref, Conflict.JOINED)
    entry = held_entry(root, ref)
    paths = mergeable(root, entry, named_files(entry, options.paths, root, os.getcwd()))
    folder = beside(entry.hold.label) if entry.hold is not None else ""
    require_terminal(f"{folder}/merged")
    tool = merge_tool(root, os.environ)
    if not options.dry_run:
        _open(options, root, entry, paths, tool)
    problems = problems_in(root, entry, paths)
    exit_code = EXIT_HELD if any(problems.values()) and not options.dry_run else EXIT_IN_SYNC
    if options.json:
        rows = [{"path": path, "merged": f"{folder}/merged/{path}", "problem": _said(problems[path])} for path in paths]
        say_json(options, {"tool": tool.name, "files": rows, "opened": not options.dry_run}, exit_code=exit_code)
    elif options.dry_run:
        say_words(plain(f"`{tool.name}` would open {folder}/merged/{path}") for path in paths)
    else:
        say_words(_left_to_do(problems, options.ref))
    return exit_code


def _open(options: Namespace, root: str, entry: HeldEntry, paths: Sequence[RelPath], tool: MergeTool) -> None:
    """Open the files; what a pass, git or somebody else did meanwhile is looked at first behind it."""
    folder = beside(entry.hold.label) if entry.hold is not None else ""
    before = mark_opened(root, entry, paths, options.lock_timeout)
    failure = None
    try:
        open_files(tool, f"{root}/{folder}/merged", [_merge_file(root, folder, path) for path in paths])
    except StillHeldError as error:
        failure = error
    if not opened_still(root, entry):
        where = set_stale_aside(root, entry, paths, options.lock_timeout)
        problem = f"`{plain(entry.ref)}` is not held any more as it was when it was opened; nothing was taken"
        raise StillHeldError(problem, hint=f"what was saved lies below {where}; see `micropkgd status`")
    if failure is not None and before is not None:
        raise StillHeldError(failure.problem, where=failure.where, hint=f"{failure.hint}; as it was before: {before}")
    if failure is not None:
        raise failure


def _left_to_do(problems: Mapping[RelPath, StillHeldError | None], name: str) -> Iterator[str]:
    for path, problem in problems.items():
        yield plain(f"joined   {path}" if problem is None else f"open     {path}  ({problem.problem})")
    if any(problems.values()):
        yield "hint: what is open waits for you; nothing of it was taken"
    else:
        yield "hint: take what was joined:"
        yield plain(f"  micropkgd resolve {quote(name)} {' '.join(map(quote, problems))} --merged")


def _said(problem: StillHeldError | None) -> str | None:
    return None if problem is None else str(problem)


def _merge_file(root: str, folder: str, path: RelPath) -> MergeFile:
    base = f"{root}/{folder}/base/{path}"
    there = base if os.path.lexists(base) else None
    return MergeFile(path, there, f"{root}/{path}", f"{root}/{folder}/theirs/{path}")
