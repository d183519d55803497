"""Make the archive of one module: read it while it stands still, move it, state its metadata, pack it.

Everything that a pass with nothing to do never needs is imported from here.
"""

import sys
from collections.abc import Mapping
from typing import NamedTuple

from micropkgd.errors import ArchiveError, CodeError, DocumentError, TreeError
from micropkgd.model.condition import Failure
from micropkgd.model.manifest import OnDanglingImport
from micropkgd.model.packaged import Archived
from micropkgd.model.tree import RelPath, digest_of
from micropkgd.reconcile.package.build import Moved, described, move
from micropkgd.reconcile.package.inputs import REQUIREMENTS, Inputs, Seen
from micropkgd.reconcile.package.jobs import Job
from micropkgd.reconcile.package.metadata import read_requirements
from micropkgd.reconcile.package.still import read_still
from micropkgd.reconcile.package.version import Versions
from micropkgd.relocate import notes_of
from micropkgd.relocate.text import UnreadError
from micropkgd.sdist.reader import Sdist
from micropkgd.sdist.writer import Written, write_sdist
from micropkgd.workspace.fsops import FsOps
from micropkgd.workspace.project import Project


class Made(NamedTuple):
    """One archive, not yet on disk."""

    archived: Archived  # what will be said of it
    data: bytes
    seen: Seen  # all that was looked at
    failure: Failure | None  # what the policy has against it


def make(fs: FsOps, project: Project, job: Job) -> Made:
    """Make the archive; `MicropkgError` says what of the module must be mended."""
    inputs, contents = read_still(fs, project.root, job.subject)
    moved = _moved(project, job, inputs, contents)  # first, for half-saved code may seem to have no version
    version, asked = _version(fs, project, job, contents)
    written = _pack(job, described(job.subject, moved, version, _requirements(job, contents)))
    archived = Archived(
        path=job.archive(version),
        name=job.subject.name,
        version=version,
        digest=digest_of(written.data),
        content=written.content,
        notes=_notes(moved),
        left_out=(*inputs.left_out, *moved.left_out),
    )
    return Made(archived, written.data, {**inputs.seen, **asked}, _dangling(project, moved))


def _moved(project: Project, job: Job, inputs: Inputs, contents: Mapping[RelPath, bytes]) -> Moved:
    """The files under their new names; code that does not parse may be of a Python that the project asks for."""
    pulled = job.origin.files if job.origin is not None else {}
    try:
        return move(job.subject, inputs.files, contents, pulled=pulled)
    except UnreadError:
        if not _asks_for_newer_python(project):
            raise
        return move(job.subject, inputs.files, contents, pulled=pulled, of_newer_python=True)


def _asks_for_newer_python(project: Project) -> bool:
    """Whether the project is for newer Pythons only than that which runs micropkgd."""
    from packaging.version import Version

    from micropkgd.sources.index.select import oldest_python

    try:
        oldest = oldest_python(project.manifest.project.requires_python)
    except DocumentError:
        return False
    return oldest is not None and oldest > Version(".".join(map(str, sys.version_info[:3])))


def _notes(moved: Moved) -> tuple[str, ...]:
    """What to tell of it, each with its file and line."""
    return (*notes_of(moved.findings), *moved.notes)


def _version(fs: FsOps, project: Project, job: Job, contents: Mapping[RelPath, bytes]) -> tuple[str, Seen]:
    """The version: the module's, of a pulled module the one it came with, the project package's, the project's."""
    module = RelPath(f"{job.subject.place.code}/__init__.py")
    versions = Versions(fs, project.root, project.layout)
    version = versions.of_module(module, contents.get(module, b""))
    if version is None and job.origin is not None:
        version = job.origin.version
    version = version or versions.of_project()
    if version is None:
        hint = 'write `__version__ = "1.0"` into it, or `version` into [project] of pyproject.toml'
        raise CodeError("no version is stated for this module", where=module, hint=hint)
    return version, versions.seen


def _requirements(job: Job, contents: Mapping[RelPath, bytes]) -> tuple[str, ...]:
    """What the module says it requires; one that was pulled without a list of its own requires what it came with."""
    path = RelPath(f"{job.subject.place.code}/{REQUIREMENTS}")
    if path in contents:
        return read_requirements(contents[path], path)
    return job.origin.requirements if job.origin is not None else ()


def _dangling(project: Project, moved: Moved) -> Failure | None:
    """What the policy makes of imports that leave the package."""
    leaving = [(path, finding) for path, finding in moved.findings if finding.kind == "leaves"]
    if not leaving or project.manifest.policy.on_dangling_import is not OnDanglingImport.ERROR:
        return None
    (path, finding), count = leaving[0], len(leaving)
    problem = f"{path}:{finding.line}: {'an import leaves' if count == 1 else f'{count} imports leave'} the package"
    return Failure(1, "DanglingImport", problem, 'see the notes, or set on-dangling-import = "warn"')


def _pack(job: Job, sdist: Sdist) -> Written:
    """Pack the members; what a reader would refuse is a matter of the module's files, not of an archive."""
    try:
        return write_sdist(sdist)
    except ArchiveError as error:
        raise TreeError(error.problem, where=error.where or job.subject.place.code, hint=error.hint) from error
