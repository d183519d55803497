"""What a package is made from: the files of its module, tests and parameters, as they stand still.

Looks and reads, never writes. What travels and what never does is decided here (kedro.md, section (c)): data files go
along; hidden files, caches, backups of editors, links, catalogs and credentials do not, and what somebody could miss
is told. Files are read between two looks that see the same, none of them younger than the clock's tick, so that a
half-saved file is never packed.
"""

import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from micropkgd.clock import GRAIN_NS, is_young
from micropkgd.errors import TreeError, UsageError
from micropkgd.model.layout import Place
from micropkgd.model.packaged import LeftOut
from micropkgd.model.parameters import renamed, why_not_parameters
from micropkgd.model.tree import RelPath, rel_path
from micropkgd.reconcile.package.ignore import Ignored
from micropkgd.reconcile.package.names import belongs, concerns
from micropkgd.workspace.memory.state import Signature
from micropkgd.workspace.observe import signature_of
from micropkgd.workspace.reading import read_regular

REQUIREMENTS: Final = "requirements.txt"

_PATIENCE: Final = 3.0  # seconds for files to stand still
_CACHES: Final = ("__pycache__",)
_COMPILED: Final = (".pyc", ".pyo")
_BACKUPS: Final = ("~", ".bak", ".orig", ".rej", ".swp", ".swo")
_CODE: Final = (".py", ".pyi")
_CATALOGS: Final = (".yml", ".yaml", ".json")

Seen = Mapping[str, Signature | None]
"""The signature of every file and folder that was looked at; None: it was not there."""


class UnsettledError(TreeError):
    """The files of a module do not stand still: trying again may help."""

    lasting = False


class Subject(NamedTuple):
    """One module, and the package it becomes."""

    place: Place
    leaf: str  # the module's own name: "forecast"
    name: str  # of the package in the archive: "ds"
    env_asked_for: bool = False  # an environment that somebody named must be there
    pulled_config: frozenset[str] = frozenset()  # parameter files that came with it, whatever their name


class Input(NamedTuple):
    """One file that travels."""

    path: RelPath
    member: str  # its place in the archive: "ds/config/parameters_ds.yml"
    executable: bool


class Inputs(NamedTuple):
    """All that was found."""

    files: tuple[Input, ...]
    left_out: tuple[LeftOut, ...]
    seen: Seen


def look(root: str, subject: Subject) -> Inputs:
    """Find the files of a module; `UsageError` where there is no such module or no such environment."""
    _check_folders(root, subject)
    seen: dict[str, Signature | None] = {}
    tour = _Tour(root, seen, Ignored(root, seen))
    try:
        found: list[Input | LeftOut] = [
            *tour.tree(subject.place.code, subject.name),
            *tour.tree(subject.place.tests, "tests"),
            *tour.config(subject),
        ]
    except OSError as error:
        raise _unreadable(root, error) from error
    files = tuple(one for one in found if isinstance(one, Input))
    if not any(file.member.startswith(f"{subject.name}/") for file in files):
        raise UsageError("the module folder has no files that could be packaged", where=subject.place.code)
    return Inputs(files, tuple(one for one in found if isinstance(one, LeftOut)), tour.seen)


