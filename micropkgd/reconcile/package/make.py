"""Make the archive of one module: read it while it stands still, move it, state its metadata, pack it.

Everything that a pass with nothing to do never needs is imported from here.
"""

import sys
from collections.abc import Sequence
from functools import partial

from micropkgd.errors import ArchiveError, CodeError, DocumentError, TreeError
from micropkgd.model.condition import Failure
from micropkgd.model.packaged import Archived
from micropkgd.model.policy import OnDanglingImport
from micropkgd.model.tree import RelPath
from micropkgd.named_tuples import NamedTuple
from micropkgd.reconcile.package.build import Builder
from micropkgd.reconcile.package.inputs import REQUIREMENTS, Inputs, PackagedModule, Seen
from micropkgd.reconcile.package.jobs import Job
from micropkgd.reconcile.package.metadata import read_requirements
from micropkgd.reconcile.package.names import archive_stem
from micropkgd.reconcile.package.nesting import refuse_nesting
from micropkgd.reconcile.package.spool import Spool
from micropkgd.reconcile.package.still import pieces_of, text_of, while_still
from micropkgd.reconcile.package.version import Versions
from micropkgd.relocate import Finding
from micropkgd.relocate.notes import notes_of
from micropkgd.relocate.text import UnreadError
from micropkgd.sdist.writer import Packing
from micropkgd.workspace.fsops import FsOps, refused_by_disk
from micropkgd.workspace.git import left_out_below
from micropkgd.workspace.project import Project


class SparseCheckoutError(TreeError):
    """git leaves a part of the module out of this checkout."""


class MadeArchive(NamedTuple):
    """One archive, not yet in its place."""

    archived: Archived  # what will be said of it
    seen: Seen  # all that was looked at
    failure: Failure | None  # what the policy has against it


def make(fs: FsOps, project: Project, job: Job, spool: Spool) -> MadeArchive:
    """Make the archive, one file after the other; `MicropkgError` says what of the module must be mended."""
    _refuse_part(project.root, job.subject)
    return while_still(fs, project.root, job.subject, lambda inputs: _made(fs, project, job, inputs, spool))


def _refuse_part(root: str, subject: PackagedModule) -> None:
    """`SparseCheckoutError` where git leaves files of the module out of this checkout: an archive would lack them."""
    place = subject.place
    below = left_out_below(root, (place.code, place.tests, place.conf))
    lacking = [path for path in below if not path.startswith(f"{place.conf}/") or subject.leaf in path]
    if lacking:
        others = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        problem = f"git leaves {lacking[0]}{others} out of this checkout, and an archive would lack that"
        hint = f"`git sparse-checkout add {place.code}`; `micropkgd suspend` leaves the module alone on this machine"
        raise SparseCheckoutError(problem, where=place.code, hint=hint)


def _made(fs: FsOps, project: Project, job: Job, inputs: Inputs, spool: Spool) -> MadeArchive:
    try:
        return _built(fs, project, job, inputs, spool)
    except UnreadError:  # code that does not parse may be of a Python that the project asks for
        if not _asks_for_newer_python(project):
            raise
        return _built(fs, project, job, inputs, spool, of_newer_python=True)


def _built(
    fs: FsOps, project: Project, job: Job, inputs: Inputs, spool: Spool, *, of_newer_python: bool = False
) -> MadeArchive:
    refuse_nesting((file.member for file in inputs.files), job.subject.place.code)
    source = partial(pieces_of, fs)
    pulled = job.origin.files if job.origin is not None else {}
    builder = Builder(job.subject, inputs.files, source, pulled=pulled, of_newer_python=of_newer_python)
    try:
        version, asked = _version(fs, project, job, inputs)
    except CodeError:
        builder.check()  # half-saved code may seem to have no version
        raise
    packing = Packing(archive_stem(job.subject.name, version))
    spool.clear()
    try:
        spool.fill(packing.pack(builder.parts(version, _requirements(fs, job, inputs))))
    except ArchiveError as error:  # what a reader would refuse is a matter of the module's files, not of an archive
        raise TreeError(error.problem, where=error.where or job.subject.place.code, hint=error.hint) from error
    except OSError as error:
        raise refused_by_disk(error) from error
    archived = Archived(
        path=job.archive(version),
        name=job.subject.name,
        version=version,
        digest=spool.digest,
        content=packing.content,
        notes=(*notes_of(builder.findings), *builder.notes),
        left_out=(*inputs.left_out, *builder.left_out),
    )
    return MadeArchive(archived, {**inputs.seen, **asked}, _dangling(project, builder.findings))


def _asks_for_newer_python(project: Project) -> bool:
    """Whether the project is for newer Pythons only than that which runs micropkgd."""
    from packaging.version import Version

    from micropkgd.sources.index.select import oldest_python

    try:
        oldest = oldest_python(project.manifest.project.requires_python)
    except DocumentError:
        return False
    return oldest is not None and oldest > Version(".".join(map(str, sys.version_info[:3])))


def _version(fs: FsOps, project: Project, job: Job, inputs: Inputs) -> tuple[str, Seen]:
    """The version: the module's, of a pulled module the one it came with, the project package's, the project's."""
    module = RelPath(f"{job.subject.place.code}/__init__.py")
    versions = Versions(fs, project.root, project.layout)
    version = versions.of_module(module) if module in inputs.seen else None
    if version is None and job.origin is not None:
        version = job.origin.version
    version = version or versions.of_project()
    if version is None:
        hint = 'write `__version__ = "1.0"` into it, or `version` into [project] of pyproject.toml'
        raise CodeError("no version is stated for this module", where=module, hint=hint)
    return version, versions.seen


def _requirements(fs: FsOps, job: Job, inputs: Inputs) -> tuple[str, ...]:
    """What the module says it requires; one that was pulled without a list of its own requires what it came with."""
    path = RelPath(f"{job.subject.place.code}/{REQUIREMENTS}")
    if inputs.seen.get(path) is not None:
        return read_requirements(text_of(fs, path), path)
    return job.origin.requirements if job.origin is not None else ()


def _dangling(project: Project, findings: Sequence[tuple[RelPath, Finding]]) -> Failure | None:
    """What the policy makes of imports that leave the package."""
    leaving = [(path, finding) for path, finding in findings if finding.kind == "leaves"]
    if not leaving or project.manifest.policy.on_dangling_import is not OnDanglingImport.ERROR:
        return None
    (path, finding), count = leaving[0], len(leaving)
    problem = f"{path}:{finding.line}: {'an import leaves' if count == 1 else f'{count} imports leave'} the package"
    return Failure(1, "DanglingImport", problem, 'see the notes, or set on-dangling-import = "warn"')
