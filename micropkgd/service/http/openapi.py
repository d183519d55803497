"""The OpenAPI 3.1 document of everything that is served; `docs/openapi.json` is the same as a file.

Written beside the handlers by hand, and held to them by tests: every route stands here, and schemathesis asks each.
"""

from collections.abc import Mapping
from http import HTTPStatus

from micropkgd import __version__
from micropkgd.annotations import Any, Final
from micropkgd.model.condition import Condition
from micropkgd.reconcile.options import TRAVELLING

_Node = dict[str, Any]

_TEXT: Final[_Node] = {"type": "string"}
_TRUTH: Final[_Node] = {"type": "boolean"}
_TEXT_OR_NULL: Final[_Node] = {"type": ["string", "null"]}
_NUMBER: Final[_Node] = {"type": "integer", "minimum": 0}
_TIME: Final[_Node] = {"type": "string", "description": "ISO 8601, UTC; empty where there is none"}
_REFUSED: Final = (400, 403, 408, 413, 429)  # what everybody may get
_UNKNOWN: Final = (401, *_REFUSED)  # what who asks with a token may get

OPTIONS: Final = (*TRAVELLING, "apply")
"""What can be asked of a pass."""


def openapi_document() -> _Node:
    """The document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "micropkgd",
            "version": __version__,
            "summary": "What the service can be asked, on its unix socket and, where it is switched on, over TCP",
            "description": "Over TCP every request but probes, webhooks and the empty page carries the token. "
            "Keys of answers are only ever added within `micropkgd/1`.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"token": []}],
        "paths": {**_control(), **_person(), **_probes(), **_others()},
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(),
        },
    }


def _control() -> _Node:
    since = _query("since", "The number of the last event that is known", _limited_number())
    follow = _query("follow", "1 for server-sent events without end", {"type": "string", "enum": ["0", "1"]})
    project = _query("project", "The folder of the one project that is meant", _TEXT)
    states = {"type": "string", "enum": [condition.value for condition in Condition]}
    state = _query("state", "Only projects that stand so", states)
    after = _query("after", "Only projects whose folder comes after this one: `next` of the page before", _TEXT)
    limit = _query("limit", "How many projects at most; none or 0: all", _limited_number())
    page = [project, state, after, limit]
    last_id = {"name": "Last-Event-ID", "in": "header", "description": "As `since`", "schema": _limited_number()}
    stream = {"text/event-stream": {"schema": _TEXT}}
    events = _response("Events, oldest first", "Events")
    events_say = {"200": events}
    events["content"] |= stream
    return {
        "/v1/status": {
            "get": _operation("status", "How all of it stands", {200: "Status"}, (*_UNKNOWN, 404), page)
        },
        "/v1/events": {
            "get": _operation("events", "What happened", {}, (*_UNKNOWN, 503), (since, follow, last_id), events_say)
        },
        "/v1/openapi.json": {"get": _operation("openapi", "This document", {200: "Document"}, _UNKNOWN)},
        "/v1/reconcile": _post("reconcile", "Run passes and wait for them", "Wish", {200: "Outcomes"}, (503,)),
        "/v1/trigger": _post("trigger", "Ask for passes and do not wait", "Projects", {202: "Asked"}),
        "/v1/suspend": _post("suspend", "Leave projects or entries alone", "Suspension", {200: "Asked"}, (409, 503)),
        "/v1/resume": _post("resume", "Look after them again", "Suspension", {200: "Asked"}, (409, 503)),
    }  # fmt: skip


def _person() -> _Node:
    """What a person is shown and decides."""
    project = {**_query("project", "The folder of the project", _TEXT), "required": True}
    entry = {**_query("entry", "A pull entry, by its ref, its name or its place", _TEXT), "required": True}
    path = _query("path", "The contested file whose texts are wanted", _TEXT)
    edits = _query(
        "edits", "0 for what a pass would change, in place of the edits", {"type": "string", "enum": ["0", "1"]}
    )
    bad = (*_UNKNOWN, 404, 409, 503)
    held = "The contested files of a held or edited entry, and the texts of one of them"
    return {
        "/v1/held": {"get": _operation("held", held, {200: "Held"}, bad, [project, entry, path])},
        "/v1/diff": {"get": _operation("diff", "The edits of an entry", {200: "Diff"}, bad, [project, entry, edits])},
        "/v1/history": {"get": _operation("history", "The last commits", {200: "History"}, bad, [project])},
        "/v1/resolve": _post(
            "resolve", "Decide on a held entry, as it was seen", "Choice", {200: "Outcomes"}, (409, 503)
        ),
        "/v1/accept": _post("accept", "Accept edits, as they were seen", "Edits", {200: "Acceptance"}, (409, 503)),
        "/v1/rollback": _post("rollback", "Take commits back", "Rollback", {200: "Outcomes"}, (409, 503)),
    }


def _probes() -> _Node:
    said = {200: "Probe", 503: "Probe"}
    return {
        f"/{name}": {"get": {**_operation(name, summary, said, _REFUSED), "security": []}}
        for name, summary in (
            ("livez", "Whether work gets done"),
            ("readyz", "Whether every project that this depends on has all it asks for, and what it waits for"),
            ("startupz", "Whether every project was looked at once since the start"),
        )
    }


def _others() -> _Node:
    metrics = {"200": {"description": "For Prometheus", "content": {"text/plain": {"schema": _TEXT}}}}
    hook = _operation("hook", "Say that there is something new", {202: "Accepted"}, _REFUSED)
    hook |= {
        "parameters": [{"name": "name", "in": "path", "required": True, "schema": _TEXT}],
        "requestBody": {"content": {"*/*": {"schema": {}}}},
        "security": [],
    }
    login = {
        **_post("login", "The token, for a code of `micropkgd ui`", "Code", {200: "Login"})["post"],
        "security": [],
    }
    words = _query("words", "Only projects and events that have all of these words", _TEXT)
    most = _query("most", "How many projects at most", {"type": "string", "pattern": "^[0-9]{1,4}$"})
    one = _query("project", "The folder of the one project that is meant", _TEXT)
    shown = {"parameters": [words, most, one]}
    return {
        "/metrics": {"get": _operation("metrics", "Counts and states", {}, _UNKNOWN, (), metrics)},
        "/hooks/{name}": {"post": hook},
        "/v1/login": {"post": login},
        "/": {"get": {**_file("page", "The status page: with the token its table is filled", "text/html"), **shown}},
        "/page.css": {"get": _file("style", "How the page looks", "text/css")},
        "/desk.js": {"get": _file("desk", "What shows a person what they decide", "text/javascript")},
        "/page.js": {"get": _file("script", "What keeps the page true", "text/javascript")},
    }


def _schemas() -> _Node:
    standing = _object(
        state={"type": "string", "enum": [condition.value for condition in Condition]},
        reason=_TEXT, message=_TEXT, since=_TIME, next_try=_TIME, hint=_TEXT,
    )  # fmt: skip
    entry = _object(
        ref=_TEXT, target=_TEXT, version=_TEXT, archive=_TEXT, standing=_ref("Standing"),
        drifted=_list(_TEXT), waiting=_TEXT, index_url=_TEXT, missing=_list(_TEXT), left_out=_list(_TEXT),
        formatted=_list(_TEXT), signed_by=_TEXT, choices=_list(_TEXT), beside=_TEXT, unfetched=_list(_TEXT),
    )  # fmt: skip
    package = _object(module=_TEXT, path=_TEXT, version=_TEXT, standing=_ref("Standing"))
    last_pass = _object(id=_TEXT, trigger=_TEXT, ended=_TIME, seconds={"type": "number"}, exit_code=_NUMBER)
    project = _object(
        project=_TEXT, standing=_ref("Standing"), interrupted=_TRUTH, running=_TRUTH, running_since=_TEXT_OR_NULL,
        watching=_TEXT_OR_NULL, last_pass={"anyOf": [last_pass, {"type": "null"}]}, next_pass=_TEXT_OR_NULL,
        entries=_list(entry), packages=_list(package),
    )  # fmt: skip
    event = _object(
        id=_NUMBER,
        time=_TIME,
        kind=_TEXT,
        project=_TEXT,
        subject=_TEXT,
        message=_TEXT,
        pass_id=_TEXT,
        trigger=_TEXT,
        hint=_TEXT,
    )
    service = _object(
        version=_TEXT, pid=_NUMBER, summary=_TEXT, degraded=_TEXT_OR_NULL, projects=_NUMBER, looked_at=_NUMBER
    )
    outcome = _object(project=_TEXT, exit_code=_NUMBER, entries=_list({"type": "object"}))
    return {
        "Standing": standing,
        "Project": project,
        "Event": event,
        "Status": _answer(service=service, projects=_list(_ref("Project")), next=_TEXT_OR_NULL),
        "Events": _answer(events=_list(_ref("Event"))),
        "Outcomes": _answer(projects=_list(outcome)),
        "Asked": _answer(projects=_list(_TEXT)),
        "Accepted": _answer(accepted=_TRUTH),
        "Probe": _probe(),
        **_person_schemas(),
        "Error": _answer(error=_object(problem=_TEXT, hint=_TEXT)),
        "Document": {"type": "object", "required": ["openapi", "paths"]},
        "Projects": _body(projects=_some("Folders; none named: all")),
        "Code": _body(code={"type": "string", "pattern": "^[0-9a-f]{32}$"}),
        "Login": _answer(token=_TEXT),
        "Wish": _body(projects=_some("Folders; none named: all"), options=_options()),
        "Suspension": _body(
            projects=_some("Folders; none named: all"),
            entries=_list(_TEXT) | {"description": "Refs and modules; none: the projects as such"},
        ),
    }


def _person_schemas() -> _Node:
    """Of what a person is shown and decides."""
    choice = {"type": "string", "enum": ["keep", "take", "merge", "merged"]}
    file = _object(
        path=_TEXT, there=_TEXT, upstream=_TRUTH, choice=_TEXT_OR_NULL, choices=_list(choice), seen=_TEXT
    )  # fmt: skip
    side = _object(size={"type": ["integer", "null"]}, text=_TEXT_OR_NULL, why=_TEXT)
    sides = {"type": "object", "additionalProperties": side}
    texts = _object(
        file=file, sides=sides, edits=_list(_TEXT), upstream=_list(_TEXT), problem=_TEXT, editable=_TRUTH
    )  # fmt: skip
    entry = _object(
        ref=_TEXT, target=_TEXT, version=_TEXT, waiting=_TEXT, held=_TRUTH, step_back=_TRUTH, folder=_TEXT, seen=_TEXT,
        files=_list(file), more=_NUMBER,
    )  # fmt: skip
    deed = _object(entry=_TEXT, action=_TEXT, target=_TEXT, version=_TEXT, archive=_TEXT, paths=_list(_TEXT))
    change = _object(path=_TEXT, before=_TEXT_OR_NULL, after=_TEXT_OR_NULL)
    commit = _object(
        id=_TEXT, time=_TIME, trigger=_TEXT_OR_NULL, deeds=_list(deed), changes=_list(change), more=_NUMBER,
        before=_TEXT_OR_NULL,
    )  # fmt: skip
    accepted = _object(ref=_TEXT, target=_TEXT, accepted=_list(_TEXT), dropped=_list(_TEXT), missing=_list(_TEXT))
    seen = _TEXT | {"description": "What was seen, as the answer that showed it says"}
    text = {"type": ["string", "null"], "description": "What the one file of `paths` becomes: with `merged` alone"}
    last = _TEXT | {"description": "The newest commit that was seen"}
    to = _TEXT_OR_NULL | {"description": "The commit to go back to; none: what the last command did is taken back"}
    return {
        "Held": _answer(project=_TEXT, entry=entry, texts={"anyOf": [texts, {"type": "null"}]}),
        "Diff": _answer(
            project=_TEXT, ref=_TEXT, version=_TEXT, paths=_list(_TEXT), lines=_list(_TEXT), more=_NUMBER, seen=_TEXT,
            problem=_TEXT, hint=_TEXT,
        ),
        "History": _answer(project=_TEXT, commits=_list(commit)),
        "Acceptance": _answer(project=_TEXT, entries=_list(accepted)),
        "Choice": _needing(
            ("project", "entry", "choice", "seen"),
            project=_TEXT, entry=_TEXT, choice=choice, paths=_list(_TEXT), seen=seen, text=text,
        ),
        "Edits": _needing(("project", "entry", "seen"), project=_TEXT, entry=_TEXT, seen=seen),
        "Rollback": _needing(("project", "last"), project=_TEXT, entry=_TEXT_OR_NULL, to=to, last=last),
    }  # fmt: skip


def _options() -> _Node:
    return _body(**dict.fromkeys(OPTIONS, _TRUTH))


def _probe() -> _Node:
    schema = _answer(ok=_TRUTH)
    waits = _object(state=_TEXT, reason=_TEXT, projects=_NUMBER)
    waits["properties"] |= {"names": _list(_TEXT)}
    schema["properties"] |= {"projects": _NUMBER, "ready": _NUMBER, "looked_at": _NUMBER, "waits_for": _list(waits)}
    return schema


def _operation(
    name: str,
    summary: str,
    good: Mapping[int, str],
    bad: tuple[int, ...],
    parameters: Any = (),
    responses: Mapping[str, _Node] | None = None,
) -> _Node:
    said = {str(code): _response(HTTPStatus(code).phrase, schema) for code, schema in good.items()}
    said |= responses or {}
    said |= {str(code): _response(HTTPStatus(code).phrase, "Error") for code in sorted(bad)}
    operation: _Node = {"operationId": name, "summary": summary, "responses": said}
    return {**operation, "parameters": list(parameters)} if parameters else operation


def _post(name: str, summary: str, body: str, good: Mapping[int, str], bad: tuple[int, ...] = ()) -> _Node:
    operation = _operation(name, summary, good, (*_UNKNOWN, 404, 415, *bad))
    operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(body)}}}
    return {"post": operation}


def _file(name: str, summary: str, content_type: str) -> _Node:
    responses = {"200": {"description": "OK", "content": {content_type: {"schema": _TEXT}}}}
    return {**_operation(name, summary, {}, _REFUSED, (), responses), "security": []}


def _response(description: str, schema: str) -> _Node:
    return {"description": description, "content": {"application/json": {"schema": _ref(schema)}}}


def _query(name: str, description: str, schema: _Node) -> _Node:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _limited_number() -> _Node:
    return {"type": "string", "pattern": "^[0-9]{1,18}$"}


def _answer(**properties: _Node) -> _Node:
    return _object(schema={"const": "micropkgd/1"}, **properties)


def _object(**properties: _Node) -> _Node:
    return {"type": "object", "required": list(properties), "properties": properties}


def _body(**properties: _Node) -> _Node:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _needing(required: tuple[str, ...], **properties: _Node) -> _Node:
    return {**_body(**properties), "required": list(required)}


def _some(description: str) -> _Node:
    return {"type": ["array", "null"], "items": _TEXT, "description": description}


def _list(items: _Node) -> _Node:
    return {"type": "array", "items": items}


def _ref(name: str) -> _Node:
    return {"$ref": f"#/components/schemas/{name}"}


if __name__ == "__main__":
    import json

    print(json.dumps(openapi_document(), indent=1))  # noqa: T201 - for docs/openapi.json
