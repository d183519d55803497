"""A look at the folders of a module: which files travel, which stay behind and why.

Looks, never reads but for `.gitignore`. No link is followed, above a file neither, and what is too much for an archive
is refused by what `stat` says of it, before anything is read.
"""

import os
import stat
from collections.abc import Iterator, Sequence

from micropkgd.annotations import Final
from micropkgd.errors import MicropkgError, TreeError, UsageError
from micropkgd.model.layout import Place
from micropkgd.model.packaged import LeftOut
from micropkgd.model.parameters import renamed, why_not_parameters
from micropkgd.model.place_names import why_not_portable
from micropkgd.model.tree import RelPath, parents, rel_path
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.package.ignore import Ignored
from micropkgd.reconcile.package.inputs import REQUIREMENTS, Input, Inputs, PackagedModule, signature
from micropkgd.reconcile.package.names import belongs, concerns
from micropkgd.reconcile.package.travel import is_cache, why_not_file, why_not_folder
from micropkgd.sdist.limits import DEFAULT_LIMITS, MIB
from micropkgd.workspace.fsops import FsOps, LinkInTheWayError, kind_of_file
from micropkgd.workspace.memory.state import Signature
from micropkgd.workspace.observe import signature_of

_LINK: Final = "links are not followed"


def look(fs: FsOps, root: str, subject: PackagedModule) -> Inputs:
    """Find the files of a module; `UsageError` where there is no such module or no such environment."""
    _check_folders(fs, subject)
    seen: dict[str, Signature | None] = {}
    walk = _Walk(fs, root, seen, Ignored(fs, seen, subject.pulled_rules, root))
    try:
        found: list[Input | LeftOut] = [
            *walk.tree(subject.place.code, subject.name),
            *walk.tree(subject.place.tests, "tests"),
            *walk.tests_beside(subject),
            *walk.config(subject),
        ]
    except OSError as error:
        raise unreadable(error) from error
    files = tuple(one for one in found if isinstance(one, Input))
    left_out = tuple(one for one in found if isinstance(one, LeftOut))
    if not any(file.member.startswith(f"{subject.name}/") for file in files):
        hint = f"{left_out[0].path} {left_out[0].reason}" if left_out else ""
        raise UsageError("the module folder has no files that could be packaged", where=subject.place.code, hint=hint)
    _check_amount(subject, files)
    return Inputs(files, left_out, walk.seen)


def paths_beside(subject: PackagedModule) -> Iterator[RelPath]:
    """Where tests of the module would lie that do not travel: looked for, to be told, and no part of its archive."""
    for folder in parents(subject.place.tests):
        for name in (f"test_{subject.leaf}.py", f"{subject.leaf}_test.py"):
            yield RelPath(f"{folder}/{name}")


