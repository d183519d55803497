"""JSON Schemas of the `--json` documents that are not of a pass, with a form for each command. Pure.

`python -m micropkgd.cli.json_schemas > docs/schema/commands.json` writes them. What is a value of ours is described
from its fields. By the contract keys are only ever added, so the schemas are open; the tests close them, and hold every
command to its own.
"""

from collections.abc import Mapping
from enum import EnumType
from types import NoneType, UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints

from micropkgd.actions.accept import AcceptedEntry
from micropkgd.actions.finding import DoctorFinding
from micropkgd.actions.why import Reason
from micropkgd.cli.output import JSON_SCHEMA
from micropkgd.machine.systemd_units import UnitStep
from micropkgd.model.condition import Failure, Standing
from micropkgd.model.event import Event
from micropkgd.model.outcome import Installed
from micropkgd.model.packaged import LeftOut, Published, Step
from micropkgd.model.status import EntryStatus, PackageStatus, PassStatus
from micropkgd.workspace.memory.pass_log import Deed

_Node = dict[str, Any]

_TEXT: Final[_Node] = {"type": "string"}
_FLAG: Final[_Node] = {"type": "boolean"}
_COUNT: Final[_Node] = {"type": "integer", "minimum": 0}
_DIGEST: Final[_Node] = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
_EXIT_CODE: Final[_Node] = {"enum": [0, 1, 2, 3, 4, 5, 6, 7]}
_SIMPLE: Final = {str: _TEXT, bool: _FLAG, int: {"type": "integer"}, float: {"type": "number"}}


def commands_schema() -> _Node:
    """One document, whichever command printed it."""
    forms = _forms()
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "What `micropkgd --json` prints, but for the commands of reconcile.json",
        "anyOf": [{"$ref": f"#/definitions/{name.replace(' ', '%20')}"} for name in forms],
        "definitions": forms,
    }


def _forms() -> Mapping[str, _Node]:
    rows = {**_of_projects(), **_of_the_machine()}
    joined = _object(path=_TEXT, merged=_TEXT, problem=_null_or(_TEXT))
    by_hand = {"tool": _TEXT, "files": _list(joined), "opened": _FLAG}
    return {name: _document(name, form) for name, form in rows.items()} | {
        "doctor --bundle": _document("doctor", {"projects": {}, "bundle": _TEXT, "files": _list(_TEXT)}),
        "resolve --edit": _document("resolve", by_hand),
        "failed": _object(**_head(_TEXT), projects={"type": "array", "maxItems": 0}, failure=_failure()),
    }


def _of_projects() -> Mapping[str, _Node]:
    """What the rows of `projects` have beside `project`."""
    pulled = {"pulls_from": _list(_TEXT), "publishes_to": _list(_TEXT), "variables": _list(_TEXT)}
    edit = _object(path=_TEXT, formatted={"type": "boolean"}, diff=_list(_TEXT))
    edited = _object(ref=_TEXT, target=_TEXT, version=_TEXT, edits=_list(edit), failure=_null_or(_failure()))
    kept = _object(path=_TEXT, before=_null_or(_DIGEST), after=_null_or(_DIGEST))
    commit = _object(
        id=_TEXT, time=_TEXT, trigger=_null_or(_TEXT), deeds=_list(_value(Deed)), changes=_list(kept)
    )  # fmt: skip
    comparison = _object(
        ref=_TEXT,
        locked=_null_or(_value(Installed)),
        newest=_null_or(_value(Installed)),
        outdated=_FLAG,
        failure=_null_or(_failure()),
        beside=_TEXT,
    )
    trusted = [
        _object(project=_TEXT, **pulled, problem=_null_or(_TEXT)),
        _object(project=_TEXT, revoked=_FLAG),
        _object(project=_TEXT, since=_TEXT, stands=_FLAG),
    ]
    origin = _object(module=_TEXT, repository=_TEXT)
    carried = _object(path=_TEXT, change={"enum": ["add", "edit", "delete"]})
    patch = {
        "ref": _null_or(_TEXT), "files": _list(carried), "notes": _list(_TEXT), "patch": _null_or(_TEXT),
        "name?": _TEXT, "version?": _TEXT, "archive?": _DIGEST, "origin?": _null_or(origin),
    }  # fmt: skip
    return {
        "status": _rows(
            standing=_value(Standing),
            interrupted=_FLAG,
            running=_FLAG,
            running_since=_null_or(_TEXT),
            watching=_null_or({"enum": ["events", "scans"]}),
            last_pass=_null_or(_value(PassStatus)),
            next_pass=_null_or(_TEXT),
            entries=_list(_value(EntryStatus)),
            packages=_list(_value(PackageStatus)),
        ),
        "verify": _rows(checked=_COUNT, differing=_list(_object(path=_TEXT, found=_TEXT)), accepted=_list(_TEXT)),
        "accept": _rows(applied=_FLAG, entries=_list(_value(AcceptedEntry))),
        "outdated": _rows(entries=_list(comparison)),
        "package": _rows(packages=_list(_package())),
        "publish": _rows(applied=_FLAG, packages=_list(_package())),
        "doctor": _rows(findings=_list(_value(DoctorFinding))),
        "history": _rows(commits=_list(commit)),
        "why": _rows(path=_TEXT, reasons=_list(_value(Reason))),
        "diff": _rows(entries=_list(edited)),
        "patch": _rows(**patch),
        "export": _rows(
            format={"enum": ["pylock", "cyclonedx"]},
            output=_null_or(_TEXT),
            packages=_list(_copied()),
            notes=_list(_TEXT),
            document=_null_or(_TEXT),
        ),
        "init": _rows(
            package=_TEXT,
            source_dir=_TEXT,
            reason=_TEXT,
            changes=_list(_object(path=_TEXT, kind={"enum": ["create", "update"]})),
            diff=_list(_TEXT),
            applied=_FLAG,
            notes=_list(_TEXT),
        ),
        "suspend": _rows(suspended=_object(whole=_FLAG, names=_list(_TEXT))),
        "resume": _rows(suspended=_object(whole=_FLAG, names=_list(_TEXT))),
        "trigger": _rows(),
        "trust": {"projects": _list({"oneOf": trusted})},
    }


