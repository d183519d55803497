"""JSON Schemas of `[tool.micropkgd]`, of the lock and of the machine's config, for editors and other tools. Pure.

Made of the tables by which these documents are read; `docs/schema/` has the same as files:
`python -m micropkgd.model.schemas pyproject > docs/schema/pyproject.json`, `lock` and `config` likewise. Draft 7, for
that is what editors of TOML know. What a schema refuses, micropkgd refuses; not the other way, for a schema cannot say
all.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from micropkgd.annotations import Any, Final
from micropkgd.model.config import GROUP, KEYS, QUEUE, SIGNATURES, WEBHOOK, value_of
from micropkgd.model.kinds import TEXT
from micropkgd.model.lock import LOCK_VERSION
from micropkgd.model.package_entry import PublishWhen
from micropkgd.model.policy import MergePolicy, OnDanglingImport, OnDowngrade, OnLocalEdit, Policy, Update
from micropkgd.model.settings import Settings
from micropkgd.model.variables import PREFIX

_Node = dict[str, Any]

_TEXT: Final[_Node] = {"type": "string", "minLength": 1}
_TEXTS: Final[_Node] = {"type": "array", "items": {"type": "string"}}
_FLAG: Final[_Node] = {"type": "boolean"}
_DIGEST: Final[_Node] = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
_HEX: Final[_Node] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_COUNT: Final[_Node] = {"type": "integer", "minimum": 0}


def _one_of(words: type[StrEnum]) -> _Node:
    return {"enum": [word.value for word in words]}


_POLICY: Final = {
    "on-local-edit": (_one_of(OnLocalEdit), "what happens where a local edit and a new version meet"),
    "merge": (_one_of(MergePolicy), "how far a pass goes to join a local edit and a new version"),
    "prune": (_FLAG, "remove what left the manifest, untouched files only"),
    "update": (_one_of(Update), "follow the refs, or stay locked until `micropkgd lock --upgrade`"),
    "requirements-file": (_TEXT, "file that the requirements of entries are written into"),
    "requirements-group": (
        _TEXT,
        "dependency group of pyproject.toml that they are written into, in place of that file",
    ),
    "on-dangling-import": (_one_of(OnDanglingImport), "what happens with imports that leave their micro-package"),
    "on-downgrade": (_one_of(OnDowngrade), "what happens where a ref goes back to an older version"),
    "protocols": (_TEXTS, "fsspec protocols that refs may use beyond the usual ones"),
    "index-url": (_TEXT, "index, folder or bucket of requirements that name none themselves"),
    "mirrors": (_TEXTS, "where archives are by digest, too: an address or path with `{sha256}` in it"),
    "rewrite-parameters": (_FLAG, "rename packages in parameters, too, under keys that name code"),
    "signatures": (
        {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"origins": _TEXTS, "signers": _TEXTS, "publishers": _TEXTS},
                "oneOf": [{"required": ["signers"]}, {"required": ["publishers"]}],
                "additionalProperties": False,
            },
        },
        "whose signatures archives must carry, beside what the machine asks for",
    ),
    "follow-branches": (_TEXTS, "branches of git on which sources are followed without anybody asking"),
}
_PROJECT: Final = {
    "package": (_TEXT, "the project's own package, below which everything is pulled"),
    "source-dir": (_TEXT, "folder of that package; `.` for one beside pyproject.toml"),
    "tests": (_TEXT, "folder of the tests"),
    "conf": (_TEXT, "folder of the configuration"),
    "base-env": (_TEXT, "environment that parameters go to; `.` for the folder of the configuration itself"),
}
_PULL: Final = {
    "alias": (_TEXT, "the package's name here"),
    "destination": (_TEXT, "place below the package folder: `pipelines/nested`"),
    "env": (_TEXT, "config environment for the parameters"),
    "fs-args": (_TEXT, "YAML file with options for reaching the archive"),
    "fs_args": (_TEXT, "as `fs-args`"),
    "index": (
        _TEXT,
        "of a requirement: the index that is asked, or the folder or bucket of its archives",
    ),
    "sha256": ({"type": "string", "pattern": "^(sha256:)?[0-9a-f]{64}$"}, "these bytes and no others"),
    "keep-deleted": (_TEXTS, "patterns of files that stay deleted when somebody deletes them"),
}
_PACKAGE: Final = {
    "alias": (_TEXT, "another name for the package"),
    "destination": (_TEXT, "folder of the archive (default: dist)"),
    "env": (_TEXT, "config environment whose parameters travel"),
    "publish": (_TEXT, "where the archive is published: a folder, a bucket or an index"),
    "publish-when": (_one_of(PublishWhen), "when that happens by itself"),
    "overwrite": (_FLAG, "whether other bytes under the same name are replaced there"),
    "fs-args": (_TEXT, "YAML file with options for that place"),
}


def pyproject_schema() -> _Node:
    """What micropkgd reads of a `pyproject.toml`; all else in it may be as it likes."""
    pulls, packages = _rows(_PULL, "archives to pull, by their ref"), _rows(_PACKAGE, "modules to package")
    defaults = {key.replace("_", "-"): value for key, value in Policy()._asdict().items()}
    own = _table(_POLICY, "how the project wants to be treated", defaults)
    project = _table(_PROJECT, "a plain Python project, or what overrules what is seen on disk")
    own["properties"] |= {"pull": pulls, "package": packages, "project": project, "origin": {"type": "object"}}
    kedro = {"type": "object", "properties": {"micropkg": _open({"pull": pulls, "package": packages})}}
    tool = _open({"micropkgd": own, "kedro": kedro})
    return _schema("What micropkgd reads of a pyproject.toml", _open({"tool": tool}))


def config_schema() -> _Node:
    """The machine's config."""
    tables: dict[str, _Node] = {}
    usual = value_of(Settings())
    for name, kind in KEYS.items():
        table, _, key = name.rpartition(".")
        node = {**kind.schema, "description": f"variable: {PREFIX}{name.replace('.', '_').replace('-', '_').upper()}"}
        if isinstance(usual[name], bool | int) and node.get("type") in {"boolean", "integer"}:
            node["default"] = usual[name]
        tables.setdefault(table, {})[key] = node
    top = tables.pop("")
    top |= {
        name: {"type": "object", "additionalProperties": False, "properties": rows} for name, rows in tables.items()
    }
    named = {"name": TEXT}
    top["project"] = _array({key: kind.schema for key, kind in GROUP.items()}, ["paths"])
    top["webhook"] = _array({key: kind.schema for key, kind in {**named, **WEBHOOK}.items()}, ["name", "secret-file"])
    top["queue"] = _array({key: kind.schema for key, kind in {**named, **QUEUE}.items()}, ["name", "url"])
    top["signatures"] = _array({key: kind.schema for key, kind in SIGNATURES.items()}, [])
    return _schema("The machine's config of micropkgd", _closed(top))