class _Walk(NamedTuple):
    """A walk over the folders of one module, and what it saw."""

    fs: FsOps
    root: str
    seen: dict[str, Signature | None]
    ignored: Ignored

    def tree(self, folder: RelPath, top: str) -> Iterator[Input | LeftOut]:
        """The files of code or tests."""
        yield from self._behind_link(folder)
        for path, status in self._walk(folder, into_ignored=False):
            inner = path.removeprefix(f"{folder}/")
            is_folder = stat.S_ISDIR(status.st_mode)
            if inner == REQUIREMENTS and top != "tests":
                self.seen[path] = _of_requirements(path, status)  # they travel as metadata
            elif reason := _why_not(inner, status) or self.ignored.why(path, is_folder=is_folder):
                yield LeftOut(path, reason)
            else:
                self.seen[path] = signature_of(status)
                executable = bool(status.st_mode & stat.S_IXUSR)
                yield Input(_sound(path, inner), f"{top}/{_composed(inner)}", executable, status.st_size)

    def tests_beside(self, subject: PackagedModule) -> Iterator[LeftOut]:
        """Tests of the module by their name, in the folders above that of its tests."""
        for path in paths_beside(subject):
            self.seen[path] = signature(self.root, path)
            if self.seen[path] is not None:
                yield LeftOut(path, f"lies beside: only tests in {subject.place.tests}/ travel")

    def config(self, subject: PackagedModule) -> Iterator[Input | LeftOut]:
        """The files of the environment that hold parameters of the module."""
        yield from self._behind_link(subject.place.conf)
        for path, status in self._walk(subject.place.conf, into_ignored=True):  # to tell what it hides
            config = path.removeprefix(f"{subject.place.conf}/")
            travels = belongs(config, subject.leaf) or path in subject.pulled_config
            if not travels and not concerns(config, subject.leaf):
                continue
            reason = (
                _why_not(config, status)
                or why_not_parameters(config)
                or self.ignored.why(path, is_folder=stat.S_ISDIR(status.st_mode))
                or ("" if travels else "is not named as its parameters")
            )
            if reason:
                yield LeftOut(path, reason)
            else:
                self.seen[path] = signature_of(status)
                member = renamed(_composed(config), subject.leaf, subject.name)
                yield Input(
                    _sound(path, config), f"{subject.name}/config/{member}", executable=False, size=status.st_size
                )

    def _behind_link(self, folder: RelPath) -> Iterator[LeftOut]:
        """The link by which a folder would be reached, if there is one."""
        for path in (folder, *parents(folder)):
            status = self.fs.status(path)
            if status is not None and stat.S_ISLNK(status.st_mode):
                self.seen[path] = signature_of(status)
                yield LeftOut(path, _LINK)

    def _walk(self, top: RelPath, *, into_ignored: bool) -> Iterator[tuple[str, os.stat_result]]:
        """Every file below a folder, in order, and the folders that are not looked into; caches are passed over."""
        count = 0
        waiting: list[Iterator[tuple[str, os.stat_result]]] = [self._in(top)]
        while waiting:
            path, status = next(waiting[-1], ("", None))
            if status is None:
                waiting.pop()
                continue
            count += 1
            _check_extent(top, count, len(waiting))
            is_folder = stat.S_ISDIR(status.st_mode)
            if (
                is_folder
                and not _why_not(path, status)
                and (into_ignored or not self.ignored.why(path, is_folder=True))
            ):
                waiting.append(self._in(path))
            else:
                yield path, status

    def _in(self, folder: str) -> Iterator[tuple[str, os.stat_result]]:
        """What is in a folder; nothing, where there is none or it is behind a link."""
        self.seen[folder] = signature(self.root, folder)
        try:
            found = self.fs.entries(RelPath(folder))
        except (FileNotFoundError, NotADirectoryError, LinkInTheWayError):
            found = ()
        for name, status in found:
            if not is_cache(name):
                yield f"{folder}/{name}", status


def _of_requirements(path: str, status: os.stat_result) -> Signature:
    if not stat.S_ISREG(status.st_mode):
        hint = "put a file of its own there: links are not followed"
        raise TreeError(f"{kind_of_file(status.st_mode)} cannot state requirements", where=path, hint=hint)
    return signature_of(status)


def _why_not(path: str, status: os.stat_result) -> str:
    name = path.rpartition("/")[2]
    if stat.S_ISDIR(status.st_mode):
        return why_not_folder(name)
    return why_not_file(name) or ("" if stat.S_ISREG(status.st_mode) else f"only regular files travel, and {_LINK}")


def _check_extent(top: str, count: int, depth: int) -> None:
    """End a walk that cannot end well, long before it ends by itself."""
    if count > DEFAULT_LIMITS.members:
        problem = f"it has more than {DEFAULT_LIMITS.members:,} files and folders"
        hint = "keep data out of the package: a folder that .gitignore names is not looked into"
        raise TreeError(problem, where=top, hint=hint)
    if depth > DEFAULT_LIMITS.depth:
        raise TreeError(f"it is more than {DEFAULT_LIMITS.depth} folders deep", where=top)


