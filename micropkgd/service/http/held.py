"""Shows held entries over HTTP, with the texts of their files, and takes what a person decides (docs/http.md).

A decision says what was seen; where that is no more it is refused with 409, and nothing was done. It is carried out by
a pass of the service, as any other: in its turn, with its hooks, as one transaction.
"""

from http import HTTPStatus

from aiohttp import web

from micropkgd.actions.held_texts import LARGEST, held_sight, held_texts
from micropkgd.actions.naming import match_entry
from micropkgd.actions.resolving import Resolving, resolving_as_seen
from micropkgd.annotations import Final
from micropkgd.errors import DocumentError
from micropkgd.model.choice import Conflict, Decision
from micropkgd.model.outcome import EntryOutcome, Outcome, Verb
from micropkgd.model.outcome_json import outcome_document
from micropkgd.model.tree import RelPath, rel_path
from micropkgd.model.trigger import Trigger, TriggerKind
from micropkgd.service.http.answers import SUPERVISOR, answer, problem
from micropkgd.service.http.control import HELD_FOR, asked_of, in_thread, json_body, served_project

CHOICES: Final = tuple(choice.value for choice in (Conflict.KEEP, Conflict.TAKE, Conflict.MERGE, Conflict.JOINED))

_NAMED: Final = 5  # files in one message


def routes() -> list[web.AbstractRouteDef]:
    """What is asked here."""
    return [web.get("/v1/held", held), web.post("/v1/resolve", resolve)]


async def held(request: web.Request) -> web.Response:
    """The contested files of an entry, and with `path` the texts of one."""
    asked = asked_of(request, "project", "entry", "path")
    root = await served_project(request, asked.get("project", ""))
    path = _path(asked["path"]) if "path" in asked else None

    def look() -> dict[str, object]:
        sight = held_sight(root, match_entry(root, asked.get("entry", ""), leaving=True))
        texts = held_texts(root, sight, path).document() if path is not None else None
        return {"project": root, "entry": sight.document(), "texts": texts}

    return answer(await in_thread(root, look))


async def resolve(request: web.Request) -> web.Response:
    """Decide on a held entry, or on some of its files, and say what came of it."""
    supervisor = request.app[SUPERVISOR]
    body = await json_body(request, "project", "entry", "choice", "paths", "seen", "text")
    root = await served_project(request, body.get("project", ""))
    entry, choice, seen, text = (body.get(name) for name in ("entry", "choice", "seen", "text"))
    if not isinstance(entry, str) or not isinstance(seen, str):
        raise web.HTTPBadRequest(reason="`entry` and `seen` must be texts: `seen` as /v1/held says it")
    if choice not in CHOICES:
        raise web.HTTPBadRequest(reason=f"`choice` must be one of {', '.join(CHOICES)}")
    paths = _paths(body.get("paths", []))
    if text is not None:
        _check_text(text, choice, paths)

    def prepare() -> Resolving:
        ref = match_entry(root, entry, leaving=True)
        return resolving_as_seen(root, ref, Conflict(choice), paths, seen, text, HELD_FOR)

    wanted = await in_thread(root, prepare)
    outcome = await supervisor.reconcile(root, wanted.options, Trigger(TriggerKind.COMMAND, wanted.options.trigger))
    if outcome is None:
        raise web.HTTPServiceUnavailable(reason="the service is stopping")
    return _said(outcome, next(iter(wanted.options.choices)), wanted)


def _said(outcome: Outcome, ref: str, wanted: Resolving) -> web.Response:
    """That it was done, or why not."""
    entry = next((one for one in outcome.entries if one.ref == ref), None)
    failure = outcome.failure or (entry.failure if entry is not None else None)
    if failure is not None:
        code = HTTPStatus.SERVICE_UNAVAILABLE if failure.transient else HTTPStatus.CONFLICT
        return problem(code, failure.problem, failure.hint)
    if entry is not None and (left := _left(entry, wanted)):
        return problem(HTTPStatus.CONFLICT, *_why_left(entry.ref, left, wanted.options.choices[ref]))
    return answer({"projects": [outcome_document(outcome)]})


def _left(entry: EntryOutcome, wanted: Resolving) -> tuple[str, ...]:
    """The files, or the entry as such, that wait although they were decided on."""
    if entry.verb is not Verb.HOLD:
        return ()
    return tuple(path for path in wanted.paths if path not in entry.question.decided) if wanted.paths else (entry.ref,)


def _why_left(ref: str, left: tuple[str, ...], decision: Decision) -> tuple[str, str]:
    """Why, and what to do."""
    if any(decision.paths.get(RelPath(path)) is Conflict.MERGE for path in left):
        several = ", ".join(left[:_NAMED]) + (", ..." if len(left) > _NAMED else "")
        return f"both sides changed the same lines of {several}", "join them in the merge, or keep or take them"
    return f"`{ref}` changed while this waited for its turn: nothing was decided of it", "look at it again"


def _paths(given: object) -> list[RelPath]:
    if not isinstance(given, list) or not all(isinstance(path, str) for path in given):
        raise web.HTTPBadRequest(reason="`paths` must be a list of files")
    return [_path(path) for path in dict.fromkeys(given)]


def _path(given: str) -> RelPath:
    try:
        return rel_path(given)
    except DocumentError:
        raise web.HTTPBadRequest(reason="a path must lead to a file of the project, without `..`") from None


def _check_text(text: object, choice: object, paths: list[RelPath]) -> None:
    """Refuse a text that is none, or is not about one file."""
    if not isinstance(text, str) or choice != Conflict.JOINED.value or len(paths) != 1:
        raise web.HTTPBadRequest(reason="`text` is what one file of `paths` becomes, with the choice `merged`")
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise web.HTTPBadRequest(reason="`text` has half a character") from None
    if len(data) > LARGEST or "\0" in text:
        raise web.HTTPBadRequest(reason=f"`text` must have no zeros and at most {LARGEST:,} bytes")
