"""From the files of a module to the archive's members: what is renamed, rewritten and stated. Pure.

A render the other way round (`render` says where a pull puts each member): `<package>.<module>` becomes the top-level
package, its tests `tests`, its parameters `<package>/config`. Every module must parse, so that no half-saved code gets
out, unless it came so with a pull; a file that nothing can import, a template or a stub, need not.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from micropkgd.errors import CodeError, TreeError
from micropkgd.model.packaged import LeftOut
from micropkgd.model.parameters import why_not_parameters
from micropkgd.model.tree import Digest, RelPath, digest_of
from micropkgd.reconcile.package.inputs import Input, Subject
from micropkgd.reconcile.package.metadata import manifest_in, pkg_info, pyproject_toml
from micropkgd.reconcile.package.names import archive_stem
from micropkgd.reconcile.package.travel import HEAD, doubt_of, why_not_content
from micropkgd.relocate import (
    CODE,
    Finding,
    Move,
    Relocated,
    Relocation,
    is_importable,
    mentions,
    module_of,
    packages_among,
    relocate,
    relocate_or_keep,
    relocate_parameters,
)
from micropkgd.relocate.text import Text
from micropkgd.sdist.reader import Member, Sdist


class Reading(NamedTuple):
    """How a Python file is to be read: whether anything can import it, and whether it must parse."""

    importable: bool
    strict: bool


class Moved(NamedTuple):
    """The files of a module as they are in the archive, and what was seen on the way."""

    members: Mapping[str, Member]
    findings: tuple[tuple[RelPath, Finding], ...]  # imports that could not be rewritten
    notes: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()  # by what is in them


def move(
    subject: Subject,
    files: Sequence[Input],
    contents: Mapping[RelPath, bytes],
    *,
    pulled: Mapping[RelPath, Digest],
    of_newer_python: bool = False,
) -> Moved:
    """Rename and rewrite the files of a module; `CodeError` names file and line of code that does not parse.

    `pulled` are the files as they came, of a module that was pulled. A newer Python's code is not ours to judge.
    """
    relocation = _relocation(subject, files)
    packages = packages_among(file.member for file in files) | {subject.name, "tests"}
    members: dict[str, Member] = {}
    findings: list[tuple[RelPath, Finding]] = []
    left_out = _keys_among(files, contents)
    for file in (file for file in files if file.path not in left_out):
        source = contents[file.path]
        importable = is_importable(file.member, packages)
        as_it_came = of_newer_python or digest_of(source) == pulled.get(file.path)
        moved = _moved(subject, file, source, relocation, Reading(importable, strict=importable and not as_it_came))
        findings += ((file.path, finding) for finding in moved.findings)
        member = Member(file.member, moved.source, file.executable)
        if members.setdefault(file.member, member) != member:
            hint = "rename one of the two files"
            raise TreeError(f"two files would be `{file.member}` in the archive", where=file.path, hint=hint)
    notes = (*_notes(subject, files), *_doubts(files, contents))
    return Moved(members, tuple(findings), notes, tuple(left_out.values()))


def described(subject: Subject, moved: Moved, version: str, requirements: Sequence[str]) -> Sdist:
    """The archive to write: the files and what states their name, version and requirements."""
    tests = any(path.startswith("tests/") for path in moved.members)
    made = {member.path: member for member in _made(subject.name, version, requirements, tests=tests)}
    return Sdist(archive_stem(subject.name, version), tuple(sorted({**made, **moved.members}.values())))


def _keys_among(files: Sequence[Input], contents: Mapping[RelPath, bytes]) -> Mapping[RelPath, LeftOut]:
    """The files that stay behind by what is in them."""
    reasons = ((file.path, why_not_content(file.path, contents[file.path][:HEAD])) for file in files)
    return {path: LeftOut(path, reason) for path, reason in reasons if reason}


def _doubts(files: Sequence[Input], contents: Mapping[RelPath, bytes]) -> Iterator[str]:
    """What is not what it seems to be."""
    for file in files:
        if doubt := doubt_of(contents[file.path][:HEAD]):
            yield f"{file.path}: {doubt}"


def _relocation(subject: Subject, files: Sequence[Input]) -> Relocation:
    place = subject.place
    modules = {_old_module(subject, file)[0] for file in files if file.member.endswith(CODE)}
    folders = {module.rpartition(".")[0] for module in modules}
    moves = (Move(place.module, subject.name), Move(place.tests_module, "tests"))
    homes = frozenset({place.module.partition(".")[0], "tests"})
    return Relocation(moves, frozenset({*modules, *folders, place.module}), homes)


def _old_module(subject: Subject, file: Input) -> tuple[str, bool]:
    """The dotted name of a Python file in the project, and whether it is a package's own file."""
    top, _, inner = file.member.partition("/")
    old = subject.place.tests_module if top == "tests" else subject.place.module
    return module_of(f"{old.replace('.', '/')}/{inner}")


def _moved(subject: Subject, file: Input, source: bytes, relocation: Relocation, reading: Reading) -> Relocated:
    """One file as it is in the archive; one that is no Python code stays as it is."""
    if file.path.startswith(f"{subject.place.conf}/"):
        return relocate_parameters(
            source, name=file.member, relocation=relocation, rewrite=subject.rewrite_parameters
        )  # fmt: skip
    if not file.member.endswith(CODE):
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


def _made(name: str, version: str, requirements: Sequence[str], *, tests: bool) -> list[Member]:
    """The members that no file of the module stands for; an `__init__.py` only where the module has none."""
    folders = [name, "tests"] if tests else [name]
    made = [
        Member("MANIFEST.in", manifest_in(folders), executable=False),
        Member("PKG-INFO", pkg_info(name, version, requirements), executable=False),
        Member("pyproject.toml", pyproject_toml(name, version, requirements), executable=False),
    ]
    # A package needs its `__init__.py`; without the one of the tests, Kedro's pull cannot move them.
    return [*made, *(Member(f"{folder}/__init__.py", b"", executable=False) for folder in folders)]


def _notes(subject: Subject, files: Sequence[Input]) -> list[str]:
    """What a pull will do that somebody may not expect."""
    inside = f"{subject.place.code}/config/"
    return [
        f"{file.path}: a pull takes this for configuration and puts it into the config folder"
        for file in files
        if file.path.startswith(inside) and not why_not_parameters(file.path.removeprefix(inside))
    ]
