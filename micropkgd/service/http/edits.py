"""Shows edits, changes and the last commits over HTTP, and takes the word that accepts them or takes them back.

The same as `diff`, `accept`, `history` and `rollback` (docs/http.md). Whoever changes something says what they saw.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from http import HTTPStatus

from aiohttp import web

from micropkgd.actions.accept import AcceptedEntry, accept_edits, seen_edits
from micropkgd.actions.diff import changes_of, read_files
from micropkgd.actions.edits import edited_entries
from micropkgd.actions.history import past_commits
from micropkgd.actions.naming import match_entry
from micropkgd.actions.rollback import roll_back
from micropkgd.annotations import Final
from micropkgd.model.outcome import Outcome
from micropkgd.model.outcome_json import outcome_document
from micropkgd.model.text_diff import diff_lines, text_diff
from micropkgd.model.trigger import Trigger, TriggerKind
from micropkgd.reconcile.cycle import run_pass
from micropkgd.reconcile.options import PassOptions
from micropkgd.reconcile.plan.accepted import edit_digest
from micropkgd.reconcile.resolve.fetcher import Fetcher
from micropkgd.reconcile.undisturbed import undisturbed
from micropkgd.service.http.answers import SUPERVISOR, answer, problem
from micropkgd.service.http.control import HELD_FOR, asked_of, in_thread, json_body, served_project

_MOST: Final = 4000  # lines of a diff
_LONGEST: Final = 2000  # characters of one of them
_COMMITS: Final = 50
_FILES: Final = 200  # of one commit

MakeFetcher = Callable[[str], Fetcher]


def routes() -> list[web.AbstractRouteDef]:
    """What is asked here."""
    return [
        web.get("/v1/diff", diff),
        web.get("/v1/history", history),
        web.post("/v1/accept", accept),
        web.post("/v1/rollback", rollback),
    ]


async def diff(request: web.Request) -> web.Response:
    """The edits of an entry; or, with `edits=0`, what a pass would change of it now."""
    asked = asked_of(request, "project", "entry", "edits")
    root = await served_project(request, asked.get("project", ""))
    if asked.get("edits", "1") not in {"0", "1"}:
        raise web.HTTPBadRequest(reason="`edits` must be 0 or 1")
    find = _edits if asked.get("edits", "1") == "1" else _pending
    ref = await in_thread(root, lambda: match_entry(root, asked.get("entry", "")))
    found = await request.app[SUPERVISOR].look(root, partial(find, root, ref))
    if found is None:
        raise web.HTTPServiceUnavailable(reason="the service is stopping")
    return answer({"project": root, "ref": ref, **found})


async def history(request: web.Request) -> web.Response:
    """What the last commits of a project did, newest first."""
    root = await served_project(request, asked_of(request, "project").get("project", ""))
    commits = [one.document() for one in (await in_thread(root, lambda: past_commits(root)))[: _COMMITS + 1]]
    rows = [
        {**row, "changes": row["changes"][:_FILES], "more": max(0, len(row["changes"]) - _FILES), "before": older}
        for row, older in zip(commits, [*(each["id"] for each in commits[1:]), None], strict=True)
        if isinstance(row["changes"], list)
    ]
    return answer({"project": root, "commits": rows[:_COMMITS]})


async def accept(request: web.Request) -> web.Response:
    """Write the edits of an entry that somebody saw into the lock."""
    body = await json_body(request, "project", "entry", "seen")
    root = await served_project(request, body.get("project", ""))
    entry, seen = body.get("entry"), body.get("seen")
    if not isinstance(entry, str) or not isinstance(seen, str):
        raise web.HTTPBadRequest(reason="`entry` and `seen` must be texts: `seen` as /v1/diff says it")

    def write() -> tuple[AcceptedEntry, ...]:
        return accept_edits(root, match_entry(root, entry), HELD_FOR, seen=seen)

    accepted = await in_thread(root, write)
    _look_at(request, root, "accept")
    return answer({"project": root, "entries": [one.document() for one in accepted]})


async def rollback(request: web.Request) -> web.Response:
    """Take back what was committed after a commit, of one entry or of all."""
    body = await json_body(request, "project", "entry", "to", "last")
    root = await served_project(request, body.get("project", ""))
    entry, to, last = (body.get(name) for name in ("entry", "to", "last"))
    if not isinstance(last, str) or not all(one is None or isinstance(one, str) for one in (entry, to)):
        raise web.HTTPBadRequest(reason="`entry`, `to` and `last` must be texts: `last` is the newest commit you saw")
    outcome: Outcome = await in_thread(root, lambda: roll_back(root, entry, to, HELD_FOR, last=last))
    _look_at(request, root, "rollback")
    held = [change for one in outcome.entries if one.plan is not None for change in one.plan.held]
    if held:
        several = ", ".join(change.path for change in held[:3])
        return problem(HTTPStatus.CONFLICT, f"edited since: {several}", "nothing of that was taken back; see its diff")
    return answer({"projects": [outcome_document(outcome)]})


def _look_at(request: web.Request, root: str, what: str) -> None:
    """Let a pass see what was written; it asks no source, which would bring a newer version back at once."""
    request.app[SUPERVISOR].trigger(Trigger(TriggerKind.FILES, what), [root])


def _edits(root: str, ref: str, make_fetcher: MakeFetcher) -> Mapping[str, object]:
    (entry, *_) = undisturbed(root, HELD_FOR, lambda: edited_entries(root, make_fetcher, ref)) or (None,)
    edits = entry.edits if entry is not None else ()
    lines, more = _bounded(line for edit in edits for line in text_diff(*edit))
    failure = entry.failure if entry is not None else None
    seen = seen_edits({edit.path: edit_digest(edit.ours) for edit in edits if edit.ours is not None})
    return {
        "version": entry.version if entry is not None else "",
        "paths": [edit.path for edit in edits],
        "lines": lines,
        "more": more,
        "seen": seen,
        "problem": failure.problem if failure is not None else "",
        "hint": failure.hint if failure is not None else "",
    }


def _pending(root: str, ref: str, make_fetcher: MakeFetcher) -> Mapping[str, object]:
    def look() -> tuple[Outcome, list[str], list[str], int]:
        outcome = run_pass(root, PassOptions(apply=False), make_fetcher)
        changes = changes_of(outcome, ref)
        before = read_files(root, (change.path for change in changes if change.before))
        lines, more = _bounded(diff_lines(changes, before, outcome.contents))
        return outcome, [change.path for change in changes], lines, more

    outcome, paths, lines, more = undisturbed(root, HELD_FOR, look)
    entry = next((one for one in outcome.entries if one.ref == ref), None)
    failure = outcome.failure or (entry.failure if entry is not None else None)
    version = entry.after.version if entry is not None and entry.after is not None else ""
    return {
        "version": version,
        "paths": paths,
        "lines": lines,
        "more": more,
        "seen": "",
        "problem": failure.problem if failure is not None else "",
        "hint": failure.hint if failure is not None else "",
    }


def _bounded(lines: Iterable[str]) -> tuple[list[str], int]:
    """The first lines, each cut where it is too long to show, and how many more there are."""
    shown: list[str] = []
    more = 0
    for line in lines:
        if len(shown) < _MOST:
            shown.append(line if len(line) <= _LONGEST else f"{line[:_LONGEST]} ...")
        else:
            more += 1
    return shown, more
