"""Builds an archive's members from a module's files: renames, rewrites, metadata. Pure.

A render the other way round (`render` says where a pull puts each member): `<package>.<module>` becomes the top-level
package, its tests `tests`, its parameters `<package>/config`. Every module must parse, so that no half-saved code gets
out, unless it came so with a pull; a file that nothing can import, a template or a stub, need not.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, zip_longest

from micropkgd.errors import CodeError, TreeError
from micropkgd.model.module_origin import ModuleOrigin
from micropkgd.model.packaged import LeftOut
from micropkgd.model.parameters import why_not_parameters
from micropkgd.model.tree import Digest, RelPath, digest_of
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.package.inputs import Input, PackagedModule
from micropkgd.reconcile.package.metadata import manifest_in, pkg_info, pyproject_toml
from micropkgd.reconcile.package.spellings import RewrittenText, with_spellings
from micropkgd.reconcile.package.travel import HEAD, doubt_of, why_not_content
from micropkgd.relocate import (
    CODE,
    Finding,
    Move,
    Relocated,
    Relocation,
    is_importable,
    module_of,
    packages_among,
    relocate,
    relocate_or_keep,
)
from micropkgd.relocate.text import Text
from micropkgd.sdist.reader import Member
from micropkgd.sdist.writer import Part, part_of
from micropkgd.workspace.reading import TEXT


class Reading(NamedTuple):
    """How a Python file is to be read: whether anything can import it, and whether it must parse."""

    importable: bool
    strict: bool


Source = Callable[[Input], Iterable[bytes]]
"""Gives the bytes of a file, in pieces."""


class Builder:
    """Renames and rewrites the files of a module one by one, and notes what is seen on the way.

    `pulled` are the files as they came, of a module that was pulled. A newer Python's code is not ours to judge.
    """

    def __init__(
        self,
        subject: PackagedModule,
        files: Sequence[Input],
        source: Source,
        *,
        pulled: Mapping[RelPath, Digest],
        of_newer_python: bool = False,
    ) -> None:
        self.findings: list[tuple[RelPath, Finding]] = []  # imports that could not be rewritten
        self.notes = _notes(subject, files)
        self.left_out: list[LeftOut] = []  # by what is in them
        self._subject = subject
        self._source = source
        self._pulled = pulled
        self._of_newer_python = of_newer_python
        self._relocation = _relocation(subject, files)
        self._packages = packages_among(file.member for file in files) | {subject.name, "tests"}
        self._files = self._by_member(files)

    def parts(self, version: str, requirements: Sequence[str]) -> Iterator[Part]:
        """The archive's files in their order: those of the module, and what states name, version and requirements.

        `CodeError` names file and line of code that does not parse.
        """
        tests = any(member.startswith("tests/") for member in self._files)
        home = with_spellings(self._subject.home, self._subject.name, self._files, self.rewritten)
        stated = _made(self._subject.name, version, requirements, home, tests=tests)
        made = {part.path: part for part in map(part_of, stated)}
        for member in sorted({*made, *self._files}):
            part = self._part(self._files[member]) if member in self._files else made[member]
            if part is not None:
                yield part

    def check(self) -> None:
        """See that all code parses."""
        for file in self._files.values():
            if file.member.endswith(CODE):
                self._part(file)

    def _by_member(self, files: Sequence[Input]) -> Mapping[str, Input]:
        found: dict[str, Input] = {}
        for file in files:
            other = found.setdefault(file.member, file)
            if other is not file and not self._are_equal(file, other):
                hint = "rename one of the two files"
                raise TreeError(f"two files would be `{file.member}` in the archive", where=file.path, hint=hint)
        return found

    def _are_equal(self, one: Input, other: Input) -> bool:
        if one[2:] != other[2:]:
            return False
        return all(a == b for a, b in zip_longest(self._source(one), self._source(other)))

    def _part(self, file: Input) -> Part | None:
        """One file as it is in the archive; None for one that stays behind by what is in it."""
        pieces = iter(self._source(file))
        start = next(pieces, b"")
        if reason := why_not_content(file.path, start[:HEAD]):
            self.left_out.append(LeftOut(file.path, reason))
            return None
        if doubt := doubt_of(start[:HEAD]):
            self.notes.append(f"{file.path}: {doubt}")
        if not self._is_read(file):
            return Part(file.member, file.size, file.executable, chain([start], pieces))
        moved = self._moved(file, b"".join((start, *pieces)))
        self.findings += ((file.path, finding) for finding in moved.findings)
        return Part(file.member, len(moved.source), file.executable, [moved.source])

    def rewritten(self, file: Input) -> RewrittenText | None:
        """A text as it is here, and as it is in the archive; None for what is not looked into."""
        if not self._is_read(file):
            return None
        source = b"".join(self._source(file))
        moved = self._moved(file, source)
        return RewrittenText(source, moved.source, moved.findings)

    def _moved(self, file: Input, source: bytes) -> Relocated:
        importable = is_importable(file.member, self._packages)
        as_it_came = self._of_newer_python or digest_of(source) == self._pulled.get(file.path)
        reading = Reading(importable, strict=importable and not as_it_came)
        return _moved(self._subject, file, source, self._relocation, reading)

    def _is_read(self, file: Input) -> bool:
        """Whether a file is looked into: code always, and other text as far as somebody may have written it."""
        return file.member.endswith(CODE) or file.size <= TEXT


def _relocation(subject: PackagedModule, files: Sequence[Input]) -> Relocation:
    place = subject.place
    modules = {_old_module(subject, file)[0] for file in files if file.member.endswith(CODE)}
    folders = {module.rpartition(".")[0] for module in modules}
    moves = (Move(place.module, subject.name), Move(place.tests_module, "tests"))
    homes = frozenset({place.module.partition(".")[0], "tests"})
    return Relocation(moves, frozenset({*modules, *folders, place.module}), homes)


def _old_module(subject: PackagedModule, file: Input) -> tuple[str, bool]:
    """The dotted name of a Python file in the project, and whether it is a package's own file."""
    top, _, inner = file.member.partition("/")
    old = subject.place.tests_module if top == "tests" else subject.place.module
    return module_of(f"{old.replace('.', '/')}/{inner}")