def _of_the_machine() -> Mapping[str, _Node]:
    """What has no rows of projects, or others."""
    none = {"type": "array", "maxItems": 0}
    settings = {"type": "object", "additionalProperties": _object(value={}, origin=_TEXT)}
    changed = _object(project=_TEXT, change={"enum": ["added", "named already", "removed"]}, served=_null_or(_FLAG))
    cached = {"action": {"enum": ["info", "gc", "verify"]}, "folder": _TEXT}
    waits = _object(**{"state": _TEXT, "reason": _TEXT, "projects": _COUNT, "names?": _list(_TEXT)})
    error = _object(code=_TEXT, reason=_TEXT, means=_TEXT, to_do=_TEXT)
    return {
        "events": {"projects": none, "events": _list(_value(Event))},
        "config": {
            "projects": none, "config?": _null_or(_TEXT), "schedules?": _list(_object(paths=_list(_TEXT), asked=_TEXT)),
            "doubts?": _list(_TEXT), "settings?": settings,
            "drivers?": {"type": "object", "additionalProperties": _null_or(_TEXT)},
        },
        "ui": {"projects": none, "address": _TEXT},
        "token": {"projects": none, "file": _TEXT, "token": _TEXT},
        "health": {"projects": none, "ok": _FLAG, "problem": _TEXT, "looked_at?": _COUNT, "ready?": _COUNT,
            "waits_for?": _list(waits)},
        "service": {
            "projects": _list(changed), "steps?": _list(_value(UnitStep)), "commands?": _list(_TEXT), "config?": _TEXT,
        },
        "explain": {"projects": none, "errors": _list(error)},
        "cache": {
            **cached, "archives?": _COUNT, "bytes?": _COUNT, "partials?": _COUNT, "checked?": _COUNT,
            "removed?": _list(_DIGEST), "damaged?": _list(_DIGEST),
        },
    }  # fmt: skip


def _copied() -> _Node:
    return _object(
        name=_TEXT,
        version=_TEXT,
        archive=_DIGEST,
        ref=_TEXT,
        target=_TEXT,
        state={"enum": ["unedited", "edited", "incomplete", "absent"]},
        edited=_list(_TEXT),
        missing=_list(_TEXT),
        waiting=_null_or(_TEXT),
        by_hand=_FLAG,
        licenses=_null_or(_list(_TEXT)),
    )


def _package() -> _Node:
    archive = _object(path=_TEXT, name=_TEXT, version=_TEXT, digest=_DIGEST, content=_DIGEST)
    return _object(
        module=_TEXT,
        action={"enum": [step.value for step in Step]},
        condition=_TEXT,
        archive=_null_or(archive),
        left_out=_list(_value(LeftOut)),
        published=_null_or(_value(Published)),
        sent=_FLAG,
        unreleased=_null_or(_TEXT),
        failure=_null_or(_failure()),
        notes=_list(_TEXT),
    )


def _failure() -> _Node:
    """A failure, as `model.outcome_json` writes it."""
    node = _value(Failure)
    return _object(**node["properties"], code=_TEXT)


def _document(command: str, form: Mapping[str, _Node]) -> _Node:
    return _object(**_head({"const": command}), **form)


def _head(command: _Node) -> _Node:
    return {"schema": {"const": JSON_SCHEMA}, "command": command, "exit_code": _EXIT_CODE}


def _rows(**keys: _Node) -> _Node:
    """What each project answers; of a workspace also which members could not."""
    return {"projects": _list({"anyOf": [_object(project=_TEXT, **keys), _object(project=_TEXT, failure=_failure())]})}


def _object(**keys: _Node) -> _Node:
    """An object; a key that ends with `?` may be missing."""
    return {
        "type": "object",
        "properties": {key.removesuffix("?"): node for key, node in keys.items()},
        "required": [key for key in keys if not key.endswith("?")],
    }


def _list(items: _Node) -> _Node:
    return {"type": "array", "items": items}


def _null_or(node: _Node) -> _Node:
    return {"anyOf": [{"type": "null"}, node]}


def _value(kind: Any) -> _Node:
    """A value of ours by its fields, or what one of them holds by its type."""
    if hasattr(kind, "_fields"):
        hints = get_type_hints(kind)
        return _object(**{name: _value(hints[name]) for name in kind._fields})
    if isinstance(kind, EnumType):
        words: list[Any] = [*kind]
        return {"enum": [word.value for word in words]}
    if get_origin(kind) is tuple:
        return _list(_value(get_args(kind)[0]))
    if isinstance(kind, UnionType):
        (inner,) = (one for one in get_args(kind) if one is not NoneType)
        return _null_or(_value(inner))
    return _SIMPLE[getattr(kind, "__supertype__", kind)]


if __name__ == "__main__":
    import json

    print(json.dumps(commands_schema(), indent=1))  # noqa: T201 - for docs/schema/commands.json