def lock_schema() -> _Node:
    """`micropkg.lock`; a newer one of the same major version may say more."""
    hashes = _open({"sha256": _HEX}, ["sha256"])
    archive = _open({"url": _TEXT, "size": _COUNT, "hashes": hashes}, ["url", "size", "hashes"])
    files = {"type": "object", "additionalProperties": _DIGEST}
    where = {"archive": archive, "index": _TEXT, "sdist": archive}
    version = {"version": _TEXT, "requirements": _TEXTS, "files": files, "target": _TEXT, **where}
    moved = {"type": "object", "additionalProperties": _TEXT}
    superseded = _open({**version, "moved": moved}, ["version", "target", "requirements", "files"])
    said = {"ref": _TEXT, "requested": _DIGEST, "target": _TEXT, "renderer": _COUNT, "requirements": _TEXTS}
    tables = {"files": files, "superseded": superseded, "edited": files, "moved": moved}
    own = _open({**said, **tables, "signed-by": _TEXT, "signature": _TEXT}, [*said, "files"])
    tool = _open({"micropkgd": own}, ["micropkgd"])
    package = _open({"name": _TEXT, "version": _TEXT, **where, "tool": tool}, ["name", "version", "tool"])
    major = LOCK_VERSION.partition(".")[0]
    properties = {
        "lock-version": {"type": "string", "pattern": f"^{major}\\."},
        "created-by": {"const": "micropkgd"},
        "requirements-file": _TEXT,
        "requirements-group": _TEXT,
        "packages": {"type": "array", "items": package},
    }
    return _schema("The lock of micropkgd, which no person edits", _open(properties, ["lock-version", "created-by"]))


SCHEMAS: Final = {"pyproject": pyproject_schema, "config": config_schema, "lock": lock_schema}
"""By the name of the file."""


def _schema(title: str, node: _Node) -> _Node:
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": title, **node}


def _rows(keys: Mapping[str, tuple[_Node, str]], description: str) -> _Node:
    return {"type": "object", "description": description, "additionalProperties": _table(keys, "")}


def _table(
    keys: Mapping[str, tuple[_Node, str]], description: str, defaults: Mapping[str, object] | None = None
) -> _Node:
    properties = {}
    for key, (node, meaning) in keys.items():
        properties[key] = {**node, "description": meaning}
        default = (defaults or {}).get(key)
        if isinstance(default, str | bool):
            properties[key]["default"] = default
    table = _closed(properties)
    return {**table, "description": description} if description else table


def _closed(properties: _Node, required: Sequence[str] = ()) -> _Node:
    """A table that has these keys and no others."""
    return {**_open(properties, required), "additionalProperties": False}


def _open(properties: _Node, required: Sequence[str] = ()) -> _Node:
    node = {"type": "object", "properties": properties}
    return {**node, "required": [*required]} if required else node


def _array(properties: Mapping[str, object], required: Sequence[str]) -> _Node:
    return {"type": "array", "items": _closed({**properties}, required)}


if __name__ == "__main__":
    import json
    import sys

    print(json.dumps(SCHEMAS[sys.argv[1]](), indent=1))  # noqa: T201 - for the files in docs/schema
