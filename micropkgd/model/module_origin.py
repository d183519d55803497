"""The origin of an archive's module: `[tool.micropkgd.origin]` of the archive's `pyproject.toml`. Pure.

It holds only what stays from commit to commit, so that the same files give the same archive. It is a stranger's word:
what is read of it is checked as a manifest is, and names places below a repository, never above or beside it.
"""

import keyword
from collections.abc import Mapping, Sequence

from micropkgd.annotations import Final
from micropkgd.errors import DocumentError
from micropkgd.model.fields import kind_of
from micropkgd.model.layout import Layout, Place
from micropkgd.model.place_names import portable
from micropkgd.model.tree import RelPath, rel_path
from micropkgd.named_tuples import NamedTuple

TABLE: Final = ("tool", "micropkgd", "origin")
LONGEST_ADDRESS: Final = 1000  # characters
_REQUIREMENTS: Final = RelPath("requirements.txt")

Run = tuple[int, int, str]
"""Lines of the original: the 1-based line they begin at in the text that was rewritten back, how many of its lines they
stand for, and their own text."""


class OriginalSpelling(NamedTuple):
    """How the original of one file is spelled, where rewriting its names back gives another text."""

    blob: str  # git's name of the original
    runs: tuple[Run, ...] = ()  # none where the lines cannot be told

    def restored(self, text: bytes) -> bytes | None:
        """The original, made of the text that was rewritten back; None where that is not what the runs were for."""
        lines = text.splitlines(keepends=True)
        for start, count, original in reversed(self.runs):
            lines[start - 1 : start - 1 + count] = [original.encode()]
        whole = b"".join(lines)
        return whole if blob_name(whole) == self.blob else None


class ModuleOrigin(NamedTuple):
    """One module in the repository that its archive was made in."""

    module: str  # dotted, below the project's package: "pipelines.features"
    package: str  # of the project: "shop"
    source_dir: str  # "src", or "." for a package beside pyproject.toml
    tests: str  # the folder of the tests: "tests"
    conf: str  # the folder of the environment its parameters came from: "conf/base"
    repository: str = ""  # its address, as far as `[project.urls]` says one
    rewrites_parameters: bool = False  # whether names of modules in parameters follow there
    made: tuple[str, ...] = ()  # members that no file there stands for
    inside: tuple[str, ...] = ()  # members among the parameters that are in the module's own folder there
    spelled: Mapping[str, OriginalSpelling] = {}  # by member

    @property
    def layout(self) -> Layout:
        """The project there, as far as it matters for this module."""
        conf, env = self.conf, "."
        return Layout(self.package, self.source_dir, self.tests, conf, env, _REQUIREMENTS, _REQUIREMENTS)

    @property
    def destination(self) -> tuple[str, ...]:
        """The folders between the project's package and the module."""
        return tuple(self.module.split(".")[:-1])

    @property
    def leaf(self) -> str:
        """The module's own name."""
        return self.module.rpartition(".")[2]

    @property
    def place(self) -> Place:
        """Where its files are."""
        return self.layout.place(self.destination, self.leaf, None)


def blob_name(data: bytes) -> str:
    """The name that git gives a file's content, in a repository of SHA-1 names."""
    from hashlib import sha1

    return sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def read_module_origin(table: Mapping[str, object]) -> ModuleOrigin:
    """Check the table of an archive; `DocumentError` names the key at fault."""
    home = ModuleOrigin(
        module=_module(table, "module"),
        package=_module(table, "package"),
        source_dir=_folder(table, "source-dir"),
        tests=_folder(table, "tests"),
        conf=_folder(table, "conf"),
        repository=_address(table),
        rewrites_parameters=_flag(table, "rewrite-parameters"),
        made=_members(table, "made"),
        inside=_members(table, "inside"),
        spelled=_spelled(table.get("spelled", {})),
    )
    for path in home.place[:3]:
        rel_path(path)  # together they may be longer than a path can be
    return home


def _text(table: Mapping[str, object], key: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value:
        raise _wrong(key, "a text that is not empty", value)
    return value


def _module(table: Mapping[str, object], key: str) -> str:
    text = _text(table, key)
    if not all(part.isidentifier() and not keyword.iskeyword(part) for part in text.split(".")):
        raise DocumentError(f"`{key}` is `{text[:100]}`, which is not a module path")
    rel_path(text.replace(".", "/"))
    return text


def _folder(table: Mapping[str, object], key: str) -> str:
    text = _text(table, key)
    if text == ".":
        return text
    path = rel_path(text)
    if any(part.startswith(".") for part in path.split("/")):
        raise DocumentError(f"`{key}` is `{path}`, and hidden folders hold no code, tests or parameters")
    return portable(path, key)


def _address(table: Mapping[str, object]) -> str:
    value = table.get("repository", "")
    if not isinstance(value, str) or not value.isprintable() or len(value) > LONGEST_ADDRESS:
        raise _wrong("repository", "the address of a repository", value)
    return value


def _flag(table: Mapping[str, object], key: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise _wrong(key, "true or false", value)
    return value


def _list(key: str, value: object) -> Sequence[object]:
    if not isinstance(value, list):
        raise _wrong(key, "a list", value)
    return value


def _members(table: Mapping[str, object], key: str) -> tuple[str, ...]:
    return tuple(_member(key, one) for one in _list(key, table.get(key, [])))


def _member(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise _wrong(key, "names of members", value)
    return rel_path(value)


def _spelled(table: object) -> Mapping[str, OriginalSpelling]:
    if not isinstance(table, Mapping):
        raise _wrong("spelled", "a table", table)
    found = {}
    for member, row in table.items():
        blob = row.get("blob") if isinstance(row, Mapping) else None
        if not isinstance(row, Mapping) or not isinstance(blob, str) or not _is_blob(blob):
            raise _wrong("spelled", "tables with the name of a blob of git", row)
        runs = tuple(_run(run) for run in _list("spelled", row.get("lines", [])))
        found[_member("spelled", member)] = OriginalSpelling(blob, runs)
    return found


def _is_blob(text: str) -> bool:
    return len(text) == 40 and set(text) <= set("0123456789abcdef")


def _run(run: object) -> Run:
    match run:
        case [int(start), int(count), str(text)] if start > 0 and count >= 0:
            return start, count, text
    raise _wrong("spelled", "runs of lines: where, how many, and their text", run)


def _wrong(key: str, wanted: str, found: object) -> DocumentError:
    return DocumentError(f"`{key}` must be {wanted}, found {kind_of(found)[:100]}")