def read_still(root: str, subject: Subject) -> tuple[Inputs, dict[RelPath, bytes]]:
    """Find and read the files; `UnsettledError` where somebody keeps writing."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        now = time.time_ns()
        inputs = look(root, subject)
        late = time.monotonic() > deadline
        if late or not any(one is not None and is_young(one.ctime_ns, now) for one in inputs.seen.values()):
            contents = _read(root, inputs)
            if contents is not None and look(root, subject) == inputs:
                return inputs, contents
            if late:
                raise UnsettledError("its files keep changing", where=subject.place.code, hint="save, then run again")
        time.sleep(GRAIN_NS / 1e9)


def signatures(root: str, paths: Iterable[str]) -> Seen:
    """What `stat` says of paths now."""
    return {path: _signature(root, path) for path in paths}


class _Tour(NamedTuple):
    """A walk over the folders of one module, and what it saw."""

    root: str
    seen: dict[str, Signature | None]
    ignored: Ignored

    def tree(self, folder: RelPath, top: str) -> Iterator[Input | LeftOut]:
        """The files of code or tests."""
        for path, status in self._walk(folder):
            inner = path.removeprefix(f"{folder}/")
            if inner == REQUIREMENTS and top != "tests":
                self.seen[path] = signature_of(status)  # it travels as metadata
            elif reason := _why_not(inner) or self.ignored.why(path):
                yield LeftOut(path, reason)
            elif not stat.S_ISREG(status.st_mode):
                yield LeftOut(path, "only regular files travel, and links are not followed")
            else:
                self.seen[path] = signature_of(status)
                yield Input(_sound(path), f"{top}/{_composed(inner)}", bool(status.st_mode & stat.S_IXUSR))

    def config(self, subject: Subject) -> Iterator[Input | LeftOut]:
        """The files of the environment that hold parameters of the module."""
        for path, status in self._walk(subject.place.conf):
            config = path.removeprefix(f"{subject.place.conf}/")
            travels = belongs(config, subject.leaf) or path in subject.pulled_config
            if not travels and not concerns(config, subject.leaf):
                continue
            reason = (
                _why_not(config)
                or why_not_parameters(config)
                or self.ignored.why(path)
                or ("" if travels else "is not named as its parameters")
            )
            if reason or not stat.S_ISREG(status.st_mode):
                yield LeftOut(path, reason or "only regular files travel, and links are not followed")
            else:
                self.seen[path] = signature_of(status)
                member = renamed(_composed(config), subject.leaf, subject.name)
                yield Input(_sound(path), f"{subject.name}/config/{member}", executable=False)

    def _walk(self, folder: str) -> Iterator[tuple[str, os.stat_result]]:
        """Every file below a folder, in order, with hidden folders for files; caches are passed over."""
        whole = os.path.join(self.root, folder)
        self.seen[folder] = _signature(self.root, folder)
        if self.seen[folder] is None:
            return
        with os.scandir(whole) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        for entry in found:
            path = f"{folder}/{entry.name}"
            if entry.name in _CACHES or entry.name.endswith(_COMPILED):
                continue
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                yield from self._walk(path)
            else:
                yield path, entry.stat(follow_symlinks=False)


def _check_folders(root: str, subject: Subject) -> None:
    place = subject.place
    if not os.path.isdir(os.path.join(root, place.code)):
        single = os.path.isfile(os.path.join(root, f"{place.code}.py"))
        hint = "a single file is no micro-package: put it into a folder" if single else _hint_at_others(root, place)
        raise UsageError(f"there is no module `{place.module}`", where=place.code, hint=hint)
    if subject.env_asked_for and not os.path.isdir(os.path.join(root, place.conf)):
        raise UsageError("there is no such config environment", where=place.conf, hint="see `ls` of the config folder")


def _hint_at_others(root: str, place: Place) -> str:
    """The likely mistakes: the project's package in front, which every module has anyway, or `pipelines` left out."""
    label = place.requirements_label
    package = place.code.removesuffix("/" + label.replace(".", "/"))
    top, _, below = label.partition(".")
    likely = {f"pipelines.{label}", below if package.rpartition("/")[2] == top else ""} - {""}
    for other in sorted(likely):
        if os.path.isdir(os.path.join(root, package, other.replace(".", "/"))):
            return f"did you mean `{other}`?"
    return "name a folder below the project's package, like `pipelines.features`"


def _why_not(inner: str) -> str:
    """Why a file of a module stays behind; empty where it travels."""
    file = inner.rpartition("/")[2]
    if file.startswith("."):
        return "hidden files never travel"
    if file.endswith(_BACKUPS) or (file.startswith("#") and file.endswith("#")):
        return "is the backup of an editor"
    if file.startswith("credentials") and not file.endswith(_CODE):
        return "credentials files never travel"
    if file.startswith("catalog") and file.endswith(_CATALOGS):
        return "catalog files never travel"
    return ""


def _sound(path: str) -> RelPath:
    """A path whose name can stand in an archive."""
    if not path.isprintable() or "\\" in path:
        hint = "rename it: letters, digits and the like are read the same everywhere"
        raise TreeError(f"the name {path!a} cannot stand in an archive", hint=hint)
    return rel_path(path)


def _composed(path: str) -> str:
    """The path in NFC, as archives name it."""
    if path.isascii():
        return path
    import unicodedata

    return unicodedata.normalize("NFC", path)


def _read(root: str, inputs: Inputs) -> dict[RelPath, bytes] | None:
    """All files; None where one went away meanwhile."""
    wanted = [file.path for file in inputs.files]
    wanted += [RelPath(path) for path in inputs.seen if path.endswith(f"/{REQUIREMENTS}")]
    try:
        return {path: read_regular(os.path.join(root, path)) for path in wanted}
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(root, error) from error


def _unreadable(root: str, error: OSError) -> TreeError:
    return TreeError.unreadable(error, os.path.relpath(str(error.filename), root), hint="see `ls -l` of it")


def _signature(root: str, path: str) -> Signature | None:
    try:
        return signature_of(os.lstat(os.path.join(root, path)))
    except (FileNotFoundError, NotADirectoryError):
        return None