def _moved(subject: PackagedModule, file: Input, source: bytes, relocation: Relocation, reading: Reading) -> Relocated:
    """One file as it is in the archive; one that is no Python code stays as it is."""
    if file.path.startswith(f"{subject.place.conf}/"):
        from micropkgd.relocate.parameters import relocate_parameters

        return relocate_parameters(
            source, name=file.member, relocation=relocation, rewrite=subject.rewrite_parameters
        )  # fmt: skip
    if not file.member.endswith(CODE):
        from micropkgd.relocate.mentions import mentions

        return Relocated(source, mentions(source, name=file.member, relocation=relocation))
    module, is_package = _old_module(subject, file)
    try:
        if not reading.strict:
            return relocate_or_keep(
                source, module=module, is_package=is_package, relocation=relocation, importable=reading.importable
            )
        moved = relocate(source, module=module, is_package=is_package, relocation=relocation)
        if moved.source is source and not moved.findings:
            Text.decode(source).tree()  # nothing in it moves, so nobody has parsed it yet
    except CodeError as error:
        raise error.at(file.path) from error
    return moved


def _made(
    name: str, version: str, requirements: Sequence[str], home: ModuleOrigin | None, *, tests: bool
) -> list[Member]:
    """The members that no file of the module stands for; an `__init__.py` only where the module has none."""
    folders = [name, "tests"] if tests else [name]
    made = [
        Member("MANIFEST.in", manifest_in(folders), executable=False),
        Member("PKG-INFO", pkg_info(name, version, requirements), executable=False),
        Member("pyproject.toml", pyproject_toml(name, version, requirements, home), executable=False),
    ]
    # A package needs its `__init__.py`; without the one of the tests, Kedro's pull cannot move them.
    return [*made, *(Member(f"{folder}/__init__.py", b"", executable=False) for folder in folders)]


def _notes(subject: PackagedModule, files: Sequence[Input]) -> list[str]:
    """What a pull will do that somebody may not expect."""
    inside = f"{subject.place.code}/config/"
    return [
        f"{file.path}: a pull takes this for configuration and puts it into the config folder"
        for file in files
        if file.path.startswith(inside) and not why_not_parameters(file.path.removeprefix(inside))
    ]