def _check_amount(subject: PackagedModule, files: Sequence[Input]) -> None:
    """Refuse what no archive takes by its sizes alone."""
    total, most = sum(file.size for file in files), DEFAULT_LIMITS.unpacked
    if total > most:
        largest = max(files, key=lambda file: file.size)
        problem = f"its files have {total // MIB:,} MiB, and an archive takes {most // MIB}"
        hint = f"keep large data files out of the package: {largest.path} has {largest.size // MIB:,} MiB"
        raise TreeError(problem, where=subject.place.code, hint=hint)
    if len(files) > DEFAULT_LIMITS.members:
        problem = f"it has more than {DEFAULT_LIMITS.members:,} files, tests and parameters counted"
        raise TreeError(problem, where=subject.place.code, hint="keep data out of the package")


def _check_folders(fs: FsOps, subject: PackagedModule) -> None:
    place = subject.place
    if not _is_folder(fs, place.code):
        single = fs.status(RelPath(f"{place.code}.py")) is not None
        hint = "a single file is not a micro-package: put it into a folder" if single else _hint_at_others(fs, place)
        raise UsageError(f"there is no module `{place.module}`", where=place.code, hint=hint)
    if subject.env_asked_for and not _is_folder(fs, place.conf):
        raise UsageError("there is no such config environment", where=place.conf, hint="see `ls` of the config folder")


def _is_folder(fs: FsOps, path: RelPath) -> bool:
    """Whether a folder is there; `TreeError` where a link is, for what is behind it is not the project's."""
    for each in (path, *parents(path)):
        if (status := fs.status(each)) is not None and stat.S_ISLNK(status.st_mode):
            raise TreeError("a symbolic link stands where a folder should", where=each, hint=f"{_LINK}: move it here")
    return _stands(fs, path)


def _stands(fs: FsOps, folder: str) -> bool:
    status = fs.status(RelPath(folder))
    return status is not None and stat.S_ISDIR(status.st_mode)


def _hint_at_others(fs: FsOps, place: Place) -> str:
    from micropkgd.reconcile.package.likely import likely_module, nearest_module

    label = place.requirements_label
    package = place.code.removesuffix("/" + label.replace(".", "/"))
    likely = likely_module(label, package, lambda folder: _stands(fs, folder))
    likely = likely or nearest_module(label, _modules(fs, RelPath(package)))
    return f"did you mean `{likely}`?" if likely else "name a folder below the project's package"


def _modules(fs: FsOps, package: RelPath) -> Iterator[str]:
    """The folders of code right below the package, and one deeper: where modules to be packaged are."""
    for name in fs.names(package):
        inner = RelPath(f"{package}/{name}")
        if name.isidentifier() and name != "__pycache__" and _stands(fs, inner):
            yield name
            yield from (f"{name}.{one}" for one in fs.names(inner) if _stands(fs, f"{inner}/{one}"))


def _sound(path: str, inner: str) -> RelPath:
    """A path whose name, as the module or the config folder has it, can stand in an archive."""
    if not path.isprintable() or "\\" in path:
        hint = "rename it: letters, digits and the like are read the same everywhere"
        raise TreeError(f"the name {path!a} cannot stand in an archive", hint=hint)
    if reason := why_not_portable(inner):
        hint = "rename it: an archive is for every system"
        raise TreeError(f"not every system can hold the name of `{path}`: {reason}", hint=hint)
    return rel_path(path)


def _composed(path: str) -> str:
    """The path in NFC, as archives name it."""
    if path.isascii():
        return path
    import unicodedata

    return unicodedata.normalize("NFC", path)


def unreadable(error: OSError) -> MicropkgError:
    """What people are told of a file or folder below the project."""
    return TreeError.unreadable(error, str(error.filename), hint="see `ls -l` of it")
